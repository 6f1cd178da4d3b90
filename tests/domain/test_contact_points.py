"""Contact points: the one form of an address or a number, role mailboxes, and what a mask shows."""

import string

import phonenumbers
import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import example, given
from hypothesis import strategies as st

from app.domain.contact_points import (
    is_role_address,
    normalise_email,
    normalise_phone,
)
from app.domain.text_values import ValueInvalid

LOCAL_PARTS = st.text(
    string.ascii_letters + string.digits + "._+-'&/=åßÅΣςİы", min_size=1, max_size=20
)
LABELS = st.text(string.ascii_letters + string.digits + "-öÖжς", min_size=1, max_size=12)
DOMAINS = st.builds(
    ".".join,
    st.lists(LABELS, min_size=1, max_size=3).map(
        lambda labels: [*labels, "example"],
    ),
)
ADDRESSES = st.builds("{}@{}".format, LOCAL_PARTS, DOMAINS)
ASCII_ADDRESSES = st.builds(
    "{}@{}".format,
    st.text(string.ascii_letters + string.digits + "._+-'!#$%&*/=?^`{|}~", max_size=70),
    st.lists(
        st.sampled_from(["a", "x-y", "-", "xn--bcher-kva", "a--b", "1", "example", "test", "local"])
        | st.text(string.ascii_letters + string.digits + "-_", max_size=64),
        min_size=1,
        max_size=5,
    ).map(".".join),
)
LETTERS = "ßäöøþāčęğłńőřșțžΐάλνςώабжчяђџ" + string.ascii_lowercase + "1-."
INTERNATIONAL_ADDRESSES = st.builds(
    "{}@{}.{}".format,
    st.text(LETTERS, min_size=1, max_size=70),
    st.text(LETTERS, min_size=1, max_size=120),
    st.sampled_from(["example", "se", "ευ", "xn--j1amh", "test"]),
)
COUNTRIES = st.sampled_from(sorted(phonenumbers.SUPPORTED_REGIONS))


@pytest.mark.clause("C7")
@pytest.mark.parametrize(
    ("typed", "normalised"),
    [
        ("anna.lind@stad.example", "anna.lind@stad.example"),
        ("  Anna.LIND@Stad.EXAMPLE ", "anna.lind@stad.example"),
        ("anna+nyheter@stad.example", "anna+nyheter@stad.example"),
        ("anna@xn--bcher-kva.example", "anna@bücher.example"),
        ("anna@BÜCHER.example", "anna@bücher.example"),
        ("anna@bu\u0308cher.example", "anna@bücher.example"),
        ("A\u030ase@stad.example", "åse@stad.example"),
        ("ΝΊΚΟΣ@δήμος.example", "νίκος@δήμος.example"),
        ("ДИРЕКТОР@община.example", "директор@община.example"),
        ("o'connor@county.example", "o'connor@county.example"),
        ("anna@mail.city.example.org", "anna@mail.city.example.org"),
    ],
)
def test_an_address_has_one_form(typed: str, normalised: str) -> None:
    assert normalise_email(typed) == normalised


@pytest.mark.clause("C7")
@pytest.mark.parametrize("top", ["example", "exämple"], ids=["plain", "international"])
def test_an_address_may_be_as_long_as_mail_can_carry(top: str) -> None:
    """RFC 5321: 64 octets before the sign."""
    assert normalise_email(f"{'a' * 64}@stad.{top}") == f"{'a' * 64}@stad.{top}"

    with pytest.raises(ValueInvalid):
        normalise_email(f"{'a' * 65}@stad.{top}")


@pytest.mark.clause("C7")
def test_a_whole_address_has_254_characters_at_most() -> None:
    """RFC 5321, less the angle brackets of its path."""
    domain = ".".join(["a" * 63, "b" * 63, "c" * 55, "example"])

    assert len(normalise_email(f"{'d' * 62}@{domain}")) == 254

    with pytest.raises(ValueInvalid) as refused:
        normalise_email(f"{'d' * 63}@{domain}")

    assert refused.value.facts["reason"] == "too-long"


@pytest.mark.clause("C7")
def test_two_mailboxes_stay_two() -> None:
    """Full case folding would make one of these: the mail of the first would reach the second."""
    assert normalise_email("weiß@stadt.example") != normalise_email("weiss@stadt.example")


@pytest.mark.clause("C7")
@pytest.mark.parametrize(
    "typed",
    [
        "",
        "anna",
        "anna@",
        "@stad.example",
        "anna@stad",
        "anna@stad..example",
        "anna..lind@stad.example",
        ".anna@stad.example",
        "anna@-stad.example",
        "anna@stad.example.",
        "anna@anna@stad.example",
        "anna lind@stad.example",
        '"anna lind"@stad.example',
        "Anna Lind <anna@stad.example>",
        "anna@[192.0.2.1]",
        "anna@stad.localhost",
        "anna@stad.example, eva@stad.example",
        "anna\uff20stad.example",
        "anna\u202e@stad.example",
        "anna@stad.example\x00",
        "anna\ud800@stad.example",
        "a" * 65 + "@stad.example",
        "a@" + "stad." * 50 + "example",
    ],
)
def test_what_is_no_address_is_refused_without_a_word_of_it(typed: str) -> None:
    with pytest.raises(ValueInvalid) as refused:
        normalise_email(typed)

    assert refused.value.facts["category"] == "contact.email"
    assert refused.value.__context__ is None


def test_a_refusal_names_the_category_that_was_written_to() -> None:
    with pytest.raises(ValueInvalid) as refused:
        normalise_email("anna", category="billing.email")

    assert refused.value.facts == {"category": "billing.email", "reason": "not-an-email-address"}


@pytest.mark.clause("C7")
@given(ADDRESSES)
@example("İ@stad.example")
@example("Straße@Faß.example")
def test_normalising_an_address_again_changes_nothing(address: str) -> None:
    try:
        once = normalise_email(address)
    except ValueInvalid:
        return

    assert normalise_email(once) == once
    assert normalise_email(address.upper().lower()) == normalise_email(once.upper().lower())


@given(ASCII_ADDRESSES | INTERNATIONAL_ADDRESSES)
@example("anna@host.test")
@example("anna@" + "ö" * 58 + ".example")
@example("anna@" + "ö" * 59 + ".example")
@example("ö" * 64 + "@" + ".".join(["ж" * 20] * 4) + ".example")
@example("anna@faß.example")
@example("a@ςğøğџάøžöžςřńńőțάłäțђäāāώþöøțø.se")
@example("ö" * 25 + "@џöțžаğώßђøčλаžчааџøțğāþńłђбäς.äжö.äțčöęöб.ßāжțžώяџђßčώöςς.se")
@example("νίκος@δήμος.example")
@example("anna@localhost")
@example("anna@xn--bcher-kva.example")
@example("anna@a--b.example")
@example("anna@b.1")
@example("a" * 65 + "@stad.example")
def test_the_short_way_for_plain_addresses_agrees_with_the_library(address: str) -> None:
    try:
        expected: str | None = validate_email(
            address.strip().lower(), check_deliverability=False, strict=True
        ).normalized
    except EmailNotValidError:
        expected = None
    try:
        found: str | None = normalise_email(address)
    except ValueInvalid:
        found = None

    assert found == expected


@pytest.mark.clause("C7")
@pytest.mark.parametrize(
    "address",
    [
        "info@stad.example",
        "INFO@stad.example",
        "team@stad.example",
        "secretariat@impel.example",
        "sécrétariat@ville.example",
        "office@stad.example",
        "contact@stad.example",
        "no-reply@stad.example",
        "no_reply@stad.example",
        "noreply2@stad.example",
        "info+list@stad.example",
        "info.brussels@stad.example",
        "press.office@stad.example",
        "_info.brussels@stad.example",
        "sécrétariat.bruxelles@ville.example",
        "kansli@stad.example",
        "registrator@kommun.example",
        "kirjaamo@kaupunki.example",
        "poststelle@amt.example",
        "деловодство@община.example",
        "γραμματεία@δήμος.example",
        "postmaster@stad.example",
    ],
)
def test_a_role_mailbox_identifies_nobody(address: str) -> None:
    assert is_role_address(address)


@pytest.mark.parametrize(
    "address",
    [
        "anna.lind@stad.example",
        "anna.press@stad.example",
        "infante@stad.example",
        "anna@info.example",
    ],
)
def test_a_person_is_no_role(address: str) -> None:
    assert not is_role_address(address)


@given(st.text(max_size=30))
def test_whether_a_mailbox_is_a_role_can_be_asked_of_any_text(value: str) -> None:
    assert is_role_address(value) == is_role_address(f" {value} ")


@pytest.mark.clause("C8")
@pytest.mark.parametrize(
    ("typed", "region", "normalised"),
    [
        ("08-12 34 56", "SE", "+468123456"),
        ("08-12 34 56", "se", "+468123456"),
        ("+46 (0)8 12 34 56", None, "+468123456"),
        ("0046 8 12 34 56", "SE", "+468123456"),
        ("012 34 56 78", "BE", "+3212345678"),
        ("012/34.56.78", "BE", "+3212345678"),
        ("02 1234 5678", "IT", "+390212345678"),
        ("+32 12 34 56 78", "SE", "+3212345678"),
        ("\uff0b32 12 34 56 78", None, "+3212345678"),
        ("+32\u00a012\u00a034\u201156\u201178", None, "+3212345678"),
    ],
)
def test_a_number_has_one_form(typed: str, region: str | None, normalised: str) -> None:
    assert normalise_phone(typed, region) == normalised


@pytest.mark.clause("C8")
def test_a_typed_number_has_64_characters_at_most() -> None:
    assert normalise_phone("+32" + " " * 53 + "12345678", None) == "+3212345678"

    with pytest.raises(ValueInvalid) as refused:
        normalise_phone("+32" + " " * 54 + "12345678", None)

    assert refused.value.facts["reason"] == "too-long"


@pytest.mark.clause("C8")
@pytest.mark.parametrize(
    ("typed", "region", "reason"),
    [
        ("08-12 34 56", None, "region-missing"),
        ("08-12 34 56", "XX", "region-missing"),
        ("+999 12 34 56", None, "not-a-phone-number"),
        ("12", "SE", "not-a-phone-number"),
        ("1", "SE", "not-a-phone-number"),
        ("1", None, "not-a-phone-number"),
        ("\uff0b999 12 34 56", None, "not-a-phone-number"),
        ("+46 8 1", None, "not-a-phone-number"),
        ("0800 FLOWERS", "BE", "not-a-phone-number"),
        ("+32 12 34 56 78 ext. 5", None, "not-a-phone-number"),
        ("012 34 56 78 or 012 34 56 79", "BE", "not-a-phone-number"),
        ("+" + "1" * 70, None, "too-long"),
        ("", "SE", "empty"),
        ("+32 12\x00", None, "control-character"),
    ],
)
def test_what_is_no_number_is_refused_without_a_word_of_it(
    typed: str, region: str | None, reason: str
) -> None:
    with pytest.raises(ValueInvalid) as refused:
        normalise_phone(typed, region)

    assert refused.value.facts == {"category": "contact.phone", "reason": reason}
    assert refused.value.__context__ is None


@pytest.mark.clause("C8")
@given(COUNTRIES, COUNTRIES)
def test_normalising_a_number_again_changes_nothing_in_any_country(home: str, other: str) -> None:
    sample = phonenumbers.example_number(home)
    assert sample is not None
    typed = phonenumbers.format_number(sample, phonenumbers.PhoneNumberFormat.NATIONAL)

    once = normalise_phone(typed, home)

    assert normalise_phone(once, other) == once
    assert normalise_phone(once, None) == once


@given(st.text(st.characters(), max_size=30), COUNTRIES)
def test_any_text_is_a_number_or_is_refused(value: str, region: str) -> None:
    try:
        number = normalise_phone(value, region)
    except ValueInvalid:
        return

    assert number.startswith("+")
    assert number[1:].isascii()
    assert number[1:].isdigit()
