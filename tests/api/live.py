"""A service on a socket of this machine, as `serve` runs it: for answers that go on."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import uvicorn

from app.api.streams import STOP_STREAMS
from app.cli.serving import AbortableProtocol, AnnouncingServer
from app.main import create_app, wrapped
from app.service import Service
from app.settings import Settings


@asynccontextmanager
async def live(service: Service, settings: Settings) -> AsyncIterator[str]:
    """The address of the service; at the end it stops as at a signal."""
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    app = create_app(settings)
    app.state.service = service
    config = uvicorn.Config(
        wrapped(app, settings),
        http=AbortableProtocol,
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=2,
    )
    started: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    server = AnnouncingServer(config, started.set_result)
    serving = asyncio.create_task(server.serve(sockets=[taken]))
    try:
        port = await asyncio.wait_for(started, 10)
        server.lifespan.state[STOP_STREAMS] = service.feed.close
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await serving


async def messages(answer: httpx.Response) -> AsyncIterator[tuple[int, dict[str, Any]]]:
    """Position and event of each server-sent event, as they come."""
    number = -1
    async for line in answer.aiter_lines():
        if line.startswith("id: "):
            number = int(line[4:])
        elif line.startswith("data: "):
            yield number, json.loads(line[6:])


async def next_messages(answer: httpx.Response, count: int) -> list[tuple[int, dict[str, Any]]]:
    """The first so many events."""
    found = []
    async with asyncio.timeout(20):
        async for message in messages(answer):
            found.append(message)
            if len(found) == count:
                break
    return found
