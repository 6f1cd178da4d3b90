"""Re-checks every stream from its raw rows: chains, sealed sections, keys (DESIGN 5).

One snapshot, read page by page in the order of the streams, so that memory holds one stream and
one page. It needs no key and opens nothing. Every hole must be explained by one entry that names
its key. Streams are independent of each other: ranges of them can be checked side by side.
"""

from bisect import bisect_right
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256 as _sha256
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from uuid import UUID

from app.store.append import PARTITION
from app.store.entry_reading import READ_AT_ONCE, Reading, read_entries
from app.store.stream_check import Blob, Finding, Row, Rule, StreamCheck

if TYPE_CHECKING:
    import asyncpg
    from asyncpg.pool import PoolConnectionProxy

    Connection: TypeAlias = asyncpg.Connection[Any] | PoolConnectionProxy[Any]

PAGE_ROWS = 2_000
FINDINGS_MAX = 1_000
HOLD_WAIT_MAX_S = 60.0
"""A rewrite of a table is cut short after less; whoever holds one longer is not waited for."""
SMALL_BLOB_SIZE_BYTES: Final = 8_192
"""Larger ones are read one by one: a page of photographs would not fit into memory."""
FIRST_STREAM: Final = UUID(int=0)
LAST_STREAM: Final = UUID(int=2**128 - 1)

Progress = Callable[[int, int], None]
"""Called with how many events have been checked, of how many."""

_COUNT_SQL = "SELECT count(*) FROM ledger.events"
_POSITIONS_SQL = """
SELECT partition, position, stream_id, version FROM ledger.events ORDER BY partition, position
"""
_EVENTS_SQL = """
SELECT stream_id, version, position, event_id, type, entry FROM ledger.events
 WHERE stream_id BETWEEN $1 AND $2 {touched} ORDER BY stream_id, version
"""
# Of streams with an event from a position on, nothing else.
_TOUCHED = """
 AND stream_id = ANY(ARRAY(SELECT DISTINCT t.stream_id FROM ledger.events t
                           WHERE t.partition = $3 AND t.position >= $4
                             AND t.stream_id BETWEEN $1 AND $2))
"""
# What lies beside the events, in their order: read along with them.
_SEALED_SQL = """
SELECT stream_id, version, section, key_id, octet_length(blob) AS size_bytes,
       CASE WHEN octet_length(blob) <= {small} THEN blob END AS blob
  FROM ledger.sealed WHERE stream_id BETWEEN $1 AND $2 {touched} ORDER BY stream_id, version
"""
_BLOB_SQL = """
SELECT blob FROM ledger.sealed WHERE stream_id = $1 AND version = $2 AND section = $3
"""
_KEYS_SQL = """
SELECT * FROM (SELECT subject_id AS stream_id, key_id, class, state FROM ledger.keyring) AS k
 WHERE stream_id BETWEEN $1 AND $2 {touched} ORDER BY stream_id
"""
_FENCES_SQL = """
SELECT * FROM (SELECT subject_id AS stream_id, class FROM ledger.erasure_fence) AS f
 WHERE stream_id BETWEEN $1 AND $2 {touched} ORDER BY stream_id
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

    def parts(self, shares: Sequence[float]) -> "list[StreamRange]":
        """Ranges side by side, so large in proportion; ids are random, so that they are alike."""
        ends, whole, done = list[int](), sum(shares), 0.0
        for share in shares:
            done += share
            ends.append(round(LAST_STREAM.int * (done / whole)))
        ends[-1] = LAST_STREAM.int
        firsts = [self.first, *(UUID(int=end + 1) for end in ends[:-1])]
        return [
            StreamRange(first, UUID(int=end), self.since)
            for first, end in zip(firsts, ends, strict=True)
        ]


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
    asyncpg.LockNotAvailableError when somebody else holds one of them for too long.
    """
    await connection.execute(f"SET LOCAL lock_timeout = {round(HOLD_WAIT_MAX_S * 1000)}")
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
    async for page in _rows(connection, _EVENTS_SQL, streams):
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


class Ahead:
    """Rows in the order of some key of theirs, read a page ahead."""

    def __init__(self, rows: AsyncIterator[list[Row]], key: Callable[[Row], Any]) -> None:
        self._rows = rows
        self._key = key
        self._page: list[Row] = []

    async def up_to(self, last: Any) -> list[Row]:  # Any: what the key answers
        """Those that are next, up to a key."""
        taken: list[Row] = []
        while True:
            end = bisect_right(self._page, last, key=self._key)
            taken += self._page[:end]
            del self._page[:end]
            if self._page or not await self._turn():
                return taken

    async def rest(self) -> AsyncIterator[list[Row]]:
        """All that is left, page by page."""
        while self._page or await self._turn():
            page, self._page = self._page, []
            yield page

    async def _turn(self) -> bool:
        self._page = await anext(self._rows, [])
        return bool(self._page)


class _Walk:
    """All streams of a range in the order of their ids, with what lies beside each page of them."""

    def __init__(self, connection: "Connection", streams: StreamRange, found: Verification) -> None:
        self._connection = connection
        self._found = found
        self._check: StreamCheck | None = None
        self._closed: frozenset[str] = frozenset()
        """Classes that are fenced around the subject."""
        self._sealed = Ahead(_rows(connection, _SEALED_SQL, streams), _PLACE)
        self._keys = Ahead(_rows(connection, _KEYS_SQL, streams), _STREAM)
        self._fences = Ahead(_rows(connection, _FENCES_SQL, streams), _STREAM)

    async def page(self, events: list[Row]) -> None:
        """Checks the next events, and what lies between them and belongs to none."""
        last = _PLACE(events[-1])
        blobs = await self._hashed(await self._sealed.up_to(last))
        keys = _by_stream(await self._keys.up_to(last[0]))
        fences = _by_stream(await self._fences.up_to(last[0]))
        stream_id, beside = None, dict[int, list[Blob]]()
        for event, leaf, reading in _read(events):
            if event["stream_id"] != stream_id:
                stream_id = event["stream_id"]
                beside = blobs.get(stream_id, {})
                if self._check is None or self._check.stream_id != stream_id:
                    self._begin(stream_id, keys.pop(stream_id, []), fences.get(stream_id, []))
            assert self._check is not None
            sealed = beside.pop(event["version"], ()) if beside else ()
            for finding in self._check.event(event, leaf, reading, sealed):
                self._found.add(finding)
        self._found.events += len(events)
        self._belong_to_none(blobs, keys)

    async def end(self) -> None:
        """Ends the last stream; what is left beside the events belongs to none."""
        self._finish()
        async for rows in self._sealed.rest():
            self._belong_to_none(await self._hashed(rows), {})
        async for rows in self._keys.rest():
            self._belong_to_none({}, _by_stream(rows))

    def _begin(self, stream_id: UUID, keys: list[Row], fences: list[Row]) -> None:
        """Ends the stream before it, too. A fence around a subject that never was does no harm."""
        self._finish()
        self._closed = frozenset(row["class"] for row in fences)
        self._found.streams += 1
        self._found.keys += len(keys)
        self._check = StreamCheck(stream_id, {row["key_id"]: row for row in keys})

    def _finish(self) -> None:
        if self._check is not None:
            for finding in self._check.end(self._closed):
                self._found.add(finding)

    async def _hashed(self, rows: list[Row]) -> "_Blobs":
        """Sealed sections, by stream and version: hashed and let go."""
        by_stream: _Blobs = {}
        for row in rows:
            stream_id, version, section, key_id, size_bytes, blob = row.values()
            if blob is None:
                blob = await self._connection.fetchval(_BLOB_SQL, stream_id, version, section)
            found = Blob(version, section, key_id, size_bytes, _sha256(blob).digest())
            by_stream.setdefault(stream_id, {}).setdefault(version, []).append(found)
        self._found.blobs += len(rows)
        return by_stream

    def _belong_to_none(self, blobs: "_Blobs", keys: dict[UUID, list[Row]]) -> None:
        for stream_id, of_stream in blobs.items():
            for version, lost in of_stream.items():
                for blob in lost:
                    finding = Finding(Rule.BLOB_UNACCOUNTED, None, stream_id, version, blob.key_id)
                    self._found.add(finding)
        for stream_id, unopened in keys.items():
            for row in unopened:
                finding = Finding(Rule.KEY_UNOPENED, None, stream_id, None, row["key_id"])
                self._found.add(finding)


_Blobs: TypeAlias = dict[UUID, dict[int, list[Blob]]]
"""Stream -> version -> its sections."""
_STREAM = itemgetter("stream_id")
_PLACE = itemgetter("stream_id", "version")


def _read(events: list[Row]) -> Iterator[tuple[Row, bytes, Reading | None]]:
    """Each event with its leaf hash, and how its entry reads."""
    for first in range(0, len(events), READ_AT_ONCE):
        some = events[first : first + READ_AT_ONCE]
        entries = [row["entry"] for row in some]
        leaves = [_sha256(b"\x00" + entry).digest() for entry in entries]
        yield from zip(some, leaves, read_entries(entries), strict=True)


def _by_stream(rows: list[Row]) -> dict[UUID, list[Row]]:
    """The rows of each stream."""
    by_stream: dict[UUID, list[Row]] = {}
    for row in rows:
        by_stream.setdefault(row["stream_id"], []).append(row)
    return by_stream


async def _rows(
    connection: "Connection", sql: str, streams: StreamRange
) -> AsyncIterator[list[Row]]:
    """What there is of a range of streams, in their order."""
    ends = (streams.first, streams.last)
    touched = (PARTITION, streams.since) if streams.since else ()
    sql = sql.format(touched=_TOUCHED if touched else "", small=SMALL_BLOB_SIZE_BYTES)
    async for page in pages(connection, sql, *ends, *touched):
        yield page


async def pages(connection: "Connection", sql: str, *values: object) -> AsyncIterator[list[Row]]:
    """The rows of a query, so many a fetch."""
    cursor = await connection.cursor(sql, *values)
    while page := await cursor.fetch(PAGE_ROWS):
        yield page
