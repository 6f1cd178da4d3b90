"""The only reader of the time and the only source of randomness that names things."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

from asyncpg.pgproto import pgproto

Clock = Callable[[], datetime]
"""Answers the present moment, aware, in UTC, with microseconds."""


def system_clock() -> datetime:
    """The time of this machine. The database refuses it when it is more than 5 s from its own."""
    return datetime.now(UTC)


def random_id() -> UUID:
    """A fresh UUIDv4: 122 random bits, so that a leaf hash cannot be guessed (C2SP tlog-tiles)."""
    material = bytearray(os.urandom(16))
    material[6] = material[6] & 0x0F | 0x40  # RFC 9562: version 4
    material[8] = material[8] & 0x3F | 0x80  # and its variant
    # The driver's own subclass, in which ids come out of the database: written in a tenth of the
    # time that the standard library's takes.
    made: UUID = pgproto.UUID(bytes(material))
    return made


def random_bytes(size: int) -> bytes:
    """``size`` bytes from the operating system's generator."""
    return os.urandom(size)
