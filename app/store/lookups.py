"""Finds people and suppressions by keyed tokens; no address is ever in a query's text or a log.

Questions that come while a query is under way are answered together by the next one, as appends
are by the group commit: an import asks two for each of its lines.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Final, TypeAlias
from uuid import UUID

import asyncpg

from app.store.epochs import refresh_epochs
from app.vault.key_vault import KeyVault

Named: TypeAlias = tuple[str, bytes]
"""A token under its kind of identifier or its purpose."""

QUESTIONS_MAX = 1024
"""Tokens of one query."""

LIVE: Final = ("", b"")
"""Under this name an answer says which epochs were live when it was read."""

# A probe for each token, never a join: a plan made while the tables were small would scan them. In
# the same snapshot the epochs under whose keys a token may be.
SUBJECTS_SQL = """
SELECT kind, token, (SELECT subject_id FROM ledger.identifiers i
                      WHERE i.kind = wanted.kind AND i.token = wanted.token), NULL::int[]
  FROM unnest($1::text[], $2::bytea[]) AS wanted(kind, token)
UNION ALL
SELECT '', ''::bytea, NULL, array_agg(epoch ORDER BY epoch)
  FROM ledger.key_epoch WHERE state IN ('active', 'draining')
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
        self._subjects = _Gathered(self._found_subjects)
        self._suppressions = _Gathered(self._found_suppressions)

    async def subject_of(self, kind: str, value: str) -> UUID | None:
        """Who holds a normalised identifier; verified or not is a question to their stream.

        While an epoch drains it is asked for under both keys. What was asked under other epochs
        than there were when it was answered is asked again.
        """
        while True:
            tokens = self._vault.identifier_tokens(kind, value)
            found = await self._subjects.ask([(kind, token) for _, token in tokens])
            if found[LIVE] == sorted(epoch for epoch, _ in tokens):
                subjects = (found.get((kind, token)) for _, token in tokens)
                return next((one for one in subjects if one is not None), None)
            await refresh_epochs(self._pool, self._vault)

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

    async def _found_subjects(self, wanted: Sequence[Named]) -> dict[Named, Any]:
        rows = await self._pool.fetch(SUBJECTS_SQL, *_columns(wanted))
        found = {(kind, token): subject for kind, token, subject, _ in rows if subject is not None}
        return found | {LIVE: rows[-1][3]}

    async def _found_suppressions(self, wanted: Sequence[Named]) -> dict[Named, Any]:
        rows = await self._pool.fetch(SUPPRESSIONS_SQL, *_columns(wanted))
        return {(purpose, token): held for purpose, token, held in rows if held is not None}


def _columns(wanted: Sequence[Named]) -> tuple[list[str], list[bytes]]:
    return [name for name, _ in wanted], [token for _, token in wanted]


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
