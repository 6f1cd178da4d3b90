"""What a caller gets back: where each event is in the log; and what a caller brings along."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from app.domain.decider import Refusal
from app.events.declare import type_of
from app.events.recorded import Recorded
from app.identifiers import StreamId
from app.store.idempotency import IdempotencyKey
from app.values import Value


class VersionMismatch(Refusal):
    """The caller decided on another version of the person's record than the one that stands."""

    code = "version-mismatch"


class IdempotencyKeyReused(Refusal):
    """The same idempotency key came with another body; the first execution stands."""

    code = "idempotency-key-reused"


class IdentifierTaken(Refusal):
    """Somebody else holds the identifier; nothing of who it is may be told (DESIGN 6)."""

    code = "identifier-taken"


class LedgerContended(Exception):
    """Other writers won every try; nothing was written. Try again after a second."""


class Attribution(Value, frozen=True):
    """On whose behalf a command runs, and what makes it repeatable."""

    by: str
    """Caller id: opaque, never a person's name."""
    idempotency: IdempotencyKey | None = None
    if_match: int | None = None


class ReceiptLine(Value, frozen=True):
    """Where one event is in the log."""

    event_id: UUID
    type: str
    version: int
    position: int
    leaf_hash: bytes
    recorded_at: datetime


class Receipt(Value, frozen=True):
    """Given only once the command is durable. No lines: there was nothing to do."""

    stream_id: StreamId
    version: int
    """Version of the stream's content after the command: the strong ETag (A9)."""
    lines: tuple[ReceiptLine, ...] = ()
    replayed: bool = False

    @property
    def position(self) -> int | None:
        """The last position given; read-your-writes waits for it."""
        return self.lines[-1].position if self.lines else None


def receipt_lines(
    events: Sequence[Recorded[Any]], first_position: int | None
) -> tuple[ReceiptLine, ...]:
    """The receipt's lines; positions of one command follow each other from ``first_position``."""
    lines: list[ReceiptLine] = []
    for offset, recorded in enumerate(events):
        position = recorded.position if first_position is None else first_position + offset
        assert position is not None, "a receipt is given only for what is in the log"
        lines.append(
            ReceiptLine(
                recorded.event_id,
                type_of(recorded.event).name,
                recorded.version,
                position,
                recorded.leaf_hash,
                recorded.recorded_at,
            )
        )
    return tuple(lines)
