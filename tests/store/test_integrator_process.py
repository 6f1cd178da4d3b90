"""The integrator's own process: it signs, is started again when it dies, and outlives nobody."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from structlog.testing import capture_logs

from app.main import INTEGRATOR
from app.store import integrator_process
from app.store.connection import connect
from app.store.integrator_process import Charge, IntegratorProcess
from app.tlog.notes import VerifierKey
from app.vault.custody import FileCustody
from app.vault.signing import Signer
from tests.conftest import ROOT, Database
from tests.projections.waiting import until
from tests.store.leaves import Connection, check_tree, grow

ORIGIN = "ledger.example/log"
PATIENCE_S = 60.0
PARENT = """
import asyncio, json, sys
from app.store.integrator_process import Charge, IntegratorProcess
charge = Charge(**json.loads(sys.stdin.readline()))
asyncio.run(IntegratorProcess("app.cli.log_integrator", charge).run())
"""


@pytest.fixture
async def admin(database: Database) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(database.dsn("postgres"))
    yield connection
    await connection.close()


def children(parent: int) -> list[int]:
    """The integrators that a process started."""
    found = []
    for task in Path(f"/proc/{parent}/task").iterdir():
        for pid in (task / "children").read_text().split():
            command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            if INTEGRATOR.encode() in command:
                found.append(int(pid))
    return found


async def reach(admin: Connection, size: int) -> None:
    """Waits until the log is signed up to there."""

    async def reached() -> bool:
        return bool(await admin.fetchval("SELECT size FROM ledger.log_edge") == size)

    await until(reached, within_s=PATIENCE_S)


async def gone(admin: Connection) -> bool:
    """Whether nobody integrates any more."""
    return not await admin.fetchval(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND usename = 'ledger_integrator'"
    )


async def test_it_signs_and_is_started_again(
    database: Database,
    admin: Connection,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(integrator_process, "RESTART_PAUSE_S", 0.01)
    charge = Charge(database.dsn("ledger_integrator"), str(tmp_path), ORIGIN, "info")
    assert database.dsn("ledger_integrator") not in repr(charge)
    with capture_logs() as logged:
        running = asyncio.create_task(IntegratorProcess(INTEGRATOR, charge).run())
        await grow(admin, 5)
        await reach(admin, 5)
        [child] = children(os.getpid())
        os.kill(child, signal.SIGKILL)
        await grow(admin, 5)
        await reach(admin, 10)
        running.cancel()
        await asyncio.wait({running})

    assert children(os.getpid()) == []
    await until(lambda: gone(admin))
    assert [(line["event"], line["status"]) for line in logged] == [
        ("integrator's process ended", -signal.SIGKILL)
    ]
    key = Signer(FileCustody(tmp_path).checkpoint_key()).public_key
    reader = await connect(database.dsn("ledger_integrator"))
    await check_tree(reader, 10, str(VerifierKey(ORIGIN, key)))
    await reader.close()
    assert (tmp_path / "checkpoint.key").stat().st_mode & 0o077 == 0


async def test_it_ends_with_whoever_started_it(
    database: Database, admin: Connection, tmp_path: Path
) -> None:
    """Without an origin, the log is named after the ledger."""
    charge = Charge(database.dsn("ledger_integrator"), str(tmp_path), None, "info")
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, cwd=ROOT, stdin=asyncio.subprocess.PIPE
    )
    assert parent.stdin is not None
    parent.stdin.write(charge.line())
    await parent.stdin.drain()
    await grow(admin, 3)
    await reach(admin, 3)

    parent.kill()
    await parent.wait()

    await until(lambda: gone(admin), within_s=PATIENCE_S)
    ledger_id = await admin.fetchval("SELECT ledger_id FROM ledger.ledger_identity")
    vkey = await admin.fetchval("SELECT vkey FROM ledger.log_key")
    assert vkey.startswith(f"{ledger_id}.ledger.invalid/log+")
