"""Finds people and suppressions by keyed tokens; no address is ever in a query's text or a log.

Questions that come while a query is under way are answered together by the next one, as appends
are by the group commit: an import asks two for each of its lines.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg

from app.vault.key_vault import KeyVault

Named: TypeAlias = tuple[str, bytes]
"""A token under its kind of identifier or its purpose."""

QUESTIONS_MAX = 1024
"""Tokens of one query."""

# A probe for each token, never a join: a plan made while the tables were small would scan them.
SUBJECTS_SQL = """
SELECT kind, token, (SELECT subject_id FROM ledger.identifiers i
                      WHERE i.kind = wanted.kind AND i.token = wanted.token)
  FROM unnest($1::text[], $2::bytea[]) AS wanted(kind, token)
"""
SUPPRESSIONS_SQL = """
SELECT purpose, token, (SELECT true FROM ledger.suppressions s
                         WHERE s.purpose = wanted.purpose AND s.token = wanted.token)
  FROM unnest($1::text[], $2::bytea[]) AS wanted(purpose, token)
"""


class Lookups:
    """Reads the blind index and the suppression register."""

    def __init__(self, pool: "asyncpg.Pool[Any]", vault: KeyVault) -> None:
        self._pool = pool
        self._vault = vault
        self._subjects = _Gathered(lambda tokens: self._found(SUBJECTS_SQL, tokens))
        self._suppressions = _Gathered(lambda tokens: self._found(SUPPRESSIONS_SQL, tokens))

    async def subject_of(self, kind: str, value: str) -> UUID | None:
        """Who holds a normalised identifier; verified or not is a question to their stream."""
        name = (kind, self._vault.identifier_token(kind, value))
        found: UUID | None = (await self._subjects.ask([name])).get(name)
        return found

    async def suppressed_purposes(
        self, addresses: Iterable[str], purposes: Iterable[str]
    ) -> frozenset[str]:
        """For which of the purposes one of the addresses is in the suppression register."""
        purposes = tuple(purposes)
        wanted = [
            (purpose, self._vault.suppression_token(purpose, address))
            for address in addresses
            for purpose in purposes
        ]
        found = await self._suppressions.ask(wanted) if wanted else {}
        return frozenset(name[0] for name in wanted if name in found)

    async def _found(self, query: str, wanted: Sequence[Named]) -> dict[Named, Any]:
        rows = await self._pool.fetch(query, [name for name, _ in wanted], [t for _, t in wanted])
        return {(name, token): found for name, token, found in rows if found is not None}


class _Gathered:
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
            self._asking = asyncio.create_task(self._answer_all(), name="lookups")
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
