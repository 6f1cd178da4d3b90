"""One range of a rebuild: read person by person, folded in memory, copied in one commit."""

import gc
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from io import BytesIO
from itertools import count, groupby
from operator import attrgetter
from typing import TypeAlias
from uuid import UUID

from app.projections import builds
from app.projections.copy_rows import NotARow, copied
from app.projections.folding import PLAN_SQL, Suspicious, fold_together
from app.projections.folds import fold_person
from app.projections.in_memory import Row
from app.projections.pages import PARTITION, Connection, PositionsSkipped
from app.projections.parking import POISON, Build, Poison, fold_one_by_one, park
from app.projections.projection import LogLine
from app.projections.slices import SliceRange
from app.projections.statements import SCHEMA, in_memory_alone

LINES_A_FETCH = 2000
RANGES_A_COLLECTION = 16

CLAIM_SQL = """
SELECT first_slice, end_slice FROM ledger.rebuild_ranges
 WHERE run = $1 AND events IS NULL ORDER BY first_slice LIMIT 1 FOR UPDATE SKIP LOCKED
"""
LINES_SQL = """
SELECT position, stream_id, version, type, CASE WHEN type = ANY($5::text[]) THEN entry END
  FROM ledger.events
 WHERE partition = $1 AND position <= $2 AND stream_id >= $3 AND stream_id <= $4
 ORDER BY stream_id, version
"""
# A range that a crash takes back is loaded again: its rows and its mark go together.
LAZY_SQL = "SET LOCAL synchronous_commit = off"
DONE_SQL = "UPDATE ledger.rebuild_ranges SET events = $3 WHERE run = $1 AND first_slice = $2"


Tell: TypeAlias = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Run:
    """One pass over the log, up to a fixed position, into one build of each of some projections."""

    id: UUID
    cut: int
    builds: tuple[Build, ...]


async def load_range(connection: Connection, run: Run) -> int | None:
    """Loads the next range that nobody is at; answers its number of events, None: there is none."""
    try:
        return await _load_range(connection, run, careful=False)
    except (Suspicious, NotARow, *POISON):
        return await _load_range(connection, run, careful=True)


async def load_all(connection: Connection, run: Run, tell: Tell | None = None) -> None:
    """Loads ranges until there is none left that nobody is at; ``tell`` is called after each.

    Where nothing is collected by itself meanwhile, what a range leaves behind is, now and then:
    half a MiB each, which a million events would make a hundred of.
    """
    for number in count(1):
        if await load_range(connection, run) is None:
            return
        if tell is not None:
            await tell()
        if number % RANGES_A_COLLECTION == 0 and not gc.isenabled():
            gc.collect()


async def _load_range(connection: Connection, run: Run, *, careful: bool) -> int | None:
    async with connection.transaction():
        claimed = await connection.fetchrow(CLAIM_SQL, run.id)
        if claimed is None:
            return None
        await connection.execute(f"{PLAN_SQL}; {LAZY_SQL}")
        part = SliceRange(claimed["first_slice"], claimed["end_slice"])
        load = _load_carefully if careful else _load_together
        events = await load(connection, run, part)
        await connection.execute(DONE_SQL, run.id, part.first, events)
    return events


async def _load_together(connection: Connection, run: Run, part: SliceRange) -> int:
    """Everybody's rows in one COPY a table."""
    events = 0
    gathered: dict[Build, dict[str, list[Row]]] = {
        build: {table.name: [] for table in build.projection.tables} for build in run.builds
    }
    poison: dict[Build, list[Poison]] = {build: [] for build in run.builds}
    direct = [build for build in run.builds if not in_memory_alone(build.projection.tables)]
    in_memory = [build for build in run.builds if build not in direct]
    waiting: list[LogLine] = []
    async for lines in _people(connection, run, part):
        events += len(lines)
        for build in in_memory:
            rows, found = fold_person(build.projection, lines)
            for name, mine in rows.items():
                gathered[build][name] += mine
            if found is not None:
                poison[build].append(found)
        if direct:
            waiting += lines
            if len(waiting) >= LINES_A_FETCH:
                await _fold_directly(connection, direct, waiting, poison)
                waiting = []
    await _fold_directly(connection, direct, waiting, poison)
    for build in run.builds:
        await _copy(connection, build, gathered[build])
        await park(connection, build, poison[build])
    return events


async def _fold_directly(
    connection: Connection,
    direct: list[Build],
    lines: list[LogLine],
    poison: dict[Build, list[Poison]],
) -> None:
    """Whole people, by SQL, where a statement cannot be carried out in memory."""
    for build in direct:
        poison[build] += await fold_together(connection, build, tuple(lines), frozenset())


async def _load_carefully(connection: Connection, run: Run, part: SliceRange) -> int:
    """Person by person: the database refused a row, and it is to be found whose."""
    events = 0
    people = [lines async for lines in _people(connection, run, part)]
    for lines in people:
        events += len(lines)
        for build in run.builds:
            await park(connection, build, await _load_person(connection, build, lines))
    return events


async def _load_person(connection: Connection, build: Build, lines: list[LogLine]) -> list[Poison]:
    if in_memory_alone(build.projection.tables):
        rows, found = fold_person(build.projection, lines)
        try:
            async with connection.transaction():
                await _copy(connection, build, rows)
        except (NotARow, *POISON):
            pass
        else:
            return [] if found is None else [found]
    return await fold_one_by_one(connection, build, lines, frozenset())


async def _copy(connection: Connection, build: Build, rows: dict[str, list[Row]]) -> None:
    for table in build.projection.tables:
        if rows[table.name]:
            await connection.copy_to_table(
                builds.build_table(table, build.number),
                schema_name=SCHEMA,
                columns=[column.name for column in table.columns],
                source=BytesIO(copied(table, rows[table.name])),
                format="binary",
            )


async def _people(
    connection: Connection, run: Run, part: SliceRange
) -> AsyncIterator[list[LogLine]]:
    """The events of one person after the other, each from the first on without a gap."""
    types = sorted({name for build in run.builds for name in build.projection.event_types})
    where = (PARTITION, run.cut, part.lowest, part.highest, types)
    cursor = await connection.cursor(LINES_SQL, *where)
    person: list[LogLine] = []
    while rows := await cursor.fetch(LINES_A_FETCH):
        for _, group in groupby((LogLine(*row) for row in rows), attrgetter("stream_id")):
            lines = list(group)
            if person and person[0].stream_id != lines[0].stream_id:
                yield person
                person = []
            if lines[0].version != len(person) + 1 or lines[-1].version != len(person) + len(lines):
                raise PositionsSkipped(f"a version is missing before position {lines[-1].position}")
            person += lines
    if person:
        yield person
