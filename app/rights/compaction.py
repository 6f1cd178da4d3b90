"""E2: the bytes of what was destroyed leave live storage, and the log says when (C61, L7).

Three tables lose rows by an erasure, and by the end of a period. They are written anew when
something was destroyed since they were last; what lives is copied beside living appends, and the
files with the old bytes go when the copy takes their place. The old bytes were in the write-ahead
log as well: E2 is stated when that has moved on, too.
"""

from collections.abc import AsyncIterator
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
from app.store.rewriting import LATER, Hindrance, Rewriting, Standing, standings

DESTROYING: Final = ("erasure.executed", "retention.executed")
PAGE_SIZE: Final = 500
BY: Final = Attribution(by="compaction")

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
    hindered: Hindrance | None = None
    """Why a table was not written anew."""
    assured: int = 0
    """Erasures that reached E2."""
    waiting: int = 0
    """Erasures whose bytes the write-ahead log may still hold."""
    due: bool = False
    """Whether anything was destroyed since the tables were last written anew, or one is begun."""


class Compacting:
    """Has the tables written anew, and states what that reached."""

    def __init__(
        self,
        ledger: Ledger,
        control: ControlLedger,
        pool: "asyncpg.Pool[Any]",
        eraser: "asyncpg.Pool[Any]",
        *,
        rewriting: Rewriting,
    ) -> None:
        self._ledger = ledger
        self._control = control
        self._pool = pool
        self._eraser = eraser
        self._rewriting = rewriting
        self._quiet_to = -1
        """Up to which position of the log this process found nothing that destroys."""

    async def run(self) -> Compacted:
        """Rewrites when something was destroyed since the last time, and states E2 where it holds.

        What a period's end destroyed goes with the same rewriting; `storage.rewritten` covers it.
        """
        pending = [one async for one in self.pending()]
        rewrites = (await self._ledger.rulebook.refresh_control()).rewrites
        covered = max((one.through for one in rewrites), default=-1)
        begun = any(one.under_way for one in await standings(self._eraser))
        done = Compacted(pending=len(pending), due=begun or not await self._quiet(covered))
        if done.due:
            done.hindered = await self._rewrite(covered)
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
        return done.hindered not in LATER

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

    async def _quiet(self, covered: int) -> bool:
        """Whether nothing was destroyed since; what was read of the log is not read again."""
        after = max(covered, self._quiet_to)
        destroyed, reached = await self._destroyed_since(after)
        if not destroyed:
            self._quiet_to = reached
        return not destroyed

    async def _destroyed_since(self, after: int) -> tuple[bool, int]:
        """Whether the log tells of a destruction after a position, and how far it was read."""
        while True:
            page = await read_log_page(self._pool, after=after, size_max=1, types=DESTROYING)
            if page.entries or page.at_head:
                return bool(page.entries), page.reached
            after = page.reached

    async def _rewrite(self, covered: int) -> Hindrance | None:
        """Each table that lost rows since it was last; why it was hindered, or None.

        A run that was broken off has left tables that are done, or one that is begun. That one is
        ended: it covers what was destroyed up to its begin, and the next run sees to the rest.
        """
        for one in await standings(self._eraser):
            destroyed, _ = await self._destroyed_since(_through(one, covered))
            if one.under_way or destroyed:
                hindered = await self._rewriting.write_anew(one)
                if hindered is not None:
                    return hindered
        ended = await standings(self._eraser)
        through = min(_through(one, covered) for one in ended)
        if through > covered:
            wal = max(one.done_wal for one in ended if one.done_wal is not None)
            await self._control.execute(RecordRewrite(through=through, wal=wal), BY)
        return None

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


def _through(table: Standing, covered: int) -> int:
    """Up to which position what was destroyed is in none of a table's files."""
    return covered if table.done_through is None else max(table.done_through, covered)


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
