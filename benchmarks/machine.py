"""What a figure was measured on: machine, versions, server flags, PostgreSQL's settings."""

import asyncio
import json
import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import asyncpg

from benchmarks.bodies import BODIES
from benchmarks.servers import FLAGS, POSTGRESQL, SERVICE, Ledger

PACKAGES = (
    "fastapi",
    "starlette",
    "pydantic",
    "uvicorn",
    "uvloop",
    "httptools",
    "msgspec",
    "asyncpg",
    "cryptography",
    "eventsourcing",
    "psycopg",
)
DURABLE = ("fsync", "synchronous_commit", "full_page_writes")
SHOWN = (*DURABLE, "server_version", "wal_sync_method", "checkpoint_timeout", *POSTGRESQL)


class NotDurable(RuntimeError):
    """A setting that makes commits fast by losing them is on: no figure would mean anything."""


def pinned(ledger: Ledger) -> dict[str, Any]:
    """Everything that a figure depends on; NotDurable when commits are not safe."""
    postgresql = asyncio.run(_settings(ledger))
    weak = [name for name in DURABLE if postgresql[name] != "on"]
    if weak:
        raise NotDurable(f"off: {', '.join(weak)}")
    return {
        "machine": {
            "cpu": _cpu(),
            "cores": os.cpu_count(),
            "kernel": platform.release(),
            "load_average": [round(load, 2) for load in os.getloadavg()],
        },
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
        "uvicorn": {name: value for name, value in FLAGS.items() if value is not None},
        "workers_per_side": 1,
        "service": SERVICE,
        "body": {noun: json.dumps(body, ensure_ascii=False) for noun, body in BODIES.items()},
        "postgresql": postgresql,
    }


def pinned_text(ledger: Ledger) -> str:
    """As lines for a terminal."""
    facts = pinned(ledger)
    return "\n".join(f"{name}: {json.dumps(fact)}" for name, fact in facts.items())


def peak_mib() -> float:
    """Memory of this program alone at its peak: what `getrusage` tells began before it did."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


async def _settings(ledger: Ledger) -> dict[str, str]:
    """As the serving role sees them, whose commits are measured."""
    connection: Any = await asyncpg.connect(ledger.cluster.dsn("ledger_app"))
    try:
        return {name: await connection.fetchval(f"SHOW {name}") for name in SHOWN}
    finally:
        await connection.close()


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
