"""The verifier beside a COPY OUT of the same events, and the bundle; each run in its own process.

Everything is read in one snapshot: the tree with its signatures alone, then everything by one and
by two processes. What the memory of the first of them grows by is measured.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import uvloop

from app.audit import verify_bundle
from app.audit.bundle import Order, write_log
from app.audit.members import members
from app.store.checkpoint_check import Trust
from app.store.connection import connect
from app.store.integrity import Verification
from app.store.log_verification import verify_log
from app.store.tree_check import check_tree
from benchmarks.figures import Figure, alone
from benchmarks.histories import history
from benchmarks.log_integration import _catch_up as integrated
from benchmarks.machine import peak_mib
from benchmarks.projections import _copy_out as copy_out
from benchmarks.servers import Ledger

EVENTS = 100_000
EVENTS_FULL = 1_000_000
TREE_AT_LEAST = 0.15
ALL_AT_LEAST = 0.06
GROWTH_MAX_MIB = 50
WORKERS = 2


def measure(ledger: Ledger, *, rounds: int, full: bool = False) -> list[Figure]:
    """Each round takes every part in turn, beside its COPY OUT."""
    events = EVENTS_FULL if full else EVENTS
    parts = ("tree", "all", f"all-{WORKERS}")
    rates: dict[str, list[float]] = {part: [] for part in (*parts, "copy")}
    growth = 0.0
    with history(ledger.cluster, events, name="verified") as database, TemporaryDirectory() as at:
        integrated(ledger.cluster.dsn("ledger_integrator", database), Path(at) / str(uuid4()))
        url = ledger.cluster.dsn("ledger_auditor", database)
        for _ in range(rounds):
            rates["copy"].append(events / asyncio.run(copy_out(ledger.superuser(database))))
            for part in parts:
                told = _apart(url, part, at)
                rates[part].append(events / told["seconds"])
                growth = max(growth, told["mib"])
        bundled = _apart(url, "bundle", at)
        began = time.perf_counter()
        _verify_bundle(at)
        checked = time.perf_counter() - began
    return [
        _figure("verifying tree and signatures of", events, rates, part="tree"),
        _figure("verifying everything of", events, rates, part="all"),
        _figure(f"verifying everything by {WORKERS} processes of", events, rates, part=parts[-1]),
        Figure(f"verifying {events:,} events, growth in MiB", (growth,), at_most=GROWTH_MAX_MIB),
        Figure(f"bundle of {events:,} events, events/s", (events / bundled["seconds"],)),
        Figure(
            f"bundle of {events:,} events, growth in MiB",
            (bundled["mib"],),
            at_most=GROWTH_MAX_MIB,
        ),
        Figure(f"verify.py of {events:,} events, events/s", (events / checked,)),
    ]


def _figure(name: str, events: int, rates: dict[str, list[float]], *, part: str) -> Figure:
    targets = {"tree": TREE_AT_LEAST, "all": ALL_AT_LEAST}
    return Figure(
        f"{name} {events:,} events, events/s: ours / COPY OUT",
        tuple(one / other for one, other in zip(rates[part], rates["copy"], strict=True)),
        at_least=targets.get(part),
        ours=tuple(rates[part]),
        theirs=tuple(rates["copy"]),
    )


def _apart(url: str, part: str, folder: str) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.log_verification", "--part", part, folder]
    ended = subprocess.run(command, input=url.encode(), stdout=subprocess.PIPE, check=True)
    told: dict[str, float] = json.loads(ended.stdout)
    return told


def _verify_bundle(folder: str) -> None:
    command = [sys.executable, "-I", verify_bundle.__file__, f"{folder}/log.zip"]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)


async def _here(url: str, part: str, folder: Path) -> dict[str, float]:
    """In this process, and what its memory grew by."""
    before = peak_mib()
    began = time.perf_counter()
    if part == "tree":
        sound = await _tree(url)
    elif part == "bundle":
        sound = await _bundle(url, folder / "log.zip")
    else:
        workers = WORKERS if part.endswith(str(WORKERS)) else 1
        sound = (await verify_log(url, Trust(), workers=workers)).found.sound
    seconds = time.perf_counter() - began
    assert sound, "a figure of something that is not in order is none"
    return {"seconds": seconds, "mib": peak_mib() - before}


async def _tree(url: str) -> bool:
    connection = await connect(url)
    found = Verification()
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            await check_tree(connection, Trust(), found)
    finally:
        await connection.close()
    return found.sound


async def _bundle(url: str, file: Path) -> bool:
    connection = await connect(url)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            with members(file) as made:
                figures = await write_log(connection, made, Order("2026-01-01T00:00:00.000000Z"))
    finally:
        await connection.close()
    return bool(figures.events == figures.about["size"])


if __name__ == "__main__":
    options = argparse.ArgumentParser(add_help=False)
    options.add_argument("--part", nargs=2, metavar=("PART", "FOLDER"))
    chosen, _ = options.parse_known_args()
    if chosen.part:
        part, folder = chosen.part
        print(json.dumps(uvloop.run(_here(sys.stdin.read(), part, Path(folder)))))
    else:
        alone(measure)
