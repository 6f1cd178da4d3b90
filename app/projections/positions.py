"""Where each projection stands in the log, and waiting until it has read far enough (A10)."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from app.projections.pages import PARTITION
from app.projections.projection import Projection

LOOK_PAUSE_S = 0.02

POSITION_SQL = """
SELECT position FROM ledger.positions WHERE projection = $1 AND version = $2 AND state = 'serving'
"""

# `at` stands at a fixed place of every entry: bytes 8 to 34 (DESIGN 4).
STATUS_SQL = """
WITH head AS (
  SELECT coalesce((SELECT position FROM ledger.events WHERE partition = $3
                    ORDER BY position DESC LIMIT 1), -1) AS position)
SELECT a.name, a.version, p.build, coalesce(p.position, -1) AS position, h.position AS head,
       p.updated_at,
       (SELECT convert_from(substring(w.entry FROM 8 FOR 27), 'UTF8')::timestamptz
          FROM ledger.events w
         WHERE w.partition = $3 AND w.position = coalesce(p.position, -1) + 1) AS waiting_since,
       clock_timestamp() AS now,
       (SELECT count(*) FROM ledger.parked_subjects s
         WHERE s.projection = a.name AND s.version = a.version AND s.build = p.build) AS parked,
       (SELECT max(k.build) FROM ledger.positions k WHERE k.projection = a.name
           AND k.version = a.version AND k.state = 'kept') AS kept,
       b.build AS rebuilding, b.cut,
       (SELECT coalesce(sum(r.events), 0)::bigint FROM ledger.rebuild_ranges r
         WHERE r.run = b.run) AS rebuilt
  FROM unnest($1::text[], $2::int[]) WITH ORDINALITY AS a(name, version, place)
 CROSS JOIN head h
  LEFT JOIN ledger.positions p
    ON p.projection = a.name AND p.version = a.version AND p.state = 'serving'
  LEFT JOIN ledger.positions b
    ON b.projection = a.name AND b.version = a.version AND b.run IS NOT NULL
 ORDER BY a.place
"""


@dataclass(frozen=True, slots=True)
class Rebuilding:
    """How far a rebuild under way has come."""

    build: int
    read: int
    """Events read so far."""
    events: int
    """Events to read."""


@dataclass(frozen=True, slots=True)
class Status:
    """How one projection stands: for `pdledger project status`, health checks and metrics."""

    name: str
    version: int
    build: int | None
    """The build that serves; None before the projection first ran."""
    position: int
    """The last position projected; -1: none."""
    head: int
    """The last position of the log; -1: none."""
    waiting_since: datetime | None
    """When the oldest event that is not projected was recorded."""
    lag_s: float
    """How long that event has been waiting; 0 when nothing is."""
    updated_at: datetime | None
    parked: int
    """People who wait for `pdledger project redrive`."""
    kept: int | None
    """The build that `pdledger project rollback` would let serve again."""
    rebuilding: Rebuilding | None

    @property
    def lag(self) -> int:
        """How many events are not projected."""
        return self.head - self.position


async def status(
    pool: "asyncpg.Pool[Any]", projections: Iterable[Projection]
) -> tuple[Status, ...]:
    """The standing of each projection, of one snapshot."""
    asked = tuple(projections)
    rows = await pool.fetch(
        STATUS_SQL, [one.name for one in asked], [one.version for one in asked], PARTITION
    )
    return tuple(map(_status, rows))


async def position_of(pool: "asyncpg.Pool[Any]", projection: Projection) -> int:
    """The last position projected into what serves; -1 when there is none."""
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


def _status(row: asyncpg.Record) -> Status:
    since = row["waiting_since"]
    rebuilding = None
    if row["rebuilding"] is not None:
        rebuilding = Rebuilding(row["rebuilding"], row["rebuilt"], row["cut"] + 1)
    return Status(
        name=row["name"],
        version=row["version"],
        build=row["build"],
        position=row["position"],
        head=row["head"],
        waiting_since=since,
        lag_s=0.0 if since is None else max(0.0, (row["now"] - since).total_seconds()),
        updated_at=row["updated_at"],
        parked=row["parked"],
        kept=row["kept"],
        rebuilding=rebuilding,
    )
