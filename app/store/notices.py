"""Tells and hears what other processes changed: callers, people erased, key epochs, appends.

Eviction is hygiene only. A missed notice harms nothing: appends re-check versions and key states in
the database, and cached callers expire by themselves.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import asyncpg

CLIENTS_CHANNEL = "ledger_clients"
ERASED_CHANNEL = "ledger_erased"
APPENDED_CHANNEL = "ledger_appended"
EPOCHS_CHANNEL = "ledger_epochs"
RECONNECT_PAUSE_S = 1.0
PROBE_INTERVAL_S = 15.0
ANNOUNCE_PAUSE_S = 0.02
"""Between two announcements: a NOTIFY takes a lock that all of the server's databases share."""

Handler = Callable[[str], None]
Connect = Callable[[], Awaitable["asyncpg.Connection[Any]"]]


class Notices:
    """One listening connection of its own (not through a pooler), opened again when it breaks."""

    def __init__(self, connect: Connect, handlers: Mapping[str, Handler]) -> None:
        self._connect = connect
        self._handlers = handlers
        self._listener: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Starts listening in a task of its own."""
        self._listener = asyncio.create_task(self._listen_for_ever(), name="notices")

    async def stop(self) -> None:
        """Stops listening and closes the connection."""
        if self._listener is not None:
            self._listener.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._listener

    async def _listen_for_ever(self) -> None:
        while True:
            with contextlib.suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                await self._listen()
            # Whatever was announced meanwhile is lost: every cache starts afresh.
            for handler in self._handlers.values():
                handler("")
            await asyncio.sleep(RECONNECT_PAUSE_S)

    async def _listen(self) -> None:
        connection = await self._connect()
        try:
            for channel, handler in self._handlers.items():
                await connection.add_listener(channel, _calling(handler))
            while True:
                await asyncio.sleep(PROBE_INTERVAL_S)
                await connection.execute("SELECT 1")
        finally:
            connection.terminate()


def _calling(handler: Handler) -> Callable[..., None]:
    def call(_connection: object, _pid: int, _channel: str, payload: str) -> None:
        handler(payload)

    return call


class Announcer:
    """Says that events were appended: after their commit, once for all that came meanwhile.

    Never inside an append, which it would make half as fast. Whoever misses it looks by himself.
    """

    def __init__(self, pool: "asyncpg.Pool[Any]") -> None:
        self._pool = pool
        self._news = asyncio.Event()
        self._teller: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Starts announcing in a task of its own."""
        self._teller = asyncio.create_task(self._tell_for_ever(), name="announcer")

    async def stop(self) -> None:
        """Stops; what was not announced is found by looking."""
        if self._teller is not None:
            self._teller.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._teller

    def appended(self) -> None:
        """Events were committed. Costs the caller nothing."""
        self._news.set()

    async def _tell_for_ever(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            with contextlib.suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                await self._pool.execute(f"NOTIFY {APPENDED_CHANNEL}")
            await asyncio.sleep(ANNOUNCE_PAUSE_S)
