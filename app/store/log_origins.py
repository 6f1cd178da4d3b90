"""Gives the log another origin, for the integrator's login alone."""

from typing import Any, TypeAlias

import asyncpg

from app.store.append import PARTITION
from app.tlog.notes import VerifierKey, verifier_key

Connection: TypeAlias = "asyncpg.Connection[Any]"  # generic in its stubs only

KEYS_SQL = "SELECT vkey FROM ledger.log_key WHERE partition = $1 ORDER BY opened_at DESC"
REOPEN_SQL = "SELECT ledger.ledger_log_reopen($1, $2)"
SIZE_SQL = "SELECT from_size FROM ledger.log_key WHERE partition = $1 AND vkey = $2"


class OriginTaken(Exception):
    """The log had that name before, or was never opened."""


async def reopen(connection: Connection, name: str) -> tuple[VerifierKey, int]:
    """The key under the new name, and the size up to which the former one signed.

    The key itself stays. Done again with the name that is in force, it changes nothing.
    OriginTaken for a name that the log had before.
    """
    known = [verifier_key(row[0]) for row in await connection.fetch(KEYS_SQL, PARTITION)]
    if not known:
        raise OriginTaken
    made = VerifierKey(name, known[0].public_key)
    if made == known[0] and len(known) > 1:
        return made, await connection.fetchval(SIZE_SQL, PARTITION, str(made))
    try:
        size: int = await connection.fetchval(REOPEN_SQL, PARTITION, str(made))
    except asyncpg.CheckViolationError:
        raise OriginTaken from None
    return made, size
