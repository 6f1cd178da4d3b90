"""Which transmissions wait to be sent: references and numbers, nothing of what they hold.

The log is the outbox: rows are made from it, by whoever comes first, and can be made again from its
beginning. A claim is a lease; whoever dies with it is followed by another when it runs out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import asyncpg

from app.clock import random_id

LEASE_S: Final = 300.0

CURSOR_SQL = "SELECT position FROM ledger.transmission_cursor"
# Compare and set: of two that read the same page, one moves on and the other's rows change nothing.
MOVE_SQL = "UPDATE ledger.transmission_cursor SET position = $2 WHERE position = $1"
QUEUE_SQL = """
INSERT INTO ledger.transmission_queue (transmission, stream_id)
SELECT * FROM unnest($1::uuid[], $2::uuid[])
ON CONFLICT (transmission) DO NOTHING
"""
SETTLE_SQL = "DELETE FROM ledger.transmission_queue WHERE transmission = ANY ($1::uuid[])"
CLAIM_SQL = """
WITH due AS (
    SELECT transmission FROM ledger.transmission_queue
     WHERE due_at <= clock_timestamp()
       AND (claimed_until IS NULL OR claimed_until < clock_timestamp())
     ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED
)
UPDATE ledger.transmission_queue q
   SET claim = $2, claimed_until = clock_timestamp() + $3 * interval '1 second'
  FROM due WHERE q.transmission = due.transmission
RETURNING q.transmission, q.stream_id, q.attempts
"""
DEFER_SQL = """
UPDATE ledger.transmission_queue
   SET attempts = attempts + 1, due_at = clock_timestamp() + $3 * interval '1 second',
       reason = $4, status = $5, claim = NULL, claimed_until = NULL
 WHERE transmission = $1 AND claim = $2
"""
DONE_SQL = "DELETE FROM ledger.transmission_queue WHERE transmission = $1 AND claim = $2"


@dataclass(frozen=True, slots=True)
class ClaimedTransmission:
    """A transmission that nobody else sends until the lease runs out."""

    claim: UUID
    transmission: UUID
    stream_id: UUID
    attempts: int
    """How often it was tried before."""


class TransmissionQueue:
    """The rows of waiting transmissions. Any number of processes may work on them."""

    def __init__(self, pool: "asyncpg.Pool[Any]") -> None:
        self._pool = pool

    async def position(self) -> int:
        """Up to where the log was read; -1 at its beginning."""
        return int(await self._pool.fetchval(CURSOR_SQL))

    async def follow(
        self, since: int, reached: int, queued: Sequence[tuple[UUID, UUID]], settled: Sequence[UUID]
    ) -> bool:
        """Takes over what a page of the log says; False when somebody else did meanwhile.

        ``queued`` are transmissions with the streams that they are of.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            if await connection.execute(MOVE_SQL, since, reached) != "UPDATE 1":
                return False
            transmissions, streams = [one for one, _ in queued], [stream for _, stream in queued]
            await connection.execute(QUEUE_SQL, transmissions, streams)
            await connection.execute(SETTLE_SQL, settled)
        return True

    async def claim(self, count_max: int) -> list[ClaimedTransmission]:
        """Those that are due, longest due first."""
        claim = random_id()
        rows = await self._pool.fetch(CLAIM_SQL, count_max, claim, LEASE_S)
        return [
            ClaimedTransmission(claim, row["transmission"], row["stream_id"], row["attempts"])
            for row in rows
        ]

    async def defer(
        self, claimed: ClaimedTransmission, wait_s: float, reason: str, status: int | None
    ) -> None:
        """Gives it back for another attempt later."""
        await self._pool.execute(
            DEFER_SQL, claimed.transmission, claimed.claim, wait_s, reason, status
        )

    async def done(self, claimed: ClaimedTransmission) -> None:
        """Forgets it: what came of it is in the log."""
        await self._pool.execute(DONE_SQL, claimed.transmission, claimed.claim)
