"""Time-stamps of our checkpoints (RFC 3161), kept as their authority answered."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import asyncpg

from app.store.append import PARTITION

ADD_SQL = "SELECT ledger.ledger_log_stamp($1, $2, $3, $4, $5)"
_STAMP_SQL = """
SELECT size, authority, response, stamped_at, received_at FROM ledger.log_timestamp
 WHERE partition = $1 {which} ORDER BY size DESC, authority LIMIT 1
"""
NEWEST_SQL = _STAMP_SQL.format(which="")
OF_SIZE_SQL = _STAMP_SQL.format(which="AND size = $2")


@dataclass(frozen=True, slots=True)
class TimeStamp:
    """One answer of an authority."""

    size: int
    """Of the tree whose checkpoint was stamped."""
    authority: str
    response: bytes = field(repr=False)
    stamped_at: datetime
    received_at: datetime


class TimeStamps:
    """Reads with the serving role; adds through the one function for it."""

    def __init__(self, pool: "asyncpg.Pool[Any]") -> None:
        self._pool = pool

    async def add(self, size: int, authority: str, response: bytes, at: datetime) -> None:
        """Keeps an answer that was verified; a second one of the authority changes nothing."""
        await self._pool.execute(ADD_SQL, PARTITION, size, authority, response, at)

    async def newest(self) -> TimeStamp | None:
        """That of the largest tree; None when none was stamped."""
        return _stamp(await self._pool.fetchrow(NEWEST_SQL, PARTITION))

    async def of_size(self, size: int) -> TimeStamp | None:
        """That of the checkpoint of exactly that size."""
        return _stamp(await self._pool.fetchrow(OF_SIZE_SQL, PARTITION, size))


def _stamp(row: Any) -> TimeStamp | None:  # Any: a row, or None
    return None if row is None else TimeStamp(*row)
