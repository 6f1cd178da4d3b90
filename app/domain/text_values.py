"""Text that somebody typed, made storable: NFC (UAX #15), bounded, no control characters (C9)."""

import re
import unicodedata
from enum import StrEnum
from typing import ClassVar

from app.domain.decider import Refusal

LINE_LENGTH_MAX = 200
TEXT_LENGTH_MAX = 4000


class Flaw(StrEnum):
    """Why a value is refused: the whole of what a refusal may say about it."""

    EMPTY = "empty"
    TOO_LONG = "too-long"
    LONE_SURROGATE = "lone-surrogate"
    CONTROL_CHARACTER = "control-character"
    NOT_AN_EMAIL_ADDRESS = "not-an-email-address"
    NOT_A_PHONE_NUMBER = "not-a-phone-number"
    REGION_MISSING = "region-missing"
    NOT_AN_IBAN = "not-an-iban"
    NOT_A_BANKGIRO_NUMBER = "not-a-bankgiro-number"
    NOT_A_DATE = "not-a-date"
    NOT_A_COUNTRY = "not-a-country"
    NOT_A_LANGUAGE = "not-a-language"
    NOT_AN_IP_ADDRESS = "not-an-ip-address"


class ValueInvalid(Refusal):
    """A value cannot be what its category says. Tells the category and the flaw, never itself."""

    code: ClassVar[str] = "value-invalid"
    rules: ClassVar[tuple[str, ...]] = ("C7", "C8", "C9", "C12")

    def __init__(self, category: str, reason: Flaw) -> None:
        super().__init__(category=category, reason=reason.value)


# Beside the C0 and C1 controls: the bidirectional overrides and isolates, with which a name can be
# made to read as another one, and the noncharacters, which no XML and so no spreadsheet can hold.
_BIDIRECTIONAL = "\u202a-\u202e\u2066-\u2069"
_NONCHARACTERS = "\ufdd0-\ufdef" + "".join(
    chr(plane << 16 | last) for plane in range(17) for last in (0xFFFE, 0xFFFF)
)
_LINE_BREAK = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_REFUSED_IN_LINE = re.compile(f"[\x00-\x1f\x7f-\x9f\u2028\u2029{_BIDIRECTIONAL}{_NONCHARACTERS}]")
_REFUSED_IN_TEXT = re.compile(f"[\x00-\x08\x0e-\x1f\x7f-\x9f{_BIDIRECTIONAL}{_NONCHARACTERS}]")
_SURROGATE = re.compile("[\ud800-\udfff]")


def normalise_line(value: str, *, category: str, length_max: int = LINE_LENGTH_MAX) -> str:
    """One line, such as a name or a job title; ``length_max`` counts code points after NFC."""
    return _bounded(value, _REFUSED_IN_LINE, category=category, length_max=length_max)


def normalise_text(value: str, *, category: str, length_max: int = TEXT_LENGTH_MAX) -> str:
    """Running text, such as a statement: tabs stay, and every kind of line break becomes LF."""
    broken = _LINE_BREAK.sub("\n", value)
    return _bounded(broken, _REFUSED_IN_TEXT, category=category, length_max=length_max)


def _bounded(value: str, refused: re.Pattern[str], *, category: str, length_max: int) -> str:
    if _SURROGATE.search(value):
        raise ValueInvalid(category, Flaw.LONE_SURROGATE)
    stripped = unicodedata.normalize("NFC", value.strip())
    if not stripped:
        raise ValueInvalid(category, Flaw.EMPTY)
    if refused.search(stripped):
        raise ValueInvalid(category, Flaw.CONTROL_CHARACTER)
    if len(stripped) > length_max:
        raise ValueInvalid(category, Flaw.TOO_LONG)
    return stripped
