"""Finds people and suppressions by keyed tokens; no address is ever in a query's text or a log.

An import asks two questions for each of its lines; they are gathered.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final
from uuid import UUID

import asyncpg

from app.store.epochs import refresh_epochs
from app.store.gathered import Gathered, Named, columns
from app.vault.key_vault import KeyVault

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
        self._subjects = Gathered(self._found_subjects)
        self._suppressions = Gathered(self._found_suppressions)

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
        rows = await self._pool.fetch(SUBJECTS_SQL, *columns(wanted))
        found = {(kind, token): subject for kind, token, subject, _ in rows if subject is not None}
        return found | {LIVE: rows[-1][3]}

    async def _found_suppressions(self, wanted: Sequence[Named]) -> dict[Named, Any]:
        rows = await self._pool.fetch(SUPPRESSIONS_SQL, *columns(wanted))
        return {(purpose, token): held for purpose, token, held in rows if held is not None}
