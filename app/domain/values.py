"""A value that a person or a tool gave, in the one form in which its category is kept (C7-C9)."""

import re
from collections.abc import Mapping
from datetime import date
from ipaddress import ip_address
from typing import assert_never

from app.domain.accounts import normalise_account
from app.domain.contact_points import normalise_email, normalise_phone
from app.domain.purpose_limitation import category_named
from app.domain.text_values import (
    LINE_LENGTH_MAX,
    Flaw,
    ValueInvalid,
    normalise_line,
    normalise_text,
)
from app.policy.model import DataCategory, Policy
from app.policy.vocabulary import ValueFormat

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_COUNTRY = re.compile(r"[A-Z]{2}")
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]{2,8})*")


def normalised(
    personal: Mapping[str, str], policy: Policy, *, region: str | None = None
) -> dict[str, str]:
    """Every value as its category keeps it; `region` reads telephone numbers in national form.

    Raises CategoryUnknown, and ValueInvalid naming the category and the flaw, never the value.
    """
    return {
        key: normalise(category_named(key, policy), value, region)
        for key, value in personal.items()
    }


def normalise(category: DataCategory, value: str, region: str | None = None) -> str:
    """One value as its category keeps it."""
    key = category.key
    match category.format:
        case ValueFormat.TEXT if category.free_text or category.max_length > LINE_LENGTH_MAX:
            return normalise_text(value, category=key, length_max=category.max_length)
        case ValueFormat.TEXT | ValueFormat.REFERENCE:
            return normalise_line(value, category=key, length_max=category.max_length)
        case ValueFormat.EMAIL:
            return normalise_email(value, category=key)
        case ValueFormat.PHONE:
            return normalise_phone(value, region, category=key)
        case ValueFormat.ACCOUNT:
            return normalise_account(value, category=key)[1]
        case ValueFormat.DATE:
            return _date(value, key)
        case ValueFormat.COUNTRY:
            return _matching(_COUNTRY, value.strip().upper(), key, Flaw.NOT_A_COUNTRY)
        case ValueFormat.LANGUAGE:
            return _matching(_LANGUAGE, value.strip().lower(), key, Flaw.NOT_A_LANGUAGE)
        case ValueFormat.IP_ADDRESS:
            return _ip_address(value, key)
        case _:
            assert_never(category.format)


def _matching(pattern: re.Pattern[str], value: str, category: str, flaw: Flaw) -> str:
    if pattern.fullmatch(value) is None:
        raise ValueInvalid(category, flaw)
    return value


def _date(value: str, category: str) -> str:
    line = _matching(_DATE, value.strip(), category, Flaw.NOT_A_DATE)
    try:
        return date.fromisoformat(line).isoformat()
    except ValueError:
        pass
    raise ValueInvalid(category, Flaw.NOT_A_DATE)  # outside the handler, whose exception quotes it


def _ip_address(value: str, category: str) -> str:
    try:
        return str(ip_address(value.strip()))
    except ValueError:
        pass
    raise ValueInvalid(category, Flaw.NOT_AN_IP_ADDRESS)
