"""The listener beside the loops of `pdledger work`: figures for Prometheus, when a port is set."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn

from app.api.figures import figures
from app.service import Service
from app.settings import Settings

GRACE_S = 1


@asynccontextmanager
async def figures_served(
    settings: Settings, service: Service, taken: socket.socket | None
) -> AsyncIterator[str | None]:
    """Answers at the address while the block runs; without a socket there is no listener."""
    if taken is None:
        yield None
        return
    config = uvicorn.Config(
        figures(service, body_size_max_bytes=settings.body_size_max_bytes),
        http="httptools",
        ws="none",
        interface="asgi3",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
    )
    server = _Beside(config)
    serving = asyncio.create_task(server.serve(sockets=[taken]), name="figures")
    host, port = taken.getsockname()[:2]
    try:
        yield f"http://[{host}]:{port}/metrics" if ":" in host else f"http://{host}:{port}/metrics"
    finally:
        server.should_exit = True
        await serving


class _Beside(uvicorn.Server):
    """A server whose process has other work, and hears of signals itself."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves them alone."""
        yield
