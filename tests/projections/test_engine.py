"""What the engine never does: skip, repeat, write half a page, or stop quietly."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from hypothesis import given as forall
from hypothesis import strategies as st
from sqlalchemy import Column, MetaData, Table, Text, Uuid, insert, select
from structlog.testing import capture_logs

from app.events.notices import NoticeChannel, NoticeShown
from app.events.recorded import Recorded
from app.projections import PROFILES, PROJECTIONS, projection_named
from app.projections.digest import digest
from app.projections.engine import (
    Connection,
    Engine,
    PositionMoved,
    PositionsSkipped,
    ProjectionSuperseded,
    advance,
    page_of,
    prepare,
    project,
    read_page,
)
from app.projections.positions import position_of, status, wait_for
from app.projections.projection import HandlerFailed, LogLine, Projection, Writes
from app.projections.statements import Statement, given
from app.store.connection import connect
from tests.conftest import Database
from tests.projections import oracle
from tests.projections.chance import Chance
from tests.projections.history import Log, Person
from tests.projections.waiting import until
from tests.projections.wording import collected, registered

SHOWN = NoticeShown(policy="impel-1", language="sv", channel=NoticeChannel.FORM)
POISON = NoticeShown(policy="impel-1", language="fr", channel=NoticeChannel.FORM)

scratch = Table(
    "scratch_v1",
    MetaData(schema="ledger"),
    Column("subject_id", Uuid),
    Column("language", Text),
)
GIVEN = given(*scratch.columns)
NOTE = Statement(GIVEN, insert(scratch).from_select(list(scratch.columns), select(GIVEN)))


KILL_THE_WAITING = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
 WHERE datname = current_database() AND usename = 'ledger_projector'
   AND wait_event_type = 'Lock' AND query LIKE 'INSERT INTO ledger.scratch_v1%'
"""


class Unwell(Exception):
    """What a faulty handler raises."""


def scratch_projection(*, version: int = 1, poison: str | None = None) -> Projection:
    """A projection of notices that cannot stomach one language."""
    made = Projection("scratch", version=version, tables=(scratch,))

    @made.on(NoticeShown)
    def shown(recorded: Recorded[NoticeShown]) -> Writes:
        if recorded.event.language == poison:
            raise Unwell("words that no log may show")
        return (NOTE(subject_id=recorded.stream_id, language=recorded.event.language),)

    return made


@pytest.fixture
async def notes(log: Log, admin: Connection) -> Connection:
    """The scratch table, and the superuser to look into it."""
    await admin.execute("CREATE TABLE ledger.scratch_v1 (subject_id uuid, language text)")
    await admin.execute("GRANT ALL ON ledger.scratch_v1 TO ledger_projector")
    return admin


async def languages(notes: Connection) -> list[str]:
    rows = await notes.fetch("SELECT language FROM ledger.scratch_v1 ORDER BY language")
    return [row["language"] for row in rows]


async def standing(connection: Connection, projection: Projection) -> int:
    position = await connection.fetchval(
        "SELECT position FROM ledger.positions WHERE projection = $1", projection.name
    )
    return int(position)


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
    assert await projector.fetchval("SELECT count(*) FROM ledger.profiles_v1") == 0


async def test_a_log_that_became_shorter_stops_the_projection(
    database: Database, log: Log, projector: Connection, admin: Connection
) -> None:
    """A database restored without its tail is not what was projected."""
    await log.append(Person(), registered())
    await prepare(projector, PROFILES)
    await admin.execute("UPDATE ledger.positions SET position = 7")
    engine = Engine(PROFILES, lambda: connect(database.dsn("ledger_projector")))

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
    database: Database, log: Log, projector: Connection, notes: Connection
) -> None:
    """Compare-and-set on the old position: it is projected once, whoever read it."""
    projection = scratch_projection()
    await log.append(Person(), SHOWN)
    await prepare(projector, projection)
    page = await read_page(projector, projection, -1, size_max=10)
    async with projector.transaction():
        await project(projector, projection, page)

    with pytest.raises(PositionMoved):
        async with projector.transaction():
            await project(projector, projection, page)

    assert await languages(notes) == ["sv"]
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
        Engine(projection, lambda: connect(database.dsn("ledger_projector")), size_max=3)
        for projection in PROJECTIONS
        for _ in range(3)
    ]
    running = [asyncio.create_task(engine.run()) for engine in engines]
    await history.live(100)
    entries = await log.entries()

    async with asyncpg.create_pool(database.dsn("ledger_app"), min_size=1, max_size=2) as pool:
        for projection in PROJECTIONS:
            assert await wait_for(pool, projection, len(entries) - 1, timeout_s=20)
    for task in running:
        task.cancel()
    await asyncio.wait(running)

    expected = oracle.digests(entries)
    assert {one.name: (await digest(projector, one)).sha256 for one in PROJECTIONS} == expected


async def test_a_crash_between_rows_and_commit_leaves_neither_rows_nor_position(
    database: Database, log: Log, notes: Connection
) -> None:
    """The connection is killed while a row of the page waits; then the engine goes on by itself."""
    projection = scratch_projection()
    for event in (SHOWN, POISON):
        await log.append(Person(), event)
    engine = Engine(projection, lambda: connect(database.dsn("ledger_projector")))

    async def killed() -> bool:
        return bool(await notes.fetchval(KILL_THE_WAITING))

    async def caught_up() -> bool:
        return await standing(notes, projection) == 1

    locking = await asyncpg.connect(database.dsn("postgres"))
    with capture_logs() as logged:
        async with locking.transaction():
            await locking.execute("LOCK TABLE ledger.scratch_v1 IN SHARE MODE")
            running = asyncio.create_task(engine.run())
            await until(killed)
            await until(something(logged))
            assert await standing(notes, projection) == -1
            assert await languages(notes) == []
        await until(caught_up)
    await locking.close()
    running.cancel()
    await asyncio.wait([running])

    assert await languages(notes) == ["fr", "sv"]
    assert [entry["event"] for entry in logged] == ["projection halted"]


async def test_an_event_that_cannot_be_folded_halts_its_projection_loudly_and_is_never_skipped(
    database: Database, log: Log, projector: Connection, notes: Connection
) -> None:
    for event in (SHOWN, POISON, SHOWN):
        await log.append(Person(), event)
    unwell = scratch_projection(poison="fr")
    engine = Engine(unwell, lambda: connect(database.dsn("ledger_projector")), size_max=1)

    with capture_logs() as logged:
        await until_logged(engine, logged)
    halted_at = await standing(projector, unwell)
    cured = scratch_projection()
    while await advance(projector, cured, size_max=1):
        pass

    assert logged == [
        {
            "event": "projection halted",
            "log_level": "error",
            "projection": "scratch",
            "error_class": "Unwell",
            "event_type": "notice.shown",
            "position": 1,
            "retry_in_s": 0.5,
        }
    ]
    assert halted_at == 0
    assert await languages(notes) == ["fr", "sv", "sv"]


async def test_the_page_before_a_fault_is_rolled_back_with_it(
    log: Log, projector: Connection, notes: Connection
) -> None:
    unwell = scratch_projection(poison="fr")
    for event in (SHOWN, POISON):
        await log.append(Person(), event)
    await prepare(projector, unwell)

    with pytest.raises(HandlerFailed, match=r"notice.shown at position 1: Unwell$"):
        await advance(projector, unwell, size_max=10)

    assert await languages(notes) == []
    assert await standing(projector, unwell) == -1


async def test_what_only_a_later_program_knows_folds_to_nothing(
    log: Log, projector: Connection, notes: Connection
) -> None:
    """Neither an unknown type nor a newer version of a known one is a fault."""
    person = Person()
    await log.append_foreign(person, "moon.visited", 1)
    await log.append_foreign(person, "notice.shown", 99)
    await log.append(person, SHOWN)
    projection = scratch_projection()
    await prepare(projector, projection)

    assert await advance(projector, projection, size_max=10) == 3
    assert await languages(notes) == ["sv"]


async def test_a_new_version_is_built_from_zero_and_the_old_program_steps_back(
    database: Database, log: Log, projector: Connection, notes: Connection
) -> None:
    await log.append(Person(), SHOWN)
    old, new = scratch_projection(), scratch_projection(version=2)
    await prepare(projector, old)
    await advance(projector, old, size_max=10)

    await prepare(projector, new)

    assert await languages(notes) == []
    assert await advance(projector, old, size_max=10) == 0
    with pytest.raises(ProjectionSuperseded):
        await prepare(projector, old)
    assert await advance(projector, new, size_max=10) == 1
    with capture_logs() as logged:
        async with asyncio.timeout(10):
            await Engine(old, lambda: connect(database.dsn("ledger_projector"))).run()
    assert [entry["event"] for entry in logged] == ["projection superseded"]


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

    assert (before.version_stored, before.position, before.lag) == (None, -1, 3)
    assert (between.version_stored, between.position, between.lag) == (1, 1, 1)
    third = oracle.core(person.entries[2])
    assert between.waiting_since is not None
    assert between.waiting_since.isoformat() == third["at"].replace("Z", "+00:00")
    assert (after.position, after.lag, after.waiting_since) == (2, 0, None)


def test_projections_are_found_by_name() -> None:
    assert [projection_named(one.name) for one in PROJECTIONS] == list(PROJECTIONS)
    with pytest.raises(KeyError):
        projection_named("nothing")
