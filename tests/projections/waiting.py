"""Waiting for what a loop in the background does, with an end to the patience."""

import asyncio
from collections.abc import Awaitable, Callable


async def until(reached: Callable[[], Awaitable[bool]], *, within_s: float = 10.0) -> None:
    """Returns as soon as the condition holds; TimeoutError when it does not in time."""
    async with asyncio.timeout(within_s):
        while not await reached():  # noqa: ASYNC110  # nobody tells us when it is so
            await asyncio.sleep(0.01)
