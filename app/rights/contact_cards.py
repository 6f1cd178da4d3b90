"""A person's contact details as vCard 4.0 (RFC 6350) and as JSContact (RFC 9553)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Final, TypeAlias

LINE_OCTETS_MAX: Final = 75
PRODUCER: Final = "-//personal-data-ledger//portability package//EN"
VCARD_MEDIA_TYPE: Final = "text/vcard"
JSCONTACT_MEDIA_TYPE: Final = "application/jscontact+json"

Value: TypeAlias = dict[str, Any]  # Any: a JSON value
_ESCAPES: Final = str.maketrans({"\\": "\\\\", ",": "\\,", ";": "\\;", "\n": "\\n", "\r": None})


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactCard:
    """What an address book can hold of a person; each list is in order of preference."""

    uid: str
    """A URN, the same in every card of the person."""
    revised_at: datetime
    names: tuple[str, ...] = field(default=(), repr=False)
    emails: tuple[str, ...] = field(default=(), repr=False)
    phones: tuple[str, ...] = field(default=(), repr=False)
    """In E.164 form."""
    titles: tuple[str, ...] = field(default=(), repr=False)
    organisations: tuple[str, ...] = field(default=(), repr=False)
    units: tuple[str, ...] = field(default=(), repr=False)
    """Of the first organisation."""
    addresses: tuple[str, ...] = field(default=(), repr=False)
    """In full, as they are written."""
    country: str | None = field(default=None, repr=False)
    """ISO 3166 alpha-2, of the first address."""
    languages: tuple[str, ...] = field(default=(), repr=False)
    genders: tuple[str, ...] = field(default=(), repr=False)
    born_on: date | None = field(default=None, repr=False)

    @property
    def named(self) -> str:
        """What the card is filed under: a card without a name is none (RFC 6350 §6.2.1)."""
        return next(iter((*self.names, *self.emails, *self.organisations)), self.uid)


def vcard(card: ContactCard) -> bytes:
    """The card as one vCard: CRLF, UTF-8, no line longer than 75 octets."""
    lines = ("BEGIN:VCARD", "VERSION:4.0", *_properties(card), "END:VCARD")
    return b"".join(_folded(line) for line in lines)


def _properties(card: ContactCard) -> Iterator[str]:
    yield f"UID:{card.uid}"
    yield "KIND:individual"
    yield f"PRODID:{_text(PRODUCER)}"
    yield f"REV:{card.revised_at.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    yield from _each("FN", card.names or (card.named,))
    yield from _each("EMAIL", card.emails)
    # A URI escapes nothing and knows no comma: the number is digits behind a plus.
    yield from (
        f"TEL;VALUE=uri{_preference(number, card.phones)}:tel:{phone}"
        for number, phone in enumerate(card.phones)
    )
    yield from _each("TITLE", card.titles)
    for number, organisation in enumerate(card.organisations):
        units = card.units if number == 0 else ()
        value = ";".join(map(_text, (organisation, *units)))
        yield f"ORG{_preference(number, card.organisations)}:{value}"
    for number, address in enumerate(card.addresses):
        country = _text(card.country or "") if number == 0 else ""
        yield f"ADR{_preference(number, card.addresses)}:;;{_text(address)};;;;{country}"
    yield from _each("LANG", card.languages)
    if card.genders:
        yield f"GENDER:;{_text(card.genders[0])}"
    if card.born_on is not None:
        yield f"BDAY:{card.born_on:%Y%m%d}"


def _each(name: str, values: Sequence[str]) -> Iterator[str]:
    for number, value in enumerate(values):
        yield f"{name}{_preference(number, values)}:{_text(value)}"


def _preference(number: int, values: Sequence[str]) -> str:
    """PREF from 1, the most preferred; one value alone needs none."""
    return f";PREF={min(number + 1, 100)}" if len(values) > 1 else ""


def _text(value: str) -> str:
    """A text value (RFC 6350 §3.4): other control characters have no place in a card."""
    kept = "".join(one for one in value if one >= " " or one in "\n\t")
    return kept.replace("\x7f", "").translate(_ESCAPES)


def _folded(line: str) -> bytes:
    """One line, broken before 75 octets and never inside a character (RFC 6350 §3.2)."""
    folded, octets = bytearray(), 0
    for character in line:
        encoded = character.encode()
        if octets + len(encoded) > LINE_OCTETS_MAX:
            folded += b"\r\n "
            octets = 1
        folded += encoded
        octets += len(encoded)
    return bytes(folded) + b"\r\n"


def jscontact(card: ContactCard) -> Value:
    """The card as a JSContact Card, members without a value left out."""
    told: Value = {
        "@type": "Card",
        "version": "1.0",
        "uid": card.uid,
        "kind": "individual",
        "prodId": PRODUCER,
        "updated": f"{card.revised_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "name": {"@type": "Name", "full": card.named},
        "emails": _by_id("e", ({"@type": "EmailAddress", "address": one} for one in card.emails)),
        "phones": _by_id("p", ({"@type": "Phone", "number": f"tel:{one}"} for one in card.phones)),
        "titles": _by_id(
            "t", ({"@type": "Title", "kind": "title", "name": one} for one in card.titles)
        ),
        "organizations": _by_id("o", _organisations(card)),
        "addresses": _by_id("a", _addresses(card)),
        "preferredLanguages": _by_id(
            "l", ({"@type": "LanguagePref", "language": one} for one in card.languages)
        ),
        "anniversaries": _by_id("b", _birth(card)),
    }
    return {name: value for name, value in told.items() if value}


def _by_id(letter: str, ordered: Iterable[Value]) -> Value:
    """Id -> value; with more than one, their order is their preference."""
    values = list(ordered)
    preferred = letter in _PREFERRED and len(values) > 1
    return {
        f"{letter}{number}": {**value, "pref": min(number, 100)} if preferred else value
        for number, value in enumerate(values, 1)
    }


_PREFERRED: Final = frozenset("epal")
"""Only these kinds have a `pref` (RFC 9553)."""


def _organisations(card: ContactCard) -> Iterator[Value]:
    for number, organisation in enumerate(card.organisations):
        units = [{"@type": "OrgUnit", "name": one} for one in card.units if number == 0]
        yield {
            "@type": "Organization",
            "name": organisation,
            **({"units": units} if units else {}),
        }


def _addresses(card: ContactCard) -> Iterator[Value]:
    for number, address in enumerate(card.addresses):
        country = card.country if number == 0 else None
        yield {
            "@type": "Address",
            "full": address,
            **({"countryCode": country} if country else {}),
        }


def _birth(card: ContactCard) -> Iterator[Value]:
    if card.born_on is not None:
        born = card.born_on
        partial = {"year": born.year, "month": born.month, "day": born.day}
        yield {
            "@type": "Anniversary",
            "kind": "birth",
            "date": {"@type": "PartialDate", **partial},
        }
