"""The integrator: catching up beside a COPY OUT, how soon an append is signed, what it costs.

Each integrator runs in a process of its own; what its memory grows by is measured. Its cost is
measured over HTTP, in turns with it and without it; it has caught up before each turn begins.
"""

import argparse
import asyncio
import json
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import asyncpg
import uvloop

from app.main import INTEGRATOR
from app.store.connection import connect, open_pool
from app.store.integrator import Integrator
from app.store.integrator_process import Charge
from app.store.log_tree import LogTree
from app.store.notices import APPENDED_CHANNEL
from app.tlog.proof_text import InclusionProof
from app.tlog.proofs import hashes_of, inclusion_spans, tiles_for
from app.vault.signed_head import SignedHeadFile
from app.vault.signing import Signer
from benchmarks import load
from benchmarks.bodies import BODIES
from benchmarks.figures import Figure, alone
from benchmarks.histories import COLUMNS, history
from benchmarks.load import Load
from benchmarks.machine import peak_mib
from benchmarks.people import registered
from benchmarks.projections import _copy_out as copy_out
from benchmarks.servers import Ledger

EVENTS = 100_000
EVENTS_FULL = 1_000_000
CATCH_UP_AT_LEAST = 0.07
GROWTH_MAX_MIB = 50
SIGNED_MAX_MS = 250
COST_AT_LEAST = 0.9
PROOFS = 500
PROOF_MAX_MS = 10
APPENDS = 20
APPEND_PAUSE_S = 0.083
"""Out of step with the pauses of the integrator."""
LOOK_S = 0.002
SECONDS = 2.0
SUBJECTS = 1_000

BEHIND_SQL = """
SELECT EXISTS (SELECT FROM ledger.events v WHERE v.partition = 0 AND v.position >= e.size)
  FROM ledger.log_edge e WHERE e.partition = 0
"""
HEAD_SQL = "SELECT 1 + coalesce(max(position), -1) FROM ledger.events WHERE partition = 0"


def measure(ledger: Ledger, *, rounds: int, full: bool = False) -> list[Figure]:
    """The four parts, one after the other."""
    events = EVENTS_FULL if full else EVENTS
    with history(ledger.cluster, events, name="integrated") as database, TemporaryDirectory() as at:
        url = ledger.cluster.dsn("ledger_integrator", database)
        admin = ledger.superuser(database)
        copied, ours, memory = [], [], 0.0
        for _ in range(rounds):
            asyncio.run(_empty(admin))
            copied.append(events / asyncio.run(copy_out(admin)))
            told = _catch_up(url, Path(at) / f"{uuid4()}.signed")
            ours.append(events / told["seconds"])
            memory = max(memory, told["mib"])
        proofs = asyncio.run(_proofs(ledger.cluster.dsn("ledger_app", database), events))
    signed = _all_signed(ledger, rounds)
    beside, apart = _cost(ledger, rounds)
    return [
        Figure(
            f"integrating {events:,} events, events/s: ours / COPY OUT",
            tuple(one / other for one, other in zip(ours, copied, strict=True)),
            at_least=CATCH_UP_AT_LEAST,
            ours=tuple(ours),
            theirs=tuple(copied),
        ),
        Figure(f"integrating {events:,} events, growth in MiB", (memory,), at_most=GROWTH_MAX_MIB),
        Figure("append to signed checkpoint, worst ms", tuple(signed), at_most=SIGNED_MAX_MS),
        Figure(
            f"inclusion proof of {events:,} events, built and written, p99 ms",
            (proofs,),
            at_most=PROOF_MAX_MS,
        ),
        Figure(
            "append consents, c64, requests/s: with the integrator / without",
            tuple(one / other for one, other in zip(beside, apart, strict=True)),
            at_least=COST_AT_LEAST,
            ours=tuple(beside),
            theirs=tuple(apart),
        ),
    ]


async def _empty(url: str) -> None:
    """Takes the tree away, as only the server's owner can."""
    connection: Any = await asyncpg.connect(url)
    try:
        for table in ("log_key", "log_tile", "log_checkpoint", "log_edge"):
            await connection.execute(f"ALTER TABLE ledger.{table} DISABLE TRIGGER ALL")
        await connection.execute(
            "TRUNCATE ledger.log_key, ledger.log_tile, ledger.log_checkpoint;"
            " UPDATE ledger.log_edge SET size = 0, hashes = ''; CHECKPOINT"
        )
    finally:
        await connection.close()


def _catch_up(url: str, memory: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.log_integration", "--catch-up", str(memory)]
    ended = subprocess.run(command, input=url.encode(), stdout=subprocess.PIPE, check=True)
    told: dict[str, float] = json.loads(ended.stdout)
    return told


async def _catch_up_here(url: str, memory: Path) -> dict[str, float]:
    """In this process: from the empty tree to the head."""
    connection = await connect(url)

    async def connected() -> "asyncpg.Connection[Any]":
        return connection

    one = Integrator(
        connected, Signer(b"\x07" * 32), SignedHeadFile(memory), origin="ledger.example/log"
    )
    before = peak_mib()
    began = time.perf_counter()
    while (await one.integrate(connection)).entries:
        pass
    seconds = time.perf_counter() - began
    await connection.close()
    return {"seconds": seconds, "mib": peak_mib() - before}


async def _proofs(url: str, events: int) -> float:
    """The 99th percentile, in ms, of what the route does for one proof."""
    pool = await open_pool(url, size_max=1)
    log, random, took = LogTree(pool), Random(7), []
    for _ in range(PROOFS):
        index = random.randrange(events)
        began = time.perf_counter()
        tree = await log.newest()
        assert tree is not None
        spans = inclusion_spans(index, tree.size)
        bytes(InclusionProof(index, hashes_of(spans, await log.tiles(tiles_for(spans))), tree.note))
        took.append(time.perf_counter() - began)
    await pool.close()
    return sorted(took)[int(len(took) * 0.99)] * 1000


@contextmanager
def _integrating(url: str, keys: str) -> Iterator["subprocess.Popen[bytes]"]:
    """The integrator's own process, as `serve` starts it."""
    command = [sys.executable, "-m", INTEGRATOR]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        try:
            assert process.stdin is not None
            process.stdin.write(Charge(url, keys, "ledger.example/log", "error").line())
            process.stdin.flush()
            yield process
        finally:
            process.send_signal(signal.SIGCONT)
            process.kill()


def _all_signed(ledger: Ledger, rounds: int) -> list[float]:
    """The longest wait of each round."""
    with (
        history(ledger.cluster, 1_000, name="signed") as database,
        TemporaryDirectory() as keys,
        _integrating(ledger.cluster.dsn("ledger_integrator", database), keys),
    ):
        return [asyncio.run(_signed(ledger.superuser(database))) for _ in range(rounds)]


async def _signed(url: str) -> float:
    """The longest wait, in ms, from a commit until a checkpoint covers it."""
    connection: Any = await asyncpg.connect(url)
    waits = []
    try:
        await connection.execute("SET ROLE ledger_owner")
        for _ in range(APPENDS):
            await _caught_up(connection)
            await asyncio.sleep(APPEND_PAUSE_S)
            head = await connection.fetchval(HEAD_SQL)
            row = (0, head, uuid4(), 1, uuid4(), "data.collected", uuid4().bytes)
            await connection.copy_records_to_table(
                "events", schema_name="ledger", columns=COLUMNS["events"], records=[row]
            )
            began = time.perf_counter()
            await connection.execute(f"NOTIFY {APPENDED_CHANNEL}")
            await _caught_up(connection)
            waits.append((time.perf_counter() - began) * 1000)
    finally:
        await connection.close()
    return max(waits)


async def _caught_up(connection: Any) -> None:
    while await connection.fetchval(BEHIND_SQL):  # noqa: ASYNC110  # as a reader would look
        await asyncio.sleep(LOOK_S)


def _cost(ledger: Ledger, rounds: int) -> tuple[list[float], list[float]]:
    """Requests a second with the integrator and without, in turns."""
    sent = Load(
        ledger.port,
        "/v1/subjects/{subject}/consents",
        json.dumps(BODIES["consents"], ensure_ascii=False),
        subjects=registered(ledger, SUBJECTS),
        headers=ledger.headers(),
        server=ledger.pid,
    )
    sent = replace(sent, connections=64, seconds=SECONDS)
    load.run(sent)
    rates: dict[bool, list[float]] = {True: [], False: []}
    url = ledger.cluster.dsn("ledger_integrator")
    with _integrating(url, str(ledger.home / "keys")) as process:
        for number in range(rounds):
            for beside in (True, False) if number % 2 else (False, True):
                process.send_signal(signal.SIGCONT if beside else signal.SIGSTOP)
                if beside:
                    asyncio.run(_wait(ledger.superuser()))
                rates[beside].append(load.run(sent).rate)
    print(f"without the integrator: {_spread(rates[False])} requests/s", file=sys.stderr)
    return rates[True], rates[False]


async def _wait(url: str) -> None:
    connection: Any = await asyncpg.connect(url)
    try:
        await _caught_up(connection)
    finally:
        await connection.close()


def _spread(rates: Sequence[float]) -> str:
    return f"{min(rates):.0f} to {max(rates):.0f}, median {statistics.median(rates):.0f}"


if __name__ == "__main__":
    options = argparse.ArgumentParser(add_help=False)
    options.add_argument("--catch-up", type=Path, metavar="FILE")
    chosen, _ = options.parse_known_args()
    if chosen.catch_up:
        print(json.dumps(uvloop.run(_catch_up_here(sys.stdin.read(), chosen.catch_up))))
    else:
        alone(measure)
