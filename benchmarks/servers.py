"""The measured processes: the ledger as `pdledger up` serves it, its floor, and their database."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from app.store import embedded

FLAGS: dict[str, Any] = {
    "loop": "uvloop",
    "http": "httptools",
    "ws": "none",
    "interface": "asgi3",
    "lifespan": "on",
    "workers": 1,
    "log_config": None,
    "access_log": False,
    "proxy_headers": False,
    "server_header": False,
    "date_header": True,
}
"""uvicorn's flags of both sides; those of the ledger are in `app/cli/serving.py`."""

POSTGRESQL = {"shared_buffers": "256MB", "max_wal_size": "4GB", "max_connections": "100"}
"""Beyond the defaults of the embedded cluster; both sides share the one server."""

SERVICE = {"LEDGER_LOG_LEVEL": "info", "LEDGER_WORKERS": "false"}
"""One worker a side: the registers are kept by a `pdledger work` of its own, which is not measured.

The access log is on and discarded.
"""

PEER_DATABASE = "floors"
START_S = 60


@dataclass(frozen=True, slots=True)
class Ledger:
    """A running service on a fresh home of its own."""

    home: Path
    port: int
    pid: int
    key: str
    webhook_secret: str
    cluster: embedded.Cluster

    def headers(self) -> tuple[tuple[str, str], ...]:
        """What an authorised, repeatable JSON request carries."""
        return (
            ("authorization", f"Bearer {self.key}"),
            ("content-type", "application/json"),
            ("idempotency-key", "{fresh}"),
        )

    def superuser(self, database: str = "ledger") -> str:
        """The URL of the cluster's owner, for what no runtime role may do."""
        return self.cluster.dsn("postgres", database)


@contextmanager
def ledger() -> Iterator[Ledger]:
    """The service in the foreground of a process of its own, one worker, its log discarded."""
    # Told to stop, it still stops what it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory(prefix="pdledger-bench-") as folder:
        home = Path(folder) / "home"
        home.mkdir(mode=0o711)
        Path(folder).chmod(0o711)
        tuning = [f"{name} = '{value}'" for name, value in POSTGRESQL.items()]
        (home / "postgresql.local.conf").write_text("\n".join(tuning) + "\n")
        (home / "postgresql.local.conf").chmod(0o644)
        variables = {"LEDGER_HOME": str(home), "LEDGER_PORT": "0", **SERVICE}
        with embedded.start(home) as cluster:
            asyncio.run(_create_peer_database(cluster))
            command = [sys.executable, "-m", "app.cli", "up", "--json"]
            with _running(command, variables) as process:
                assert process.stdout is not None
                told = json.loads(process.stdout.readline())["serving"]
                secret = Path(told["webhook_secret_file"]).read_text().strip()
                port = int(told["url"].rpartition(":")[2])
                key = Path(told["first_key_file"]).read_text().strip()
                yield Ledger(home, port, process.pid, key, secret, cluster)


@contextmanager
def floor(of: Ledger) -> Iterator[tuple[int, int]]:
    """`benchmarks.trivial` on a port of its own; answers the port and the process id."""
    port = _free_port()
    variables = {"DSN": of.superuser(PEER_DATABASE)}
    command = [sys.executable, "-m", "benchmarks.trivial", str(port)]
    with _running(command, variables) as process:
        _await_port(port)
        yield port, process.pid


@contextmanager
def _running(command: list[str], variables: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **variables},
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await_port(port: int) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


async def _create_peer_database(cluster: embedded.Cluster) -> None:
    from benchmarks.trivial import BARE_TABLE  # noqa: PLC0415  # it imports our flags

    for database, statement in (
        ("postgres", f"CREATE DATABASE {PEER_DATABASE}"),
        (PEER_DATABASE, BARE_TABLE),
    ):
        connection: Any = await asyncpg.connect(cluster.dsn("postgres", database))
        await connection.execute(statement)
        await connection.close()
