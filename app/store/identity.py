"""The ledger's own identity, made at its creation: its id and the ids of its control streams."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from app.identifiers import LedgerId


class LedgerMissing(Exception):
    """The database holds no ledger: migrate it first (`pdledger migrate`)."""


@dataclass(frozen=True, slots=True)
class LedgerIdentity:
    """Random at creation, the same after every recovery (DESIGN 4)."""

    ledger_id: LedgerId
    control_stream: UUID
    """Policy, law, contracts and recipients: what decisions are made under."""
    register_stream: UUID
    """Suppressions of people whom we do not know."""


async def read_identity(
    connection: "asyncpg.Connection[Any] | asyncpg.Pool[Any]",
) -> LedgerIdentity:
    """The identity of the database's ledger; LedgerMissing when there is none."""
    try:
        row = await connection.fetchrow(
            "SELECT ledger_id, control_stream, register_stream FROM ledger.ledger_identity"
        )
    except (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError):
        row = None
    if row is None:
        raise LedgerMissing("the database holds no ledger; run `pdledger migrate`")
    return LedgerIdentity(LedgerId(row[0]), row[1], row[2])
