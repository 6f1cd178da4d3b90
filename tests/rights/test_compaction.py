"""E2: after the rewrite no file of the cluster holds what was erased, and only then it is said."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from uuid import uuid4

import asyncpg
import httpx
import pytest
import pytest_asyncio

from app.events.erasures import ErasureLevel
from app.rights.compaction import Compacted, Compacting
from app.rights.retention import Retaining
from app.service import Service
from app.settings import Settings
from app.store import embedded, migrate
from app.store.integrity import verify
from app.store.rewriting import Hindrance, Rewriting, Told, standings
from app.store.roles import prepare_database
from tests.conftest import Database, in_thread
from tests.rights.people import CONTACT, collect, get, post, register
from tests.serving import Api, serving

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.clause("L34", "L10", "C66")]

NAME = "compacted"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A cluster of its own, which forgets a piece of its write-ahead log once it is not needed."""
    home = tmp_path_factory.mktemp("cluster")
    (home / "postgresql.local.conf").write_text("wal_recycle = off\n")
    with embedded.start(home) as running:
        in_thread(_make(running))
        yield Database(running, NAME)


async def _make(cluster: embedded.Cluster) -> None:
    admin = await asyncpg.connect(cluster.dsn("postgres", "postgres"))
    await admin.execute(f"CREATE DATABASE {NAME} TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'")
    await admin.close()
    await prepare_database(cluster.dsn("postgres", "postgres"), NAME)
    await migrate.upgrade(cluster.dsn("ledger_migrator", NAME))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def service(
    files: Database, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Service]:
    """A service on that cluster."""
    async with serving(files, tmp_path_factory.mktemp("home")) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(
    service: Service, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[httpx.AsyncClient]:
    """A caller with every scope."""
    async with await Api(service, Settings(home=tmp_path_factory.mktemp("set"))).client() as opened:
        yield opened


def compacting(
    service: Service, *, step_bytes: int = 2**20, told: Told | None = None
) -> Compacting:
    """What makes bytes go."""
    assert service.eraser is not None
    rewriting = Rewriting(
        service.eraser, free=lambda: None, step_bytes=step_bytes, pause_s=0.01, told=told
    )
    return Compacting(
        service.ledger, service.control, service.pool, service.eraser, rewriting=rewriting
    )


def somebody() -> dict[str, str]:
    """A name and an address that nobody else has."""
    return {"contact.name": "Zoë", "contact.email": f"{uuid4().hex}@stad.example"}


@asynccontextmanager
async def registering(client: httpx.AsyncClient) -> AsyncIterator[list[str]]:
    """Ten people who sign up one after the other while something else is done."""
    people: list[str] = []

    async def run() -> None:
        for _ in range(10):
            person = await register(client, contact=somebody())
            people.append(person)

    task = asyncio.create_task(run())
    try:
        yield people
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def checkpoint(files: Database) -> None:
    """What PostgreSQL does by itself every five minutes."""
    admin = await asyncpg.connect(files.dsn("postgres"))
    await admin.execute("SELECT pg_switch_wal()")
    await admin.execute("CHECKPOINT")
    await admin.close()


def found(files: Database, needle: bytes, folder: str) -> list[str]:
    """The files below a folder of the cluster in which some bytes stand."""
    root = files.cluster.home
    return [
        path.name
        for path in root.rglob("*")
        if path.is_file() and folder in path.parts and needle in _read(path)
    ]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:  # PostgreSQL took it away meanwhile
        return b""


async def secrets_of(service: Service, person: str) -> tuple[bytes, bytes, bytes]:
    """A ciphertext, a wrapped data key and a token of a person."""
    subject = person.rpartition("/")[2]
    row = await service.pool.fetchrow(
        "SELECT (SELECT blob FROM ledger.sealed WHERE stream_id = $1 LIMIT 1),"
        " (SELECT wrapped FROM ledger.keyring WHERE subject_id = $1 LIMIT 1),"
        " (SELECT token FROM ledger.identifiers WHERE subject_id = $1 LIMIT 1)",
        subject,
    )
    assert row is not None
    return row[0], row[1], row[2]


async def levels(client: httpx.AsyncClient, person: str) -> dict[str, list[str]]:
    """Retention class -> the levels reached."""
    [told] = (await get(client, f"{person}/erasure"))["erasures"]
    return {
        one["retention_class"]: [level for level, at in one["levels"].items() if at]
        for one in told["erased"]
    }


@pytest.mark.clause("C61")
async def test_the_bytes_leave_the_tables_and_the_log_before_e2_is_stated(
    client: httpx.AsyncClient, service: Service, files: Database
) -> None:
    person = await register(client)
    other = {"contact.email": "stays@stad.example", "contact.phone": "+32470999999"}
    stays = await register(client, contact=CONTACT | other)
    gone, left = await secrets_of(service, person), await secrets_of(service, stays)
    await checkpoint(files)
    assert all(found(files, one, "base") for one in (*gone, *left))

    await post(client, f"{person}/erasure", {"source": "secretariat"})
    await checkpoint(files)
    deleted = [found(files, one, "base") for one in gone]
    async with registering(client) as people:
        first = await compacting(service, step_bytes=1).run()
    tables = [found(files, one, "base") for one in gone]
    early = await levels(client, person)
    await checkpoint(files)
    second = await compacting(service).run()
    everywhere = [found(files, one, "data") for one in gone]
    third = await compacting(service).run()

    assert all(deleted), "a deleted row stays in its file"
    assert (first.pending, first.rewritten, first.assured, first.waiting) == (1, True, 0, 1)
    assert tables == [[], [], []]
    assert people
    for signed_up in people:
        assert await secrets_of(service, signed_up)
    assert early == {"participation": ["e1"]}
    assert (second.rewritten, second.assured, second.waiting) == (False, 1, 0)
    assert await levels(client, person) == {"participation": ["e1", "e2"]}
    assert everywhere == [[], [], []]
    assert third == Compacted()
    assert all(found(files, one, "base") for one in left)
    assert CONTACT["contact.name"] in str(await get(client, f"{stays}/access-report"))
    async with service.pool.acquire() as connection:
        verification = await verify(connection)
    assert verification.sound, verification.findings


async def test_a_table_that_somebody_reads_is_left_for_later(
    client: httpx.AsyncClient, service: Service, files: Database
) -> None:
    """A backup holds its locks for long; writers wait a moment at most; nothing is said."""
    contact = CONTACT | {"contact.email": "busy@stad.example", "contact.phone": "+32470888888"}
    person = await register(client, contact=contact)
    await post(client, f"{person}/erasure", {"source": "secretariat"})
    reader = await asyncpg.connect(files.dsn("ledger_auditor"))
    async with reader.transaction():
        await reader.execute("SELECT count(*) FROM ledger.sealed")
        busy = await compacting(service).run()
    await reader.close()
    done = await compacting(service).run()

    assert (busy.hindered, busy.rewritten, busy.waiting) == (Hindrance.BUSY, False, 1)
    assert done.rewritten
    assert ErasureLevel.BYTES_GONE.value not in (await levels(client, person))["participation"]


async def test_an_append_that_read_the_keys_before_the_lock_makes_the_rewrite_wait_for_its_turn(
    client: httpx.AsyncClient, service: Service, files: Database
) -> None:
    """`ledger_append` looks at the keys first and takes the append lock then.

    The exchange of names waits for it, or gives way; never does the append end.
    """
    contact = CONTACT | {"contact.email": "turn@stad.example", "contact.phone": "+32470666666"}
    person = await register(client, contact=contact)
    await post(client, f"{person}/erasure", {"source": "secretariat"})
    owner = await asyncpg.connect(files.dsn("postgres"))
    watcher = await asyncpg.connect(files.dsn("postgres"))
    appending = owner.transaction()
    await appending.start()
    await owner.execute("SELECT count(*) FROM ledger.keyring")
    compaction = asyncio.create_task(compacting(service).run())
    blocked = (
        "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'ledger.keyring'::regclass"
    )
    while not await watcher.fetchval(blocked):
        assert not compaction.done()
        await asyncio.sleep(0.01)
    await owner.execute("LOCK TABLE ledger.append_lock_0 IN EXCLUSIVE MODE")
    await appending.rollback()
    done = await compaction
    await owner.close()
    await watcher.close()

    assert (done.hindered, done.rewritten) == (None, True), "once the append had its turn"


@pytest.mark.parametrize("table", ["sealed", "identifiers"])
@pytest.mark.parametrize("phase", ["copying", "comparing", "comparing-back"])
async def test_what_was_killed_goes_on_where_it_stood_and_covers_what_was_gone_by_then(
    client: httpx.AsyncClient, service: Service, files: Database, table: str, phase: str
) -> None:
    """The process ends in the middle; an erasure that came later needs another rewriting."""
    await compacting(service).run()
    one, other = [await register(client, contact=somebody()) for _ in range(2)]
    gone, later = await secrets_of(service, one), await secrets_of(service, other)
    await post(client, f"{one}/erasure", {"source": "secretariat"})

    def kill(told_table: str, told_phase: str, _done: int, _whole: int) -> None:
        if (told_table, told_phase) == (table, phase):
            raise Killed

    with pytest.raises(Killed):
        await compacting(service, step_bytes=1, told=kill).run()
    stands = {each.relation: each for each in await standings(service.pool)}
    await post(client, f"{other}/erasure", {"source": "secretariat"})
    resumed = await compacting(service).run()
    await checkpoint(files)
    covered = [found(files, each, "data") for each in gone]
    again = await compacting(service).run()
    await checkpoint(files)
    all_gone = [found(files, each, "data") for each in later]
    last = await compacting(service).run()

    assert stands[table].under_way
    assert resumed.hindered is None
    assert covered == [[], [], []]
    assert again.due, "what was destroyed after the begin is not covered"
    assert all_gone == [[], [], []]
    assert not last.due
    assert (await levels(client, one))["participation"] == ["e1", "e2"]
    assert (await levels(client, other))["participation"] == ["e1", "e2"]


class Killed(Exception):
    """The process ends here."""


@pytest.mark.clause("L7")
async def test_the_bytes_of_what_expired_go_as_well(
    client: httpx.AsyncClient, service: Service, files: Database
) -> None:
    """Nobody asked, and nothing is erased: the end of a period is a destruction like another."""
    contact = {"contact.name": "Zoë", "contact.email": "expires@stad.example"}
    person = await register(client, contact=contact)
    occasion = str(uuid4())
    passport = {"identity.document": "AB123456"}
    old = {"occurred_at": "2014-05-01T10:00:00Z", "occasion": occasion}
    await collect(client, person, "travel_booking", passport, **old)
    gone: bytes = await service.pool.fetchval(
        "SELECT blob FROM ledger.sealed WHERE stream_id = $1 ORDER BY version DESC LIMIT 1",
        person.rpartition("/")[2],
    )
    await compacting(service).run()
    worker = compacting(service)
    before = await worker.run()
    await post(client, f"/v1/occasions/{occasion}/end", {"on": "2014-06-01"})
    assert (await Retaining(service.ledger, service.pool, service.eraser).run()).keys == 1
    await checkpoint(files)
    kept = found(files, gone, "base")
    done = await worker.run()

    assert not before.due
    assert kept, "a deleted row stays in its file"
    assert (done.due, done.rewritten) == (True, True)
    assert found(files, gone, "base") == []
    assert not (await worker.run()).due


@pytest.mark.parametrize("table", ["sealed", "keyring"])
async def test_a_verification_that_met_a_rewrite_sees_every_row(
    client: httpx.AsyncClient, service: Service, files: Database, table: str
) -> None:
    """Its snapshot is from before the exchange of names, and it reads the table after it."""
    name = {"contact.email": f"{table}@stad.example", "contact.phone": "+32470777777"}
    person = await register(client, contact=CONTACT | name)
    await post(client, f"{person}/erasure", {"source": "secretariat"})
    assert service.eraser is not None
    auditor = await asyncpg.connect(files.dsn("ledger_auditor"))
    async with service.eraser.acquire() as eraser:
        await eraser.execute("SELECT ledger.ledger_rewrite_begin($1)", table)
        step = "SELECT outcome FROM ledger.ledger_rewrite_step($1, 1000000)"
        while await eraser.fetchval(step, table) != "ready":
            pass
        rewriting = eraser.transaction()
        await rewriting.start()
        swap = "SELECT outcome FROM ledger.ledger_rewrite_swap($1)"
        assert await eraser.fetchval(swap, table) == "rewritten"
        verifying = asyncio.create_task(verify(auditor))
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pid = $1"
        while not await service.pool.fetchval(waiting, auditor.get_server_pid()):
            assert not verifying.done()
            await asyncio.sleep(0.01)
        await rewriting.commit()
    verification = await verifying
    await auditor.close()

    assert verification.sound, verification.findings
    assert verification.keys > 0


async def test_only_the_eraser_may_write_a_table_anew_and_only_one_that_erasure_empties(
    service: Service, files: Database
) -> None:
    calls = [
        f"SELECT ledger.ledger_rewrite_{call}" for call in ("begin($1)", "swap($1)", "abandon($1)")
    ]
    for role in ("ledger_app", "ledger_projector", "ledger_auditor"):
        caller = await asyncpg.connect(files.dsn(role))
        for call in calls:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await caller.fetchval(call, "sealed")
        await caller.close()
    assert service.eraser is not None
    with pytest.raises(asyncpg.InvalidParameterValueError):
        await service.eraser.fetchval(calls[0], "events")
