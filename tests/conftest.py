"""One real PostgreSQL for the whole run, shared by all workers, and a fresh database for a test."""

import asyncio
import fcntl
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import asyncpg
import pytest

from app.store import embedded, migrate
from app.store.roles import prepare_database

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = "ledger_template"
HOME_VARIABLE = "LEDGER_TEST_HOME"
BINARIES_VARIABLE = "LEDGER_TEST_PG_BIN"
ROOM_IN_MEMORY_BYTES = 10 * 2**30
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Database:
    """A migrated database that belongs to one test (or one module) alone."""

    cluster: embedded.Cluster
    name: str

    def dsn(self, role: str = "ledger_app") -> str:
        """The URL for one role: ledger_app, ledger_eraser, …, ledger_migrator, postgres."""
        return self.cluster.dsn(role, self.name)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """The controlling process names the folder of the run; its workers inherit the name.

    Temporary folders of tests lie in it too. Below pytest's own place, which all runs of a user
    share, the next run would take back the right to pass through, and with it the database's.
    """
    if not hasattr(config, "workerinput"):
        os.environ[HOME_VARIABLE] = tempfile.mkdtemp(prefix="ledger-", dir=roomy())
        if config.option.basetemp is None:
            config.option.basetemp = f"{os.environ[HOME_VARIABLE]}/t"


def roomy() -> str:
    """Where the databases of a run lie: in memory if there is plenty, else on the disk.

    PostgreSQL is as durable there as anywhere, with every `fsync`, but a test that copies a
    database waits for 40 ms instead of for half a second. What these tests kill are processes;
    a machine that loses its power they cannot try on either.
    """
    memory = Path("/dev/shm")
    with suppress(OSError, ValueError, StopIteration):
        room = os.statvfs(memory)
        lines = Path("/proc/meminfo").read_text().splitlines()
        available = next(one for one in lines if one.startswith("MemAvailable:"))
        free = min(room.f_bavail * room.f_frsize, 1024 * int(available.split()[1]))
        if free >= ROOM_IN_MEMORY_BYTES:
            return str(memory)
    return "/tmp"


def pytest_unconfigure(config: pytest.Config) -> None:
    """Removes the folder when the last worker is gone, and with it every database of the run."""
    if not hasattr(config, "workerinput"):
        shutil.rmtree(os.environ.pop(HOME_VARIABLE), ignore_errors=True)


def in_thread(work: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine to its end, whether or not this thread already runs an event loop."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


@pytest.fixture(scope="session")
def cluster() -> Iterator[embedded.Cluster]:
    """The PostgreSQL of this run, durable as in production; the last worker to end stops it."""
    binaries = os.environ.get(BINARIES_VARIABLE)
    with embedded.start(
        Path(os.environ[HOME_VARIABLE]), bin_dir=Path(binaries) if binaries else None
    ) as running:
        yield running


@pytest.fixture(scope="session")
def template(cluster: embedded.Cluster) -> str:
    """The name of a database migrated to head, from which others are copied."""
    with (cluster.home / "template.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not in_thread(_exists(cluster, TEMPLATE)):
            in_thread(_migrated_template(cluster))
    return TEMPLATE


@pytest.fixture
def database(cluster: embedded.Cluster, template: str) -> Iterator[Database]:
    """A migrated, empty database for one test."""
    with _copy(cluster, template) as made:
        yield made


@pytest.fixture
def other_database(cluster: embedded.Cluster, template: str) -> Iterator[Database]:
    """A second ledger, of which the first knows nothing."""
    with _copy(cluster, template) as made:
        yield made


@pytest.fixture(scope="module")
def module_database(cluster: embedded.Cluster, template: str) -> Iterator[Database]:
    """A migrated database for the tests of one module, which share what they write."""
    with _copy(cluster, template) as made:
        yield made


@pytest.fixture
def blank_database(cluster: embedded.Cluster) -> Iterator[Database]:
    """A database with the roles' rights but no migration."""
    with _copy(cluster, "template0") as made:
        yield made


@pytest.fixture
async def pool(database: Database) -> "AsyncIterator[asyncpg.Pool[asyncpg.Record]]":
    """Connections of the serving role to the test's own database."""
    async with asyncpg.create_pool(database.dsn("ledger_app"), min_size=1, max_size=8) as opened:
        yield opened


@contextmanager
def _copy(cluster: embedded.Cluster, template: str) -> Iterator[Database]:
    name = f"test_{uuid4().hex}"
    in_thread(_create(cluster, name, template))
    try:
        yield Database(cluster, name)
    finally:
        in_thread(_administer(cluster, f"DROP DATABASE {name} WITH (FORCE)"))


async def _create(cluster: embedded.Cluster, name: str, template: str) -> None:
    await _administer(cluster, f"CREATE DATABASE {name} TEMPLATE {template}")
    await prepare_database(cluster.dsn("postgres", "postgres"), name)


async def _administer(cluster: embedded.Cluster, *statements: str) -> None:
    admin = await asyncpg.connect(cluster.dsn("postgres", "postgres"))
    try:
        for statement in statements:
            await admin.execute(statement)
    finally:
        await admin.close()


async def _exists(cluster: embedded.Cluster, name: str) -> bool:
    admin = await asyncpg.connect(cluster.dsn("postgres", "postgres"))
    try:
        found = await admin.fetchval("SELECT true FROM pg_database WHERE datname = $1", name)
    finally:
        await admin.close()
    return bool(found)


async def _migrated_template(cluster: embedded.Cluster) -> None:
    draft = f"{TEMPLATE}_draft"
    await _administer(cluster, f"DROP DATABASE IF EXISTS {draft}")
    await _create(cluster, draft, "template0")
    await migrate.upgrade(cluster.dsn("ledger_migrator", draft))
    await _administer(cluster, f"ALTER DATABASE {draft} RENAME TO {TEMPLATE}")
