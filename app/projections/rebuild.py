"""Builds projections anew beside what serves, in one pass over the log shared by several workers.

A run fixes a cut and shares the slices out in ranges; a range and the mark that it is done commit
together, so a run that was killed is taken up where it was. The ranges must sum to the cut. Then
come keys and indexes, what was appended meanwhile, and the swap.
"""

import asyncio
import multiprocessing
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from itertools import groupby
from multiprocessing.process import BaseProcess
from operator import attrgetter, itemgetter
from uuid import UUID

from app.clock import random_id
from app.projections import PROJECTIONS, builds
from app.projections.cut_over import cut_over
from app.projections.loading import Run, load_range
from app.projections.pages import Connection, PositionsSkipped, head_of
from app.projections.parking import Build
from app.projections.projection import Projection
from app.projections.slices import ranges_for
from app.projections.statements import in_memory_alone
from app.store.connection import connect

OTHERS_PAUSE_S = 0.05

Progress = Callable[[int, int], None]
"""Called with the number of events read and the number there are to read."""

UNFINISHED_SQL = """
SELECT run, cut, projection, version, build FROM ledger.positions
 WHERE run IN (SELECT run FROM ledger.positions WHERE (projection, version) IN
                      (SELECT * FROM unnest($1::text[], $2::int[])))
 ORDER BY run, projection
"""
NEXT_BUILD_SQL = """
SELECT 1 + coalesce(max(build), 0) FROM ledger.positions WHERE projection = $1 AND version = $2
"""
BEGIN_SQL = """
INSERT INTO ledger.positions (projection, version, build, state, position, run, cut)
VALUES ($1, $2, $3, 'building', -1, $4, $5)
"""
RANGES_SQL = """
INSERT INTO ledger.rebuild_ranges (run, first_slice, end_slice)
SELECT $1, * FROM unnest($2::int[], $3::int[])
"""
LOADED_SQL = """
SELECT coalesce(sum(events), 0)::bigint AS events, count(*) FILTER (WHERE events IS NULL) AS missing
  FROM ledger.rebuild_ranges WHERE run = $1
"""
STATE_OF_SQL = """
SELECT state FROM ledger.positions
 WHERE projection = $1 AND version = $2 AND build = $3 FOR UPDATE
"""
LOADED_BUILD_SQL = """
UPDATE ledger.positions SET state = 'following', position = $4, updated_at = clock_timestamp()
 WHERE projection = $1 AND version = $2 AND build = $3
"""
FORGET_RANGES_SQL = """
DELETE FROM ledger.rebuild_ranges r
 WHERE NOT EXISTS (SELECT FROM ledger.positions p WHERE p.run = r.run)
"""
NO_TIME_LIMIT_SQL = """
SELECT set_config('transaction_timeout', '0', true)
 WHERE current_setting('server_version_num')::int >= 170000
"""


async def rebuild(
    url: str,
    projections: Iterable[Projection],
    *,
    workers: int = 1,
    progress: Progress | None = None,
) -> int:
    """Builds the projections anew and lets the new builds serve; answers the lowest cut.

    ``url`` logs in as ledger_projector. What serves goes on serving meanwhile. A run that was
    begun before, and killed, is finished instead of begun again.
    """
    connection = await connect(url, application="pdledger-rebuild")
    try:
        runs = await load(connection, url, projections, workers=workers, progress=progress)
        for run in runs:
            for build in run.builds:
                await cut_over(connection, build)
        await connection.execute(FORGET_RANGES_SQL)
        return min(run.cut for run in runs)
    finally:
        await connection.close()


async def load(
    connection: Connection,
    url: str,
    projections: Iterable[Projection],
    *,
    workers: int,
    progress: Progress | None,
) -> list[Run]:
    """Brings a new build of each projection up to its cut, with keys and indexes."""
    runs = await _runs(connection, tuple(projections))
    total = sum(run.cut + 1 for run in runs)
    before = 0
    for run in runs:
        tell = _telling(progress, before, total)
        async with _working_beside(url, run, workers - 1):
            await _load(connection, run, tell)
        for build in run.builds:
            await _complete(connection, run, build)
        before += run.cut + 1
    return runs


async def _runs(connection: Connection, projections: tuple[Projection, ...]) -> list[Run]:
    """Runs under way for these projections, and a new one for those that have none."""
    known = {(one.name, one.version): one for one in (*PROJECTIONS, *projections)}
    rows = await connection.fetch(
        UNFINISHED_SQL, [one.name for one in projections], [one.version for one in projections]
    )
    runs = [
        Run(
            run_id,
            cut,
            tuple(
                Build(known[row["projection"], row["version"]], row["build"])
                for row in group
                if (row["projection"], row["version"]) in known
            ),
        )
        for (run_id, cut), group in groupby(rows, itemgetter("run", "cut"))
    ]
    begun = {build.projection for run in runs for build in run.builds}
    if rest := tuple(one for one in projections if one not in begun):
        runs.append(await _begin(connection, rest))
    return runs


async def _begin(connection: Connection, projections: tuple[Projection, ...]) -> Run:
    async with connection.transaction():
        cut = await head_of(connection)
        run_id = random_id()
        made: list[Build] = []
        for projection in sorted(projections, key=attrgetter("name")):
            key = (projection.name, projection.version)
            await builds.lock(connection, projection)
            build = Build(projection, await connection.fetchval(NEXT_BUILD_SQL, *key))
            await builds.drop_tables(connection, projection, build.number)
            await builds.make_tables(connection, projection, build.number)
            if not in_memory_alone(projection.tables):
                await builds.make_keys(connection, projection, build.number)
            await connection.execute(BEGIN_SQL, *build.key, run_id, cut)
            made.append(build)
        ranges = ranges_for(cut + 1)
        await connection.execute(
            RANGES_SQL, run_id, [one.first for one in ranges], [one.end for one in ranges]
        )
    return Run(run_id, cut, tuple(made))


async def _load(connection: Connection, run: Run, tell: Callable[[int], None]) -> None:
    """Loads ranges until none is left, whoever loads them; PositionsSkipped when one is short."""
    while True:
        loaded = await connection.fetchrow(LOADED_SQL, run.id)
        assert loaded is not None, "a sum is one row"
        tell(loaded["events"])
        if not loaded["missing"]:
            break
        if await load_range(connection, run) is None:
            await asyncio.sleep(OTHERS_PAUSE_S)  # what is left is in other hands
    if loaded["events"] != run.cut + 1:
        raise PositionsSkipped(f"{loaded['events']} events up to position {run.cut}")


async def _complete(connection: Connection, run: Run, build: Build) -> None:
    """Keys, indexes, and the position that the build stands at."""
    async with connection.transaction():
        await connection.execute(NO_TIME_LIMIT_SQL)
        if await connection.fetchval(STATE_OF_SQL, *build.key) != "building":
            return
        if in_memory_alone(build.projection.tables):
            await builds.make_keys(connection, build.projection, build.number)
        await builds.make_indexes(connection, build.projection, build.number)
        await connection.execute(LOADED_BUILD_SQL, *build.key, run.cut)


@asynccontextmanager
async def _working_beside(url: str, run: Run, count: int) -> AsyncIterator[None]:
    """Further processes that load ranges of the run; each ends when there is none left."""
    parts = [(one.projection.name, one.number) for one in run.builds]
    spawn = multiprocessing.get_context("spawn")
    processes: list[BaseProcess] = []
    for _ in range(count):
        process: BaseProcess = spawn.Process(
            target=load_beside, args=(url, run.id, run.cut, parts), daemon=True
        )
        process.start()
        processes.append(process)
    try:
        yield
    finally:
        for process in processes:
            process.terminate()  # what it had in hand is rolled back, and was not needed
            await asyncio.to_thread(process.join)


def load_beside(url: str, run_id: UUID, cut: int, parts: list[tuple[str, int]]) -> None:
    """The whole of a further process."""
    named = {projection.name: projection for projection in PROJECTIONS}
    run = Run(run_id, cut, tuple(Build(named[name], number) for name, number in parts))
    asyncio.run(_load_beside(url, run))


async def _load_beside(url: str, run: Run) -> None:
    connection = await connect(url, application="pdledger-rebuild")
    try:
        while await load_range(connection, run) is not None:
            pass
    finally:
        await connection.close()


def _telling(progress: Progress | None, before: int, total: int) -> Callable[[int], None]:
    return lambda done: None if progress is None else progress(before + done, total)
