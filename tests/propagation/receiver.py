"""A receiver of webhooks on this machine: keeps what comes, and answers what it is told to."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

ACCEPTED = b"HTTP/1.1 204 No Content\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it came."""

    target: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Receiver:
    """``answer`` makes the raw answer of each request; nothing at all when it is None."""

    port: int = 0
    answer: Callable[[Received], bytes | None] = lambda _request: ACCEPTED
    received: list[Received] = field(default_factory=list)
    connections: int = 0
    server_names: list[str] = field(default_factory=list)
    serving: set["asyncio.Task[None]"] = field(default_factory=set)

    def answering(self, status: int, headers: str = "", body: bytes = b"") -> None:
        """The same answer from here on."""
        head = f"HTTP/1.1 {status} X\r\ncontent-length: {len(body)}\r\n{headers}\r\n"
        self.answer = lambda _request: head.encode() + body

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, kept alive."""
        self.connections += 1
        task: asyncio.Task[None] | None = asyncio.current_task()
        assert task is not None
        self.serving.add(task)
        with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                pairs = (line.split(": ", 1) for line in head[1:] if line)
                headers = {name.lower(): value for name, value in pairs}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                request = Received(head[0].split()[1], headers, body)
                self.received.append(request)
                answer = self.answer(request)
                if answer is None:
                    await asyncio.Event().wait()
                    return
                writer.write(answer)
                await writer.drain()
        writer.transport.abort()
        self.serving.discard(task)


@asynccontextmanager
async def receiving(trust: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    """A receiver; ``trust`` makes it one that speaks TLS."""
    receiver = Receiver()
    if trust is not None:
        trust.sni_callback = lambda _socket, name, _context: receiver.server_names.append(name)
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0, ssl=trust)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        for task in receiver.serving:
            task.cancel()
        await asyncio.gather(*receiver.serving, return_exceptions=True)
