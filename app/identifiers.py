"""Opaque identifiers: random, never derived from a person; and the shape of a word."""

import re
from typing import Annotated, NewType
from uuid import UUID

SubjectId = NewType("SubjectId", UUID)
"""A data subject, which is also the id of the one stream that person has."""

StreamId = UUID
"""A stream: a data subject's, or one of the control streams made at creation."""

EventId = NewType("EventId", UUID)
KeyId = NewType("KeyId", UUID)
LedgerId = NewType("LedgerId", UUID)

WORD_PATTERN = r"^[a-z][a-z0-9_.-]{0,63}$"
_WORD = re.compile(r"[a-z][a-z0-9_.-]{0,63}")

Word = Annotated[str, "word"]
"""A key of the policy or a word of a closed list; never what a person typed."""

Digest = Annotated[str, "digest"]
"""SHA-256 of something not personal (a policy text, a wording): 64 lower-case hex digits."""

_DIGEST = re.compile(r"[0-9a-f]{64}")


def is_word(value: str) -> bool:
    """Whether ``value`` has the shape of a closed-vocabulary word."""
    return _WORD.fullmatch(value) is not None


def is_digest(value: str) -> bool:
    """Whether ``value`` has the shape of a SHA-256 in hex."""
    return _DIGEST.fullmatch(value) is not None
