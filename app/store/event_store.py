"""Reads streams, and turns decided records into sealed and chained entries (DESIGN 2, 4)."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from app.clock import random_bytes, random_id
from app.events.declare import type_of
from app.events.recorded import Record, Recorded, Seal
from app.identifiers import EventId, StreamId
from app.store.append import (
    PARTITION,
    EncodedEvent,
    IdentifierToken,
    SealedBlob,
    WrappedKey,
)
from app.store.batches import Batches
from app.store.codec import core_line, core_of, entry_of, leaf_hash
from app.store.epochs import meet_epochs, refresh_epochs
from app.store.recorded import read_entries, read_entry
from app.tlog.receipts import Batch, ReceiptKey
from app.values import Value
from app.vault.key_vault import DataKey, KeyVault, NewDataKey
from app.vault.sealing import (
    NONCE_SIZE_BYTES,
    Corrupt,
    Erased,
    KeyUnavailable,
    NeverSealed,
    Opened,
    associated_data,
    bound_head,
    bound_tail,
    seal,
    unseal,
)

Bucket = tuple[str, str]
"""(retention class, generation): what one data key is for."""

# One statement, one snapshot: events, blobs and key states of a person belong together (DESIGN 6).
# Each as arrays in one row: a row of its own costs the driver as much as reading its entry.
STREAM_SQL = """
SELECT events.*, blobs.*, keys.*
  FROM (SELECT array_agg(position ORDER BY version), array_agg(entry ORDER BY version)
          FROM ledger.events WHERE stream_id = $1 AND version > $3) events,
       (SELECT array_agg(version), array_agg(section), array_agg(blob)
          FROM ledger.sealed WHERE stream_id = $1 AND $2) blobs,
       (SELECT array_agg(ROW(key_id, class, generation, epoch, state, wrapped))
          FROM ledger.keyring WHERE subject_id = $1) keys
"""

STREAMS_SQL = f"""
SELECT people.id, stream.* FROM unnest($1::uuid[]) AS people(id)
 CROSS JOIN LATERAL (
{STREAM_SQL.replace("$1", "people.id").replace("$2", "true").replace("$3", "0")}) AS stream
"""  # noqa: S608  # a constant of this module

EVENTS_SQL = """
SELECT position, entry FROM ledger.events
 WHERE stream_id = $1 AND version BETWEEN $2 AND $3 ORDER BY version
"""

LAST_EVENT_SQL = """
SELECT position, entry FROM ledger.events WHERE stream_id = $1 ORDER BY version DESC LIMIT 1
"""

HEAD_SQL = """
SELECT position FROM ledger.events WHERE partition = $1 ORDER BY position DESC LIMIT 1
"""


# What came after the versions that are known, the head and the control version: one snapshot.
NEWS_SQL = """
SELECT 0 AS kind, e.position AS number, e.version, e.entry
  FROM unnest($1::uuid[], $2::int[]) AS known(stream_id, version)
  JOIN ledger.events e ON e.stream_id = known.stream_id AND e.version > known.version
UNION ALL
(SELECT 1, position, 0, NULL FROM ledger.events
  WHERE partition = $4 ORDER BY position DESC LIMIT 1)
UNION ALL
(SELECT 2, version, 0, NULL FROM ledger.events
  WHERE stream_id = $3 ORDER BY version DESC LIMIT 1)
"""


AFTER_SQL = """
SELECT e.entry, e.position FROM unnest($1::uuid[], $2::int[]) AS known(stream_id, version)
  JOIN ledger.events e ON e.stream_id = known.stream_id AND e.version > known.version
 ORDER BY e.stream_id, e.version
"""


@dataclass(frozen=True, slots=True)
class KeyRow:
    """One row of the keyring as read."""

    key_id: UUID
    retention_class: str
    generation: str
    epoch: int
    state: str
    wrapped: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class OpenedKey:
    """A data key with what everything is bound to that it seals."""

    data_key: DataKey
    head: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream as one snapshot showed it; ``blobs`` only where they were asked for."""

    stream_id: StreamId
    events: tuple[Recorded[Any], ...]
    entries: tuple[bytes, ...] = field(repr=False)
    blobs: Mapping[tuple[int, int], bytes] = field(repr=False)
    keys: Mapping[UUID, KeyRow] = field(repr=False)
    opened: dict[UUID, "OpenedKey"] = field(default_factory=dict, repr=False, compare=False)
    """Data keys that were unwrapped so far: each is used for many sections, and goes with this."""


class Draft(Value, frozen=True):
    """Records turned into bytes, with what the cache learns once they are appended."""

    events: tuple[EncodedEvent, ...]
    recorded: tuple[Recorded[Any], ...]
    new_keys: tuple[NewDataKey, ...]
    identifiers: tuple[IdentifierToken, ...]
    suppressions: tuple[tuple[str, bytes], ...]

    def wrapped_keys(self) -> tuple[WrappedKey, ...]:
        """The new keys as the database stores them."""
        return tuple(
            WrappedKey(
                key.data_key.key_id, key.retention_class, key.generation, key.epoch, key.wrapped
            )
            for key in self.new_keys
        )


class EventStore:
    """Streams in and out. Holds the vault; the only importer of keys beside the erasure."""

    def __init__(self, pool: "asyncpg.Pool[Any]", vault: KeyVault) -> None:
        self._pool = pool
        self._batches = Batches(pool)
        self.vault = vault

    async def read_stream(
        self, stream_id: StreamId, *, with_blobs: bool = False, after_version: int = 0
    ) -> Stream:
        """The stream in version order; empty when there is none."""
        row = await self._pool.fetchrow(STREAM_SQL, stream_id, with_blobs, after_version)
        assert row is not None, "an aggregate over nothing is a row"
        return await self._stream(stream_id, row)

    async def read_streams(self, stream_ids: Sequence[StreamId]) -> list[Stream]:
        """Some whole streams with their blobs, each of one snapshot: for who reads everybody."""
        rows = await self._pool.fetch(STREAMS_SQL, stream_ids)
        return [await self._stream(stream_id, row) for stream_id, *row in rows]

    async def _stream(self, stream_id: StreamId, row: Iterable[Any]) -> Stream:
        positions, entries, *places, blobs, keys = [column or () for column in row]
        await meet_epochs(self._pool, self.vault, [key[3] for key in keys])
        return Stream(
            stream_id=stream_id,
            events=tuple(read_entries(entries, positions)),
            entries=tuple(entries),
            blobs=dict(zip(zip(*places, strict=True), blobs, strict=True)),
            keys={key[0]: KeyRow(*key) for key in keys},
        )

    async def read_events(
        self, stream_id: StreamId, first_version: int, last_version: int
    ) -> tuple[Recorded[Any], ...]:
        """Some events of one stream, as for the receipt of a replayed request."""
        rows = await self._pool.fetch(EVENTS_SQL, stream_id, first_version, last_version)
        return tuple(read_entry(entry, position) for position, entry in rows)

    async def read_batch(self, key: ReceiptKey, first_position: int, size: int) -> Batch:
        """The entries that one signature of the receipt key covers."""
        return await self._batches.read(key, first_position, size)

    async def read_last(self, stream_id: StreamId) -> Recorded[Any] | None:
        """The last event of a stream: enough to append where no decision looks further back."""
        row = await self._pool.fetchrow(LAST_EVENT_SQL, stream_id)
        return None if row is None else read_entry(row["entry"], row["position"])

    async def read_news(
        self, known: Mapping[UUID, int], control_stream: StreamId
    ) -> tuple[int, int, list[Recorded[Any]]]:
        """Head position, control version, and the events after the known version of each stream."""
        rows = await self._pool.fetch(
            NEWS_SQL, list(known), list(known.values()), control_stream, PARTITION
        )
        numbers = {row["kind"]: row["number"] for row in rows if row["kind"] != 0}
        news = [read_entry(row["entry"], row["number"]) for row in rows if row["kind"] == 0]
        return numbers.get(1, -1), numbers.get(2, 0), sorted(news, key=lambda one: one.version)

    async def read_after(self, known: Mapping[UUID, int]) -> list[Recorded[Any]]:
        """The events after the known version of each stream, stream by stream, in order."""
        rows = await self._pool.fetch(AFTER_SQL, list(known), list(known.values()))
        return [read_entry(*row) for row in rows]

    async def refresh_epochs(self) -> None:
        """Reads the epoch keys again, after an append was refused for a draining epoch."""
        await refresh_epochs(self._pool, self.vault)

    def cursor_mac(self, message: bytes) -> bytes:
        """Seals a place in a list, so that callers cannot make up cursors of their own (A11)."""
        return self.vault.cursor_mac(message)

    def is_cursor_mac(self, message: bytes, mac: bytes) -> bool:
        """Whether a place in a list was sealed here."""
        return self.vault.is_cursor_mac(message, mac)

    async def head_position(self) -> int:
        """The last position given, -1 on an empty log."""
        position = await self._pool.fetchval(HEAD_SQL, PARTITION)
        return -1 if position is None else int(position)

    def active_keys(self, stream: Stream) -> dict[Bucket, DataKey]:
        """The data keys that new sections of this person may use, by class and generation."""
        opened = (
            (row, self._opened(stream, row))
            for row in stream.keys.values()
            if row.state == "active" and row.wrapped is not None
        )
        return {
            (row.retention_class, row.generation): one.data_key
            for row, one in opened
            if one is not None
        }

    def open_section(self, stream: Stream, version: int, retention_class: str) -> Opened:
        """The section of one class of one event: its personal data, or why it cannot be had."""
        index = version - stream.events[0].version if stream.events else -1
        if not 0 <= index < len(stream.events):
            return NeverSealed()
        recorded = stream.events[index]
        for one in recorded.seals:
            if one.retention_class == retention_class:
                return self._open(stream, stream.entries[index], recorded.version, one)
        return NeverSealed()

    def _open(self, stream: Stream, entry: bytes, version: int, one: Seal) -> Opened:
        row = stream.keys.get(one.key_id)
        blob = stream.blobs.get((version, one.index))
        if row is not None and row.state == "erased":
            return Erased()
        if row is None or blob is None:
            return Corrupt()
        opened = self._opened(stream, row)
        if opened is None:
            return KeyUnavailable()
        if one.retention_class != row.retention_class:
            return Corrupt()
        bound_to = opened.head + bound_tail(one.index, core_of(entry))
        return unseal(opened.data_key.cipher, blob, bound_to=bound_to)

    def _opened(self, stream: Stream, row: KeyRow) -> OpenedKey | None:
        opened = stream.opened.get(row.key_id)
        if opened is not None or row.wrapped is None:
            return opened
        key = self.vault.data_key(row.key_id, row.retention_class, row.epoch, row.wrapped)
        if key is None:
            return None
        head = bound_head(self.vault.ledger_id, row.key_id, row.retention_class)
        opened = stream.opened[row.key_id] = OpenedKey(key, head)
        return opened

    def draft(
        self,
        stream_id: StreamId,
        records: Sequence[Record],
        *,
        expected: int,
        previous: bytes | None,
        keys: Mapping[Bucket, DataKey],
        recorded_at: datetime,
        by: str,
    ) -> Draft:
        """Seals and encodes records as versions ``expected`` + 1 and on, chained by leaf hash.

        Keys of the person are reused by class and generation; a missing one is made, and its first
        seal carries the commitment to it.
        """
        session = _Sealing(self.vault, dict(keys))
        events: list[EncodedEvent] = []
        recorded: list[Recorded[Any]] = []
        for version, record in enumerate(records, expected + 1):
            kind, event_id = type_of(record.event), EventId(random_id())
            core = core_line(
                kind,
                kind.payload(record.event),
                event_id=event_id,
                stream_id=stream_id,
                version=version,
                previous=previous,
                recorded_at=recorded_at,
                occurred_at=record.occurred_at,
                by=by,
            )
            seals, blobs = session.seal(record, core)
            entry = entry_of(core, seals)
            leaf = leaf_hash(entry)
            events.append(EncodedEvent(event_id, kind.name, entry, leaf, blobs))
            recorded.append(
                Recorded(
                    event=record.event,
                    event_id=event_id,
                    stream_id=stream_id,
                    version=version,
                    position=None,
                    recorded_at=recorded_at,
                    occurred_at=record.occurred_at,
                    by=by,
                    previous=previous,
                    leaf_hash=leaf,
                    seals=seals,
                )
            )
            previous = leaf
        return Draft(
            tuple(events),
            tuple(recorded),
            tuple(session.made),
            self._identifiers(records),
            self._suppressions(records),
        )

    def _identifiers(self, records: Sequence[Record]) -> tuple[IdentifierToken, ...]:
        """Under each key that the index may be under; a claim is kept under the active one."""
        active = self.vault.active_epoch
        return tuple(
            IdentifierToken(
                claim.kind,
                token,
                epoch,
                claim.release if epoch == active else claim.release or None,
            )
            for record in records
            for claim in record.claims
            for epoch, token in self.vault.identifier_tokens(claim.kind, claim.value)
        )

    def _suppressions(self, records: Sequence[Record]) -> tuple[tuple[str, bytes], ...]:
        return tuple(
            (one.purpose, self.vault.suppression_token(one.purpose, one.address))
            for record in records
            for one in record.suppressions
        )


class _Sealing:
    """The seals of one command: finds or makes the data key of each section."""

    def __init__(self, vault: KeyVault, keys: dict[Bucket, DataKey]) -> None:
        self._vault = vault
        self._keys = keys
        self.made: list[NewDataKey] = []

    def seal(self, record: Record, core: bytes) -> tuple[tuple[Seal, ...], tuple[SealedBlob, ...]]:
        """One seal and one blob a section; a section's index is its place in the record."""
        seals: list[Seal] = []
        blobs: list[SealedBlob] = []
        for index, section in enumerate(record.sections):
            key, commitment = self._key((section.retention_class, section.generation))
            bound_to = associated_data(
                self._vault.ledger_id, key.key_id, section.retention_class, index=index, core=core
            )
            nonce = random_bytes(NONCE_SIZE_BYTES)
            blob = seal(key.cipher, section.personal, nonce=nonce, bound_to=bound_to)
            # SHA-256 of the ciphertext: no one without the key can guess towards it.
            digest = hashlib.sha256(blob).digest()
            seals.append(
                Seal(index, section.retention_class, key.key_id, digest, len(blob), commitment)
            )
            blobs.append(SealedBlob(index, key.key_id, section.retention_class, blob))
        return tuple(seals), tuple(blobs)

    def _key(self, bucket: Bucket) -> tuple[DataKey, bytes | None]:
        existing = self._keys.get(bucket)
        if existing is not None:
            return existing, None
        new = self._vault.new_data_key(*bucket)
        self._keys[bucket] = new.data_key
        self.made.append(new)
        return new.data_key, new.commitment
