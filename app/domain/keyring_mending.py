"""Rows of the keyring are put right, and it is said which and by what (L34). On the control stream.

A decision about no person: what their rows must be is in the log, or in a keyring under our seal.
"""

from uuid import UUID

from app.events.keyring import KeyringMended, MendedBy
from app.events.recorded import Record
from app.values import Value


class RecordMended(Value, frozen=True, kw_only=True):
    """Some rows are put right."""

    source: MendedBy
    keys: tuple[UUID, ...]
    file: str | None = None
    """SHA-256 of the content of the keyring."""


def mended(command: RecordMended) -> tuple[Record, ...]:
    """The record of it; none where there was nothing to be done."""
    if not command.keys:
        return ()
    return (Record(KeyringMended(source=command.source, file=command.file, keys=command.keys)),)
