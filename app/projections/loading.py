"""Ranges of a rebuild: people read in order, folded in memory, their rows copied in.

A range and its mark are one commit. One connection reads a stretch of ranges, a second one writes
them, one after the other.
"""

import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import aclosing
from typing import NamedTuple, TypeAlias

from sqlalchemy import Table

from app.projections import builds
from app.projections.copy_rows import HEADER, TRAILER, NotARow, written
from app.projections.folding import PLAN_SQL, Suspicious, fold_together
from app.projections.folds import fold_person
from app.projections.in_memory import Row
from app.projections.pages import Connection
from app.projections.parking import POISON, Build, Poison, fold_one_by_one, park
from app.projections.projection import LogLine
from app.projections.slices import SliceRange
from app.projections.statements import SCHEMA, in_memory_alone
from app.projections.stretches import (
    NO_TIME_LIMIT_SQL,
    SORT_SQL,
    People,
    Run,
    claim_stretch,
    people_of,
)
from app.store.connection import connect

APPLICATION = "pdledger-rebuild"
LINES_A_WRITE = 250
COPY_SIZE_MAX_BYTES = 8 * 1024 * 1024
RANGES_A_COLLECTION = 4

CLAIM_SQL = """
SELECT true FROM ledger.rebuild_ranges
 WHERE run = $1 AND first_slice = $2 AND events IS NULL FOR UPDATE SKIP LOCKED
"""
# A range that a crash takes back is loaded again: its rows and its mark go together.
LAZY_SQL = "SET LOCAL synchronous_commit = off"
DONE_SQL = "UPDATE ledger.rebuild_ranges SET events = $3 WHERE run = $1 AND first_slice = $2"


Tell: TypeAlias = Callable[[], Awaitable[None]]


class Lane(NamedTuple):
    """The two connections of whoever loads ranges."""

    reader: Connection
    """In the midst of a stretch, whose order it holds."""
    writer: Connection


async def open_lanes(url: str, *, workers: int) -> list[Lane]:
    """Two of whoever is alone: the database reads and writes for one while the other's are folded.

    Where several processes fill the cores, a second lane each takes a sixth more time, in turns
    of the processor.
    """
    lanes = 2 if workers == 1 else 1
    opened = [await connect(url, application=APPLICATION) for _ in range(2 * lanes)]
    return [Lane(*opened[at : at + 2]) for at in range(0, len(opened), 2)]


def close_lanes(lanes: list[Lane]) -> None:
    """At once: what they have in hand is rolled back."""
    for lane in lanes:
        for connection in lane:
            connection.terminate()


async def load_all(lane: Lane, run: Run, tell: Tell | None = None) -> None:
    """Loads stretches until there is none left that nobody is at."""
    while await load_stretch(lane, run, tell):
        pass


async def load_stretch(lane: Lane, run: Run, tell: Tell | None = None) -> bool:
    """Loads what is left of the next stretch that nobody is at; False: there is none.

    ``tell`` is called after each range.
    Where nothing is collected by itself meanwhile, it is done here now and then, for whatever a
    fault may leave behind: ranges without one leave nothing, a thousand of them took as much memory
    without.
    """
    reader, writer = lane
    async with reader.transaction():
        parts = await claim_stretch(reader, run)
        if not parts:
            return False
        await reader.execute(SORT_SQL)
        await reader.execute(NO_TIME_LIMIT_SQL)
        whole = SliceRange(parts[0].first, parts[-1].end)
        async with aclosing(people_of(reader, run, whole)) as people:
            reading = People(people)
            for number, part in enumerate(parts, 1):
                await load_range(writer, run, part, reading.of(part))
                if tell is not None:
                    await tell()
                if number % RANGES_A_COLLECTION == 0 and not gc.isenabled():
                    gc.collect()
    return True


async def load_range(
    connection: Connection, run: Run, part: SliceRange, people: AsyncIterator[list[LogLine]]
) -> None:
    """Loads a range, unless somebody else is at it or was before."""
    try:
        await _load_range(connection, run, part, people, careful=False)
    except (Suspicious, NotARow, *POISON):
        await _load_range(connection, run, part, people_of(connection, run, part), careful=True)


async def _load_range(
    connection: Connection,
    run: Run,
    part: SliceRange,
    people: AsyncIterator[list[LogLine]],
    *,
    careful: bool,
) -> None:
    async with connection.transaction():
        if await connection.fetchval(CLAIM_SQL, run.id, part.first) is None:
            return
        await connection.execute(f"{PLAN_SQL}; {LAZY_SQL}")
        load = _load_carefully if careful else _load_together
        await connection.execute(DONE_SQL, run.id, part.first, await load(connection, run, people))


async def _load_together(
    connection: Connection, run: Run, people: AsyncIterator[list[LogLine]]
) -> int:
    """Everybody's rows in few COPYs a table."""
    events = 0
    gathered = [_Gathered(one) for one in run.builds if in_memory_alone(one.projection.tables)]
    direct = [one for one in run.builds if not in_memory_alone(one.projection.tables)]
    waiting: list[LogLine] = []
    async for lines in people:
        events += len(lines)
        for one in gathered:
            if one.full_with(lines):
                await one.flush(connection)
        if direct:
            waiting += lines
            if len(waiting) >= LINES_A_WRITE:
                await _fold_directly(connection, direct, waiting)
                waiting = []
    await _fold_directly(connection, direct, waiting)
    for one in gathered:
        await one.flush(connection)
        await park(connection, one.build, one.poison)
    return events


class _Gathered:
    """The rows of one build on their way to it.

    They wait as bytes, for objects are dear as soon as they fill the caches of the processor: in
    batches of a few hundred events the same folding takes two thirds of the time that it takes in
    batches of a few thousand.
    """

    def __init__(self, build: Build) -> None:
        self.build = build
        self.poison: list[Poison] = []
        self._tables = build.projection.tables
        self._rows: dict[str, list[Row]] = {table.name: [] for table in self._tables}
        self._written: dict[str, list[bytes]] = {table.name: [] for table in self._tables}
        self._lines = self._size = 0

    def full_with(self, lines: list[LogLine]) -> bool:
        """Folds one more person; whether it is time to flush."""
        rows, found = fold_person(self.build.projection, lines)
        for name, mine in rows.items():
            self._rows[name] += mine
        if found is not None:
            self.poison.append(found)
        self._lines += len(lines)
        if self._lines >= LINES_A_WRITE:
            self._write()
        return self._size >= COPY_SIZE_MAX_BYTES

    def _write(self) -> None:
        for table in self._tables:
            if rows := self._rows[table.name]:
                made = written(table, rows)
                self._written[table.name].append(made)
                self._size += len(made)
                self._rows[table.name] = []
        self._lines = 0

    async def flush(self, connection: Connection) -> None:
        """Copies what there is."""
        self._write()
        for table in self._tables:
            if parts := self._written[table.name]:
                await _copy(connection, self.build, table, parts)
                self._written[table.name] = []
        self._size = 0


async def _fold_directly(connection: Connection, direct: list[Build], lines: list[LogLine]) -> None:
    """Whole people, by SQL, where a statement cannot be carried out in memory."""
    for build in direct:
        await park(
            connection, build, await fold_together(connection, build, tuple(lines), frozenset())
        )


async def _load_carefully(
    connection: Connection, run: Run, people: AsyncIterator[list[LogLine]]
) -> int:
    """Person by person: the database refused a row, and it is to be found whose."""
    events = 0
    for lines in [lines async for lines in people]:
        events += len(lines)
        for build in run.builds:
            await park(connection, build, await _load_person(connection, build, lines))
    return events


async def _load_person(connection: Connection, build: Build, lines: list[LogLine]) -> list[Poison]:
    if in_memory_alone(build.projection.tables):
        rows, found = fold_person(build.projection, lines)
        try:
            async with connection.transaction():
                for table in build.projection.tables:
                    await _copy(connection, build, table, [written(table, rows[table.name])])
        except (NotARow, *POISON):
            pass
        else:
            return [] if found is None else [found]
    return await fold_one_by_one(connection, build, lines, frozenset())


async def _copy(connection: Connection, build: Build, table: Table, parts: list[bytes]) -> None:
    await connection.copy_to_table(
        builds.build_table(table, build.number),
        schema_name=SCHEMA,
        columns=[column.name for column in table.columns],
        source=_one_by_one((HEADER, *parts, TRAILER)),
        format="binary",
    )


async def _one_by_one(parts: Iterable[bytes]) -> AsyncIterator[bytes]:
    """As the driver takes them itself: a file it would read in a thread, half a MiB at a time."""
    for part in parts:
        yield part
