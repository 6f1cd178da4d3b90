"""Where each projection stands in the log, and waiting until it has read far enough (A10)."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from app.projections.engine import PARTITION
from app.projections.projection import Projection

LOOK_PAUSE_S = 0.02

POSITION_SQL = "SELECT position FROM ledger.positions WHERE projection = $1 AND version = $2"

# `at` stands at a fixed place of every entry: bytes 8 to 34 (DESIGN 4).
STATUS_SQL = """
SELECT h.position AS head, p.version, p.position, p.updated_at,
       convert_from(substring(w.entry FROM 8 FOR 27), 'UTF8')::timestamptz AS waiting_since
  FROM (SELECT coalesce(max(position), -1) AS position FROM ledger.events WHERE partition = $2) AS h
  LEFT JOIN ledger.positions p ON p.projection = $1
  LEFT JOIN ledger.events w ON w.partition = $2 AND w.position = p.position + 1
"""


@dataclass(frozen=True, slots=True)
class Status:
    """How one projection stands: for `pdledger project status` and the health checks."""

    name: str
    version: int
    """The version that this program projects."""
    version_stored: int | None
    """The version in the database; None before the projection first ran."""
    position: int
    """The last position projected; -1: none."""
    head: int
    """The last position of the log; -1: none."""
    waiting_since: datetime | None
    """When the oldest event that is not projected was recorded."""
    updated_at: datetime | None

    @property
    def lag(self) -> int:
        """How many events are not projected."""
        return self.head - self.position


async def status(
    pool: "asyncpg.Pool[Any]", projections: Iterable[Projection]
) -> tuple[Status, ...]:
    """The standing of each projection."""
    return tuple([await _status(pool, projection) for projection in projections])


async def position_of(pool: "asyncpg.Pool[Any]", projection: Projection) -> int:
    """The last position projected; -1 when there is none, also in another version's tables."""
    position = await pool.fetchval(POSITION_SQL, projection.name, projection.version)
    return -1 if position is None else int(position)


async def wait_for(
    pool: "asyncpg.Pool[Any]", projection: Projection, position: int, *, timeout_s: float
) -> bool:
    """Waits until the projection shows the event at ``position``; False when it lags too long."""
    try:
        async with asyncio.timeout(timeout_s):
            while await position_of(pool, projection) < position:  # noqa: ASYNC110  # the row moves in the database
                await asyncio.sleep(LOOK_PAUSE_S)
    except TimeoutError:
        return False
    return True


async def _status(pool: "asyncpg.Pool[Any]", projection: Projection) -> Status:
    row = await pool.fetchrow(STATUS_SQL, projection.name, PARTITION)
    assert row is not None, "the head of the log is one row"
    ours = row["version"] == projection.version
    return Status(
        name=projection.name,
        version=projection.version,
        version_stored=row["version"],
        position=row["position"] if ours else -1,
        head=row["head"],
        waiting_since=row["waiting_since"],
        updated_at=row["updated_at"],
    )
