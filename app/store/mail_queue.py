"""Which mails wait to be sent: references and numbers, never an address or a word of a message.

The log is the outbox: rows are made from it, by whoever comes first, and can be made again from its
beginning. A claim is a lease; whoever dies with it is followed by another when it runs out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

from app.clock import random_id

LEASE_S: Final = 300.0

UNWRITTEN: Final = "to_be_written"
"""Why a mail waits that is owed and not written yet: its id is that of the event it is about."""

TO_PRINT: Final = "to_be_printed"
"""Why a mail waits that no relay can send: a letter for the post, which a human prints."""

GIVEN_UP: Final = "given_up"
"""Why a mail waits that no relay took: a human sees to it."""

RETURNED: Final = "returned"
"""Why a mail waits that came back for good: it is to be printed, or sent by hand."""

CURSOR_SQL = "SELECT position FROM ledger.mail_cursor"
# Compare and set: of two that read the same page, one moves on and the other's rows change nothing.
MOVE_SQL = "UPDATE ledger.mail_cursor SET position = $2 WHERE position = $1"
QUEUE_SQL = """
INSERT INTO ledger.mail_queue (mail, stream_id, queued_at, reason)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::text[])
ON CONFLICT (mail) DO NOTHING
"""
SETTLE_SQL = "DELETE FROM ledger.mail_queue WHERE mail = ANY ($1::uuid[])"
CLAIM_SQL = """
WITH due AS (
    SELECT mail FROM ledger.mail_queue
     WHERE due_at <= clock_timestamp() AND ($4::text IS NULL OR reason = $4)
       AND (claimed_until IS NULL OR claimed_until < clock_timestamp())
     ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED
)
UPDATE ledger.mail_queue q
   SET claim = $2, claimed_until = clock_timestamp() + $3 * interval '1 second'
  FROM due WHERE q.mail = due.mail
RETURNING q.mail, q.stream_id, q.attempts
"""
DEFER_SQL = """
UPDATE ledger.mail_queue
   SET attempts = attempts + 1, due_at = clock_timestamp() + $3 * interval '1 second',
       reason = $4, code = $5, claim = NULL, claimed_until = NULL
 WHERE mail = $1 AND claim = $2
"""
WAIT_SQL = """
UPDATE ledger.mail_queue
   SET due_at = clock_timestamp() + $3 * interval '1 second', reason = $4,
       claim = NULL, claimed_until = NULL
 WHERE mail = $1 AND claim = $2
"""
DONE_SQL = "DELETE FROM ledger.mail_queue WHERE mail = $1 AND claim = $2"
WAITING_SQL = """
SELECT mail, stream_id, attempts, due_at, reason, code, queued_at FROM ledger.mail_queue
 WHERE (queued_at, mail) > ($1, $2) ORDER BY queued_at, mail LIMIT $3
"""


@dataclass(frozen=True, slots=True)
class ClaimedMail:
    """A mail that nobody else sends until the lease runs out."""

    claim: UUID
    mail: UUID
    stream_id: UUID
    attempts: int
    """How often it was tried before."""


@dataclass(frozen=True, slots=True)
class WaitingMail:
    """A mail that has not left."""

    mail: UUID
    subject_id: UUID
    attempts: int
    due_at: datetime
    reason: str | None
    """Why it did not leave last time, in a word."""
    code: int | None
    queued_at: datetime


@dataclass(frozen=True, slots=True)
class Queued:
    """A mail that an entry of the log wants sent, or written first."""

    mail: UUID
    stream_id: UUID
    queued_at: datetime
    reason: str | None = None
    """UNWRITTEN, GIVEN_UP, RETURNED, or nothing."""


class MailQueue:
    """The rows of waiting mails. Any number of processes may work on them."""

    def __init__(self, pool: "asyncpg.Pool[Any]") -> None:
        self._pool = pool

    async def position(self) -> int:
        """Up to where the log was read; -1 at its beginning."""
        return int(await self._pool.fetchval(CURSOR_SQL))

    async def follow(
        self, since: int, reached: int, queued: Sequence[Queued], settled: Sequence[UUID]
    ) -> bool:
        """Takes over what a page of the log says; False when somebody else did meanwhile."""
        async with self._pool.acquire() as connection, connection.transaction():
            if await connection.execute(MOVE_SQL, since, reached) != "UPDATE 1":
                return False
            await connection.execute(SETTLE_SQL, settled)
            await connection.execute(
                QUEUE_SQL,
                [one.mail for one in queued],
                [one.stream_id for one in queued],
                [one.queued_at for one in queued],
                [one.reason for one in queued],
            )
        return True

    async def claim(self, count_max: int, *, reason: str | None = None) -> list[ClaimedMail]:
        """Those that are due, longest due first; or only those that wait for one reason."""
        claim = random_id()
        rows = await self._pool.fetch(CLAIM_SQL, count_max, claim, LEASE_S, reason)
        return [ClaimedMail(claim, row["mail"], row["stream_id"], row["attempts"]) for row in rows]

    async def defer(
        self, claimed: ClaimedMail, wait_s: float, reason: str, code: int | None
    ) -> None:
        """Gives it back for another attempt later."""
        await self._pool.execute(DEFER_SQL, claimed.mail, claimed.claim, wait_s, reason, code)

    async def wait(self, claimed: ClaimedMail, wait_s: float, reason: str | None) -> None:
        """Gives it back untried: what it waits for from now on is no relay's answer."""
        await self._pool.execute(WAIT_SQL, claimed.mail, claimed.claim, wait_s, reason)

    async def done(self, claimed: ClaimedMail) -> None:
        """Forgets it: what came of it is in the log."""
        await self._pool.execute(DONE_SQL, claimed.mail, claimed.claim)

    async def waiting(
        self, limit: int, after: tuple[datetime, UUID] | None = None
    ) -> list[WaitingMail]:
        """Those that have not left, oldest first."""
        since, mail = after or (datetime(1970, 1, 1, tzinfo=UTC), UUID(int=0))
        rows = await self._pool.fetch(WAITING_SQL, since, mail, limit)
        return [
            WaitingMail(
                mail=row["mail"],
                subject_id=row["stream_id"],
                attempts=row["attempts"],
                due_at=row["due_at"],
                reason=row["reason"],
                code=row["code"],
                queued_at=row["queued_at"],
            )
            for row in rows
        ]
