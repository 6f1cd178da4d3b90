"""The embedded PostgreSQL: private, durable, shared between processes, never an orphan."""

import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from app.store import embedded, embedded_guard
from app.store.embedded_home import ClusterFailed, secret_file, wheel_binaries
from app.store.roles import LOGINS, prepare_server, scram_verifier
from tests.conftest import ROOT

RUNTIME = (
    "ledger_app",
    "ledger_eraser",
    "ledger_projector",
    "ledger_integrator",
    "ledger_auditor",
)
HOLDER = """
import sys
from pathlib import Path
from app.store import embedded
binaries = Path(sys.argv[2]) if sys.argv[2] else None
cluster = embedded.start(Path(sys.argv[1]), bin_dir=binaries)
print(cluster.postmaster_pid, flush=True)
sys.stdin.read()
cluster.stop()
"""


def binaries() -> Path | None:
    """The server under test: the wheel's, or the one that the run was given."""
    given = os.environ.get("LEDGER_TEST_PG_BIN")
    return Path(given) if given else None


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder for a cluster of the test's own."""
    return tmp_path / "var"


@pytest.fixture
def own(home: Path) -> Iterator[embedded.Cluster]:
    """A cluster that a test may break."""
    with embedded.start(home, bin_dir=binaries()) as running:
        yield running


@pytest.fixture
def holder(home: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the same cluster until its input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(home), str(binaries() or "")],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.readline()
    with process:
        yield process
        process.kill()


def becomes(condition: Callable[[], bool], within_s: float = 20.0) -> bool:
    """Whether a condition comes true in time."""
    deadline = time.monotonic() + within_s
    pause = threading.Event()
    while not condition():
        if time.monotonic() > deadline:
            return False
        pause.wait(0.02)
    return True


def alive(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def parent_of(pid: int) -> int:
    """The parent's process id: for a postmaster, its guard."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def pid_of(cluster: embedded.Cluster) -> int:
    """The process id of a server that runs."""
    pid = cluster.postmaster_pid
    assert pid is not None
    return pid


async def ask(dsn: str, query: str) -> Any:
    """One value from a connection of its own."""
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def test_a_second_start_joins_the_server_that_runs(own: embedded.Cluster, home: Path) -> None:
    server = own.postmaster_pid
    with embedded.start(home, bin_dir=binaries()) as second:
        assert second.postmaster_pid == server

    assert await ask(own.dsn(), "SELECT 1") == 1


async def test_the_server_outlives_its_starter_while_another_process_holds_it(
    holder: subprocess.Popen[str], home: Path
) -> None:
    with embedded.start(home, bin_dir=binaries()) as own:
        server = pid_of(own)
        holder.kill()
        holder.wait()

        assert await ask(own.dsn(), "SELECT 1") == 1
        assert own.postmaster_pid == server

    assert not alive(server)


def test_a_stopped_cluster_leaves_no_process_and_starts_again(home: Path) -> None:
    with embedded.start(home, bin_dir=binaries()) as first:
        server, guard = pid_of(first), parent_of(pid_of(first))
    first.stop()  # giving back twice is harmless

    assert not alive(server)
    assert not alive(guard)

    with embedded.start(home, bin_dir=binaries()) as again:
        assert again.postmaster_pid is not None


def test_a_holder_killed_outright_leaves_no_orphan(
    holder: subprocess.Popen[str], home: Path
) -> None:
    server = embedded_guard.status(home / "postgres")[0]
    assert alive(server)

    holder.kill()
    holder.wait()

    assert becomes(lambda: not alive(server))


def test_a_guard_killed_outright_leaves_no_orphan(own: embedded.Cluster, home: Path) -> None:
    server = pid_of(own)
    os.kill(parent_of(server), signal.SIGKILL)

    assert becomes(lambda: not alive(server))

    with embedded.start(home, bin_dir=binaries()) as again:
        assert again.postmaster_pid not in (None, server)


async def test_a_killed_database_comes_back_with_what_it_acknowledged(
    own: embedded.Cluster,
) -> None:
    admin = await asyncpg.connect(own.dsn("postgres", "postgres"))
    await admin.execute("CREATE TABLE kept (n int)")
    await admin.execute("INSERT INTO kept VALUES (7)")
    killed = pid_of(own)
    os.kill(killed, signal.SIGKILL)

    assert becomes(lambda: own.postmaster_pid not in (None, killed))
    assert await ask(own.dsn("postgres", "postgres"), "SELECT n FROM kept") == 7

    admin.terminate()


def test_a_process_id_given_to_somebody_else_does_not_stop_a_start(home: Path) -> None:
    """After a restart of the container the old number in postmaster.pid may be anybody's."""
    embedded.start(home, bin_dir=binaries()).stop()
    (home / "postgres" / "postmaster.pid").write_text(f"{os.getppid()}\n{home}/postgres\n")

    with embedded.start(home, bin_dir=binaries()) as again:
        assert again.postmaster_pid is not None


def test_a_creation_that_was_cut_short_is_begun_anew(home: Path) -> None:
    (home / "postgres.new" / "base").mkdir(parents=True)
    (home / "postgres.new" / "PG_VERSION").write_text("18\n")

    with embedded.start(home, bin_dir=binaries()) as made:
        assert made.postmaster_pid is not None

    assert not (home / "postgres.new").exists()


def test_data_of_another_version_is_refused_by_name(home: Path) -> None:
    (home / "postgres").mkdir(parents=True)
    (home / "postgres" / "PG_VERSION").write_text("9\n")

    with pytest.raises(ClusterFailed, match="cannot read the data of 9"):
        embedded.start(home, bin_dir=binaries())


def test_a_server_that_cannot_start_is_reported_and_not_left_behind(home: Path) -> None:
    embedded.start(home, bin_dir=binaries()).stop()
    (home / "postgresql.local.conf").write_text("shared_buffers = 'nonsense'\n")

    with pytest.raises(ClusterFailed, match=r"postgresql\.log"):
        embedded.start(home, bin_dir=binaries())

    (home / "postgresql.local.conf").write_text("")
    with embedded.start(home, bin_dir=binaries()) as mended:
        assert mended.postmaster_pid is not None


async def test_a_folder_too_deep_for_a_socket_gets_a_private_one_elsewhere(tmp_path: Path) -> None:
    home = tmp_path / ("deep" * 20) / ("deeper" * 10)
    with embedded.start(home, bin_dir=binaries()) as deep:
        assert await ask(deep.dsn(), "SELECT 1") == 1
        assert not deep.sockets.is_relative_to(home)
        assert stat.S_IMODE(deep.sockets.stat().st_mode) == 0o700

    assert not deep.sockets.exists()


def test_every_secret_is_a_file_for_its_owner_alone_and_the_powerful_ones_lie_apart(
    cluster: embedded.Cluster,
) -> None:
    folder = cluster.home / "secrets"
    files = [secret_file(cluster.home, role) for role in (*LOGINS, "postgres")]

    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert len({file.read_text() for file in files}) == len(files)
    assert sorted(file.name for file in folder.iterdir()) == sorted([*RUNTIME, "admin"])
    assert stat.S_IMODE((folder / "admin").stat().st_mode) == 0o700


@pytest.mark.parametrize("role", [*LOGINS, "postgres"])
async def test_nobody_gets_in_without_the_right_secret(
    cluster: embedded.Cluster, role: str
) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(
            host=str(cluster.sockets), user=role, password="wrong", database="ledger"
        )


async def test_the_settings_promise_durability_and_a_log_without_values(
    cluster: embedded.Cluster,
) -> None:
    promised = {
        "listen_addresses": "",
        "fsync": "on",
        "full_page_writes": "on",
        "synchronous_commit": "on",
        "data_checksums": "on",
        "password_encryption": "scram-sha-256",
        "log_error_verbosity": "terse",
        "log_min_error_statement": "panic",
        "log_parameter_max_length": "0",
        "log_parameter_max_length_on_error": "0",
        "log_statement": "none",
        "unix_socket_permissions": "0700",
    }
    admin = await asyncpg.connect(cluster.dsn("postgres", "postgres"))
    found = {name: await admin.fetchval(f"SHOW {name}") for name in promised}
    rules = await admin.fetch("SELECT type, auth_method FROM pg_hba_file_rules")
    await admin.close()

    assert found == promised
    assert {tuple(rule) for rule in rules} == {("local", "scram-sha-256")}


async def test_a_value_in_a_failing_statement_stays_out_of_the_log(
    cluster: embedded.Cluster,
) -> None:
    admin = await asyncpg.connect(cluster.dsn("postgres", "postgres"))
    await admin.execute("CREATE TEMP TABLE once (name text PRIMARY KEY CHECK (name <> 'no'))")
    await admin.execute("INSERT INTO once VALUES ($1)", "canary-in-a-key")
    for name in ("canary-in-a-key", "no"):
        with pytest.raises(asyncpg.IntegrityConstraintViolationError):
            await admin.execute("INSERT INTO once VALUES ($1)", name)
    with pytest.raises(asyncpg.PostgresSyntaxError):
        await admin.execute("SELECT 'canary-in-a-statement' FROM FROM")
    await admin.close()
    log = cluster.log_path.read_text()

    assert "duplicate key value" in log  # the log is the right one
    assert "canary" not in log


@pytest.mark.parametrize("role", RUNTIME)
async def test_a_runtime_role_has_no_power_over_the_database(
    blank_database: Any, role: str
) -> None:
    """No role of the service is more than it seems, or can become so."""
    connection = await asyncpg.connect(blank_database.dsn(role))
    power = await connection.fetchrow(
        """SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls AS any,
                  EXISTS (SELECT FROM pg_auth_members WHERE member = r.oid) AS member
           FROM pg_roles r WHERE rolname = current_user"""
    )
    assert power is not None
    assert tuple(power) == (False, False)

    for forbidden in (
        "SET ROLE ledger_owner",
        "SET SESSION AUTHORIZATION postgres",
        "SET session_replication_role = replica",
        "CREATE TEMP TABLE plain (name text)",
        "CREATE TABLE public.plain (name text)",
        "CREATE SCHEMA mine",
        "ALTER SYSTEM SET fsync = off",
        "COPY (SELECT 1) TO PROGRAM 'true'",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(forbidden)
    await connection.close()


async def test_what_the_migrator_creates_is_the_owners(blank_database: Any) -> None:
    who = "SELECT session_user || ' as ' || current_user"

    assert await ask(blank_database.dsn("ledger_migrator"), who) == (
        "ledger_migrator as ledger_owner"
    )


@pytest.mark.parametrize("role", RUNTIME)
async def test_no_runtime_role_can_forget_a_transaction(blank_database: Any, role: str) -> None:
    connection = await asyncpg.connect(blank_database.dsn(role))
    idle = await connection.fetchval("SHOW idle_in_transaction_session_timeout")
    whole = "0"
    if connection.get_server_version().major >= 17:
        whole = await connection.fetchval("SHOW transaction_timeout")
    path = await connection.fetchval("SHOW search_path")
    await connection.close()

    assert idle != "0"
    assert (whole != "0") or binaries() is not None
    assert path == "ledger, pg_temp"


async def test_preparing_a_server_again_changes_its_secrets_and_nothing_else(
    own: embedded.Cluster,
) -> None:
    """A supplied server is prepared by the same statements (LEDGER_DATABASE_URL)."""
    admin = own.dsn("postgres", "postgres")
    for _ in range(2):
        await prepare_server(admin, {"ledger_app": "another ' one"}, database="elsewhere")

    connection = await asyncpg.connect(
        host=str(own.sockets), user="ledger_app", password="another ' one", database="elsewhere"
    )
    assert await connection.fetchval("SELECT current_database()") == "elsewhere"
    await connection.close()


def test_a_verifier_does_not_tell_the_secret() -> None:
    first, second = scram_verifier("one secret"), scram_verifier("one secret")

    assert first != second
    assert first.startswith("SCRAM-SHA-256$4096:")
    assert "one secret" not in first


def test_the_repr_of_a_cluster_holds_no_secret(cluster: embedded.Cluster) -> None:
    secrets = [secret_file(cluster.home, role).read_text().strip() for role in LOGINS]

    assert not [secret for secret in secrets if secret in repr(cluster)]


def test_the_binaries_of_the_wheel_are_there() -> None:
    assert os.access(wheel_binaries() / "postgres", os.X_OK)
