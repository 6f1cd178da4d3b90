"""Consecutive events of the log, as projections read them: never a gap, never a repetition."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

import asyncpg

from app.projections.projection import LogLine, Projection

PARTITION = 0

Connection: TypeAlias = "asyncpg.Connection[Any]"  # generic in its stubs only

PAGE_SQL = """
SELECT position, stream_id, version, type, CASE WHEN type = ANY($3::text[]) THEN entry END
  FROM ledger.events WHERE partition = $4 AND position > $1 ORDER BY position LIMIT $2
"""
HEAD_SQL = """
SELECT position FROM ledger.events WHERE partition = $1 ORDER BY position DESC LIMIT 1
"""


class PositionsSkipped(Exception):
    """The log has a hole or an inversion, which it cannot have: nothing was projected."""


@dataclass(frozen=True, slots=True)
class Page:
    """Consecutive events of the log, the first right after position ``after``."""

    after: int
    lines: tuple[LogLine, ...]

    @property
    def last(self) -> int:
        """The position that the page reaches."""
        return self.after + len(self.lines)


def page_of(after: int, lines: tuple[LogLine, ...]) -> Page:
    """The lines as a page; PositionsSkipped unless they are consecutive and follow ``after``."""
    for expected, line in enumerate(lines, after + 1):
        if line.position != expected:
            raise PositionsSkipped(f"expected position {expected}, found {line.position}")
    return Page(after, lines)


async def read_page(
    connection: Connection, projections: Iterable[Projection], after: int, *, size_max: int
) -> Page:
    """The next events, with the entries of those types that one of the projections folds."""
    types = sorted({name for projection in projections for name in projection.event_types})
    rows = await connection.fetch(PAGE_SQL, after, size_max, types, PARTITION)
    return page_of(after, tuple(LogLine(*row) for row in rows))


async def head_of(connection: Connection) -> int:
    """The last position of the log; -1: none."""
    position = await connection.fetchval(HEAD_SQL, PARTITION)
    return -1 if position is None else int(position)
