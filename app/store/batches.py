"""What was appended together, as one signature covers it: at the append, and when it is repeated.

Positions of one append follow each other, and signatures of Ed25519 are the same for the same
bytes. So the first position and the number of entries are all that must be kept of a batch.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import asyncpg

from app.store.append import PARTITION, Append, Outcome, OutcomeCode
from app.store.codec import leaf_hash
from app.tlog.receipts import Batch, BatchLine, ReceiptKey

LINES_SQL = """
SELECT position, stream_id, version, event_id, type, entry FROM ledger.events
 WHERE partition = $1 AND position >= $2 AND position < $3 ORDER BY position
"""

_AT = slice(7, 34)
"""Where `at` stands in every entry (DESIGN 4)."""


def appended_lines(commands: Sequence[Append], outcomes: Sequence[Outcome]) -> list[BatchLine]:
    """The lines of the commands that won, by position, for that is their order in the batch."""
    lines: list[BatchLine] = []
    for command, outcome in zip(commands, outcomes, strict=True):
        if outcome.code is not OutcomeCode.APPENDED or outcome.first_position is None:
            continue
        version, offset = command.expected + 1, outcome.first_position
        for number, event in enumerate(command.events):
            lines.append(
                BatchLine(
                    offset + number,
                    command.stream_id,
                    version + number,
                    event.event_id,
                    event.type,
                    event.entry[_AT].decode(),
                    event.leaf_hash,
                )
            )
    return lines


async def read_batch(
    connection: "asyncpg.Pool[Any] | asyncpg.Connection[Any]",
    key: ReceiptKey,
    first_position: int,
    size: int,
) -> Batch:
    """The batch as it was signed when it was appended, from the entries as they are stored."""
    rows = await connection.fetch(LINES_SQL, PARTITION, first_position, first_position + size)
    return key.batch(stored_lines(rows))


def stored_lines(rows: Iterable[Any]) -> list[BatchLine]:
    """The lines of rows with the columns of LINES_SQL."""
    return [
        BatchLine(position, stream_id, version, event_id, kind, entry[_AT].decode(), leaf)
        for position, stream_id, version, event_id, kind, entry in rows
        for leaf in (leaf_hash(entry),)
    ]
