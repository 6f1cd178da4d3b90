"""Account numbers: two numberings in one form, checksums upheld, four characters shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import iban, luhn

from app.domain.accounts import (
    AccountKind,
    mask_account,
    normalise_account,
    normalise_bankgiro,
    normalise_iban,
)
from app.domain.text_values import ValueInvalid

ARABIC_INDIC = "50501055".translate({48 + digit: 0x660 + digit for digit in range(10)})
DIGITS = st.text("0123456789", min_size=6, max_size=7)
BANKGIRO_NUMBERS = DIGITS.map(lambda digits: digits + luhn.calc_check_digit(digits))
SWEDISH_IBANS = st.text("0123456789", min_size=20, max_size=20).map(
    lambda account: f"SE{iban.calc_check_digits(f'SE00{account}')}{account}"
)


@pytest.mark.clause("C12")
@pytest.mark.parametrize(
    ("typed", "normalised"),
    [
        ("BE68 5390 0754 7034", "BE68539007547034"),  # a bank code that no bank has
        ("be68-5390-0754-7034", "BE68539007547034"),
        ("SE45 5000 0000 0583 9825 7466", "SE4550000000058398257466"),
        ("MT84 MALT 0110 0001 2345 MTLC AST0 01S", "MT84MALT011000012345MTLCAST001S"),
    ],
)
def test_an_iban_has_one_form(typed: str, normalised: str) -> None:
    assert normalise_iban(typed) == normalised
    assert normalise_account(typed) == (AccountKind.IBAN, normalised)


@pytest.mark.clause("C12")
def test_a_typed_account_number_has_64_characters_at_most() -> None:
    assert normalise_account("BE68" + " " * 48 + "539007547034")[1] == "BE68539007547034"

    with pytest.raises(ValueInvalid) as refused:
        normalise_account("BE68" + " " * 49 + "539007547034")

    assert refused.value.facts["reason"] == "too-long"


@pytest.mark.clause("C12")
@pytest.mark.parametrize(
    "typed",
    [
        "BE68 5390 0754 7035",  # checksum
        "BE68 5390 0754 703",  # length
        "BE68 5390 0754 70A4",
        "BE\u0666\u0668 5390 0754 7034",
        "XX68 5390 0754 7034",
        "IBAN BE68 5390 0754 7034",
        "BE",
        "",
        "BE68 5390 0754 7034\x00",
    ],
)
def test_what_is_no_iban_is_refused_without_a_word_of_it(typed: str) -> None:
    with pytest.raises(ValueInvalid) as refused:
        normalise_iban(typed)

    assert refused.value.facts["category"] == "financial.account"
    assert refused.value.__context__ is None


@pytest.mark.clause("C12")
@pytest.mark.parametrize(
    ("typed", "normalised"),
    [
        ("5050-1055", "50501055"),
        ("50501055", "50501055"),
        (" 5050 1055 ", "50501055"),
        ("5050 - 1055", "50501055"),
        ("5050\u20131055", "50501055"),
        ("991-2346", "9912346"),
    ],
)
def test_a_bankgiro_number_has_one_form(typed: str, normalised: str) -> None:
    assert normalise_bankgiro(typed) == normalised
    assert normalise_account(typed) == (AccountKind.BANKGIRO, normalised)


@pytest.mark.clause("C12")
@pytest.mark.parametrize(
    "typed",
    [
        "5050-1056",
        "991-2345",
        "505-01055",
        "123456",
        "505010551",
        ARABIC_INDIC,
        "5050/1055",
        "-",
        "",
    ],
)
def test_what_is_no_bankgiro_number_is_refused(typed: str) -> None:
    with pytest.raises(ValueInvalid) as refused:
        normalise_bankgiro(typed)

    assert refused.value.facts["category"] == "financial.account"


@pytest.mark.clause("C12")
@given(SWEDISH_IBANS | BANKGIRO_NUMBERS)
def test_normalising_an_account_number_again_changes_nothing(number: str) -> None:
    kind, once = normalise_account(number)

    assert once == number
    assert normalise_account(once) == (kind, once)


@pytest.mark.clause("C12")
@given(BANKGIRO_NUMBERS, st.integers(0, 6), st.integers(1, 9))
def test_one_wrong_digit_is_noticed(number: str, place: int, step: int) -> None:
    wrong = str((int(number[place]) + step) % 10)
    mistyped = number[:place] + wrong + number[place + 1 :]

    with pytest.raises(ValueInvalid):
        normalise_bankgiro(mistyped)


@given(st.text(st.characters(), max_size=40))
def test_any_text_is_an_account_number_or_is_refused(value: str) -> None:
    try:
        _, number = normalise_account(value)
    except ValueInvalid:
        return

    assert number.isascii()
    assert number.isalnum()


@pytest.mark.clause("C12")
def test_a_masked_account_shows_its_last_four_characters() -> None:
    assert mask_account("BE68539007547034") == "****7034"
    assert mask_account("9912346") == "****2346"
    assert mask_account("2346") == "****"


@pytest.mark.clause("C12")
def test_one_letter_in_front_makes_it_an_iban_that_is_none() -> None:
    """Two numberings, told apart by the first character alone; the flaw is of the one meant."""
    with pytest.raises(ValueInvalid) as iban_refused:
        normalise_account("B9991-2346", category="billing.account")
    with pytest.raises(ValueInvalid) as bankgiro_refused:
        normalise_account("9991-2345", category="billing.account")

    assert iban_refused.value.facts == {"category": "billing.account", "reason": "not-an-iban"}
    assert bankgiro_refused.value.facts == {
        "category": "billing.account",
        "reason": "not-a-bankgiro-number",
    }


@pytest.mark.clause("C12")
def test_a_bankgiro_number_is_as_short_as_an_account_number() -> None:
    with pytest.raises(ValueInvalid) as refused:
        normalise_bankgiro("5050-1055" + "0" * 56)

    assert refused.value.facts["reason"] == "too-long"
