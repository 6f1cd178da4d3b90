"""Any read model can be dropped and rebuilt on any day, and reproduces every erasure."""

import asyncio
from typing import Any

import asyncpg
import pytest

from app.clock import random_id
from app.identifiers import is_word
from app.projections import PROFILES, SHARING_REGISTER
from app.projections.comparison import compare
from app.projections.cut_over import NothingKept, cut_over, roll_back
from app.projections.engine import Engine, prepare
from app.projections.folding import advance
from app.projections.loading import load_range
from app.projections.pages import Connection, PositionsSkipped
from app.projections.positions import position_of, status
from app.projections.rebuild import load, rebuild
from app.projections.slices import SLICES, ranges_for
from app.projections.stretches import Run, claim_stretch
from app.store.connection import connect
from tests.conftest import Database
from tests.projections import oracle
from tests.projections.catching_up import KNOWN, catch_up, catch_up_all, digests
from tests.projections.chance import Chance
from tests.projections.history import Log, Person
from tests.projections.profile_pages import page
from tests.projections.waiting import until
from tests.projections.wording import registered

TABLES = ("profiles_v1", "profiles_subjects_v1", "sharing_register_v1")
TABLES_SQL = "SELECT relname FROM pg_class WHERE relnamespace = 'projections'::regnamespace"


@pytest.fixture
def url(database: Database) -> str:
    """The login of the role that projects."""
    return database.dsn("ledger_projector")


async def tables(connection: Connection) -> set[str]:
    """Everything in the projector's schema that holds rows."""
    rows = await connection.fetch(f"{TABLES_SQL} AND relkind = 'r'")
    return {row["relname"] for row in rows}


@pytest.mark.clause("C70", "L6")
@pytest.mark.parametrize("seed", [2, 3, 5])
async def test_what_is_projected_is_what_an_independent_reader_of_the_log_finds(
    log: Log, projector: Connection, url: str, seed: int
) -> None:
    """Live in pages of seven by SQL, rebuilt in memory: the same rows, erasures included."""
    history = Chance(log, seed, people=12)
    await history.live(80)
    await catch_up_all(projector, size_max=7)
    await history.go_on(80)
    live = await catch_up_all(projector, size_max=7)

    await rebuild(url, KNOWN)

    expected = oracle.digests(await log.entries())
    assert live == expected
    assert await digests(projector) == expected


async def test_dropped_tables_come_back_equal(
    database: Database, log: Log, projector: Connection, url: str
) -> None:
    """Drop every table and view, rebuild, equal digests: nobody but the projector is needed."""
    await Chance(log, 7, people=8).live(120)
    before = await catch_up_all(projector)
    for table in await tables(projector):
        await projector.execute(f"DROP TABLE projections.{table} CASCADE")

    await rebuild(url, KNOWN)

    assert await digests(projector) == before
    assert before == oracle.digests(await log.entries())


async def test_an_engine_makes_dropped_tables_again_by_itself(
    log: Log, projector: Connection
) -> None:
    await Chance(log, 7, people=4).live(30)
    before = await catch_up_all(projector)
    await projector.execute("DROP TABLE projections.profiles_v1_b1 CASCADE")

    assert await catch_up_all(projector) == before


async def test_a_rebuild_says_how_far_it_is(log: Log, url: str) -> None:
    await Chance(log, 13, people=10).live(20)
    told: list[tuple[int, int]] = []

    head = await rebuild(url, [PROFILES], progress=lambda *step: told.append(step))

    assert head == len(await log.entries()) - 1
    assert told[0] == (0, head + 1)
    assert told[-1] == (head + 1, head + 1)
    assert told == sorted(told)


async def test_an_empty_log_is_rebuilt_into_empty_tables(projector: Connection, url: str) -> None:
    assert await rebuild(url, KNOWN) == -1

    assert await digests(projector) == oracle.digests([])


async def test_the_old_tables_serve_until_the_new_ones_take_over_and_can_be_taken_back(
    log: Log, projector: Connection, pool: "asyncpg.Pool[Any]", url: str
) -> None:
    """One transaction swaps them; who reads meanwhile sees the one or the other, whole."""
    await log.append(Person(), registered())
    await catch_up(projector, PROFILES)
    await projector.execute("UPDATE projections.profiles_subjects_v1_b1 SET source = 'wrong'")
    [run] = await load(url, [PROFILES])
    during = await page(pool)
    [build] = run.builds

    await log.append(Person(), registered())
    await cut_over(projector, build)
    after = await page(pool)
    await log.append(Person(), registered())
    await catch_up(projector, PROFILES)
    back = await roll_back(projector, PROFILES)
    again = await page(pool)

    assert [one.source for one in during.rows] == ["wrong"]
    assert (after.stands_at, {one.source for one in after.rows}) == (1, {"registration-form"})
    assert back.number == 1
    assert (again.stands_at, len(again.rows)) == (2, 3)
    assert sorted(one.source for one in again.rows) == ["registration-form"] * 2 + ["wrong"]


async def test_there_is_nothing_to_go_back_to_before_a_rebuild(projector: Connection) -> None:
    await catch_up(projector, PROFILES)

    with pytest.raises(NothingKept):
        await roll_back(projector, PROFILES)


async def test_one_former_build_is_kept_and_no_more(
    log: Log, projector: Connection, pool: "asyncpg.Pool[Any]", url: str
) -> None:
    await log.append(Person(), registered())
    await catch_up(projector, PROFILES)
    for _ in range(3):
        await rebuild(url, [PROFILES])
    [standing] = await status(pool, [PROFILES])

    assert (standing.build, standing.kept, standing.position) == (4, 3, 0)
    assert {name.rpartition("_")[2] for name in await tables(projector)} == {"b3", "b4"}
    assert await projector.fetchval("SELECT count(*) FROM ledger.rebuild_ranges") == 0


async def test_a_rebuild_that_was_killed_goes_on_where_it_was(
    log: Log, projector: Connection, pool: "asyncpg.Pool[Any]", url: str, monkeypatch: Any
) -> None:
    """Ranges that were committed are not loaded again; what was in hand is."""
    monkeypatch.setattr("app.projections.slices.EVENTS_A_RANGE", 4)
    monkeypatch.setattr("app.projections.stretches.LINES_A_FETCH", 3)
    await Chance(log, 29, people=40).live(40)
    before = await catch_up_all(projector)
    ranges = 0

    async def fatal(connection: Connection, *what: Any) -> None:
        nonlocal ranges
        ranges += 1
        if ranges == 9:
            connection.terminate()
        await load_range(connection, *what)

    with monkeypatch.context() as patched:
        patched.setattr("app.projections.loading.load_range", fatal)
        with pytest.raises((asyncpg.InterfaceError, OSError)):
            await load(url, KNOWN)
    [between, *_] = await status(pool, KNOWN)
    told: list[int] = []
    await rebuild(url, KNOWN, progress=lambda done, _: told.append(done))

    assert between.rebuilding is not None
    assert 0 < between.rebuilding.read < between.rebuilding.events == between.head + 1
    assert told[0] == between.rebuilding.read
    assert await digests(projector) == before == oracle.digests(await log.entries())


async def test_several_processes_share_the_work(
    log: Log, projector: Connection, url: str, monkeypatch: Any
) -> None:
    """In eight stretches of many ranges, whose rows are copied a few at a time."""
    monkeypatch.setattr("app.projections.slices.EVENTS_A_RANGE", 4)
    monkeypatch.setattr("app.projections.loading.LINES_A_WRITE", 3)
    monkeypatch.setattr("app.projections.loading.COPY_SIZE_MAX_BYTES", 500)
    await Chance(log, 31, people=10).live(60)
    before = await catch_up_all(projector)

    await rebuild(url, KNOWN, workers=3)

    assert await digests(projector) == before


async def test_a_stretch_is_read_by_one_at_a_time_and_without_what_is_loaded(
    projector: Connection, url: str
) -> None:
    """Eight ranges, of which one is in, and five stretches, the outer ones half as long."""
    run = Run(random_id(), cut=99, builds=(), workers=3)
    await projector.executemany(
        "INSERT INTO ledger.rebuild_ranges (run, first_slice, end_slice, events)"
        " VALUES ($1, $2, $3, $4)",
        [(run.id, at, at + 128, 7 if at == 384 else None) for at in range(0, 1024, 128)],
    )
    *readers, late = opened = [await connect(url) for _ in range(6)]
    for reader in opened:
        await reader.execute("BEGIN")

    claimed = [[one.first for one in await claim_stretch(each, run)] for each in readers]
    none = await claim_stretch(late, run)
    await readers[1].execute("COMMIT")
    again = await claim_stretch(late, run)
    for reader in opened:
        await reader.close()

    assert none == []
    assert claimed == [[0], [128, 256], [512], [640, 768], [896]]
    assert [(one.first, one.end) for one in again] == [(128, 256), (256, 384)]


async def test_ranges_that_do_not_sum_to_the_cut_stop_the_rebuild(
    log: Log, projector: Connection, admin: Connection, url: str
) -> None:
    """A person whose events are all gone leaves no gap in any stream; the sum tells."""
    for _ in range(3):
        await log.append(Person(), registered())
    await catch_up(projector, PROFILES)
    await admin.execute("ALTER TABLE ledger.events DISABLE TRIGGER ALL")
    await admin.execute("DELETE FROM ledger.events WHERE position = 1")

    with pytest.raises(PositionsSkipped, match="2 events up to position 2"):
        await rebuild(url, [PROFILES])

    assert await projector.fetchval("SELECT count(*) FROM projections.profiles_subjects_v1") == 3


async def test_a_version_missing_from_a_stream_stops_the_rebuild(
    log: Log, admin: Connection, url: str
) -> None:
    person = Person()
    for _ in range(3):
        await log.append(person, registered())
    await admin.execute("ALTER TABLE ledger.events DISABLE TRIGGER ALL")
    await admin.execute("DELETE FROM ledger.events WHERE position = 1")

    with pytest.raises(PositionsSkipped, match="a version is missing"):
        await rebuild(url, [PROFILES])


def test_ranges_share_out_every_slice_once() -> None:
    for events in (0, 1, 5000, 100_000, 10**9):
        ranges = ranges_for(events)
        covered = [number for one in ranges for number in range(one.first, one.end)]
        assert covered == list(range(SLICES))
        ids = [edge.int for one in ranges for edge in (one.lowest, one.highest)]
        assert ids[0] == 0
        assert ids[-1] == 2**128 - 1
        assert ids == sorted(ids)


async def test_a_rebuild_beside_a_living_engine_comes_out_equal(
    database: Database, log: Log, pool: "asyncpg.Pool[Any]", projector: Connection, url: str
) -> None:
    history = Chance(log, 17, people=10)
    await history.live(60)
    engine = asyncio.create_task(Engine(KNOWN, lambda: connect(url)).run())
    rebuilding = asyncio.create_task(rebuild(url, KNOWN))
    await history.go_on(60)
    await rebuilding
    await rebuild(url, [SHARING_REGISTER])
    await history.go_on(20)
    entries = await log.entries()

    async def caught_up() -> bool:
        return all([await position_of(pool, one) == len(entries) - 1 for one in KNOWN])

    await until(caught_up)
    engine.cancel()
    await asyncio.wait([engine])

    assert await digests(projector) == oracle.digests(entries)


async def test_a_build_that_is_entered_meanwhile_is_not_a_second_one_that_serves(
    log: Log, projector: Connection, url: str
) -> None:
    await log.append(Person(), registered())
    [run] = await load(url, [PROFILES])
    entering = await connect(url)
    other = entering.transaction()
    await other.start()
    await prepare(entering, PROFILES)

    swapped = asyncio.create_task(cut_over(projector, run.builds[0]))
    await asyncio.wait([swapped], timeout=0.2)
    assert not swapped.done()
    await other.commit()
    await swapped
    await entering.close()

    states = await projector.fetch("SELECT build, state FROM ledger.positions ORDER BY build")
    assert [tuple(row) for row in states] == [(1, "serving"), (2, "kept")]


@pytest.mark.parametrize("rebuilt_before", [True, False])
async def test_a_comparison_finds_the_slice_that_differs(
    log: Log, projector: Connection, url: str, rebuilt_before: bool
) -> None:
    """With the tables kept from before, or with new ones made for it, which go again."""
    await Chance(log, 37, people=12).live(40)
    await catch_up_all(projector)
    if rebuilt_before:
        await rebuild(url, [PROFILES])
    await Chance(log, 38, people=2).live(10)
    equal = await compare(url, PROFILES)
    table = "projections.profiles_subjects_v1"
    person = await projector.fetchval(f"SELECT subject_id FROM {table} ORDER BY 1 LIMIT 1")
    await projector.execute(f"UPDATE {table} SET source = 'wrong' WHERE subject_id = $1", person)

    found = await compare(url, PROFILES)

    assert equal.differing == ()
    assert equal.serving.position == len(await log.entries()) - 1 or rebuilt_before
    assert found.differing == (person.int >> 118,)
    assert found.with_kept is rebuilt_before
    builds = {name.rpartition("_")[2] for name in await tables(projector) if "profiles" in name}
    assert builds == ({"b1", "b2"} if rebuilt_before else {"b1"})


async def test_rows_hold_words_ids_numbers_and_times_and_nothing_else(
    log: Log, projector: Connection
) -> None:
    """DESIGN 2.4: no text that a person typed, no ciphertext, no token."""
    await Chance(log, 19, people=10).live(150)
    await catch_up_all(projector)
    types = await projector.fetch(
        "SELECT column_name, data_type, udt_name FROM information_schema.columns"
        " WHERE table_schema = 'projections' AND table_name = ANY ($1)",
        TABLES,
    )

    kinds = {row["udt_name"] for row in types}
    assert kinds == {
        "uuid",
        "int2",
        "int4",
        "int8",
        "bool",
        "timestamptz",
        "text",
        "_text",
        "_uuid",
    }
    for table in TABLES:
        rows = await projector.fetch(f"SELECT * FROM projections.{table}")
        assert rows
        texts = [value for row in rows for value in row.values() if isinstance(value, str)]
        assert all(map(is_word, texts))


async def test_no_page_is_lost_between_the_last_look_and_the_swap(
    log: Log, projector: Connection, url: str
) -> None:
    """What was appended after the cut is in the new tables before anybody reads them."""
    await log.append(Person(), registered())
    await catch_up(projector, PROFILES)
    [run] = await load(url, [PROFILES])
    for _ in range(5):
        await log.append(Person(), registered())
    await advance(projector, PROFILES, size_max=3)

    await cut_over(projector, run.builds[0])

    assert await projector.fetchval("SELECT count(*) FROM projections.profiles_subjects_v1") == 6
