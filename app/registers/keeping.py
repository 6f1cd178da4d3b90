"""Keeps the counts of everybody close to the log, so that a question has only the last to count."""

import asyncio
from typing import Any, NoReturn

import asyncpg
import structlog

from app.registers.tallies import Tallies

PAUSE_S = 10.0
SHARE = 50
"""Of its time, counting takes one part in so many at the most, however much is written."""

_LOG = structlog.get_logger(__name__)


async def keep_counted(
    tallies: Tallies, pool: "asyncpg.Pool[Any]", *, pause_s: float = PAUSE_S
) -> NoReturn:
    """Counts whatever has changed, every now and then, until it is cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(pause_s)
        began = loop.time()
        try:
            for tallied in (tallies.held, tallies.shared):
                await tallied.read(pool)
        except Exception as error:  # noqa: BLE001  # the head of a worker's loop
            _LOG.error("counts not kept", error_class=type(error).__name__)
        await asyncio.sleep(SHARE * (loop.time() - began))
