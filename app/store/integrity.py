"""Re-checks every stream from its raw rows: chains, sealed sections, keys (DESIGN 5).

One snapshot, read page by page in the order of the streams, so that memory holds one stream and
one page. It needs no key and opens nothing. Every hole must be explained by one entry that names
its key. Streams are independent of each other: ranges of them can be checked side by side.
"""

import hashlib
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from uuid import UUID

from app.store.append import PARTITION
from app.store.stream_check import Blob, Finding, Row, Rule, StreamCheck

if TYPE_CHECKING:
    import asyncpg
    from asyncpg.pool import PoolConnectionProxy

    Connection: TypeAlias = asyncpg.Connection[Any] | PoolConnectionProxy[Any]

PAGE_ROWS = 2_000
FINDINGS_MAX = 1_000
SMALL_BLOB_SIZE_BYTES: Final = 8_192
"""Larger ones are read one by one: a page of photographs would not fit into memory."""
FIRST_STREAM: Final = UUID(int=0)
LAST_STREAM: Final = UUID(int=2**128 - 1)
VERSION_MIN: Final = -(2**31)
VERSION_MAX: Final = 2**31 - 1

Progress = Callable[[int, int], None]
"""Called with how many events have been checked, of how many."""

_COUNT_SQL = "SELECT count(*) FROM ledger.events"
_POSITIONS_SQL = """
SELECT partition, position, stream_id, version FROM ledger.events ORDER BY partition, position
"""
_EVENTS_SQL = """
SELECT stream_id, version, position, event_id, type, entry FROM ledger.events
 WHERE stream_id BETWEEN $1 AND $2 ORDER BY stream_id, version
"""
_TOUCHED_EVENTS_SQL = """
SELECT stream_id, version, position, event_id, type, entry FROM ledger.events
 WHERE stream_id = ANY(ARRAY(SELECT DISTINCT t.stream_id FROM ledger.events t
                              WHERE t.partition = $3 AND t.position >= $4
                                AND t.stream_id BETWEEN $1 AND $2))
 ORDER BY stream_id, version
"""
# What lies beside a page of events: from the end of the page before to the end of this one.
_SEALED_SQL = """
SELECT stream_id, version, section, key_id, octet_length(blob) AS size_bytes,
       CASE WHEN octet_length(blob) <= $5 THEN blob END AS blob
  FROM ledger.sealed
 WHERE (stream_id, version) >= ($1, $2) AND (stream_id, version) <= ($3, $4)
"""
_BLOB_SQL = """
SELECT blob FROM ledger.sealed WHERE stream_id = $1 AND version = $2 AND section = $3
"""
_KEYS_SQL = """
SELECT subject_id AS stream_id, key_id, class, state FROM ledger.keyring
 WHERE subject_id BETWEEN $1 AND $2
"""
_FENCES_SQL = """
SELECT subject_id AS stream_id, class FROM ledger.erasure_fence WHERE subject_id BETWEEN $1 AND $2
"""
_HOLD_KEYS_SQL = "SELECT key_id FROM ledger.keyring LIMIT 1"
# The file of the table as the snapshot knows it, and the one that it has by now.
_KEYS_WHOLE_SQL = """
SELECT relfilenode = pg_relation_filenode(oid) FROM pg_class
 WHERE oid = 'ledger.keyring'::regclass
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

    def join(self, other: "Verification") -> None:
        """Adds what was found in other streams."""
        self.events += other.events
        self.streams += other.streams
        self.blobs += other.blobs
        self.keys += other.keys
        for finding in other.findings:
            self.add(finding)
        self.findings_count += other.findings_count - len(other.findings)


@dataclass(frozen=True, slots=True)
class StreamRange:
    """Streams by their ids, both ends included; with ``since``, those with an event from there."""

    first: UUID = FIRST_STREAM
    last: UUID = LAST_STREAM
    since: int = 0
    """Position; 0: all streams, and what lies beside them and belongs to none."""

    def parts(self, count: int) -> "list[StreamRange]":
        """So many ranges side by side; ids are random, so that they are alike."""
        ends = [UUID(int=LAST_STREAM.int * number // count) for number in range(1, count + 1)]
        firsts = [self.first, *(UUID(int=end.int + 1) for end in ends[:-1])]
        return [StreamRange(*both, self.since) for both in zip(firsts, ends, strict=True)]


async def verify(connection: "Connection", progress: Progress | None = None) -> Verification:
    """Reads every stream once, in one snapshot, with the auditor's rights or the application's."""
    while True:  # once more for each rewrite that came between
        found = Verification()
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            if await hold_tables(connection):
                total = await connection.fetchval(_COUNT_SQL)
                await _check_positions(connection, found)
                await check_streams(connection, StreamRange(), found)
                if progress:
                    progress(found.events, total)
                return found


async def hold_tables(connection: "Connection") -> bool:
    """Keeps both tables from being written anew; False where the snapshot would see one empty.

    The lock on the first comes before the snapshot. The auditor may not lock the second, of which
    a column is hidden, except by reading it: by then the snapshot is there, so it is looked at.
    """
    await connection.execute("LOCK TABLE ledger.sealed IN ACCESS SHARE MODE")
    await connection.execute(_HOLD_KEYS_SQL)
    return bool(await connection.fetchval(_KEYS_WHOLE_SQL))


async def check_streams(
    connection: "Connection",
    streams: StreamRange,
    found: Verification,
    told: Callable[[int], None] | None = None,
) -> None:
    """Checks a range of streams within the transaction; ``told`` hears of each page's events."""
    walk = _Walk(connection, streams, found)
    async for page in _event_pages(connection, streams):
        await walk.page(page)
        if told:
            told(len(page))
    await walk.end()


async def _check_positions(connection: "Connection", found: Verification) -> None:
    """Each partition counts from 0 without a gap."""
    partition: int | None = None
    expected = 0
    async for page in pages(connection, _POSITIONS_SQL):
        for row in page:
            if row["partition"] != partition:
                partition, expected = row["partition"], 0
            if row["position"] != expected:
                place = (row["position"], row["stream_id"], row["version"])
                found.add(Finding(Rule.POSITION_GAP, *place))
            expected = row["position"] + 1


class _Walk:
    """All streams of a range in the order of their ids, with what lies beside each page of them."""

    def __init__(self, connection: "Connection", streams: StreamRange, found: Verification) -> None:
        self._connection = connection
        self._streams = streams
        self._found = found
        self._check: StreamCheck | None = None
        self._fences: set[str] = set()
        self._next = (streams.first, VERSION_MIN)
        """Where the next page may begin: stream and version."""

    async def page(self, events: list[Row]) -> None:
        """Checks the next events, and what lies between them and belongs to none."""
        begun = self._check.stream_id if self._check else None
        streams = [one for one in dict.fromkeys(row["stream_id"] for row in events) if one != begun]
        last = (events[-1]["stream_id"], events[-1]["version"])
        blobs = await self._blobs(last, streams if begun is None else [begun, *streams])
        keys, fences = await self._keys_of(streams), await self._fences_of(streams)
        for event in events:
            stream_id = event["stream_id"]
            if self._check is None or self._check.stream_id != stream_id:
                self._finish()
                self._check = self._begin(stream_id, keys.pop(stream_id, []))
                self._fences = fences.get(stream_id, set())
            beside = blobs.pop((stream_id, event["version"]), ()) if blobs else ()
            for finding in self._check.event(event, beside):
                self._found.add(finding)
        self._found.events += len(events)
        self._belong_to_none(blobs, keys)
        self._next = (last[0], last[1] + 1)

    async def end(self) -> None:
        """Ends the last stream; what is left beside the events belongs to none."""
        self._finish()
        if self._streams.since:
            return
        blobs = await self._blobs((self._streams.last, VERSION_MAX), [])
        first = _after(self._check.stream_id) if self._check else self._streams.first
        left: dict[UUID, list[Row]] = {}
        if first is not None:
            left = await self._rows_by_stream(_KEYS_SQL, first, self._streams.last)
        self._belong_to_none(blobs, left)

    def _begin(self, stream_id: UUID, keys: list[Row]) -> StreamCheck:
        self._found.streams += 1
        self._found.keys += len(keys)
        return StreamCheck(stream_id, {row["key_id"]: row for row in keys})

    def _finish(self) -> None:
        if self._check is not None:
            for finding in self._check.end(self._fences):
                self._found.add(finding)

    async def _blobs(
        self, last: tuple[UUID, int], streams: list[UUID]
    ) -> dict[tuple[UUID, int], list[Blob]]:
        """The sealed sections up to the last event, by event: read, hashed and let go."""
        sql, values = _SEALED_SQL, [*self._next, *last, SMALL_BLOB_SIZE_BYTES]
        if self._streams.since:
            sql, values = f"{sql} AND stream_id = ANY($6)", [*values, streams]
        by_event: dict[tuple[UUID, int], list[Blob]] = defaultdict(list)
        async for page in pages(self._connection, sql, *values):
            for row in page:
                place = (row["stream_id"], row["version"], row["section"])
                blob = row["blob"]
                if blob is None:
                    blob = await self._connection.fetchval(_BLOB_SQL, *place)
                by_event[place[:2]].append(
                    Blob(*place[1:], row["key_id"], row["size_bytes"], _sha256(blob))
                )
            self._found.blobs += len(page)
        return by_event

    async def _keys_of(self, streams: list[UUID]) -> dict[UUID, list[Row]]:
        """The keyring's rows of streams that begin, and of those between that have no event."""
        if not streams:
            return {}
        first = _after(self._check.stream_id) if self._check else self._streams.first
        assert first is not None, "nothing comes after the last stream"
        return await self._rows_by_stream(_KEYS_SQL, first, streams[-1], only=streams)

    async def _fences_of(self, streams: list[UUID]) -> dict[UUID, set[str]]:
        """Closed classes; a fence around a subject that never was does no harm."""
        if not streams:
            return {}
        rows = await self._rows_by_stream(_FENCES_SQL, streams[0], streams[-1], only=streams)
        return {stream_id: {row["class"] for row in found} for stream_id, found in rows.items()}

    async def _rows_by_stream(
        self, sql: str, first: UUID, last: UUID, *, only: list[UUID] | None = None
    ) -> dict[UUID, list[Row]]:
        values: list[Any] = [first, last]
        if self._streams.since:
            sql, values = f"{sql} AND subject_id = ANY($3)", [*values, only]
        by_stream: dict[UUID, list[Row]] = defaultdict(list)
        async for page in pages(self._connection, sql, *values):
            for row in page:
                by_stream[row["stream_id"]].append(row)
        return by_stream

    def _belong_to_none(
        self, blobs: dict[tuple[UUID, int], list[Blob]], keys: dict[UUID, list[Row]]
    ) -> None:
        for (stream_id, version), lost in blobs.items():
            for blob in lost:
                finding = Finding(Rule.BLOB_UNACCOUNTED, None, stream_id, version, blob.key_id)
                self._found.add(finding)
        for stream_id, unopened in keys.items():
            for row in unopened:
                finding = Finding(Rule.KEY_UNOPENED, None, stream_id, None, row["key_id"])
                self._found.add(finding)


def _after(stream_id: UUID) -> UUID | None:
    """The next id that there can be."""
    return None if stream_id == LAST_STREAM else UUID(int=stream_id.int + 1)


def _sha256(blob: bytes) -> bytes:
    return hashlib.sha256(blob).digest()


async def _event_pages(connection: "Connection", streams: StreamRange) -> AsyncIterator[list[Row]]:
    ends: Iterable[Any] = (streams.first, streams.last)
    if streams.since:
        sql, values = _TOUCHED_EVENTS_SQL, (*ends, PARTITION, streams.since)
    else:
        sql, values = _EVENTS_SQL, (*ends,)
    async for page in pages(connection, sql, *values):
        yield page


async def pages(connection: "Connection", sql: str, *values: object) -> AsyncIterator[list[Row]]:
    """The rows of a query, so many a fetch."""
    cursor = await connection.cursor(sql, *values)
    while page := await cursor.fetch(PAGE_ROWS):
        yield page
