"""Contact cards: read back by a library that is not ours, whatever the values hold (RFC 6350)."""

from datetime import UTC, date, datetime

import pytest
import vobject  # type: ignore[import-untyped]  # it has no types
from hypothesis import given as forall
from hypothesis import strategies as st

from app.rights.contact_cards import ContactCard, jscontact, vcard

UID = "urn:uuid:6f1c2f7e-3a52-4d0e-9a5e-0d7a7a1c9b10"
AT = datetime(2026, 11, 22, 10, 0, 1, tzinfo=UTC)
CARD = ContactCard(
    uid=UID,
    revised_at=AT,
    names=("Zoë Ångström-O'Brien",),
    emails=("zoe.angstrom@stad.example", "zoe@hem.example"),
    phones=("+32470123456",),
    titles=("Inspector; first class, acting",),
    organisations=("Miljöförvaltningen",),
    units=("Luft\\vatten",),
    addresses=("Box 1\n111 22 Stockholm",),
    country="SE",
    languages=("sv",),
    genders=("non-binary",),
    born_on=date(1980, 2, 29),
)
TEXTS = st.text(min_size=1, max_size=200).map(str.strip).filter(bool)


@pytest.mark.clause("C68", "L35")
def test_a_card_is_the_one_of_the_standard() -> None:
    """RFC 6350: CRLF, escapes, PREF where there are several."""
    assert vcard(CARD).decode().split("\r\n") == [
        "BEGIN:VCARD",
        "VERSION:4.0",
        f"UID:{UID}",
        "KIND:individual",
        "PRODID:-//personal-data-ledger//portability package//EN",
        "REV:20261122T100001Z",
        "FN:Zoë Ångström-O'Brien",
        "EMAIL;PREF=1:zoe.angstrom@stad.example",
        "EMAIL;PREF=2:zoe@hem.example",
        "TEL;VALUE=uri:tel:+32470123456",
        "TITLE:Inspector\\; first class\\, acting",
        "ORG:Miljöförvaltningen;Luft\\\\vatten",
        "ADR:;;Box 1\\n111 22 Stockholm;;;;SE",
        "LANG:sv",
        "GENDER:;non-binary",
        "BDAY:19800229",
        "END:VCARD",
        "",
    ]


@pytest.mark.clause("C68", "L35")
def test_another_library_reads_the_same_values() -> None:
    read = vobject.readOne(vcard(CARD).decode())

    assert read.fn.value == CARD.names[0]
    assert [one.value for one in read.contents["email"]] == list(CARD.emails)
    assert read.tel.value == "tel:+32470123456"
    assert read.title.value == CARD.titles[0]
    assert read.org.value == [CARD.organisations[0], CARD.units[0]]
    assert (read.adr.value.street, read.adr.value.country) == (CARD.addresses[0], "SE")


@forall(name=TEXTS, title=TEXTS)
def test_no_text_breaks_out_of_its_line(name: str, title: str) -> None:
    card = ContactCard(uid=UID, revised_at=AT, names=(name,), titles=(title,))

    lines = vcard(card).split(b"\r\n")
    unfolded = vcard(card).decode().replace("\r\n ", "").split("\r\n")

    assert all(len(line) <= 75 for line in lines)
    assert [line.partition(":")[0].partition(";")[0] for line in unfolded] == [
        *("BEGIN", "VERSION", "UID", "KIND", "PRODID", "REV", "FN", "TITLE", "END"),
        "",
    ]
    for line in lines:
        line.decode()  # no character was cut in two


def test_a_card_without_a_name_is_filed_under_what_there_is() -> None:
    nameless = ContactCard(uid=UID, revised_at=AT, emails=("zoe@hem.example",))

    assert b"\r\nFN:zoe@hem.example\r\n" in vcard(nameless)
    assert jscontact(nameless)["name"] == {"@type": "Name", "full": "zoe@hem.example"}


@pytest.mark.clause("C68", "L35")
def test_a_jscontact_card_says_the_same() -> None:
    """RFC 9553."""
    assert jscontact(CARD) == {
        "@type": "Card",
        "version": "1.0",
        "uid": UID,
        "kind": "individual",
        "prodId": "-//personal-data-ledger//portability package//EN",
        "updated": "2026-11-22T10:00:01Z",
        "name": {"@type": "Name", "full": CARD.names[0]},
        "emails": {
            "e1": {"@type": "EmailAddress", "address": CARD.emails[0], "pref": 1},
            "e2": {"@type": "EmailAddress", "address": CARD.emails[1], "pref": 2},
        },
        "phones": {"p1": {"@type": "Phone", "number": "tel:+32470123456"}},
        "titles": {"t1": {"@type": "Title", "kind": "title", "name": CARD.titles[0]}},
        "organizations": {
            "o1": {
                "@type": "Organization",
                "name": CARD.organisations[0],
                "units": [{"@type": "OrgUnit", "name": CARD.units[0]}],
            }
        },
        "addresses": {"a1": {"@type": "Address", "full": CARD.addresses[0], "countryCode": "SE"}},
        "preferredLanguages": {"l1": {"@type": "LanguagePref", "language": "sv"}},
        "anniversaries": {
            "b1": {
                "@type": "Anniversary",
                "kind": "birth",
                "date": {"@type": "PartialDate", "year": 1980, "month": 2, "day": 29},
            }
        },
    }
