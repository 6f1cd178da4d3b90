"""The feed of one process: every listener reads the same window of the newest events.

One task follows the log while anybody listens. It asks every 100 ms, or at once when it is woken.
A listener has no queue: it asks for what comes after its position, and whoever falls out of the
window, or comes with an old position, reads pages until it is inside again. So a listener gets each
event once and in order, and one that never reads holds up nobody and nothing in memory.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

import asyncpg
import structlog

from app.propagation.cloud_events import CloudEvent, CloudEvents
from app.store.log_pages import LogPage, read_log_page

POLL_S: Final = 0.1
RETRY_S: Final = 1.0
PAGE_SIZE: Final = 500
WINDOW_EVENTS: Final = 10_000
WINDOW_BYTES: Final = 8_000_000
CHUNK_BYTES: Final = 64_000
READS_MAX: Final = 3
"""Pages read at once for those who catch up: the other connections are for everybody else."""

_LOG: Any = structlog.get_logger("pdledger.feed")


class FeedBusy(Exception):
    """As many listen as this process carries."""


@dataclass(frozen=True, slots=True)
class FeedLimits:
    """What one process gives its listeners."""

    listeners_max: int = 1_000
    send_timeout_s: float = 30.0
    """Whoever has taken nothing for so long is let go."""
    keep_alive_s: float = 15.0


@dataclass(frozen=True, slots=True)
class FeedPage:
    """Some events, and how far the reading went."""

    events: list[CloudEvent]
    reached: int
    head: int


class Feed:
    """Owned by one event loop. Built whether or not anybody ever listens."""

    def __init__(
        self, pool: "asyncpg.Pool[Any]", cloud_events: CloudEvents, limits: FeedLimits
    ) -> None:
        self.limits = limits
        self._pool = pool
        self.cloud_events = cloud_events
        self._window = _Window()
        self._reads = asyncio.Semaphore(READS_MAX)
        self._listeners = 0
        self._tail: asyncio.Task[None] | None = None
        self._also: list[Callable[[], None]] = []
        self._woken = asyncio.Event()
        self._news = asyncio.Event()
        self.closing = asyncio.Event()
        """Set when the process is told to stop: every listener ends."""

    def wake(self, _notice: str = "") -> None:
        """Looks for news at once: for notices of whoever appends."""
        self._woken.set()
        for call in self._also:
            call()

    def wakes(self, call: Callable[[], None]) -> None:
        """Whoever else wants to look for news when there are some."""
        self._also.append(call)

    def close(self) -> None:
        """Lets everybody go."""
        self.closing.set()
        self._announce()

    async def stop(self) -> None:
        """Ends the task that follows the log."""
        self.close()
        if self._tail is not None:
            self._tail.cancel()
            with suppress(asyncio.CancelledError):
                await self._tail

    def check_room(self) -> None:
        """FeedBusy when as many listen as may, or the process stops."""
        if self._listeners >= self.limits.listeners_max or self.closing.is_set():
            raise FeedBusy

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Keeps the window up to date meanwhile."""
        self._listeners += 1
        if self._tail is None:
            self._tail = asyncio.create_task(self._follow(), name="feed")
        try:
            yield
        finally:
            self._listeners -= 1

    async def page(
        self, after: int, size_max: int, types: Collection[str] = frozenset()
    ) -> FeedPage:
        """The next events after a position, read from the log."""
        page = await self._read(after, size_max, types)
        return FeedPage(
            [self.cloud_events.of(*line) for line in page.entries], page.reached, page.head
        )

    async def following(self, after: int, types: Collection[str] = frozenset()) -> FeedPage:
        """What comes after a position: out of the window where it can be, else a page.

        The events of one answer are as many as go out at once. None, at the head of the log, says
        that there are none yet.
        """
        if not self._window.placed:
            # Hundreds come at once when a process starts: the tail looks once for all of them.
            await self._next_news(RETRY_S)
        kept = self._window.after(after)
        if kept is None:
            page = await self.page(after, PAGE_SIZE, types)
            fitting = _fitting(page.events)
            reached = page.reached if len(fitting) == len(page.events) else fitting[-1].position
            return FeedPage(fitting, reached, page.head)
        reached = kept[-1].position if kept else after
        wanted = [event for event in kept if event.type in types] if types else kept
        return FeedPage(wanted, reached, self._window.head)

    async def changed(self, position: int, within_s: float) -> None:
        """Returns when something came after the position, the time is up, or the feed closes."""
        if self._window.head <= position and not self.closing.is_set():
            await self._next_news(within_s)

    async def _next_news(self, within_s: float) -> None:
        news = self._news
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await news.wait()

    async def _read(self, after: int, size_max: int, types: Collection[str]) -> LogPage:
        async with self._reads:
            return await read_log_page(self._pool, after=after, size_max=size_max, types=types)

    async def _follow(self) -> None:
        """Reads on while anybody listens; the next listener starts it again."""
        try:
            self._window = _Window()
            while self._listeners:
                try:
                    more = await self._read_on()
                except Exception as error:  # noqa: BLE001  # the head of a worker's loop
                    _LOG.error("feed halted", error_class=type(error).__name__, retry_in_s=RETRY_S)
                    await asyncio.sleep(RETRY_S)
                    continue
                if not more:
                    await self._pause()
        finally:
            self._tail = None

    async def _read_on(self) -> bool:
        """Takes the next page into the window; whether there may be more."""
        if not self._window.placed:
            self._window.place((await self._read(-1, 1, ())).head)
            self._announce()
        page = await read_log_page(self._pool, after=self._window.head, size_max=PAGE_SIZE)
        if page.entries:
            self._window.add([self.cloud_events.of(*line) for line in page.entries])
            self._announce()
        return not page.at_head

    async def _pause(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(POLL_S):
                await self._woken.wait()
        self._woken.clear()

    def _announce(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()


class _Window:
    """The newest events without a gap, bounded in number and bytes."""

    def __init__(self) -> None:
        self._events: list[CloudEvent] = []
        self._size_bytes = 0
        self.head = -1
        self.placed = False

    def place(self, head: int) -> None:
        """Starts after a position."""
        self.head, self.placed = head, True

    def add(self, events: list[CloudEvent]) -> None:
        """Takes the next events; a gap is a bug."""
        for event in events:
            assert event.position == self.head + 1, "the log has no gap"
            self.head = event.position
            self._size_bytes += len(event.body)
        self._events += events
        while len(self._events) > WINDOW_EVENTS or self._size_bytes > WINDOW_BYTES:
            self._events = self._events[len(self._events) // 2 :]
            self._size_bytes = sum(len(event.body) for event in self._events)

    def after(self, position: int) -> list[CloudEvent] | None:
        """What goes out at once to somebody who stands there; None when that is not in here."""
        if not self.placed or position < self.head - len(self._events):
            return None
        start = position - (self.head - len(self._events))
        return _fitting(self._events[start : start + PAGE_SIZE])


def _fitting(events: list[CloudEvent]) -> list[CloudEvent]:
    """The first events that make one chunk; always one, where there is one."""
    size_bytes = 0
    for number, event in enumerate(events):
        size_bytes += len(event.body)
        if size_bytes > CHUNK_BYTES and number:
            return events[:number]
    return events
