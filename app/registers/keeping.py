"""What a process keeps for its registers, and the task that keeps the counts close to the log.

So a question has only the last to count.
"""

import asyncio
from dataclasses import dataclass
from typing import Any, NoReturn

import asyncpg
import structlog

from app.registers.people import People
from app.registers.tallies import Tallies, tallies
from app.store.event_store import EventStore

PAUSE_S = 10.0
SHARE = 50
"""Of its time, counting takes one part in so many at the most, however much is written."""

_LOG = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Kept:
    """What registers would count or fold anew for every page."""

    tallies: Tallies
    """How many people have what."""
    people: People
    """Those of whom registers ask again and again, as the log shows them."""


def kept(store: EventStore) -> Kept:
    """Nothing is known yet."""
    return Kept(tallies=tallies(), people=People(store))


async def keep_counted(
    counts: Tallies, pool: "asyncpg.Pool[Any]", *, pause_s: float = PAUSE_S
) -> NoReturn:
    """Counts whatever has changed, every now and then, until it is cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(pause_s)
        began = loop.time()
        try:
            for tallied in (counts.held, counts.shared):
                await tallied.read(pool)
        except Exception as error:  # noqa: BLE001  # the head of a worker's loop
            _LOG.error("counts not kept", error_class=type(error).__name__)
        await asyncio.sleep(SHARE * (loop.time() - began))
