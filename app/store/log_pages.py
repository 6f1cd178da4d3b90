"""Reads the log by position, a window at a time, whoever the events are about (DESIGN 6)."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from app.store.append import PARTITION

WINDOW_SIZE = 20_000
"""Positions that one page looks at, at most: a rare type cannot make a page read the whole log."""

_PAGE_SQL = """
SELECT NULL::bigint AS position, NULL::bytea AS entry,
       (SELECT coalesce(max(position), -1) FROM ledger.events WHERE partition = $1) AS head
UNION ALL
(SELECT position, entry, NULL FROM ledger.events
  WHERE partition = $1 AND position > $2 AND position <= $3 {typed}
  ORDER BY position LIMIT $4)
"""
PAGE_SQL = _PAGE_SQL.format(typed="")
TYPED_PAGE_SQL = _PAGE_SQL.format(typed="AND type = ANY($5::text[])")


@dataclass(frozen=True, slots=True)
class LogPage:
    """Some entries in the order of their positions, and how far that reading went."""

    entries: tuple[tuple[int, bytes], ...] = field(repr=False)
    reached: int
    """Everything up to here was looked at; the next page starts after it."""
    head: int
    """The last position of the log, -1 when it is empty; of the same snapshot."""

    @property
    def at_head(self) -> bool:
        """Whether nothing came after it."""
        return self.reached >= self.head


async def read_log_page(
    pool: "asyncpg.Pool[Any]", *, after: int, size_max: int, types: Collection[str] = ()
) -> LogPage:
    """The next entries after a position, of the types if any are named."""
    to = after + WINDOW_SIZE
    if types:
        rows = await pool.fetch(TYPED_PAGE_SQL, PARTITION, after, to, size_max, list(types))
    else:
        rows = await pool.fetch(PAGE_SQL, PARTITION, after, to, size_max)
    head: int = next(row["head"] for row in rows if row["head"] is not None)
    entries = tuple((row["position"], row["entry"]) for row in rows if row["head"] is None)
    reached = entries[-1][0] if len(entries) == size_max else max(after, min(to, head))
    return LogPage(entries, reached, head)
