"""Answers that go on: to a client that may leave, stop reading, or stay until we stop (A17).

Starlette's own streaming waits for ever for a client that does not read.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import suppress
from typing import Any, Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

LAST_WORDS_S: Final = 0.5
"""For a chunk that is under way when the process is told to stop."""
STOP_STREAMS: Final = "pdledger.stop_streams"
"""Lifespan state of the application: ends every stream, for a server that is told to stop."""
ABORT: Final = "pdledger.abort"
"""ASGI extension of our server: cuts the connection with whatever it has not sent."""


class Streamed(Response):
    """Chunks as they come. Owned by one task, which ends them whatever happens."""

    def __init__(
        self,
        chunks: AsyncGenerator[bytes, None],
        *,
        media_type: str,
        closing: asyncio.Event,
        send_timeout_s: float,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.status_code = 200
        self.media_type = media_type
        self.background = None
        self.init_headers(headers)
        self._chunks = chunks
        self._closing = closing
        self._send_timeout_s = send_timeout_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends until there is no more, the client is gone or stalls, or the process stops."""
        sending = asyncio.create_task(self._send_all(send), name="stream")
        left = asyncio.create_task(_left(receive), name="stream's client")
        stopped = asyncio.create_task(self._closing.wait(), name="stream's end")
        try:
            await asyncio.wait((sending, left, stopped), return_when=asyncio.FIRST_COMPLETED)
            if not sending.done() and not left.done():
                await asyncio.wait((sending,), timeout=LAST_WORDS_S)
        finally:
            for task in (sending, left, stopped):
                task.cancel()
            await asyncio.wait((sending, left, stopped))
            await self._chunks.aclose()
        if sending.cancelled() or isinstance(sending.exception(), TimeoutError):
            abort(scope)
        else:
            sending.result()

    async def _send_all(self, send: Send) -> None:
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await self._send(send, start)
        async for chunk in self._chunks:
            await self._send(send, {"type": "http.response.body", "body": chunk, "more_body": True})
        await self._send(send, {"type": "http.response.body", "body": b"", "more_body": False})

    async def _send(self, send: Send, message: dict[str, Any]) -> None:
        async with asyncio.timeout(self._send_timeout_s):
            await send(message)


def abort(scope: Scope) -> None:
    """Cuts the connection, where the server lets us: what it holds for the client is freed."""
    ways: Mapping[str, Callable[[], None]] = scope.get("extensions", {}).get(ABORT, {})
    if "cut" in ways:
        ways["cut"]()


async def _left(receive: Receive) -> None:
    """Returns when the client is gone."""
    with suppress(OSError):
        while (await receive())["type"] != "http.disconnect":
            pass
