"""The answer of an import on its way to the client: results in order, and how far it is."""

import asyncio
import zlib
from collections import deque
from dataclasses import dataclass
from typing import Any, Final

BLOCK_SIZE: Final = 65_536
"""Bytes of results that may wait as they are."""


class Backlog:
    """Results that were not sent yet. What waits long is held compressed, to a sixth.

    A client may send everything before it reads anything: holding its lines up until it reads
    would make both sides wait for ever.
    """

    def __init__(self) -> None:
        self._fresh: list[bytes] = []
        self._size = 0
        self._packed: deque[bytes] = deque()
        self._arrived = asyncio.Event()
        self._ended = False

    def put(self, result: bytes) -> None:
        """Adds one result."""
        self._fresh.append(result)
        self._size += len(result)
        if self._size > BLOCK_SIZE:
            self._packed.append(zlib.compress(b"".join(self._fresh), 1))
            self._fresh, self._size = [], 0
        self._arrived.set()

    def end(self) -> None:
        """There will be no further result."""
        self._ended = True
        self._arrived.set()

    async def take(self) -> bytes | None:
        """The results that waited longest; None after the last."""
        while not (self._packed or self._fresh or self._ended):
            self._arrived.clear()
            await self._arrived.wait()
        if self._packed:
            return zlib.decompress(self._packed.popleft())
        taken, self._fresh, self._size = b"".join(self._fresh), [], 0
        return taken or None


@dataclass(slots=True)
class Progress:
    """How far an import is. Times are seconds of the event loop's clock."""

    began: float
    size: int | None
    """Bytes of the whole, if the client said."""
    told: float
    lines: int = 0
    end: int = 0
    """Bytes up to the end of the last line that is done."""

    def due(self, now: float, every_s: float) -> bool:
        """Whether it is time to tell again."""
        if now - self.told < every_s:
            return False
        self.told = now
        return True

    def value(self, now: float) -> dict[str, Any]:  # Any: JSON values
        """As a member of the answer."""
        seconds = max(now - self.began, 1e-6)
        left = None
        if self.size is not None and self.end:
            left = round(seconds * max(self.size - self.end, 0) / self.end, 1)
        return {
            "lines": self.lines,
            "bytes": self.end,
            "bytes_total": self.size,
            "seconds": round(seconds, 1),
            "lines_per_second": round(self.lines / seconds, 1),
            "seconds_left": left,
        }
