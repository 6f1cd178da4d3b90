"""Questions that come while a query is under way are answered together by the next one.

So are appends by the group commit: whoever brings many lines asks as much for each of them.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeAlias

Named: TypeAlias = tuple[str, bytes]
"""A token under its kind of identifier, its purpose or its client."""

QUESTIONS_MAX = 1024
"""Tokens of one query."""


class Gathered:
    """One query at a time, for everybody who asked before it began. Owned by one event loop."""

    def __init__(self, query: Callable[[Sequence[Named]], Awaitable[dict[Named, Any]]]) -> None:
        self._query = query
        self._waiting: list[tuple[Sequence[Named], asyncio.Future[dict[Named, Any]]]] = []
        self._asking: asyncio.Task[None] | None = None

    async def ask(self, wanted: Sequence[Named]) -> dict[Named, Any]:
        """What is known of the tokens, of others too; it is read after the call."""
        answer: asyncio.Future[dict[Named, Any]] = asyncio.get_running_loop().create_future()
        self._waiting.append((wanted, answer))
        if self._asking is None:
            self._asking = asyncio.create_task(self._answer_all(), name="gathered")
        return await answer

    async def _answer_all(self) -> None:
        try:
            while self._waiting:
                await self._answer_some()
        finally:
            self._asking = None

    async def _answer_some(self) -> None:
        batch, self._waiting = self._waiting[:QUESTIONS_MAX], self._waiting[QUESTIONS_MAX:]
        try:
            found = await self._query([name for wanted, _ in batch for name in wanted])
        except Exception as fault:  # noqa: BLE001  # each who asked is told, as if alone
            for _, answer in batch:
                if not answer.done():
                    answer.set_exception(fault)
        else:
            for _, answer in batch:
                if not answer.done():
                    answer.set_result(found)


def columns(wanted: Sequence[Named]) -> tuple[list[str], list[bytes]]:
    """As the arrays that a query unnests."""
    return [name for name, _ in wanted], [token for _, token in wanted]
