"""Form-encoded bodies with nested keys (`data[merges][CITY]`), read strictly and within bounds."""

import re
from collections.abc import Mapping
from typing import TypeAlias
from urllib.parse import parse_qsl

from app.connectors.connector import BODY_BYTES_MAX, BodyFlaw, WebhookMalformed

FIELD_COUNT_MAX = 500
KEY_LENGTH_MAX = 200

Path: TypeAlias = tuple[str, ...]
"""`data[merges][CITY]` is `("data", "merges", "CITY")`."""

_KEY = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_SEGMENT = re.compile(r"\[([^\[\]]*)\]")


def parse_form(body: bytes) -> Mapping[Path, str]:
    """Every field by its path, blank ones included.

    A key given twice is refused, since two readers could take different ones; an element of a
    list (`tags[]`) has no key of its own and is left out.
    """
    if len(body) > BODY_BYTES_MAX:
        raise WebhookMalformed(BodyFlaw.TOO_LARGE)
    fields: dict[Path, str] = {}
    for key, value in _pairs(body):
        path = _path(key)
        if "\x00" in key or "\x00" in value:
            raise WebhookMalformed(BodyFlaw.NUL)
        if path[-1] == "":
            continue
        if path in fields:
            raise WebhookMalformed(BodyFlaw.DUPLICATE_KEY)
        fields[path] = value
    return fields


def _pairs(body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            body.decode("utf-8"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=FIELD_COUNT_MAX,
        )
    except UnicodeDecodeError:
        flaw = BodyFlaw.NOT_UTF8
    except ValueError:
        flaw = BodyFlaw.NOT_A_FORM
    # Raised outside the handlers: a UnicodeDecodeError holds the body that it failed on.
    raise WebhookMalformed(flaw)


def _path(key: str) -> Path:
    match = _KEY.fullmatch(key)
    if match is None or len(key) > KEY_LENGTH_MAX:
        raise WebhookMalformed(BodyFlaw.KEY)
    return (match[1], *_SEGMENT.findall(match[2]))
