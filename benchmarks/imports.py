"""An import over HTTP beside a binary COPY IN of the very rows that it made.

The rows are copied into tables of the same shape with the same indexes, in one durable transaction.
"""

import asyncio
import io
import threading
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg

from benchmarks.figures import Figure, alone
from benchmarks.load import cpu_seconds
from benchmarks.people import imported, lines
from benchmarks.servers import Ledger

LINES = 3_000
MEMORY_LINES = 20_000
MEMORY_LINES_FULL = 200_000
MEMORY_MAX_MIB = 300
SAMPLE_S = 0.1

STREAMS = "SELECT DISTINCT stream_id FROM ledger.events WHERE partition = 0 AND position > {after}"
ROWS = {
    "events": "SELECT * FROM ledger.events WHERE partition = 0 AND position > {after}",
    "sealed": f"SELECT * FROM ledger.sealed WHERE stream_id IN ({STREAMS})",
    "keyring": f"SELECT * FROM ledger.keyring WHERE subject_id IN ({STREAMS})",
    "identifiers": f"SELECT * FROM ledger.identifiers WHERE subject_id IN ({STREAMS})",
    "idempotency": f"SELECT * FROM ledger.idempotency WHERE stream_id IN ({STREAMS})",
}
HEAD = "SELECT coalesce(max(position), -1) FROM ledger.events WHERE partition = 0"


def measure(ledger: Ledger, *, rounds: int, full: bool = False) -> list[Figure]:
    """An import and its copy in each round, then a longer import for the memory."""
    _import(ledger, LINES // 3)  # warm: imports, plans
    cells, cpu_us, again = [], [], []
    for _ in range(rounds):
        before = cpu_seconds(ledger.pid)
        cells.append(_round(ledger))
        cpu_us.append((cpu_seconds(ledger.pid) - before) / LINES * 1e6)
        again.append(_twice(ledger))
    count = MEMORY_LINES_FULL if full else MEMORY_LINES
    peak, rate = _longer(ledger, count)
    return [
        Figure(
            "import, lines/s: ours / binary COPY IN",
            tuple(ours / theirs for ours, theirs in cells),
            at_least=0.06,
            ours=tuple(ours for ours, _ in cells),
            theirs=tuple(theirs for _, theirs in cells),
        ),
        Figure("import, CPU us/line of the serving process", tuple(cpu_us)),
        Figure(
            "import that is sent again, lines/s: the second time / the first",
            tuple(second / first for first, second in again),
            at_least=1.0,
            ours=tuple(second for _, second in again),
            theirs=tuple(first for first, _ in again),
        ),
        Figure(f"import of {count:,} lines, lines/s", (rate,)),
        Figure(
            f"import of {count:,} lines, peak MiB of the process tree",
            (peak,),
            at_most=MEMORY_MAX_MIB,
        ),
    ]


def _import(ledger: Ledger, count: int) -> float:
    body = list(lines(count, mark=uuid4().hex[:6]))
    start = time.perf_counter()
    recorded = sum(result["status"] == "recorded" for result in imported(ledger, body))
    seconds = time.perf_counter() - start
    if recorded != count:
        raise RuntimeError(f"{count - recorded} lines were not recorded")
    return seconds


def _twice(ledger: Ledger) -> tuple[float, float]:
    """Lines a second of an import, and of the same one under the same key."""
    body, key, rates = list(lines(LINES, mark=uuid4().hex[:6])), uuid4().hex, []
    for status in ("recorded", "repeated"):
        start = time.perf_counter()
        if any(one["status"] != status for one in imported(ledger, body, key=key)):
            raise RuntimeError(f"a line was not {status}")
        rates.append(LINES / (time.perf_counter() - start))
    first, second = rates
    return first, second


def _round(ledger: Ledger) -> tuple[float, float]:
    """Lines a second of both sides."""
    after = asyncio.run(_head(ledger))
    ours = _import(ledger, LINES)
    theirs = asyncio.run(_copy(ledger, after))
    return LINES / ours, LINES / theirs


async def _head(ledger: Ledger) -> int:
    connection: Any = await asyncpg.connect(ledger.superuser())
    try:
        return int(await connection.fetchval(HEAD))
    finally:
        await connection.close()


async def _copy(ledger: Ledger, after: int) -> float:
    connection: Any = await asyncpg.connect(ledger.superuser())
    try:
        await connection.execute("CREATE SCHEMA floors")
        copies: dict[str, bytes] = {}
        for table, query in ROWS.items():
            await connection.execute(
                f"CREATE TABLE floors.{table} (LIKE ledger.{table} INCLUDING ALL)"
            )
            out = io.BytesIO()
            await connection.copy_from_query(query.format(after=after), output=out, format="binary")
            copies[table] = out.getvalue()
        start = time.perf_counter()
        async with connection.transaction():
            for table, rows in copies.items():
                await connection.copy_to_table(
                    table, schema_name="floors", source=io.BytesIO(rows), format="binary"
                )
        return time.perf_counter() - start
    finally:
        await connection.execute("DROP SCHEMA floors CASCADE")
        await connection.close()


def _longer(ledger: Ledger, count: int) -> tuple[float, float]:
    """The highest sum of resident memory over the service's processes, in MiB, and lines/s."""
    peak, start = 0, time.perf_counter()
    done = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(SAMPLE_S):
            peak = max(peak, sum(map(_resident_kib, _tree(ledger.pid))))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        for result in imported(ledger, lines(count, mark=uuid4().hex[:6])):
            assert result["status"] == "recorded"
    finally:
        done.set()
        watcher.join()
    return peak / 1024, count / (time.perf_counter() - start)


def _tree(root: int) -> list[int]:
    """The process and its descendants. PostgreSQL is none of them: its guard is a session apart."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            parent = _status(int(folder.name)).get("PPid")
            if parent is not None:
                children.setdefault(int(parent), []).append(int(folder.name))
    found = [root]
    for one in found:
        found += children.get(one, [])
    return found


def _resident_kib(pid: int) -> int:
    return int(_status(pid).get("VmRSS", "0 kB").split()[0])


def _status(pid: int) -> dict[str, str]:
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:  # it ended
        return {}
    pairs = (line.partition(":") for line in text.splitlines())
    return {name: value.strip() for name, _, value in pairs}


if __name__ == "__main__":
    alone(measure)
