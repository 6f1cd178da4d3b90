"""E2: the bytes of what was destroyed leave live storage, and the log says when (C61, L7).

Three tables lose rows by an erasure, and by the end of a period. They are written anew when
something was destroyed since they were last; what lives is copied, and the files with the old bytes
are gone at the commit. The old bytes were in the write-ahead log as well: E2 is stated when that
has moved on, too.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import asyncpg
import structlog

from app.control_ledger import ControlLedger
from app.domain.erasure_progress import Erasure
from app.domain.erasure_steps import AssureErasure
from app.domain.storage import RecordRewrite, Rewrite
from app.domain.subject import SUBJECT, fold
from app.events.erasures import ErasureExecuted, ErasureLevel
from app.ledger import Ledger
from app.receipts import Attribution
from app.store.event_store import Stream
from app.store.log_pages import read_log_page

TABLES: Final = ("sealed", "keyring", "identifiers")
"""From which an erasure takes rows."""
BYTES_MAX: Final = 2**28
"""Of one table: writers wait while it is copied (docs/decisions/0014-bytes-gone.md)."""
TIMEOUT_S: Final = 55.0
TRIES_MAX: Final = 4
PAUSE_S: Final = 0.5
"""A table that is in use is tried again; each try gives way to appends in half a second."""
DESTROYING: Final = ("erasure.executed", "retention.executed")
PAGE_SIZE: Final = 500
BY: Final = Attribution(by="compaction")

REWRITE_SQL: Final = "SELECT outcome, through, wal, bytes FROM ledger.ledger_rewrite($1, $2)"
# The bound of the ring: a segment that is used again keeps its old bytes until it is written over.
WAL_SQL: Final = """
SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint AS at,
       (c.redo_lsn - '0/0')::bigint AS redo,
       current_setting('wal_recycle')::boolean AS recycles,
       pg_size_bytes(current_setting('max_wal_size'))
       + pg_size_bytes(current_setting('wal_keep_size')) AS ring,
       (SELECT min(s.restart_lsn - '0/0')::bigint FROM pg_replication_slots s) AS slots
  FROM pg_control_checkpoint() c
"""
PENDING_SQL: Final = """
SELECT DISTINCT k.subject_id FROM ledger.keyring k
 WHERE k.state = 'erased' AND k.subject_id > $1
   AND EXISTS (SELECT FROM ledger.events e
                WHERE e.stream_id = k.subject_id AND e.type = 'erasure.executed')
 ORDER BY k.subject_id LIMIT $2
"""

_log: Any = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Pending:
    """One erasure of which some classes have not reached E2."""

    subject_id: UUID
    erasure: UUID
    classes: frozenset[str]
    executed_at: int
    """The position of its last destruction."""


@dataclass(slots=True)
class Compacted:
    """What one run did."""

    pending: int = 0
    """Erasures that had not reached E2 before it."""
    rewritten: bool = False
    hindered: str | None = None
    """Why a table was not written anew: busy or too-large."""
    assured: int = 0
    """Erasures that reached E2."""
    waiting: int = 0
    """Erasures whose bytes the write-ahead log may still hold."""
    due: bool = False
    """Whether anything was destroyed since the tables were last written anew."""


class Compacting:
    """Writes the tables anew over the eraser's connections, and states what that reached."""

    def __init__(
        self,
        ledger: Ledger,
        control: ControlLedger,
        pool: "asyncpg.Pool[Any]",
        eraser: "asyncpg.Pool[Any]",
        *,
        bytes_max: int = BYTES_MAX,
    ) -> None:
        self._ledger = ledger
        self._control = control
        self._pool = pool
        self._eraser = eraser
        self._bytes_max = bytes_max
        self._quiet_to = -1
        """Up to which position of the log this process found nothing that destroys."""

    async def run(self) -> Compacted:
        """Rewrites when something was destroyed since the last time, and states E2 where it holds.

        What a period's end destroyed goes with the same rewriting; `storage.rewritten` covers it.
        """
        pending = [one async for one in self.pending()]
        rewrites = (await self._ledger.rulebook.refresh_control()).rewrites
        covered = max((one.through for one in rewrites), default=-1)
        done = Compacted(pending=len(pending), due=await self._destroyed_since(covered))
        if done.due:
            done.hindered = await self._rewrite()
            done.rewritten = done.hindered is None
            rewrites = (await self._ledger.rulebook.refresh_control()).rewrites
        if not pending:
            return done
        clean = await self._clean(rewrites)
        for one in pending:
            if one.executed_at > clean:
                done.waiting += 1
                continue
            command = AssureErasure(
                erasure=one.erasure, level=ErasureLevel.BYTES_GONE, classes=one.classes
            )
            await self._ledger.execute(one.subject_id, command, BY)
            done.assured += 1
        return done

    async def carry_out(self) -> bool:
        """As a worker's daily task: whether nothing has to be tried again within the hour."""
        done = await self.run()
        if done.pending or done.due:
            _log.info("compaction", **{name: getattr(done, name) for name in done.__slots__})
        return done.hindered != "busy"

    async def pending(self) -> AsyncIterator[Pending]:
        """Every erasure that has not reached E2, person by person; nothing is opened."""
        after = UUID(int=0)
        while True:
            found = await self._pool.fetch(PENDING_SQL, after, PAGE_SIZE)
            for row in found:
                after = row["subject_id"]
                stream = await self._ledger.store.read_stream(after)
                for one in _pending(stream):
                    yield one
            if len(found) < PAGE_SIZE:
                return

    async def _destroyed_since(self, covered: int) -> bool:
        """Whether the log tells of a destruction after a position."""
        after = max(covered, self._quiet_to)
        while True:
            page = await read_log_page(self._pool, after=after, size_max=1, types=DESTROYING)
            if page.entries:
                return True
            after = self._quiet_to = page.reached
            if page.at_head:
                return False

    async def _rewrite(self) -> str | None:
        """Each table in a transaction of its own; why it was hindered, or None."""
        through, wal = [], []
        for table in TABLES:
            row = await self._rewritten(table)
            if row["outcome"] != "rewritten":
                return str(row["outcome"])
            through.append(row["through"])
            wal.append(row["wal"])
        command = RecordRewrite(through=min(through), wal=max(wal))
        await self._control.execute(command, BY)
        return None

    async def _rewritten(self, table: str) -> Any:  # Any: a row
        """What came of one table; one that is in use is tried again for some seconds."""
        row: Any = {"outcome": "busy"}
        for _ in range(TRIES_MAX):
            with suppress(asyncpg.DeadlockDetectedError):
                row = await self._eraser.fetchrow(
                    REWRITE_SQL, table, self._bytes_max, timeout=TIMEOUT_S
                )
            if row["outcome"] != "busy":
                break
            await asyncio.sleep(PAUSE_S)
        return row

    async def _clean(self, rewrites: tuple[Rewrite, ...]) -> int:
        """Up to which position what was destroyed is neither in a table nor in the WAL."""
        wal = await self._eraser.fetchrow(WAL_SQL)
        assert wal is not None, "a server has a write-ahead log"
        ring = wal["ring"] if wal["recycles"] else 0
        kept_from = wal["redo"] if wal["slots"] is None else min(wal["redo"], wal["slots"])
        clean = (
            one.through for one in rewrites if one.wal < kept_from and one.wal + ring <= wal["at"]
        )
        return max(clean, default=-1)


def _pending(stream: Stream) -> list[Pending]:
    state = fold(SUBJECT.initial, stream.events)
    return [
        Pending(stream.stream_id, key, classes, _executed_at(stream, key))
        for key, one in state.erasures.by_id.items()
        if (classes := _lacking(one))
    ]


def _lacking(erasure: Erasure) -> frozenset[str]:
    levels = erasure.levels.items()
    return frozenset(key for key, reached in levels if ErasureLevel.BYTES_GONE not in reached)


def _executed_at(stream: Stream, erasure: UUID) -> int:
    """The position of the erasure's last destruction."""
    return max(
        recorded.position
        for recorded in stream.events
        if isinstance(recorded.event, ErasureExecuted)
        and recorded.event.erasure == erasure
        and recorded.position is not None
    )
