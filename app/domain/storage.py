"""How far the bytes of what was erased are gone from live storage (E2; L34, C61)."""

from app.events.recorded import Record
from app.events.storage import StorageRewritten
from app.values import Value

KEPT_MAX = 64
"""Of the rewrites, the newest; an older one covers nothing that a newer one does not."""


class Rewrite(Value, frozen=True):
    """One rewrite of the tables that erasure takes rows from."""

    through: int
    wal: int


class RecordRewrite(Value, frozen=True, kw_only=True):
    """The tables were written anew."""

    through: int
    wal: int


def rewritten(command: RecordRewrite) -> tuple[Record, ...]:
    """The record of a rewrite."""
    return (Record(StorageRewritten(through=command.through, wal=command.wal)),)


def rewrites_after(known: tuple[Rewrite, ...], event: StorageRewritten) -> tuple[Rewrite, ...]:
    """The rewrites, the newest last."""
    return (*known, Rewrite(event.through, event.wal))[-KEPT_MAX:]
