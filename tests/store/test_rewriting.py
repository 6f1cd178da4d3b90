"""A table is written anew beside living appends: nothing lost, doubled, weakened or left (E2)."""

import asyncio
import os
import re
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import product
from time import monotonic
from typing import Any

import asyncpg
import pytest

import app.projections  # noqa: F401  # its tables join the metadata
from app.store.integrity import verify
from app.store.migrate import drift
from app.store.rewriting import TABLES, Hindrance, Rewriting, Standing, standings
from app.store.self_test import examine
from tests.conftest import Database
from tests.store.conftest import Connect, open_epoch
from tests.store.doors import Connection
from tests.store.erasable import erase, register, rows
from tests.store.verbs import REFUSED, RUNTIME, VERBS, attempt

pytestmark = pytest.mark.clause("L34", "C61")

BEGIN = "SELECT outcome FROM ledger.ledger_rewrite_begin($1)"
STEP = "SELECT outcome FROM ledger.ledger_rewrite_step($1, $2)"
SWAP = "SELECT outcome FROM ledger.ledger_rewrite_swap($1)"
ABANDON = "SELECT ledger.ledger_rewrite_abandon($1)"
LARGE_MIB = int(os.environ.get("LEDGER_REWRITE_MIB", "4"))
"""Size of the table in the test of size; 600 is more than twice what could be written anew once."""
LOCK_WAIT_MS = 250
"""An append that waits so long for one lock fails in these tests."""

# What a program, a role or a migration could meet, asked otherwise than the database asks itself.
CATALOG = {
    "columns": """
SELECT attname, atttypid::regtype, atttypmod, attnotnull, attstorage, attstattarget,
       attacl::text, atthasdef, attidentity, attgenerated, attoptions, attcollation
  FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 ORDER BY attnum""",
    "indexes": "SELECT indexname, indexdef FROM pg_indexes"
    " WHERE schemaname || '.' || tablename = $1 ORDER BY 1",
    "constraints": "SELECT conname, contype, pg_get_constraintdef(oid), convalidated"
    " FROM pg_constraint WHERE conrelid = $1::regclass ORDER BY 1",
    "triggers": "SELECT tgname, tgenabled, tgtype, tgfoid, pg_get_triggerdef(oid) FROM pg_trigger"
    " WHERE tgrelid = $1::regclass ORDER BY 1",
    "table": "SELECT relname, relowner, relkind, relacl::text, reloptions, relhasindex,"
    " relhasrules, relrowsecurity, relreplident, obj_description(oid)"
    " FROM pg_class WHERE oid = $1::regclass",
    "toast": "SELECT s.reloptions FROM pg_class c JOIN pg_class s ON s.oid = c.reltoastrelid"
    " WHERE c.oid = $1::regclass",
    "privileges": "SELECT grantee, privilege_type, is_grantable"
    " FROM information_schema.role_table_grants WHERE table_schema || '.' || table_name = $1"
    " ORDER BY 1, 2",
}


async def catalog(connection: Connection, table: str) -> dict[str, list[tuple[Any, ...]]]:
    """What the catalogue says of a table."""
    return {
        name: [tuple(row) for row in await connection.fetch(sql, f"ledger.{table}")]
        for name, sql in CATALOG.items()
    }


async def copied(eraser: Connection, table: str, *, step_bytes: int = 2**20) -> None:
    """From the begin to a whole copy."""
    assert await eraser.fetchval(BEGIN, table) == "begun"
    while (outcome := await eraser.fetchval(STEP, table, step_bytes)) != "ready":
        assert outcome in {"copying", "comparing", "comparing-back"}


async def standing_of(connection: Connection, table: str) -> Standing:
    [one] = [one for one in await standings(connection) if one.relation == table]
    return one


async def nothing_left(connection: Connection, table: str) -> None:
    """No copy, and nothing that follows into one."""
    assert not (await standing_of(connection, table)).under_way
    assert await connection.fetchval("SELECT to_regclass($1)", f"ledger.{table}_next") is None
    following = "SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'rewrite%'"
    assert await connection.fetchval(following) == 0


async def rewriting_of(
    database: Database, free: Callable[[], int | None] = lambda: None, **limits: float
) -> "tuple[asyncpg.Pool[Any], Rewriting]":
    pool = await asyncpg.create_pool(database.dsn("ledger_eraser"), min_size=1, max_size=2)
    return pool, Rewriting(pool, free=free, **limits)  # type: ignore[arg-type]  # whole bytes


@pytest.fixture
async def eraser(connect: Connect) -> Connection:
    return await connect("ledger_eraser")


@pytest.fixture
async def admin(connect: Connect) -> Connection:
    return await connect("postgres")


@pytest.fixture(params=TABLES)
def table(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.usefixtures("app")
async def test_the_catalogue_says_the_same_of_the_table_before_and_after(
    app: Connection, eraser: Connection, admin: Connection, module_database: Database, table: str
) -> None:
    await register(app)
    url = module_database.dsn("ledger_migrator")
    before, oid = (
        await catalog(admin, table),
        await admin.fetchval(f"SELECT 'ledger.{table}'::regclass::oid"),
    )
    await copied(eraser, table)
    during = await drift(url)
    await examine(app)
    assert await eraser.fetchval(SWAP, table) == "rewritten"

    assert await catalog(admin, table) == before
    assert await admin.fetchval(f"SELECT 'ledger.{table}'::regclass::oid") != oid
    assert (during, await drift(url)) == ([], [])
    await nothing_left(admin, table)
    assert any(before["privileges"])
    assert len(before["triggers"]) == 2


@pytest.mark.parametrize("role", RUNTIME)
async def test_neither_the_table_nor_its_copy_is_open_to_anybody_meanwhile(
    connect: Connect, app: Connection, eraser: Connection, role: str
) -> None:
    """The same verbs by the same roles as when nothing is written anew."""
    await register(app)
    for table in TABLES:
        await copied(eraser, table)
    connection, passed = await connect(role), []
    names = [name for table in TABLES for name in (table, f"{table}_next")]
    for name, (verb, statement) in product(names, VERBS.items()):
        column = "kind" if name.startswith("identifiers") else "key_id"
        try:
            await attempt(connection, statement.format(table=name, column=column))
        except (*REFUSED, asyncpg.WrongObjectTypeError):
            continue
        passed.append((name, verb))
    for table in TABLES:
        assert await eraser.fetchval(ABANDON, table) == "abandoned"

    assert passed == []


async def test_the_owner_and_a_superuser_meet_the_guards_of_the_copy(
    connect: Connect, app: Connection, eraser: Connection, admin: Connection, table: str
) -> None:
    await register(app)
    await copied(eraser, table)
    owner = await connect("ledger_migrator")
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="refused"):
        await owner.execute(f"TRUNCATE ledger.{table}_next")
    await admin.execute("SET session_replication_role = replica")
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="refused"):
        await admin.execute(f"DELETE FROM ledger.{table}_next")
    await admin.execute("RESET session_replication_role")

    assert await eraser.fetchval(ABANDON, table) == "abandoned"
    await nothing_left(admin, table)


async def test_whatever_happens_between_two_steps_and_in_a_broken_one_the_rows_are_the_same(
    app: Connection, eraser: Connection, admin: Connection, table: str
) -> None:
    """Each step takes one row; each is rolled back once first, as when it is killed."""
    people = [await register(app) for _ in range(6)]
    assert await eraser.fetchval(BEGIN, table) == "begun"
    outcome, steps, erased = "copying", 0, 0
    while outcome != "ready":
        broken = eraser.transaction()
        await broken.start()
        await eraser.fetchval(STEP, table, 1)
        await broken.rollback()
        outcome = await eraser.fetchval(STEP, table, 1)
        steps += 1
        if steps % 3 == 0 and steps < 60:
            people.append(await register(app))
        if steps % 7 == 0 and erased < 4:
            await erase(eraser, people[erased])
            erased += 1
        assert steps < 1000
    before = await rows(admin, table)
    twin = await rows(admin, f"{table}_next")
    assert await eraser.fetchval(SWAP, table) == "rewritten"

    assert erased == 4
    assert steps > 12
    assert twin == before == await rows(admin, table)
    async with admin.transaction():
        assert (await verify(app)).sound


async def test_an_erasure_waits_for_a_step_and_what_it_took_does_not_come_back(
    connect: Connect, app: Connection, eraser: Connection, admin: Connection, table: str
) -> None:
    """The step read the row before the erasure, and writes it after."""
    person, other = await register(app), await connect("ledger_eraser")
    assert await eraser.fetchval(BEGIN, table) == "begun"
    async with eraser.transaction():
        await eraser.fetchval(STEP, table, 2**30)
        erasing = asyncio.create_task(erase(other, person))
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pid = $1"
        while not await admin.fetchval(waiting, other.get_server_pid()):
            assert not erasing.done()
            await asyncio.sleep(0.01)
    await erasing
    while await eraser.fetchval(STEP, table, 2**30) != "ready":
        pass
    assert await rows(admin, table) == await rows(admin, f"{table}_next")
    assert await eraser.fetchval(SWAP, table) == "rewritten"

    gone = {person.blob, person.token}
    assert not [row for row in await rows(admin, table) if gone & set(row)]


async def test_an_append_waits_for_no_step(
    app: Connection, eraser: Connection, admin: Connection, table: str
) -> None:
    await register(app)
    assert await eraser.fetchval(BEGIN, table) == "begun"
    async with eraser.transaction():
        await eraser.fetchval(STEP, table, 2**30)
        await asyncio.wait_for(register(app), 10)
    while await eraser.fetchval(STEP, table, 2**30) != "ready":
        pass

    assert await eraser.fetchval(SWAP, table) == "rewritten"


async def test_two_steps_are_never_of_one_transaction(
    app: Connection, eraser: Connection, table: str
) -> None:
    """Else nobody could tell who has looked at the database since the last copy."""
    await register(app)
    assert await eraser.fetchval(BEGIN, table) == "begun"
    async with eraser.transaction():
        await eraser.fetchval(STEP, table, 2**20)
        with pytest.raises(asyncpg.InvalidTransactionStateError):
            await eraser.fetchval(STEP, table, 2**20)
    async with eraser.transaction(isolation="repeatable_read"):
        with pytest.raises(asyncpg.InvalidTransactionStateError):
            await eraser.fetchval(STEP, table, 2**20)

    assert await eraser.fetchval(ABANDON, table) == "abandoned"


async def test_a_snapshot_from_before_the_exchange_sees_every_row_after_it(
    connect: Connect, app: Connection, eraser: Connection, admin: Connection, table: str
) -> None:
    """As a dump has: it looks at the catalogue first, and at the table much later."""
    await register(app)
    early, late = await connect("postgres"), await connect("postgres")
    first = early.transaction(isolation="repeatable_read", readonly=True)
    await first.start()
    await early.fetch("SELECT relname FROM pg_class")
    await copied(eraser, table)
    hindered = await eraser.fetchval(SWAP, table)
    await first.rollback()
    before = await rows(admin, table)
    async with late.transaction(isolation="repeatable_read", readonly=True):
        await late.fetch("SELECT relname FROM pg_class")
        swapped = await eraser.fetchval(SWAP, table)
        await register(app)
        seen = await rows(late, table)

    assert (hindered, swapped) == ("waiting", "rewritten")
    assert seen == before


async def test_a_dump_that_meets_a_rewriting_is_whole_or_fails(
    module_database: Database, app: Connection, admin: Connection
) -> None:
    """A copy of the data that lacks rows without saying so would be found when it is needed."""
    for _ in range(20):
        await register(app)
    expected = {one: sum((await rows(admin, one)).values()) for one in TABLES}
    pool, rewriting = await rewriting_of(module_database)
    ends = asyncio.Event()

    async def writing() -> None:
        while not ends.is_set():
            for one in TABLES:
                await rewriting.write_anew(await standing_of(admin, one))

    task = asyncio.create_task(writing())
    for _ in range(6):
        code, text = await asyncio.to_thread(dumped, module_database)
        if code == 0:
            assert {one: lines_of(text, one) for one in TABLES} == expected
    ends.set()
    await task
    await pool.close()

    assert (await standing_of(admin, "sealed")).done_at is not None
    code, text = dumped(module_database)
    assert (code, {one: lines_of(text, one) for one in TABLES}) == (0, expected)


def dumped(database: Database) -> tuple[int, str]:
    """The end of `pg_dump`, and what it wrote."""
    done = subprocess.run(
        [database.cluster.bin_dir / "pg_dump", "--data-only", database.dsn("postgres")],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def lines_of(dump: str, table: str) -> int:
    """How many rows of a table a dump has."""
    found = re.search(rf"^COPY ledger\.{table} .*?$\n(.*?)^\\\.$", dump, re.MULTILINE | re.DOTALL)
    return found[1].count("\n") if found else -1


async def test_a_table_put_into_another_file_meanwhile_is_read_again(
    app: Connection, eraser: Connection, admin: Connection, table: str
) -> None:
    """`VACUUM FULL` moves every row: where a step stood says nothing any more."""
    for _ in range(5):
        await register(app)
    assert await eraser.fetchval(BEGIN, table) == "begun"
    outcome, seen = "copying", set[str]()
    while outcome != "ready":
        outcome = await eraser.fetchval(STEP, table, 1)
        if outcome not in seen:
            seen.add(outcome)
            await eraser.fetchval(STEP, table, 1)
            await admin.execute(f"VACUUM FULL ledger.{table}")
            await admin.execute(f"VACUUM FULL ledger.{table}_next")
    before = await rows(admin, table)

    assert seen == {"copying", "comparing", "comparing-back", "ready"}
    assert await eraser.fetchval(SWAP, table) == "rewritten"
    assert await rows(admin, table) == before


async def test_a_copy_that_is_not_equal_is_never_put_in_its_place(
    module_database: Database, app: Connection, eraser: Connection, admin: Connection, table: str
) -> None:
    """A row is lost from the copy behind every guard, or is too many, or is another."""
    await register(app)
    pool, rewriting = await rewriting_of(module_database)
    column = {"sealed": "section", "keyring": "epoch", "identifiers": "epoch"}[table]
    for change in (
        f"DELETE FROM ledger.{table}_next",
        (
            f"INSERT INTO ledger.{table}_next SELECT (jsonb_populate_record(t, jsonb_build_object("
            f"'key_id', gen_random_uuid(), 'token', '\\x00', 'version', 999, 'subject_id',"
            f" gen_random_uuid()))).* FROM ledger.{table} t LIMIT 1"
        ),
        f"UPDATE ledger.{table}_next SET {column} = {column} + 1",
    ):
        assert await eraser.fetchval(BEGIN, table) == "begun"
        while await eraser.fetchval(STEP, table, 2**20) == "copying":
            pass
        async with admin.transaction():
            await admin.execute(f"ALTER TABLE ledger.{table}_next DISABLE TRIGGER no_write")
            await admin.execute(change)
            await admin.execute(f"ALTER TABLE ledger.{table}_next ENABLE ALWAYS TRIGGER no_write")
        before = await rows(admin, table)

        assert await rewriting.write_anew(await standing_of(admin, table)) is Hindrance.DIFFERS
        assert await rows(admin, table) == before
        await nothing_left(admin, table)
    await pool.close()


async def test_a_table_that_was_given_what_is_not_copied_stays_as_it_is(
    module_database: Database, app: Connection, admin: Connection, table: str
) -> None:
    await register(app)
    pool, rewriting = await rewriting_of(module_database)
    for give, take in (
        (f"CREATE VIEW public.mine AS SELECT * FROM ledger.{table}", "DROP VIEW public.mine"),
        (f"CREATE PUBLICATION mine FOR TABLE ledger.{table}", "DROP PUBLICATION mine"),
        (
            f"ALTER TABLE ledger.{table} SET (fillfactor = 90)",
            f"ALTER TABLE ledger.{table} RESET (fillfactor)",
        ),
    ):
        await admin.execute(give)
        oid = await admin.fetchval(f"SELECT 'ledger.{table}'::regclass::oid")

        assert await rewriting.write_anew(await standing_of(admin, table)) is Hindrance.UNLIKE
        assert await admin.fetchval(f"SELECT 'ledger.{table}'::regclass::oid") == oid
        await nothing_left(admin, table)
        await admin.execute(take)
    await pool.close()


async def test_a_full_disk_leaves_no_copy(
    module_database: Database, app: Connection, admin: Connection
) -> None:
    """It is not begun where it does not fit, and given up when the room goes meanwhile."""
    await register(app)
    answers = iter([10_000, 2**40, 2**40, 2**40, 10_000])
    pool, rewriting = await rewriting_of(module_database, lambda: next(answers), step_bytes=1)
    before = await standing_of(admin, "sealed")

    assert await rewriting.write_anew(before) is Hindrance.NO_ROOM
    assert await standing_of(admin, "sealed") == before
    assert await rewriting.write_anew(before) is Hindrance.NO_ROOM
    await nothing_left(admin, "sealed")
    assert list(answers) == []
    await pool.close()


async def test_whoever_reads_the_table_for_long_only_puts_the_exchange_off(
    connect: Connect, module_database: Database, app: Connection, admin: Connection
) -> None:
    """The copy stays, follows what is appended, and is put in its place the next time."""
    await register(app)
    pool, rewriting = await rewriting_of(module_database, pause_s=0)
    reader = await connect("ledger_auditor")
    async with reader.transaction():
        await reader.execute("SELECT count(*) FROM ledger.sealed")
        hindered = await rewriting.write_anew(await standing_of(admin, "sealed"))
        await register(app)
    stands = await standing_of(admin, "sealed")
    before = await rows(admin, "sealed")
    done = await rewriting.write_anew(stands)
    await pool.close()

    assert (hindered, done) == (Hindrance.BUSY, None)
    assert stands.phase == "ready"
    assert await rows(admin, "sealed") == before
    await nothing_left(admin, "sealed")


@asynccontextmanager
async def appending(database: Database) -> AsyncIterator[list[float]]:
    """Appends one after the other; yields how long each took. None may wait long for a lock."""
    took: list[float] = []
    connection = await asyncpg.connect(database.dsn("ledger_app"))
    await connection.execute(f"SET lock_timeout = {LOCK_WAIT_MS}")
    ends = asyncio.Event()

    async def run() -> None:
        while not ends.is_set():
            began = monotonic()
            await register(connection)
            took.append(monotonic() - began)

    task = asyncio.create_task(run())
    try:
        yield took
    finally:
        ends.set()
        await task
        await connection.close()


async def fill(connection: Connection, mib: int) -> None:
    """Rows of a kilobyte, as the owner writes them; they belong to no event."""
    for _ in range(mib):
        await connection.execute(
            "INSERT INTO ledger.sealed SELECT gen_random_uuid(), 1, 0, gen_random_uuid(),"
            " decode(string_agg(md5(random()::text), ''), 'hex')"
            " FROM generate_series(1, 1000) r, generate_series(1, 62) GROUP BY r"
        )


async def test_a_table_of_any_size_is_written_anew_while_appends_go_on(
    database: Database,
) -> None:
    """LEDGER_REWRITE_MIB makes it large; the path is the same."""
    owner = await asyncpg.connect(database.dsn("ledger_migrator"))
    await open_epoch(owner)
    await fill(owner, LARGE_MIB)
    size = await owner.fetchval("SELECT pg_total_relation_size('ledger.sealed')")
    pool, rewriting = await rewriting_of(database)
    async with appending(database) as took:
        while len(took) < 20:  # noqa: ASYNC110  # a list of what was measured tells of nothing
            await asyncio.sleep(0.01)
        usual, began = sorted(took)[len(took) // 2], monotonic()
        first = len(took)
        done = await rewriting.write_anew(await standing_of(owner, "sealed"))
        meanwhile, lasted = took[first:], monotonic() - began
    await pool.close()
    people = await owner.fetchval("SELECT count(*) FROM ledger.keyring")
    sections = await owner.fetchval("SELECT count(*) FROM ledger.sealed")
    await owner.close()
    print(  # noqa: T201  # the figures of decision 0014
        f"{size / 2**20:.0f} MiB in {lasted:.1f} s; {len(meanwhile)} appends meanwhile,"
        f" median {sorted(meanwhile)[len(meanwhile) // 2] * 1e3:.1f} ms (usual"
        f" {usual * 1e3:.1f}), longest {max(meanwhile) * 1e3:.0f} ms"
    )

    assert done is None
    assert size > LARGE_MIB * 2**20
    assert len(meanwhile) > 3
    assert sections == people + LARGE_MIB * 1000
