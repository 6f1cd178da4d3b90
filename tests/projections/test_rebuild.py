"""Any read model can be dropped and rebuilt on any day, and reproduces every erasure."""

import asyncio

import asyncpg
import pytest

from app.identifiers import is_word
from app.projections import PROJECTIONS
from app.projections.digest import digest
from app.projections.engine import Connection, Engine, advance, prepare, rebuild
from app.projections.projection import Projection
from app.projections.restore import restore
from app.store.connection import connect
from tests.conftest import Database
from tests.projections import oracle
from tests.projections.chance import Chance
from tests.projections.history import Log

TABLES = ("profiles_v1", "profiles_subjects_v1", "sharing_register_v1")


async def catch_up(connection: Connection, projection: Projection, size_max: int = 256) -> None:
    """Projects until nothing is left."""
    await prepare(connection, projection)
    while await advance(connection, projection, size_max=size_max):
        pass


async def digests(connection: Connection) -> dict[str, str]:
    return {one.name: (await digest(connection, one)).sha256 for one in PROJECTIONS}


async def catch_up_all(connection: Connection, size_max: int = 256) -> dict[str, str]:
    for projection in PROJECTIONS:
        await catch_up(connection, projection, size_max)
    return await digests(connection)


@pytest.mark.clause("C70", "L6")
@pytest.mark.parametrize("seed", [2, 3, 5])
async def test_what_is_projected_is_what_an_independent_reader_of_the_log_finds(
    log: Log, projector: Connection, seed: int
) -> None:
    """Live in pages of seven, rebuilt in one page: the same rows, erasures included."""
    history = Chance(log, seed, people=12)
    await history.live(80)
    await catch_up_all(projector, size_max=7)
    await history.go_on(80)
    live = await catch_up_all(projector, size_max=7)

    for projection in PROJECTIONS:
        await rebuild(projector, projection)

    expected = oracle.digests(await log.entries())
    assert live == expected
    assert await digests(projector) == expected


async def test_dropped_tables_come_back_equal(
    database: Database, log: Log, projector: Connection
) -> None:
    """Drop both, rebuild, equal digests."""
    history = Chance(log, 7, people=8)
    await history.live(120)
    before = await catch_up_all(projector)
    migrator = await asyncpg.connect(database.dsn("ledger_migrator"))
    for table in TABLES:
        await migrator.execute(f"DROP TABLE ledger.{table}")
    await migrator.close()

    restored = await restore(database.dsn("ledger_migrator"), PROJECTIONS)
    for projection in PROJECTIONS:
        await rebuild(projector, projection)

    assert sorted(restored) == sorted(TABLES)
    assert await digests(projector) == before
    assert before == oracle.digests(await log.entries())


async def test_nothing_is_restored_where_nothing_is_missing(
    database: Database, log: Log, projector: Connection
) -> None:
    await Chance(log, 11, people=3).live(10)
    before = await catch_up_all(projector)

    assert await restore(database.dsn("ledger_migrator"), PROJECTIONS) == ()
    assert await digests(projector) == before


async def test_a_rebuild_says_how_far_it_is(log: Log, projector: Connection) -> None:
    await Chance(log, 13, people=10).live(20)
    told: list[tuple[int, int]] = []
    [projection, *_] = PROJECTIONS

    head = await rebuild(
        projector, projection, progress=lambda *step: told.append(step), size_max=10
    )

    assert head == len(await log.entries()) - 1
    assert told[0] == (0, head + 1)
    assert told[-1] == (head + 1, head + 1)
    assert told == sorted(told)


async def test_an_empty_log_is_rebuilt_into_empty_tables(projector: Connection) -> None:
    for projection in PROJECTIONS:
        assert await rebuild(projector, projection) == -1

    assert await digests(projector) == oracle.digests([])


async def test_a_rebuild_beside_living_engines_comes_out_equal(
    database: Database, log: Log, projector: Connection
) -> None:
    """They help each other: whoever claims the next page projects it."""
    history = Chance(log, 17, people=10)
    await history.live(60)
    engines = [
        asyncio.create_task(Engine(one, lambda: connect(database.dsn("ledger_projector"))).run())
        for one in PROJECTIONS
        for _ in range(2)
    ]

    await history.go_on(60)
    for projection in PROJECTIONS:
        await rebuild(projector, projection, size_max=5)
    for engine in engines:
        engine.cancel()
    await asyncio.wait(engines)

    assert await catch_up_all(projector) == oracle.digests(await log.entries())


async def test_rows_hold_words_ids_numbers_and_times_and_nothing_else(
    log: Log, projector: Connection
) -> None:
    """DESIGN 2.4: no text that a person typed, no ciphertext, no token."""
    await Chance(log, 19, people=10).live(150)
    await catch_up_all(projector)
    types = await projector.fetch(
        "SELECT column_name, data_type, udt_name FROM information_schema.columns"
        " WHERE table_schema = 'ledger' AND table_name = ANY ($1)",
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
        rows = await projector.fetch(f"SELECT * FROM ledger.{table}")
        assert rows
        texts = [value for row in rows for value in row.values() if isinstance(value, str)]
        assert all(map(is_word, texts))
