"""Re-checks the whole ledger from its raw rows, as `pdledger verify` does (DESIGN 5).

One snapshot, cursors in step with each other, so that memory holds one stream at a time. It needs
no key and opens nothing. Every hole must be explained by one entry that names its key.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import UUID

from app.store.stream_check import Finding, Row, Rule, StreamCheck

if TYPE_CHECKING:
    import asyncpg
    from asyncpg.pool import PoolConnectionProxy

    _Connection: TypeAlias = asyncpg.Connection[Any] | PoolConnectionProxy[Any]

PAGE_ROWS = 5_000
FINDINGS_MAX = 1_000

Progress = Callable[[int, int], None]
"""Called with how many events have been checked, of how many."""

_COUNT_SQL = "SELECT count(*) FROM ledger.events"
_POSITIONS_SQL = """
SELECT partition, position, stream_id, version FROM ledger.events ORDER BY partition, position
"""
_EVENTS_SQL = """
SELECT stream_id, version, position, event_id, type, entry
  FROM ledger.events ORDER BY stream_id, version
"""
_SEALED_SQL = """
SELECT stream_id, version, section, key_id, blob
  FROM ledger.sealed ORDER BY stream_id, version, section
"""
_KEYS_SQL = """
SELECT subject_id AS stream_id, key_id, class, state FROM ledger.keyring ORDER BY subject_id
"""
_HOLD_KEYS_SQL = "SELECT key_id FROM ledger.keyring LIMIT 1"
# The file of the table as the snapshot knows it, and the one that it has by now.
_KEYS_WHOLE_SQL = """
SELECT relfilenode = pg_relation_filenode(oid) FROM pg_class
 WHERE oid = 'ledger.keyring'::regclass
"""
_FENCES_SQL = """
SELECT subject_id AS stream_id, class FROM ledger.erasure_fence ORDER BY subject_id
"""


@dataclass(slots=True)
class Verification:
    """What was read, and everything that is not as it must be."""

    events: int = 0
    streams: int = 0
    blobs: int = 0
    keys: int = 0
    findings: list[Finding] = field(default_factory=list)
    """The first FINDINGS_MAX."""
    findings_count: int = 0

    @property
    def sound(self) -> bool:
        """Whether nothing was found."""
        return self.findings_count == 0

    def add(self, finding: Finding) -> None:
        """Counts a finding, and keeps it while there is room."""
        self.findings_count += 1
        if len(self.findings) < FINDINGS_MAX:
            self.findings.append(finding)


async def verify(connection: "_Connection", progress: Progress | None = None) -> Verification:
    """Reads everything once, in one snapshot, with the auditor's rights or the application's."""
    while True:  # once more for each rewrite that came between
        found = Verification()
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            if await _holds_both(connection):
                await _check_positions(connection, found)
                await _Walk(connection, found).run(progress)
                return found


async def _holds_both(connection: "_Connection") -> bool:
    """Keeps both tables from being written anew; False where the snapshot would see one empty.

    The lock on the first comes before the snapshot. The auditor may not lock the second, of which
    a column is hidden, except by reading it: by then the snapshot is there, so it is looked at.
    """
    await connection.execute("LOCK TABLE ledger.sealed IN ACCESS SHARE MODE")
    await connection.execute(_HOLD_KEYS_SQL)
    return bool(await connection.fetchval(_KEYS_WHOLE_SQL))


async def _check_positions(connection: "_Connection", found: Verification) -> None:
    """Each partition counts from 0 without a gap."""
    partition: int | None = None
    expected = 0
    async for row in _rows(connection, _POSITIONS_SQL):
        if row["partition"] != partition:
            partition, expected = row["partition"], 0
        if row["position"] != expected:
            found.add(Finding(Rule.POSITION_GAP, row["position"], row["stream_id"], row["version"]))
        expected = row["position"] + 1


class _Walk:
    """All streams in the order of their ids, each with its blobs, keys and fences beside it."""

    def __init__(self, connection: "_Connection", found: Verification) -> None:
        self._connection = connection
        self._found = found
        self._blobs = _Beside(_rows(connection, _SEALED_SQL), self._orphaned_blob)
        self._keys = _Beside(_rows(connection, _KEYS_SQL), self._orphaned_key)
        # A fence around a subject that never was does no harm.
        self._fences = _Beside(_rows(connection, _FENCES_SQL), None)

    async def run(self, progress: Progress | None) -> None:
        """Checks every stream; what is left beside the events afterwards belongs to none."""
        found, total = self._found, await self._connection.fetchval(_COUNT_SQL)
        check: StreamCheck | None = None
        async for event in _rows(self._connection, _EVENTS_SQL):
            if check is None or check.stream_id != event["stream_id"]:
                await self._finish(check)
                check = await self._begin(event["stream_id"])
            blobs = await self._blobs.of(check.stream_id, event["version"])
            found.blobs += len(blobs)
            found.events += 1
            for finding in check.event(event, blobs):
                found.add(finding)
            if progress and found.events % PAGE_ROWS == 0:
                progress(found.events, total)
        await self._finish(check)
        await self._blobs.rest()
        await self._keys.rest()
        if progress:
            progress(found.events, total)

    async def _begin(self, stream_id: UUID) -> StreamCheck:
        keys = {row["key_id"]: row for row in await self._keys.of(stream_id)}
        self._found.streams += 1
        self._found.keys += len(keys)
        return StreamCheck(stream_id, keys)

    async def _finish(self, check: StreamCheck | None) -> None:
        if check is None:
            return
        fences = {row["class"] for row in await self._fences.of(check.stream_id)}
        for finding in check.end(fences):
            self._found.add(finding)

    def _orphaned_blob(self, row: Row) -> None:
        place = (None, row["stream_id"], row["version"], row["key_id"])
        self._found.add(Finding(Rule.BLOB_UNACCOUNTED, *place))

    def _orphaned_key(self, row: Row) -> None:
        place = (None, row["stream_id"], None, row["key_id"])
        self._found.add(Finding(Rule.KEY_UNOPENED, *place))


class _Beside:
    """Rows in the order of (stream, version), read in step with the events they belong to."""

    def __init__(self, rows: AsyncIterator[Row], orphaned: Callable[[Row], None] | None) -> None:
        self._rows = rows
        self._orphaned = orphaned
        self._next: Row | None = None
        self._begun = False

    async def of(self, stream_id: UUID, version: int | None = None) -> list[Row]:
        """The rows of one stream, or of one event; those before it belong to nothing."""
        if not self._begun:
            await self._advance()
        taken: list[Row] = []
        wanted = (stream_id,) if version is None else (stream_id, version)
        while self._next is not None and (here := _place(self._next, len(wanted))) <= wanted:
            if here == wanted:
                taken.append(self._next)
            elif self._orphaned:
                self._orphaned(self._next)
            await self._advance()
        return taken

    async def rest(self) -> None:
        """Everything that is left belongs to nothing."""
        while not self._begun or self._next is not None:
            if self._next is not None and self._orphaned:
                self._orphaned(self._next)
            await self._advance()

    async def _advance(self) -> None:
        self._begun = True
        self._next = await anext(self._rows, None)


def _place(row: Row, length: int) -> tuple[Any, ...]:
    return (row["stream_id"], row["version"])[:length] if length > 1 else (row["stream_id"],)


async def _rows(connection: "_Connection", sql: str) -> AsyncIterator[Row]:
    """Page by page: five thousand rows a fetch reach 1.2 million rows a second."""
    cursor = await connection.cursor(sql)
    while page := await cursor.fetch(PAGE_ROWS):
        for row in page:
            yield row
