"""An HTTP load generator in a process of its own, so that both sides of a comparison pay alike.

Closed loop: N keep-alive connections, each sending one request at a time. Open loop (`paced`):
requests fall due at a fixed rate, and a latency counts from when its request was due.
"""

import asyncio
import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import cast
from uuid import uuid4

import uvloop

LOOPBACK = "127.0.0.1"
PREPARED = 20_000
"""Requests written before the clock starts: writing them costs the measured side nothing."""


@dataclass(frozen=True, slots=True)
class Load:
    """What to send. `{subject}`, `{fresh}` and `{moment}` are filled in for each request."""

    port: int
    path: str
    body: str
    subjects: tuple[str, ...] = ("",)
    headers: tuple[tuple[str, str], ...] = ()
    connections: int = 64
    seconds: float = 3.0
    paced: float = 0.0
    """Requests a second in total; 0 is as fast as the answers come."""
    server: int = 0
    """Process id of the measured server, whose CPU time is read before and after."""


@dataclass(frozen=True, slots=True)
class Result:
    """What one cell measured."""

    requests: int
    failures: int
    seconds: float
    p50_ms: float
    p99_ms: float
    cpu_us: float = field(default=0.0)
    """CPU time of the server for one request: hardly moved by neighbours on the machine."""

    @property
    def rate(self) -> float:
        """Answered requests a second."""
        return self.requests / self.seconds


def run(load: Load) -> Result:
    """Sends ``load`` from a process of its own; raises when a request failed."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.load"],
        input=json.dumps(asdict(load)).encode(),
        stdout=subprocess.PIPE,
        check=True,
        timeout=load.seconds + 60,
    )
    result = Result(**json.loads(done.stdout))
    if result.failures or not result.requests:
        raise RuntimeError(f"{result.failures} of {result.requests} requests failed: {load.path}")
    return result


class _Connection(asyncio.Protocol):
    """One keep-alive connection; reads just enough of an answer to know where it ends."""

    def __init__(self) -> None:
        self.answer: asyncio.Future[int] | None = None
        self._buffer = b""
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's own class

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, body = self._buffer.partition(b"\r\n\r\n")
        if not separator:
            return
        place = head.lower().find(b"content-length:")
        length = int(head[place + 15 :].split(b"\r\n", 1)[0]) if place >= 0 else 0
        if len(body) < length:
            return
        self._buffer = body[length:]
        assert self.answer is not None
        self.answer.set_result(int(head[9:12]))

    def connection_lost(self, exc: Exception | None) -> None:
        if self.answer is not None and not self.answer.done():
            self.answer.set_exception(exc or ConnectionResetError())

    async def exchange(self, request: bytes) -> int:
        """Sends one request and answers its status."""
        assert self.transport is not None
        self.answer = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return await self.answer


def requests_of(load: Load) -> Iterator[bytes]:
    """Each request of the load as its bytes, without end."""
    lines = [f"POST {load.path} HTTP/1.1", f"host: {LOOPBACK}"]
    lines += [f"{name}: {value}" for name, value in load.headers]
    head = "\r\n".join(lines)
    minute = itertools.count(int(time.time()) % 1_000_000)
    for subject in itertools.cycle(load.subjects):
        # Every request says something new: a repetition would be nothing to append.
        seconds, micros = divmod(next(minute), 1_000_000)
        filled = {
            "{subject}": subject,
            "{fresh}": uuid4().hex,
            "{moment}": f"2026-05-01T10:{seconds % 60:02d}:00.{micros:06d}Z",
        }
        written, body = head, load.body
        for name, value in filled.items():
            written, body = written.replace(name, value), body.replace(name, value)
        encoded = body.encode()
        yield f"{written}\r\ncontent-length: {len(encoded)}\r\n\r\n".encode() + encoded


async def _send(load: Load) -> Result:
    loop = asyncio.get_running_loop()
    source = requests_of(load)
    wanted = int(load.paced * load.seconds) + 1 if load.paced else PREPARED
    requests = itertools.chain(list(itertools.islice(source, wanted)), source)
    used = cpu_seconds(load.server)
    opened = [
        (await loop.create_connection(_Connection, LOOPBACK, load.port))[1]
        for _ in range(load.connections)
    ]
    latencies: list[float] = []
    failures = 0
    numbers = itertools.count()
    start = time.perf_counter()

    async def client(connection: _Connection) -> None:
        nonlocal failures
        while (began := time.perf_counter()) < start + load.seconds:
            if load.paced:
                began = start + next(numbers) / load.paced
                if began > start + load.seconds:
                    return
                await asyncio.sleep(max(0.0, began - time.perf_counter()))
            status = await connection.exchange(next(requests))
            latencies.append(time.perf_counter() - began)
            failures += status >= 400

    await asyncio.gather(*map(client, opened))
    seconds = time.perf_counter() - start
    for connection in opened:
        assert connection.transport is not None
        connection.transport.close()
    latencies.sort()
    used = cpu_seconds(load.server) - used
    return Result(
        len(latencies),
        failures,
        seconds,
        _quantile(latencies, 0.50),
        _quantile(latencies, 0.99),
        1e6 * used / max(1, len(latencies)),
    )


def cpu_seconds(pid: int) -> float:
    """CPU time that a process has used, of both kinds; 0 for none."""
    if not pid:
        return 0.0
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _quantile(ordered: list[float], share: float) -> float:
    return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def main() -> None:
    """Reads a Load from standard input, sends it, writes the Result."""
    told = json.load(sys.stdin)
    told["headers"] = tuple(map(tuple, told["headers"]))
    result = uvloop.run(_send(Load(**told)))
    print(json.dumps(asdict(result)))


if __name__ == "__main__":
    main()
