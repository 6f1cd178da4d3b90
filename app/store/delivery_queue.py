"""What the delivery of subscriptions claims and settles; any number of processes may do it.

A claim is a lease: whoever dies with it is followed by another when it runs out. Every step names
its claim and the position that it started from, so that who was late changes nothing.
"""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import asyncpg

from app.clock import random_id
from app.store.append import PARTITION
from app.store.subscriptions import Subscription, SubscriptionRegister

LEASE_S: Final = 60.0
OF_ONE_CLIENT_MAX: Final = 6
"""Deliveries of one client that are under way at once, of the eight of a process: however many
slow receivers it has, those of another are delivered to."""
KEPT_DAYS: Final = 30
"""How long the list of failures remembers what was delivered after all, or left out."""

# A subscription ends with the key of its owner: a revoked, expired or lesser key gets nothing.
# Whose deliveries are under way already comes after the others, whichever process they are of.
CLAIM_SQL = """
WITH busy AS (
    SELECT client_id, count(*) FROM ledger.subscriptions
     WHERE claimed_until >= clock_timestamp() GROUP BY client_id
), waiting AS (
    SELECT s.subscription_id, s.due_at,
           row_number() OVER (PARTITION BY s.client_id ORDER BY s.due_at)
           + coalesce(b.count, 0) AS place
      FROM ledger.subscriptions s
      LEFT JOIN busy b ON b.client_id = s.client_id
      JOIN ledger.clients c ON c.client_id = s.client_id AND c.revoked_at IS NULL
       AND c.expires_at > clock_timestamp()
       AND c.scopes @> ARRAY['events:read', 'subscriptions:manage']
     WHERE s.state = 'active'
       AND (s.claimed_until IS NULL OR s.claimed_until < clock_timestamp())
       AND (s.due_at <= clock_timestamp() AND s.position <
            (SELECT max(position) FROM ledger.events WHERE partition = $3)
            OR EXISTS (SELECT FROM ledger.subscription_failures f
                        WHERE f.subscription_id = s.subscription_id AND f.replay))
), due AS (
    SELECT s.subscription_id FROM ledger.subscriptions s
      JOIN waiting w ON w.subscription_id = s.subscription_id AND w.place <= $5
     WHERE s.state = 'active'
       AND (s.claimed_until IS NULL OR s.claimed_until < clock_timestamp())
     ORDER BY w.place, w.due_at LIMIT $1 FOR UPDATE OF s SKIP LOCKED
)
UPDATE ledger.subscriptions s
   SET claim = $2, claimed_until = clock_timestamp() + $4 * interval '1 second'
  FROM due WHERE s.subscription_id = due.subscription_id
RETURNING s.*, s.due_at <= clock_timestamp() AS is_due,
          ARRAY(SELECT f.position FROM ledger.subscription_failures f
                 WHERE f.subscription_id = s.subscription_id AND f.replay
                 ORDER BY f.position) AS replays
"""
MOVED_SQL = """
UPDATE ledger.subscriptions
   SET position = $4, attempts = 0, claimed_until = clock_timestamp() + $5 * interval '1 second',
       delivered_at = CASE WHEN $6 THEN clock_timestamp() ELSE delivered_at END
 WHERE subscription_id = $1 AND claim = $2 AND position = $3
"""
RECOVERED_SQL = """
UPDATE ledger.subscription_failures
   SET state = 'recovered', replay = false, last_at = clock_timestamp()
 WHERE subscription_id = $1 AND position = $2
"""
FAILED_SQL = """
UPDATE ledger.subscriptions
   SET attempts = attempts + 1, due_at = clock_timestamp() + $4 * interval '1 second',
       state = CASE WHEN $5::text IS NULL THEN state ELSE 'disabled' END, disabled_for = $5,
       claim = NULL, claimed_until = NULL
 WHERE subscription_id = $1 AND claim = $2 AND position = $3
"""
FAILURE_SQL = """
INSERT INTO ledger.subscription_failures AS f
       (subscription_id, position, event_id, type, attempts, reason, status, state)
VALUES ($1, $2, $3, $4, 1, $5, $6, $7)
ON CONFLICT (subscription_id, position) DO UPDATE
   SET attempts = f.attempts + 1, reason = excluded.reason, status = excluded.status,
       state = excluded.state, replay = false, last_at = clock_timestamp()
"""
REPLAY_FAILED_SQL = """
UPDATE ledger.subscription_failures
   SET attempts = attempts + 1, reason = $3, status = $4, replay = false,
       last_at = clock_timestamp()
 WHERE subscription_id = $1 AND position = $2
"""
# Whoever had its turn comes after those who wait: due before them, it would be claimed again.
RELEASE_SQL = """
UPDATE ledger.subscriptions
   SET claim = NULL, claimed_until = NULL, due_at = greatest(due_at, clock_timestamp())
 WHERE subscription_id = $1 AND claim = $2
"""
POSTPONE_SQL = """
UPDATE ledger.subscriptions
   SET claim = NULL, claimed_until = NULL, due_at = clock_timestamp() + $3 * interval '1 second'
 WHERE subscription_id = $1 AND claim = $2
"""
PURGE_SQL = """
DELETE FROM ledger.subscription_failures
 WHERE state IN ('recovered', 'skipped') AND NOT replay
   AND last_at < clock_timestamp() - $1 * interval '1 day'
"""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A subscription that nobody else delivers to until the lease runs out."""

    claim: UUID
    subscription: Subscription
    is_due: bool
    """False when only the replays are wanted now."""
    replays: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Failed:
    """One attempt that failed, and what follows."""

    position: int
    event_id: UUID
    type: str
    reason: str
    status: int | None
    wait_s: float
    disable_for: str | None


class DeliveryQueue:
    """Claims with SKIP LOCKED; moves a cursor only from where the claimant saw it."""

    def __init__(self, pool: "asyncpg.Pool[Any]", register: SubscriptionRegister) -> None:
        self._pool = pool
        self._register = register

    async def claim(self, count_max: int) -> list[Claimed]:
        """Those that have something to be delivered and are due.

        One of each client before the second of any, longest due first.
        """
        claim = random_id()
        rows = await self._pool.fetch(
            CLAIM_SQL, count_max, claim, PARTITION, LEASE_S, OF_ONE_CLIENT_MAX
        )
        return [
            Claimed(claim, subscription, row["is_due"], tuple(row["replays"]))
            for row, subscription in zip(rows, await self._register.read(rows), strict=True)
        ]

    async def delivered(self, claimed: Claimed, since: int, position: int) -> bool:
        """Moves on behind one delivered event; False when the claim is lost."""
        subscription_id = claimed.subscription.subscription_id
        moved = await self._move(claimed, since, position, delivered=True)
        if moved:
            await self._pool.execute(RECOVERED_SQL, subscription_id, position)
        return moved

    async def passed(self, claimed: Claimed, since: int, position: int) -> bool:
        """Moves on behind events of types that were not asked for."""
        return await self._move(claimed, since, position, delivered=False)

    async def failed(self, claimed: Claimed, since: int, failed: Failed) -> bool:
        """Gives the claim back until the next attempt, or for good; False when it was lost."""
        subscription_id = claimed.subscription.subscription_id
        async with self._pool.acquire() as connection, connection.transaction():
            done = await connection.execute(
                FAILED_SQL,
                *(subscription_id, claimed.claim, since, failed.wait_s, failed.disable_for),
            )
            if done != "UPDATE 1":
                return False
            await connection.execute(
                FAILURE_SQL,
                *(subscription_id, failed.position, failed.event_id, failed.type),
                *(failed.reason, failed.status),
                "given-up" if failed.disable_for else "retrying",
            )
        return True

    async def replayed(self, claimed: Claimed, position: int) -> None:
        """A failure was delivered after all."""
        await self._pool.execute(RECOVERED_SQL, claimed.subscription.subscription_id, position)

    async def replay_failed(
        self, claimed: Claimed, position: int, *, reason: str, status: int | None
    ) -> None:
        """A replay failed too; it is not tried again unless it is asked for."""
        await self._pool.execute(
            REPLAY_FAILED_SQL, claimed.subscription.subscription_id, position, reason, status
        )

    async def release(self, claimed: Claimed) -> None:
        """Gives the claim back."""
        await self._pool.execute(RELEASE_SQL, claimed.subscription.subscription_id, claimed.claim)

    async def postpone(self, claimed: Claimed, wait_s: float) -> None:
        """Gives the claim back for later; nothing was attempted."""
        await self._pool.execute(
            POSTPONE_SQL, claimed.subscription.subscription_id, claimed.claim, wait_s
        )

    async def purge(self) -> None:
        """Forgets old failures that are none any more."""
        await self._pool.execute(PURGE_SQL, KEPT_DAYS)

    async def _move(self, claimed: Claimed, since: int, position: int, *, delivered: bool) -> bool:
        done = await self._pool.execute(
            MOVED_SQL,
            *(claimed.subscription.subscription_id, claimed.claim, since, position),
            *(LEASE_S, delivered),
        )
        return bool(done == "UPDATE 1")
