"""Reading the log person by person: stretches of ranges, each scanned and sorted by the database.

In the order of people every event lies on a page of its own, so looking them up one by one reads a
page for each. A stretch is read as it lies instead, page after page, and sorted on the way; that
takes temporary files of the stretch's size, and no more memory than `work_mem`.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg

from app.projections.pages import PARTITION, Connection, PositionsSkipped
from app.projections.parking import Build
from app.projections.projection import LogLine
from app.projections.slices import SLICES, SliceRange, slice_of

LINES_A_FETCH = 250
"""Few, as `loading.LINES_A_WRITE` says why."""
EVENTS_A_STRETCH = 1_000_000
STRETCHES_MAX = 8
STRETCHES_ALONE_MIN = 4
"""Each is one scan of the whole log, at a fiftieth of the cost of folding it; and while the first
is sorted, there is nothing to fold: one process waits then, and the database has a core to itself.
Several fill every core in any case, and each scan more is theirs."""

# What is sorted hardly fits the caches of the processor in any case; more memory makes it slower.
# Whoever reads waits while a range is written, and long where its people are loaded one by one.
SORT_SQL = """
SET LOCAL idle_in_transaction_session_timeout = '10min';
SET LOCAL work_mem = '16MB';
SET LOCAL max_parallel_workers_per_gather = 0;
SET LOCAL plan_cache_mode = force_custom_plan;
SET LOCAL jit = off
"""
NO_TIME_LIMIT_SQL = """
SELECT set_config('transaction_timeout', '0', true)
 WHERE current_setting('server_version_num')::int >= 170000
"""
OPEN_SQL = """
SELECT first_slice, end_slice FROM ledger.rebuild_ranges
 WHERE run = $1 AND events IS NULL ORDER BY first_slice
"""
TRY_SQL = "SELECT pg_try_advisory_xact_lock(hashtextextended($1, $2))"
LINES_SQL = """
SELECT position, stream_id, version, type, CASE WHEN type = ANY($5::text[]) THEN entry END
  FROM ledger.events
 WHERE partition = $1 AND position <= $2 AND stream_id >= $3 AND stream_id <= $4
 ORDER BY stream_id, version
"""

Cursor: TypeAlias = "asyncpg.cursor.Cursor[Any]"  # generic in its stubs only


@dataclass(frozen=True, slots=True)
class Run:
    """One pass over the log, up to a fixed position, into one build of each of some projections."""

    id: UUID
    cut: int
    builds: tuple[Build, ...]
    workers: int = 1
    """How many processes load it: there are stretches for all of them."""

    @property
    def stretches(self) -> int:
        """A power of two."""
        wanted = min(STRETCHES_MAX, (self.cut + 1) // EVENTS_A_STRETCH)
        least = STRETCHES_ALONE_MIN if self.workers == 1 else self.workers
        count = 2
        while count < max(wanted, least):
            count *= 2
        return count


class People:
    """The people of a stretch in the order of their ids, each whole, handed out range by range."""

    def __init__(self, people: AsyncIterator[list[LogLine]]) -> None:
        self._people = people
        self._next: list[LogLine] | None = None

    async def of(self, part: SliceRange) -> AsyncIterator[list[LogLine]]:
        """Those of one range; ranges are asked for in order, and one may be left before its end."""
        while True:
            if self._next is None:
                self._next = await anext(self._people, None)
            lines = self._next
            if lines is None or (number := slice_of(lines[0].stream_id)) >= part.end:
                return
            self._next = None
            if number >= part.first:
                yield lines


async def claim_stretch(connection: Connection, run: Run) -> list[SliceRange]:
    """The ranges left of a stretch that nobody else reads; none: there is no such stretch.

    It is held until the transaction ends, and saves work; what keeps a range from being loaded
    twice is the lock of whoever writes it.
    """
    for number in dict.fromkeys(_stretch(run, one) for one in await _open(connection, run)):
        if await connection.fetchval(TRY_SQL, f"rebuild {run.id}", number):
            left = [one for one in await _open(connection, run) if _stretch(run, one) == number]
            if left:
                return left
    return []


async def people_of(
    connection: Connection, run: Run, part: SliceRange
) -> AsyncGenerator[list[LogLine], None]:
    """The events of one person after the other, each from the first on without a gap."""
    types = sorted({name for build in run.builds for name in build.projection.event_types})
    where = (PARTITION, run.cut, part.lowest, part.highest, types)
    cursor = await connection.cursor(LINES_SQL, *where)
    person: list[LogLine] = []
    async with aclosing(_ahead(cursor)) as fetched:
        async for rows in fetched:
            for _, group in groupby((LogLine(*row) for row in rows), attrgetter("stream_id")):
                lines = list(group)
                if person and person[0].stream_id != lines[0].stream_id:
                    yield person
                    person = []
                first, last = len(person) + 1, len(person) + len(lines)
                if (lines[0].version, lines[-1].version) != (first, last):
                    at = lines[-1].position
                    raise PositionsSkipped(f"a version is missing before position {at}")
                person += lines
    if person:
        yield person


async def _ahead(cursor: Cursor) -> AsyncGenerator[list[asyncpg.Record], None]:
    """All rows, a few at a time, the next of which are on their way while these are used."""
    coming = asyncio.ensure_future(cursor.fetch(LINES_A_FETCH))
    try:
        while rows := await coming:
            coming = asyncio.ensure_future(cursor.fetch(LINES_A_FETCH))
            yield rows
    finally:
        if not coming.done():
            coming.cancel()
            await asyncio.wait([coming])


async def _open(connection: Connection, run: Run) -> list[SliceRange]:
    rows = await connection.fetch(OPEN_SQL, run.id)
    return [SliceRange(row["first_slice"], row["end_slice"]) for row in rows]


def _stretch(run: Run, part: SliceRange) -> int:
    """The first and the last are halves, so that two readers never wait for a sort together."""
    return (2 * part.first * run.stretches // SLICES + 1) // 2
