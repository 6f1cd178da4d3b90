"""Receipts as a service gives them, of a log that exists in memory only."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from app.api.bodies import ENCODER
from app.events.declare import moment_text
from app.receipts import Receipt, ReceiptLine, discreet_value, receipt_value
from app.tlog.merkle import leaf_hash
from app.tlog.notes import VerifierKey
from app.tlog.receipts import BatchLine, ReceiptKey, key_name
from app.vault.signing import Signer

LEDGER = UUID("3f0c7a52-9d0e-4c1b-8e53-6d1d5a4d8a11")
SEED = b"\x09" * 32
STREAM = UUID("b7f5a2f0-2c1d-4b7e-9a58-0d7c1e4f6a20")
AT = datetime(2026, 11, 22, 8, 30, 0, 123456, tzinfo=UTC)


def receipt_key(seed: bytes = SEED) -> ReceiptKey:
    """A key of receipts with a seed that is no secret."""
    signer = Signer(seed)
    return ReceiptKey(VerifierKey(key_name(LEDGER), signer.public_key), signer.sign)


def events(first: int, count: int, at: datetime = AT) -> list[ReceiptLine]:
    """So many events of one person, from a position on; entry i is `entry i` and a line feed."""
    return [
        ReceiptLine(
            UUID(int=0x4000_8000_0000_0000_0000 | position, version=4),
            "consent.given",
            position + 1,
            position,
            leaf_hash(b"entry %d\n" % position),
            at + timedelta(milliseconds=position),
        )
        for position in range(first, first + count)
    ]


def batch_lines(given: Sequence[ReceiptLine], stream: UUID = STREAM) -> list[BatchLine]:
    """Events as lines of a batch."""
    return [
        BatchLine(
            one.position,
            stream,
            one.version,
            one.event_id,
            one.type,
            moment_text(one.recorded_at),
            one.leaf_hash,
        )
        for one in given
    ]


def answered(
    first: int = 40,
    count: int = 2,
    *,
    among: tuple[int, int] = (30, 50),
    key: ReceiptKey | None = None,
    at: datetime = AT,
) -> bytes:
    """The answer with a receipt of some events, appended together with their neighbours."""
    start, end = among
    mine = events(first, count, at)
    beside = [*events(start, first - start, at), *mine, *events(first + count, end - first - count)]
    batch = (key or receipt_key()).batch(batch_lines(beside))
    receipt = Receipt(STREAM, mine[-1].version, tuple(mine), batch=batch)
    return ENCODER.encode(receipt_value(receipt))


def promised(position: int = 40, at: datetime = AT) -> bytes:
    """The answer that promises one entry and tells nothing more of it."""
    receipt = Receipt(STREAM, position + 1, tuple(events(position, 1, at)))
    return ENCODER.encode(discreet_value(receipt, receipt_key()))


def document(**changes: Any) -> Any:  # Any: a JSON value
    """The same as values, with some members changed."""
    return json.loads(answered()) | changes
