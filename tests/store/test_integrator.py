"""The integrator: every size it signs is a tree of the log, and it contradicts nothing it signed.

A short form of the kills by default; LEDGER_INTEGRATOR_KILLS asks for more.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from random import Random

import asyncpg
import pytest
from structlog.testing import capture_logs

from app.store import integrator as module
from app.store.connection import connect
from app.store.integrator import (
    AnotherKey,
    Integrated,
    Integrator,
    LogForked,
    LogShortened,
    PositionsSkipped,
)
from app.store.notices import APPENDED_CHANNEL, Notices
from app.tlog.edge import Edge
from app.tlog.merkle import EMPTY_ROOT
from app.tlog.notes import VerifierKey
from app.vault.signed_head import SignedHead, SignedHeadFile, SignedHeadUnreadable
from app.vault.signing import Signer
from tests.conftest import ROOT, Database
from tests.projections.waiting import until
from tests.store.leaves import Connection, check_tree, grow

KILLS = int(os.environ.get("LEDGER_INTEGRATOR_KILLS", "6"))
LIFE_MAX_S = 0.5
ORIGIN = "ledger.example/log"
SIGNER = Signer(b"\x07" * 32)
VKEY = str(VerifierKey(ORIGIN, SIGNER.public_key))
PROGRAM = """
import asyncio, sys
from pathlib import Path
from app.store import integrator
from app.store.connection import connect
from app.vault.signed_head import SignedHeadFile
from app.vault.signing import Signer
integrator.GATHER_S = integrator.STAND_BY_PAUSE_S = 0.001
url, file = sys.stdin.readline().strip(), Path(sys.argv[1])
one = integrator.Integrator(
    lambda: connect(url), Signer(b"\\x07" * 32), SignedHeadFile(file),
    origin="ledger.example/log", batch_max=37,
)
print("up", flush=True)
asyncio.run(one.run())
"""


@pytest.fixture
async def admin(database: Database) -> AsyncIterator[Connection]:
    """The superuser."""
    connection = await asyncpg.connect(database.dsn("postgres"))
    yield connection
    await connection.close()


@pytest.fixture
async def connection(database: Database) -> AsyncIterator[Connection]:
    """A connection of the role that integrates."""
    opened = await connect(database.dsn("ledger_integrator"))
    yield opened
    await opened.close()


@pytest.fixture
def memory(tmp_path: Path) -> SignedHeadFile:
    return SignedHeadFile(tmp_path / "checkpoint.signed")


def integrator(
    database: Database, memory: SignedHeadFile, *, signer: Signer = SIGNER, batch_max: int = 300
) -> Integrator:
    async def connected() -> Connection:
        return await connect(database.dsn("ledger_integrator"))

    return Integrator(connected, signer, memory, origin=ORIGIN, batch_max=batch_max)


async def catch_up(one: Integrator, connection: Connection) -> int:
    """Integrates until nothing is left; the size reached."""
    while (done := await one.integrate(connection)).entries:
        assert done.moved
    return done.size


async def as_owner_of_the_server(admin: Connection, statement: str, *values: object) -> None:
    """A statement with the triggers of the tree taken off."""
    for table in ("log_edge", "log_checkpoint", "log_tile", "log_key", "events"):
        await admin.execute(f"ALTER TABLE ledger.{table} DISABLE TRIGGER ALL")
    await admin.execute(statement, *values)


async def test_an_empty_log_has_a_checkpoint(
    database: Database, connection: Connection, memory: SignedHeadFile
) -> None:
    assert await integrator(database, memory).integrate(connection) == Integrated(0, 0)

    await check_tree(connection, 0, VKEY)
    assert await connection.fetchval("SELECT vkey FROM ledger.log_key") == VKEY


@pytest.mark.clause("L9")
async def test_every_size_that_is_signed_is_a_tree_of_the_log(
    database: Database, admin: Connection, connection: Connection, memory: SignedHeadFile
) -> None:
    one, size = integrator(database, memory), 0
    for count in (1, 2, 252, 1, 1, 299, 301, 700):
        await grow(admin, count)
        size += count
        assert await catch_up(one, connection) == size
    await check_tree(connection, size, VKEY)
    signed = memory.read()
    assert signed is not None
    assert signed.size == size


async def test_a_tile_of_tiles_becomes_full(
    database: Database, admin: Connection, connection: Connection, memory: SignedHeadFile
) -> None:
    one = integrator(database, memory, batch_max=4096)
    await grow(admin, 65_300)
    await catch_up(one, connection)
    await grow(admin, 300)

    assert await catch_up(integrator(database, memory), connection) == 65_600
    assert await connection.fetchval("SELECT count(*) FROM ledger.log_tile") == 257
    assert await connection.fetchval("SELECT size FROM ledger.log_edge") == 65_600


async def test_two_side_by_side_sign_each_size_once(
    database: Database, admin: Connection, connection: Connection, memory: SignedHeadFile
) -> None:
    one, other = integrator(database, memory), integrator(database, memory)
    await grow(admin, 10)
    await catch_up(one, connection)
    await other.integrate(connection)
    await grow(admin, 10)

    first = await one.integrate(connection)
    late = await other.integrate(connection)
    after = await other.integrate(connection)

    assert (first.size, first.moved) == (20, True)
    assert (late.moved, late.entries) == (False, 0)
    assert after == Integrated(20, 0)
    await check_tree(connection, 20, VKEY)


async def test_the_slower_one_stands_by_and_takes_over(
    database: Database,
    admin: Connection,
    connection: Connection,
    memory: SignedHeadFile,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "STAND_BY_PAUSE_S", 0.02)
    monkeypatch.setattr(module, "GATHER_S", 0.01)
    running = [asyncio.create_task(integrator(database, memory).run()) for _ in range(3)]

    async def reached() -> bool:
        size = await connection.fetchval("SELECT max(size) FROM ledger.log_checkpoint")
        return bool(size == expected)

    expected = 0
    for _ in range(6):
        await grow(admin, 50)
        expected += 50
        await until(reached)
        if len(running) > 1 and expected > 150:
            running.pop().cancel()
    for task in running:
        task.cancel()
    await check_tree(connection, 300, VKEY)


async def test_an_append_that_is_announced_wakes_it(
    database: Database,
    admin: Connection,
    connection: Connection,
    memory: SignedHeadFile,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "IDLE_PAUSE_S", 3600.0)
    wake = asyncio.Event()

    async def listen() -> Connection:
        return await connect(database.dsn("ledger_integrator"))

    ear = Notices(listen, {APPENDED_CHANNEL: lambda _: wake.set()})
    one = Integrator(listen, SIGNER, memory, origin=ORIGIN, wake=wake)
    told: list[str] = []
    await admin.add_listener("ledger_checkpoint", lambda *words: told.append(str(words[-1])))
    ear.start()
    running = asyncio.create_task(one.run())

    async def integrated() -> bool:
        await admin.execute(f"NOTIFY {APPENDED_CHANNEL}")
        return told == ["7"]

    await grow(admin, 7)
    await until(integrated)
    running.cancel()
    await ear.stop()
    await check_tree(connection, 7, VKEY)


async def killed(process: asyncio.subprocess.Process, after_s: float) -> int:
    """Lets it live for a while, then kills it, wherever it is."""
    with suppress(TimeoutError):
        await asyncio.wait_for(process.wait(), after_s)
    if process.returncode is None:
        process.send_signal(signal.SIGKILL)
    return await process.wait()


async def test_killed_at_any_point_it_goes_on_where_it_was(
    database: Database,
    admin: Connection,
    connection: Connection,
    memory: SignedHeadFile,
    tmp_path: Path,
) -> None:
    random, endings = Random(23), []
    for _ in range(KILLS):
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            PROGRAM,
            str(tmp_path / "checkpoint.signed"),
            cwd=ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{database.dsn('ledger_integrator')}\n".encode())
        await process.stdin.drain()
        assert await process.stdout.readline() == b"up\n"
        ending = asyncio.create_task(killed(process, random.uniform(0, LIFE_MAX_S)))
        while not ending.done():
            await grow(admin, random.randrange(1, 60))
        endings.append(await ending)
        size = await connection.fetchval("SELECT size FROM ledger.log_edge")
        if size or await connection.fetchval("SELECT true FROM ledger.log_checkpoint"):
            await check_tree(connection, size, VKEY)

    assert await connection.fetchval("SELECT max(size) FROM ledger.log_checkpoint") > 0
    size = await catch_up(integrator(database, memory), connection)

    assert endings == [-signal.SIGKILL] * KILLS
    assert size == await connection.fetchval("SELECT count(*) FROM ledger.events") > 0
    await check_tree(connection, size, VKEY)


TAMPERED = {
    "another hash in the edge": (
        "UPDATE ledger.log_edge SET hashes = set_byte(hashes, 5, get_byte(hashes, 5) # 1)"
    ),
    "a smaller tree": "UPDATE ledger.log_edge SET size = 1, hashes = substr(hashes, 1, 32)",
    "another root": ("UPDATE ledger.log_checkpoint SET root = sha256('x') WHERE size = 20"),
    "another note": (
        "UPDATE ledger.log_checkpoint c SET note = o.note FROM ledger.log_checkpoint o"
        " WHERE c.size = 20 AND o.size = 0"
    ),
    "no note at all": "UPDATE ledger.log_checkpoint SET note = 'x' WHERE size = 20",
    "a checkpoint taken away": "DELETE FROM ledger.log_checkpoint WHERE size = 20",
}


@pytest.mark.parametrize("what", TAMPERED)
async def test_a_tree_that_was_tampered_with_is_not_signed(
    database: Database,
    admin: Connection,
    connection: Connection,
    memory: SignedHeadFile,
    what: str,
) -> None:
    await grow(admin, 20)
    await catch_up(integrator(database, memory), connection)
    await as_owner_of_the_server(admin, TAMPERED[what])
    await grow(admin, 5)
    before = await admin.fetch("SELECT * FROM ledger.log_checkpoint ORDER BY size")

    with pytest.raises(LogForked):
        await integrator(database, memory).integrate(connection)

    assert await admin.fetch("SELECT * FROM ledger.log_checkpoint ORDER BY size") == before


async def taken_back(admin: Connection) -> None:
    """The database of before the last five entries, as an old backup has it."""
    edge, _ = Edge().extended([])
    await as_owner_of_the_server(admin, "DELETE FROM ledger.events WHERE position >= 15")
    await admin.execute("DELETE FROM ledger.log_checkpoint WHERE size > 0")
    await admin.execute("DELETE FROM ledger.log_tile")
    await admin.execute("UPDATE ledger.log_edge SET size = 0, hashes = $1", edge.packed())
    for table, rules in (("events", ("no_insert", "no_change")),):
        for rule in rules:
            await admin.execute(f"ALTER TABLE ledger.{table} ENABLE ALWAYS TRIGGER {rule}")


async def test_a_log_that_was_taken_back_is_not_signed(
    database: Database, admin: Connection, connection: Connection, memory: SignedHeadFile
) -> None:
    """What the key signed is known beside it, whatever the database says."""
    await grow(admin, 20)
    await catch_up(integrator(database, memory), connection)
    await taken_back(admin)

    with pytest.raises(LogShortened):
        await catch_up(integrator(database, memory), connection)
    await grow(admin, 5)
    with pytest.raises(LogForked, match="another root"):
        await catch_up(integrator(database, memory), connection)

    assert await admin.fetchval("SELECT max(size) FROM ledger.log_checkpoint") == 0


async def test_another_root_at_a_size_that_was_signed_is_noticed(
    database: Database, admin: Connection, connection: Connection, memory: SignedHeadFile
) -> None:
    await grow(admin, 20)
    await catch_up(integrator(database, memory), connection)
    file = SignedHeadFile(Path(str(memory._file) + ".other"))
    file.write(SignedHead(20, EMPTY_ROOT))

    with pytest.raises(LogForked, match="another root"):
        await integrator(database, file).integrate(connection)


async def test_a_signature_that_was_not_published_is_honoured(
    database: Database, admin: Connection, connection: Connection, memory: SignedHeadFile
) -> None:
    """Killed between signing and committing: the tree passes through what was signed."""
    await grow(admin, 12)
    await integrator(database, memory).integrate(connection)
    await as_owner_of_the_server(admin, "DELETE FROM ledger.log_checkpoint WHERE size > 0")
    await admin.execute("UPDATE ledger.log_edge SET size = 0, hashes = ''")
    await admin.execute("ALTER TABLE ledger.events ENABLE ALWAYS TRIGGER no_insert")
    await grow(admin, 3)

    assert await catch_up(integrator(database, memory), connection) == 15
    await check_tree(connection, 15, VKEY)


async def test_the_log_has_the_key_that_it_was_opened_with(
    database: Database, connection: Connection, memory: SignedHeadFile
) -> None:
    await integrator(database, memory).integrate(connection)

    with pytest.raises(AnotherKey):
        await integrator(database, memory, signer=Signer(b"\x08" * 32)).integrate(connection)


async def test_the_origin_is_settled_when_the_log_is_opened(
    database: Database, admin: Connection, connection: Connection, memory: SignedHeadFile
) -> None:
    """Another public address does not make another log of it."""
    await integrator(database, memory).integrate(connection)
    await grow(admin, 3)

    async def connected() -> Connection:
        return connection

    moved = Integrator(connected, SIGNER, memory, origin="elsewhere.example/log")
    await moved.integrate(connection)

    await check_tree(connection, 3, VKEY)


async def test_a_hole_in_the_log_is_not_signed(
    database: Database, admin: Connection, connection: Connection, memory: SignedHeadFile
) -> None:
    await grow(admin, 5)
    await as_owner_of_the_server(admin, "DELETE FROM ledger.events WHERE position = 2")

    with pytest.raises(PositionsSkipped):
        await integrator(database, memory).integrate(connection)


async def test_a_fault_halts_it_loudly_and_is_tried_again(
    database: Database,
    admin: Connection,
    connection: Connection,
    memory: SignedHeadFile,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "RETRY_PAUSE_S", 0.01)
    refused: list[int] = []

    async def sometimes() -> Connection:
        if len(refused) < 2:
            refused.append(1)
            raise OSError("words that no log may show")
        return await connect(database.dsn("ledger_integrator"))

    one = Integrator(sometimes, SIGNER, memory, origin=ORIGIN)
    await grow(admin, 3)

    async def integrated() -> bool:
        return bool(await connection.fetchval("SELECT size FROM ledger.log_edge") == 3)

    with capture_logs() as logged:
        running = asyncio.create_task(one.run())
        await until(integrated)
        running.cancel()

    assert [(line["event"], line["error_class"]) for line in logged] == [
        ("integrator halted", "OSError"),
        ("integrator halted", "OSError"),
    ]


INTEGRATE = "SELECT ledger.ledger_integrate(0, $1, $2, $3, $4, $5, $6, $7, 'note')"
TILE = bytes(8192)
WRONG = {
    "a smaller size": (0, 0, b"", [], [], [], EMPTY_ROOT),
    "an edge too short": (0, 3, bytes(64), [], [], [], EMPTY_ROOT),
    "a root too short": (0, 3, bytes(96), [], [], [], b"x"),
    "a tile too many": (0, 3, bytes(96), [0], [0], [TILE], EMPTY_ROOT),
    "a tile too few": (0, 256, bytes(32), [], [], [], EMPTY_ROOT),
    "a tile too short": (0, 256, bytes(32), [0], [0], [TILE[1:]], EMPTY_ROOT),
    "a tile of another place": (0, 256, bytes(32), [0], [1], [TILE], EMPTY_ROOT),
    "a tile of another level": (0, 256, bytes(32), [1], [0], [TILE], EMPTY_ROOT),
    "more than there is": (0, 301, bytes(32 * 46), [0], [0], [TILE], EMPTY_ROOT),
}


@pytest.mark.parametrize("what", WRONG)
async def test_the_function_takes_no_other_tree_than_one_of_that_size(
    database: Database,
    admin: Connection,
    connection: Connection,
    memory: SignedHeadFile,
    what: str,
) -> None:
    await integrator(database, memory).integrate(connection)
    await grow(admin, 300)

    with pytest.raises(asyncpg.CheckViolationError):
        await connection.fetchval(INTEGRATE, *WRONG[what])

    await check_tree(connection, 0, VKEY)


async def test_a_log_that_was_never_opened_cannot_grow(
    admin: Connection, connection: Connection
) -> None:
    await grow(admin, 3)

    with pytest.raises(asyncpg.CheckViolationError, match="no checkpoint"):
        await connection.fetchval(INTEGRATE, 0, 3, bytes(96), [], [], [], EMPTY_ROOT)
    with pytest.raises(asyncpg.CheckViolationError, match="empty tree"):
        await connection.fetchval(
            "SELECT ledger.ledger_log_open(0, $1, $2, 'note')", VKEY, b"x" * 32
        )


def test_what_was_signed_is_never_taken_back(tmp_path: Path) -> None:
    file = tmp_path / "checkpoint.signed"
    memory = SignedHeadFile(file)
    assert memory.read() is None

    memory.write(SignedHead(7, b"\x01" * 32))
    memory.write(SignedHead(5, b"\x02" * 32))

    assert memory.read() == SignedHead(7, b"\x01" * 32)
    assert file.stat().st_mode & 0o077 == 0
    file.write_text("7")
    with pytest.raises(SignedHeadUnreadable):
        memory.read()
