"""What was appended together, as one signature covers it: at the append, and when it is repeated.

Positions of one append follow each other, and signatures of Ed25519 are the same for the same
bytes. So the first position and the number of entries are all that must be kept of a batch.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Any, Final

import asyncpg

from app.store.append import PARTITION, Append, Outcome, OutcomeCode
from app.store.codec import leaf_hash
from app.tlog.receipts import Batch, BatchLine, ReceiptKey

LINES_SQL = """
SELECT position, stream_id, version, event_id, type, entry FROM ledger.events
 WHERE partition = $1 AND position >= $2 AND position < $3 ORDER BY position
"""

KEPT_MAX: Final = 8

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


class Batches:
    """Batches of before, each read once for all who repeat something of it then or soon after.

    An import that is sent again repeats every line of a batch, and each of its receipts has the
    signature over the whole: read anew for every line, that would be a thousand entries a line.
    """

    def __init__(self, pool: "asyncpg.Pool[Any]", kept_max: int = KEPT_MAX) -> None:
        self._pool = pool
        self._kept_max = kept_max
        self._known: OrderedDict[tuple[ReceiptKey, int, int], asyncio.Task[Batch]] = OrderedDict()

    async def read(self, key: ReceiptKey, first_position: int, size: int) -> Batch:
        """As `read_batch`; entries never change, so neither does what was read."""
        name = (key, first_position, size)
        reading = self._known.get(name)
        if reading is None:
            reading = asyncio.create_task(read_batch(self._pool, key, first_position, size))
            self._known[name] = reading
            reading.add_done_callback(lambda done: self._forget_failed(name, done))
            while len(self._known) > self._kept_max:
                self._known.popitem(last=False)
        return await asyncio.shield(reading)  # who goes away meanwhile leaves it to the others

    def _forget_failed(
        self, name: tuple[ReceiptKey, int, int], done: "asyncio.Task[Batch]"
    ) -> None:
        if done.cancelled() or done.exception() is not None:
            self._known.pop(name, None)  # the next one tries again


def stored_lines(rows: Iterable[Any]) -> list[BatchLine]:
    """The lines of rows with the columns of LINES_SQL."""
    return [
        BatchLine(position, stream_id, version, event_id, kind, entry[_AT].decode(), leaf)
        for position, stream_id, version, event_id, kind, entry in rows
        for leaf in (leaf_hash(entry),)
    ]
