"""The only reader of the time and the only source of randomness that names things."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID, uuid4

Clock = Callable[[], datetime]
"""Answers the present moment, aware, in UTC, with microseconds."""


def system_clock() -> datetime:
    """The time of this machine. The database refuses it when it is more than 5 s from its own."""
    return datetime.now(UTC)


def random_id() -> UUID:
    """A fresh UUIDv4: 122 random bits, so that a leaf hash cannot be guessed (C2SP tlog-tiles)."""
    return uuid4()


def random_bytes(size: int) -> bytes:
    """``size`` bytes from the operating system's generator."""
    return os.urandom(size)
