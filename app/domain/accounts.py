"""Account numbers for reimbursements, IBAN (ISO 13616) or Swedish bankgiro, by checksum (C12)."""

import re
from enum import StrEnum

from stdnum import iban, luhn
from stdnum.exceptions import ValidationError

from app.domain.text_values import Flaw, ValueInvalid, normalise_line

ACCOUNT_CATEGORY = "financial.account"
ACCOUNT_LENGTH_MAX = 64
CHARACTERS_SHOWN = 4

_BANKGIRO = re.compile(r"([0-9]{3,4}) ?[-\u2010-\u2013]? ?([0-9]{4})")


class AccountKind(StrEnum):
    """Which numbering an account number belongs to."""

    IBAN = "iban"
    BANKGIRO = "bankgiro"


def normalise_account(value: str, *, category: str = ACCOUNT_CATEGORY) -> tuple[AccountKind, str]:
    """The kind is told by the first character: an IBAN begins with its country's two letters."""
    if value.strip()[:1].isalpha():
        return AccountKind.IBAN, normalise_iban(value, category=category)
    return AccountKind.BANKGIRO, normalise_bankgiro(value, category=category)


def normalise_iban(value: str, *, category: str = ACCOUNT_CATEGORY) -> str:
    """Capitals and digits without separators.

    The bank code is not looked up: lists of assigned codes age, and would refuse accounts in use.
    """
    line = normalise_line(value, category=category, length_max=ACCOUNT_LENGTH_MAX)
    try:
        compact = iban.validate(line, check_country=False)
    except ValidationError:
        compact = ""
    # The library takes check digits of any script; the form kept has ASCII ones only.
    if (
        not compact or not compact.isascii()
    ):  # raised outside the handler, so that no chained exception keeps the number
        raise ValueInvalid(category, Flaw.NOT_AN_IBAN)
    return compact


def normalise_bankgiro(value: str, *, category: str = ACCOUNT_CATEGORY) -> str:
    """7 or 8 digits, the last one a Luhn check digit; a dash before the last four is dropped."""
    line = normalise_line(value, category=category, length_max=ACCOUNT_LENGTH_MAX)
    match = _BANKGIRO.fullmatch(line)
    digits = match[1] + match[2] if match else ""
    if not luhn.is_valid(digits):
        raise ValueInvalid(category, Flaw.NOT_A_BANKGIRO_NUMBER)
    return digits


def mask_account(normalised: str) -> str:
    """The last four characters behind a mask of fixed length, so that the length says nothing."""
    return f"****{normalised[-CHARACTERS_SHOWN:]}" if len(normalised) > CHARACTERS_SHOWN else "****"
