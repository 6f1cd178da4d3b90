"""Rebuilding two projections beside an ordered binary COPY OUT of the same events.

Profiles and sharing register in one pass, keys, indexes and swap included, by one process and by
two; each rebuild in a process of its own, whose memory is measured.
"""

import argparse
import asyncio
import json
import resource
import subprocess
import sys
import time
from typing import Any

import asyncpg
import uvloop

from app.projections import PROFILES, SHARING_REGISTER
from app.projections.rebuild import rebuild
from benchmarks.figures import Figure, alone
from benchmarks.histories import history
from benchmarks.machine import peak_mib
from benchmarks.servers import Ledger

EVENTS = 100_000
EVENTS_FULL = 1_000_000
COPIES = 5
"""In a row, so that both sides last long enough to share the machine alike."""
MEMORY_MAX_MIB = 300
REBUILT = (PROFILES, SHARING_REGISTER)
TARGETS = {1: 0.08, 2: 0.15}

IN_ORDER = "SELECT * FROM ledger.events WHERE partition = 0 ORDER BY position"


def measure(ledger: Ledger, *, rounds: int, full: bool = False) -> list[Figure]:
    """COPY OUT, one worker, two workers, in turn."""
    events = EVENTS_FULL if full else EVENTS
    with history(ledger.cluster, events, name="rebuilt") as database:
        url = ledger.cluster.dsn("ledger_projector", database)
        admin = ledger.cluster.dsn("postgres", database)
        copied: list[float] = []
        rebuilt: dict[int, list[float]] = {workers: [] for workers in TARGETS}
        memory: dict[int, float] = dict.fromkeys(TARGETS, 0.0)
        for _ in range(rounds):
            copied.append(events / asyncio.run(_copy_out(admin)))
            for workers in TARGETS:
                told = _rebuild(url, workers)
                rebuilt[workers].append(events / told["seconds"])
                memory[workers] = max(memory[workers], told["mib"])
    return [
        *(
            Figure(
                f"rebuild of {events:,} events, {workers} worker(s), events/s: ours / COPY OUT",
                tuple(ours / floor for ours, floor in zip(rates, copied, strict=True)),
                at_least=TARGETS[workers],
                ours=tuple(rates),
                theirs=tuple(copied),
            )
            for workers, rates in rebuilt.items()
        ),
        *(
            Figure(
                f"rebuild of {events:,} events, {workers} worker(s), peak MiB of the processes",
                (mib,),
                at_most=MEMORY_MAX_MIB,
            )
            for workers, mib in memory.items()
        ),
    ]


async def _copy_out(url: str) -> float:
    """Seconds to read the log in order as PostgreSQL writes it, into nothing."""
    connection: Any = await asyncpg.connect(url)
    try:
        began = time.perf_counter()
        for _ in range(COPIES):
            await connection.copy_from_query(IN_ORDER, output=_discard, format="binary")
        return (time.perf_counter() - began) / COPIES
    finally:
        await connection.close()


async def _discard(_chunk: bytes) -> None:
    """Only the reading is measured."""


def _rebuild(url: str, workers: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.projections", "--rebuild", str(workers)]
    ended = subprocess.run(command, input=url.encode(), stdout=subprocess.PIPE, check=True)
    told: dict[str, float] = json.loads(ended.stdout)
    return told


def _rebuild_here(url: str, workers: int) -> dict[str, float]:
    """In this process: seconds, and the memory of it and its workers, each at its peak."""
    began = time.perf_counter()
    uvloop.run(rebuild(url, REBUILT, workers=workers))
    seconds = time.perf_counter() - began
    own = peak_mib()  # what `getrusage` tells of it began with the process that started it
    other = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return {"seconds": seconds, "mib": own + (workers - 1) * other / 1024}


if __name__ == "__main__":
    options = argparse.ArgumentParser(add_help=False)
    options.add_argument("--rebuild", type=int, metavar="WORKERS")
    chosen, _ = options.parse_known_args()
    if chosen.rebuild:
        print(json.dumps(_rebuild_here(sys.stdin.read(), chosen.rebuild)))
    else:
        alone(measure)
