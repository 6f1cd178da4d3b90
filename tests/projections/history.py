"""Writes histories straight into the log, through its two functions and nothing above them."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from app.events.declare import EventType, type_of
from app.events.erasures import ErasureExecuted, ErasureStep
from app.events.recorded import Seal
from app.identifiers import KeyId
from app.store.append import APPEND_SQL, Append, EncodedEvent, SealedBlob, WrappedKey, arguments
from app.store.codec import core_line, entry_of, leaf_hash
from app.tlog.merkle import root_of_entries
from tests.conftest import Database

EPOCH = 1
ERASE_SQL = "SELECT outcome FROM ledger.ledger_erase(0, $1, $2, $3)"

Bucket = tuple[str, str]


@dataclass(slots=True)
class Person:
    """One stream as its writer knows it."""

    subject_id: UUID = field(default_factory=uuid4)
    version: int = 0
    previous: bytes | None = None
    keys: dict[Bucket, KeyId] = field(default_factory=dict)
    blobs: list[tuple[KeyId, bytes]] = field(default_factory=list)
    """Key and hash of every blob, by version and section."""
    entries: list[bytes] = field(default_factory=list)

    def event(
        self,
        event: Any,
        *buckets: Bucket,
        occurred_at: datetime | None = None,
        kind: EventType | None = None,
        payload: dict[str, Any] | None = None,
    ) -> tuple[EncodedEvent, tuple[WrappedKey, ...]]:
        """The next event with one sealed section a bucket, and the keys that it needs."""
        kind = kind or type_of(event)
        event_id = uuid4()
        core = core_line(
            kind,
            kind.payload(event) if payload is None else payload,
            event_id=event_id,
            stream_id=self.subject_id,
            version=self.version + 1,
            previous=self.previous,
            recorded_at=datetime.now(UTC),
            occurred_at=occurred_at,
            by="client.tests",
        )
        seals, blobs, new = self._sealed(buckets)
        entry = entry_of(core, seals)
        self.version += 1
        self.previous = leaf_hash(entry)
        self.entries.append(entry)
        return EncodedEvent(event_id, kind.name, entry, self.previous, blobs), new

    def _sealed(
        self, buckets: Sequence[Bucket]
    ) -> tuple[list[Seal], tuple[SealedBlob, ...], tuple[WrappedKey, ...]]:
        seals, blobs, new = [], [], []
        for index, bucket in enumerate(buckets):
            commitment = None
            if bucket not in self.keys:
                self.keys[bucket] = KeyId(uuid4())
                commitment = os.urandom(32)
                new.append(WrappedKey(self.keys[bucket], *bucket, EPOCH, os.urandom(61)))
            key_id = self.keys[bucket]
            blob = os.urandom(61)
            digest = hashlib.sha256(blob).digest()
            self.blobs.append((key_id, digest))
            seals.append(Seal(index, bucket[0], key_id, digest, len(blob), commitment))
            blobs.append(SealedBlob(index, key_id, bucket[0], blob))
        return seals, tuple(blobs), tuple(new)


class Log:
    """A database's log, written as the serving roles write it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._app: asyncpg.Connection[Any] | None = None
        self._eraser: asyncpg.Connection[Any] | None = None

    async def open(self) -> None:
        """Connects, and opens a key epoch whose key nobody knows."""
        migrator = await asyncpg.connect(self.database.dsn("ledger_migrator"))
        await migrator.execute("SELECT ledger.ledger_epoch_open($1, $2)", EPOCH, os.urandom(61))
        await migrator.close()
        self._app = await asyncpg.connect(self.database.dsn("ledger_app"))
        self._eraser = await asyncpg.connect(self.database.dsn("ledger_eraser"))

    async def close(self) -> None:
        """Closes both connections."""
        for connection in (self._app, self._eraser):
            if connection is not None:
                await connection.close()

    async def append(
        self, person: Person, event: Any, *buckets: Bucket, occurred_at: datetime | None = None
    ) -> int:
        """Appends one event; answers its version."""
        expected = person.version
        encoded, keys = person.event(event, *buckets, occurred_at=occurred_at)
        await self.commit([Append(person.subject_id, expected, None, (encoded,), keys)])
        return person.version

    async def append_foreign(self, person: Person, name: str, version: int) -> None:
        """Appends an event that only a later program knows."""
        expected = person.version
        kind = EventType(name, version, object, ())
        encoded, _ = person.event(None, kind=kind, payload={"what": "unknown"})
        await self.commit([Append(person.subject_id, expected, None, (encoded,))])

    async def commit(self, commands: Sequence[Append]) -> None:
        """Appends commands in one call; every one of them has to win."""
        assert self._app is not None
        rows = await self._app.fetch(APPEND_SQL, *arguments(commands, [None] * len(commands)))
        assert {row["outcome"] for row in rows} == {"appended"}, [row["outcome"] for row in rows]

    async def erase(
        self,
        person: Person,
        erasure: UUID,
        buckets: Sequence[Bucket],
        *,
        step: ErasureStep = ErasureStep.SUBJECT,
        purposes: tuple[str, ...] = (),
        categories: tuple[str, ...] = (),
        retained: tuple[str, ...] = (),
        fenced: tuple[str, ...] = (),
    ) -> int:
        """Destroys the data keys of some buckets; answers the version of the entry that says so."""
        assert self._eraser is not None
        keys = tuple(person.keys.pop(bucket) for bucket in buckets)
        hashes = [digest for key_id, digest in person.blobs if key_id in keys]
        event = ErasureExecuted(
            erasure=erasure,
            step=step,
            purposes=purposes,
            categories=categories,
            retained=retained,
            keys=keys,
            classes=fenced,
            blobs=len(hashes),
            identifiers=step is ErasureStep.SUBJECT and not purposes and not categories,
            root=root_of_entries(hashes).hex(),
        )
        expected = person.version
        encoded, _ = person.event(event)
        outcome = await self._eraser.fetchval(ERASE_SQL, person.subject_id, expected, encoded.entry)
        assert outcome == "appended", outcome
        return person.version

    async def entries(self) -> list[bytes]:
        """Every entry, by position: what an independent reader of the log starts from."""
        assert self._app is not None
        rows = await self._app.fetch("SELECT entry FROM ledger.events ORDER BY position")
        return [row["entry"] for row in rows]
