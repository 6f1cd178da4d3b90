"""What the engine never does: skip, repeat, write half a page, or stop quietly."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from hypothesis import given as forall
from hypothesis import strategies as st
from structlog.testing import capture_logs

from app.projections import PROFILES, PROJECTIONS, projection_named
from app.projections.digest import digest
from app.projections.engine import Engine, prepare
from app.projections.folding import PositionMoved, advance, project
from app.projections.pages import Connection, PositionsSkipped, page_of, read_page
from app.projections.positions import position_of, status, wait_for
from app.projections.projection import LogLine
from app.store.connection import connect
from tests.conftest import Database
from tests.projections import oracle
from tests.projections.catching_up import KNOWN, catch_up, standing
from tests.projections.chance import Chance
from tests.projections.history import Log, Person
from tests.projections.scratch import POISON, SHOWN, languages, scratch, scratch_projection
from tests.projections.waiting import until
from tests.projections.wording import collected, registered

KILL_THE_WAITING = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
 WHERE datname = current_database() AND usename = 'ledger_projector'
   AND wait_event_type = 'Lock' AND query LIKE 'INSERT INTO projections.scratch_v1%'
"""


def line(position: int) -> LogLine:
    return LogLine(position, UUID(int=1), 1, "notice.shown", None)


@forall(st.integers(-1, 50), st.lists(st.integers(0, 60), max_size=6))
def test_a_page_is_taken_only_when_it_follows_without_a_gap(after: int, found: list[int]) -> None:
    lines = tuple(map(line, found))
    if found == list(range(after + 1, after + 1 + len(found))):
        assert page_of(after, lines).last == after + len(found)
    else:
        with pytest.raises(PositionsSkipped):
            page_of(after, lines)


async def test_a_hole_in_the_log_stops_the_projection_before_it(
    log: Log, projector: Connection, admin: Connection
) -> None:
    """Nobody can make such a hole but a superuser; it is noticed all the same."""
    person = Person()
    for event in (registered(), SHOWN, collected("contact.email"), SHOWN):
        await log.append(person, event, *([("participation", "membership")] * (event != SHOWN)))
    await prepare(projector, PROFILES)
    await admin.execute("ALTER TABLE ledger.events DISABLE TRIGGER ALL")
    await admin.execute("DELETE FROM ledger.events WHERE position = 1")

    with pytest.raises(PositionsSkipped, match="expected position 1, found 2"):
        await advance(projector, PROFILES, size_max=100)

    assert await standing(projector, PROFILES) == -1
    assert await projector.fetchval("SELECT count(*) FROM projections.profiles_v1") == 0


async def test_a_log_that_became_shorter_stops_the_projection(
    database: Database, log: Log, projector: Connection, admin: Connection
) -> None:
    """A database restored without its tail is not what was projected."""
    await log.append(Person(), registered())
    await prepare(projector, PROFILES)
    await admin.execute("UPDATE ledger.positions SET position = 7")
    engine = Engine([PROFILES], lambda: connect(database.dsn("ledger_projector")))

    with capture_logs() as logged:
        await until_logged(engine, logged)

    assert logged[0]["error_class"] == "PositionsSkipped"


def something(logged: Any) -> Callable[[], Awaitable[bool]]:
    async def found() -> bool:
        return bool(logged)

    return found


async def until_logged(engine: Engine, logged: Any) -> None:
    """Runs an engine until it has something to say."""
    running = asyncio.create_task(engine.run())
    await until(something(logged))
    running.cancel()
    await asyncio.wait([running])


async def test_the_second_of_two_engines_with_one_page_writes_nothing(
    log: Log, projector: Connection
) -> None:
    """Compare-and-set on the old position: it is projected once, whoever read it."""
    projection = scratch_projection()
    await log.append(Person(), SHOWN)
    await prepare(projector, projection)
    page = await read_page(projector, [projection], -1, size_max=10)
    assert await project(projector, projection, page) == 1

    with pytest.raises(PositionMoved):
        await project(projector, projection, page)

    assert await languages(projector) == ["sv"]
    assert await standing(projector, projection) == 0


async def test_an_engine_leaves_alone_what_another_has_claimed(
    database: Database, log: Log, projector: Connection
) -> None:
    await log.append(Person(), registered())
    await prepare(projector, PROFILES)
    other = await connect(database.dsn("ledger_projector"))
    async with other.transaction():
        await other.execute("SELECT FROM ledger.positions FOR UPDATE")
        assert await advance(projector, PROFILES, size_max=10) == 0
    await other.close()

    assert await advance(projector, PROFILES, size_max=10) == 1


async def test_many_engines_side_by_side_project_everything_once(
    database: Database, log: Log, projector: Connection
) -> None:
    history = Chance(log, 23, people=8)
    engines = [
        Engine(KNOWN, lambda: connect(database.dsn("ledger_projector")), size_max=3)
        for _ in range(3)
    ]
    running = [asyncio.create_task(engine.run()) for engine in engines]
    await history.live(100)
    entries = await log.entries()

    async with asyncpg.create_pool(database.dsn("ledger_app"), min_size=1, max_size=2) as pool:
        for projection in KNOWN:
            assert await wait_for(pool, projection, len(entries) - 1, timeout_s=20)
    for task in running:
        task.cancel()
    await asyncio.wait(running)

    expected = oracle.digests(entries)
    assert {one.name: (await digest(projector, one)).sha256 for one in KNOWN} == expected


async def test_a_crash_between_rows_and_commit_leaves_neither_rows_nor_position(
    database: Database, log: Log, projector: Connection, admin: Connection
) -> None:
    """The connection is killed while a row of the page waits; then the engine goes on by itself."""
    projection = scratch_projection()
    await prepare(projector, projection)
    for event in (SHOWN, POISON):
        await log.append(Person(), event)
    engine = Engine([projection], lambda: connect(database.dsn("ledger_projector")))

    async def killed() -> bool:
        return bool(await admin.fetchval(KILL_THE_WAITING))

    async def caught_up() -> bool:
        return await standing(projector, projection) == 1

    locking = await asyncpg.connect(database.dsn("postgres"))
    with capture_logs() as logged:
        async with locking.transaction():
            await locking.execute("LOCK TABLE projections.scratch_v1_b1 IN SHARE MODE")
            running = asyncio.create_task(engine.run())
            await until(killed)
            await until(something(logged))
            assert await standing(projector, projection) == -1
            assert await languages(projector) == []
        await until(caught_up)
    await locking.close()
    running.cancel()
    await asyncio.wait([running])

    assert await languages(projector) == ["fr", "sv"]
    assert [entry["event"] for entry in logged] == ["projections halted"]


async def test_a_fault_of_one_projection_halts_that_one_and_no_other(
    database: Database, log: Log, projector: Connection, admin: Connection
) -> None:
    """A table that cannot be written is nobody's event: nothing is parked, it is tried again."""
    projection = scratch_projection()
    for one in (projection, PROFILES):
        await prepare(projector, one)
    await admin.execute("ALTER TABLE projections.scratch_v1_b1 RENAME COLUMN language TO tongue")
    await log.append(Person(), SHOWN)
    engine = Engine([projection, PROFILES], lambda: connect(database.dsn("ledger_projector")))

    async def other_goes_on() -> bool:
        return await standing(projector, PROFILES) == 0

    async def healed() -> bool:
        return await standing(projector, projection) == 0

    with capture_logs() as logged:
        running = asyncio.create_task(engine.run())
        await until(other_goes_on)
        await until(something(logged))
        assert await standing(projector, projection) == -1
        await admin.execute(
            "ALTER TABLE projections.scratch_v1_b1 RENAME COLUMN tongue TO language"
        )
        await until(healed)
    running.cancel()
    await asyncio.wait([running])

    assert logged[0] == {
        "event": "projection halted",
        "log_level": "error",
        "projection": "scratch",
        "error_class": "UndefinedColumnError",
        "retry_in_s": 0.5,
    }
    assert await projector.fetchval("SELECT count(*) FROM ledger.parked_subjects") == 0


async def test_what_only_a_later_program_knows_folds_to_nothing(
    log: Log, projector: Connection
) -> None:
    """Neither an unknown type nor a newer version of a known one is a fault."""
    person = Person()
    await log.append_foreign(person, "moon.visited", 1)
    await log.append_foreign(person, "notice.shown", 99)
    await log.append(person, SHOWN)
    projection = scratch_projection()
    await prepare(projector, projection)

    assert await advance(projector, projection, size_max=10) == 3
    assert await languages(projector) == ["sv"]


async def test_two_versions_are_kept_side_by_side_each_by_its_program(
    log: Log, projector: Connection
) -> None:
    """A program of before goes on reading its own tables, also after the new one has come."""
    await log.append(Person(), SHOWN)
    old, new = scratch_projection(), scratch_projection(version=2)
    new.tables = (scratch.to_metadata(scratch.metadata, name="scratch_v2"),)
    await catch_up(projector, old)
    await prepare(projector, new)
    await log.append(Person(), SHOWN)

    assert await advance(projector, old, size_max=10) == 1
    assert await languages(projector) == ["sv", "sv"]
    rows = await projector.fetch("SELECT version, position FROM ledger.positions ORDER BY version")
    assert [tuple(row) for row in rows] == [(1, 1), (2, -1)]


async def test_readers_wait_for_a_position_and_are_told_when_it_lags(
    log: Log, pool: "asyncpg.Pool[Any]", projector: Connection
) -> None:
    """A10: `min_position` is answered by rows that show it, or by False."""
    await log.append(Person(), registered())
    assert not await wait_for(pool, PROFILES, 0, timeout_s=0.05)
    await prepare(projector, PROFILES)

    waiting = asyncio.create_task(wait_for(pool, PROFILES, 0, timeout_s=10))
    await advance(projector, PROFILES, size_max=10)

    assert await waiting
    assert await position_of(pool, PROFILES) == 0


async def test_the_status_names_lag_and_since_when(
    log: Log, pool: "asyncpg.Pool[Any]", projector: Connection
) -> None:
    person = Person()
    for event in (registered(), SHOWN, SHOWN):
        await log.append(person, event)
    [before] = await status(pool, [PROFILES])
    await prepare(projector, PROFILES)
    await advance(projector, PROFILES, size_max=2)
    [between] = await status(pool, [PROFILES])
    await advance(projector, PROFILES, size_max=2)
    [after] = await status(pool, [PROFILES])

    assert (before.build, before.position, before.lag) == (None, -1, 3)
    assert (between.build, between.position, between.lag) == (1, 1, 1)
    third = oracle.core(person.entries[2])
    assert between.waiting_since is not None
    assert between.waiting_since.isoformat() == third["at"].replace("Z", "+00:00")
    assert 0 < between.lag_s < 60
    assert (after.position, after.lag, after.lag_s, after.waiting_since) == (2, 0, 0.0, None)
    assert (after.parked, after.kept, after.rebuilding) == (0, None, None)


def test_projections_are_found_by_name() -> None:
    assert [projection_named(one.name) for one in PROJECTIONS] == list(PROJECTIONS)
    with pytest.raises(KeyError):
        projection_named("nothing")
