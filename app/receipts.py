"""What a caller gets back: where each event is in the log; and what a caller brings along."""

from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from app.domain.decider import Refusal
from app.events.declare import moment_text, type_of
from app.events.recorded import Recorded
from app.identifiers import StreamId
from app.store.event_store import EventStore
from app.store.idempotency import FirstExecution, IdempotencyKey
from app.tlog.receipts import Batch, BatchLine, PromisedEntry, ReceiptKey, SignedLines
from app.values import Value, replace


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
    batch: Batch | None = None
    """What was appended together, in one signature."""
    entries: tuple[bytes, ...] = ()
    """The bytes of its events as they were appended; none where it is a repeated one's."""

    @property
    def signed(self) -> SignedLines | None:
        """What proves by whom it was given; None where there is nothing to prove."""
        if self.batch is None or not self.lines:
            return None
        return self.batch.signed(self.lines[0].position, len(self.lines))

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


def receipt_value(receipt: Receipt) -> dict[str, Any]:  # Any: JSON values
    """A receipt as callers get it, ready to be encoded: ids, times and bytes as they are."""
    return {
        "subject_id": receipt.stream_id,
        "version": receipt.version,
        "position": receipt.position,
        "events": [
            {
                "event_id": line.event_id,
                "type": line.type,
                "version": line.version,
                "position": line.position,
                "leaf_hash": b64encode(line.leaf_hash).decode(),
                "recorded_at": line.recorded_at,
            }
            for line in receipt.lines
        ],
        "signed": _signature_value(receipt.signed),
    }


def discreet_value(receipt: Receipt, key: ReceiptKey | None) -> dict[str, Any]:
    """The promise of the last event alone, alike whatever was recorded, and how much: JSON values.

    Its signature is the same whenever the request is repeated.
    """
    last = receipt.lines[-1]
    at = moment_text(last.recorded_at)
    signed = None
    if key is not None:
        made = key.promise(PromisedEntry(last.position, receipt.stream_id, at, last.leaf_hash))
        signed = {"name": key.verifier_key.name, "at": at, "signature": made}
    return {
        "subject_id": receipt.stream_id,
        "position": last.position,
        "leaf_hash": b64encode(last.leaf_hash).decode(),
        "signed": signed,
    }


def _signature_value(signed: SignedLines | None) -> dict[str, Any] | None:  # Any: JSON values
    """The proof of it, which `app.tlog.receipt_text` reads."""
    if signed is None:
        return None
    return {
        "name": signed.name,
        "at": signed.at,
        "index": signed.index,
        "size": signed.size,
        "path": signed.path,
        "signature": signed.signature,
    }


def signed_alone(receipt: Receipt, key: ReceiptKey | None) -> Receipt:
    """The receipt of events that no one append made, with a signature of its own.

    Without one where something else was recorded since: then the version is not that of an event.
    """
    lines = receipt.lines
    if key is None or not lines or lines[-1].version != receipt.version:
        return receipt
    batch = key.batch(
        [
            BatchLine(
                line.position,
                receipt.stream_id,
                line.version,
                line.event_id,
                line.type,
                moment_text(line.recorded_at),
                line.leaf_hash,
            )
            for line in lines
        ]
    )
    return replace(receipt, batch=batch)


def promised(recorded: Recorded[Any], key: ReceiptKey | None) -> dict[str, Any]:
    """A receipt of one event that is in the log, whoever appended it: JSON values."""
    lines = receipt_lines((recorded,), None)
    receipt = Receipt(recorded.stream_id, recorded.version, lines)
    return receipt_value(signed_alone(receipt, key))


async def repeated_receipt(
    store: EventStore, first: FirstExecution, key: ReceiptKey | None
) -> Receipt:
    """The receipt that a first execution got, with the same signature: nothing of it was kept."""
    assert first.first_version is not None, "it appended something"
    assert first.last_version is not None
    events = await store.read_events(first.stream_id, first.first_version, first.last_version)
    batch = None
    if key is not None and first.batch is not None:
        batch = await store.read_batch(key, *first.batch)
    lines = receipt_lines(events, None)
    return Receipt(first.stream_id, first.last_version, lines, replayed=True, batch=batch)
