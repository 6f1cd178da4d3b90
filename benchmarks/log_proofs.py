"""Proofs over HTTP from a log of many events: what one caller waits for at the 99th percentile.

The service's own log is lengthened by a history that is copied behind it, and signed.
"""

import asyncio
import http.client
import time
from collections.abc import Callable
from random import Random
from typing import Any

import asyncpg

from benchmarks.figures import Figure, alone
from benchmarks.histories import COLUMNS, lines
from benchmarks.log_integration import HEAD_SQL, _integrating, _wait
from benchmarks.servers import Ledger

EVENTS = 100_000
EVENTS_FULL = 1_000_000
PROOFS = 1_000
WARM = 50
PROOF_MAX_MS = 10
CHUNK = 5_000
TREE_S = 120


def measure(ledger: Ledger, *, rounds: int, full: bool = False) -> list[Figure]:
    """Both kinds of proof in turn, at random places."""
    events = EVENTS_FULL if full else EVENTS
    with _integrating(ledger.cluster.dsn("ledger_integrator"), str(ledger.home / "keys")):
        size = asyncio.run(_lengthen(ledger.superuser(), events))
        asyncio.run(asyncio.wait_for(_wait(ledger.superuser()), TREE_S))
    random = Random(7)
    kinds: dict[str, Callable[[], str]] = {
        "inclusion": lambda: f"/log/proof/inclusion?position={random.randrange(size)}",
        "consistency": lambda: f"/log/proof/consistency?from={random.randrange(1, size)}&to={size}",
    }
    found: dict[str, list[float]] = {kind: [] for kind in kinds}
    for _ in range(rounds):
        for kind, path in kinds.items():
            found[kind].append(_worst(ledger, path))
    return [
        Figure(
            f"{kind} proof of {size:,} events over HTTP, p99 ms", tuple(took), at_most=PROOF_MAX_MS
        )
        for kind, took in found.items()
    ]


async def _lengthen(url: str, events: int) -> int:
    """Copies so many events behind those that are there; the length of the log."""
    connection: Any = await asyncpg.connect(url)
    try:
        head: int = await connection.fetchval(HEAD_SQL)
        await connection.execute("ALTER TABLE ledger.events DISABLE TRIGGER ALL")
        rows: list[tuple[Any, ...]] = []
        for row in lines(events):
            rows.append((row[0], head + row[1], *row[2:]))
            if len(rows) == CHUNK:
                await _copy(connection, rows)
                rows.clear()
        await _copy(connection, rows)
        for rule in ("no_insert", "no_change"):
            await connection.execute(f"ALTER TABLE ledger.events ENABLE ALWAYS TRIGGER {rule}")
        await connection.execute("VACUUM ANALYZE ledger.events")
        return head + events
    finally:
        await connection.close()


async def _copy(connection: Any, rows: list[tuple[Any, ...]]) -> None:
    async with connection.transaction():
        await connection.execute("SET LOCAL ROLE ledger_owner")
        await connection.copy_records_to_table(
            "events", schema_name="ledger", columns=COLUMNS["events"], records=rows
        )


def _worst(ledger: Ledger, path: Callable[[], str]) -> float:
    """The 99th percentile, in ms, of one caller's requests, one after the other."""
    line = http.client.HTTPConnection("127.0.0.1", ledger.port)
    headers, took = {"authorization": f"Bearer {ledger.key}"}, []
    for number in range(WARM + PROOFS):
        began = time.perf_counter()
        line.request("GET", path(), headers=headers)
        answer = line.getresponse()
        body = answer.read()
        if number >= WARM:
            took.append(time.perf_counter() - began)
        assert answer.status == 200, body.decode()
    line.close()
    return sorted(took)[int(len(took) * 0.99)] * 1000


if __name__ == "__main__":
    alone(measure)
