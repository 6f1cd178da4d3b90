"""Finds people and suppressions by keyed tokens; no address is ever in a query's text or a log."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import asyncpg

from app.vault.key_vault import KeyVault


class Lookups:
    """Reads the blind index and the suppression register."""

    def __init__(self, pool: "asyncpg.Pool[Any]", vault: KeyVault) -> None:
        self._pool = pool
        self._vault = vault

    async def subject_of(self, kind: str, value: str) -> UUID | None:
        """Who holds a normalised identifier; verified or not is a question to their stream."""
        found: UUID | None = await self._pool.fetchval(
            "SELECT subject_id FROM ledger.identifiers WHERE kind = $1 AND token = $2",
            kind,
            self._vault.identifier_token(kind, value),
        )
        return found

    async def suppressed_purposes(
        self, addresses: Iterable[str], purposes: Iterable[str]
    ) -> frozenset[str]:
        """For which of the purposes one of the addresses is in the suppression register."""
        wanted = [
            (purpose, self._vault.suppression_token(purpose, address))
            for address in addresses
            for purpose in purposes
        ]
        if not wanted:
            return frozenset()
        rows = await self._pool.fetch(
            "SELECT s.purpose FROM unnest($1::text[], $2::bytea[]) AS wanted(purpose, token)"
            " JOIN ledger.suppressions s ON s.purpose = wanted.purpose AND s.token = wanted.token",
            [purpose for purpose, _ in wanted],
            [token for _, token in wanted],
        )
        return frozenset(row["purpose"] for row in rows)
