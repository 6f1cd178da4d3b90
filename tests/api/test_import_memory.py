"""A long import over a real socket: constant memory, and neither side waits for the other."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest
import uvicorn

from app.main import create_app, wrapped
from app.service import Service
from app.settings import Settings
from tests.api.test_imports import kinds, ndjson, person
from tests.serving import Api

pytestmark = pytest.mark.asyncio(loop_scope="module")

MANY = 20_000
GROWTH_MAX_MIB = 40


@asynccontextmanager
async def listening(service: Service, home: Path) -> AsyncIterator[int]:
    """A real server in this process, on a free port of the loopback."""
    settings = Settings(home=home)
    app = create_app(settings)
    app.state.service = service
    with socket.create_server(("127.0.0.1", 0)) as taken:
        config = uvicorn.Config(
            wrapped(app, settings), log_config=None, access_log=False, lifespan="off", ws="none"
        )
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve(sockets=[taken]))
        yield taken.getsockname()[1]
        server.should_exit = True
        await serving


def resident_mib() -> float:
    """What this process holds in memory."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("the kernel names no resident size")


async def test_a_client_that_sends_everything_before_it_reads_is_answered_in_constant_memory(
    shared_api: Api, shared_service: Service, tmp_path: Path
) -> None:
    """40 MB of body and 20,000 results, and neither side waits for the other for ever."""
    bearer = await shared_api.key()
    wide = json.dumps(person() | {"padding": "x" * 2_000}).encode() + b"\n"
    head = (
        "POST /v1/imports HTTP/1.1\r\nHost: ledger.example\r\nConnection: close\r\n"
        f"Authorization: Bearer {bearer}\r\nIdempotency-Key: {uuid4()}\r\n"
        "Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    peak = before = resident_mib()

    async with listening(shared_service, tmp_path) as port, asyncio.timeout(120):
        reading, writing = await asyncio.open_connection("127.0.0.1", port)
        writing.write(head.encode())
        for number in range(MANY):
            text = ndjson([person()]) if number % 100 == 0 else wide
            writing.write(f"{len(text):x}\r\n".encode() + text + b"\r\n")
            await writing.drain()
            if number % 500 == 0:
                peak = max(peak, resident_mib())
        writing.write(b"0\r\n\r\n")
        await writing.drain()
        answer = await reading.read()
        writing.close()
        await writing.wait_closed()

    results = [json.loads(line) for line in answer.splitlines() if line.startswith(b'{"line":')]
    assert [one["line"] for one in results] == list(range(1, MANY + 1))
    assert kinds(results).count("recorded") == MANY // 100
    assert kinds(results).count("validation") == MANY - MANY // 100
    assert peak - before < GROWTH_MAX_MIB
