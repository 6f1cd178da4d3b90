"""Valid histories of any size, copied straight into the log of a database of their own.

Twenty events a person, the people in random order: registered, collected twice, told, consented,
shared six times, read seven times, corrected, restricted; one in fifty is erased at the end. What
is sealed lies beside the log, under one key a person, unless it was erased.
"""

import asyncio
import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice
from random import Random
from typing import Any
from uuid import UUID

import asyncpg

from app.events.collections import DataCollected, DataRectified
from app.events.consents import ConsentGiven
from app.events.consultations import ConsultationRecorded
from app.events.declare import type_of
from app.events.disclosures import DataDisclosed
from app.events.erasures import ErasureExecuted, ErasureStep
from app.events.notices import NoticeChannel, NoticeShown
from app.events.recorded import Seal
from app.events.restrictions import RestrictionGround, RestrictionSet
from app.events.subjects import SubjectRegistered
from app.identifiers import KeyId
from app.policy.vocabulary import ConsentMethod, FieldClass, LegalBasis, SourceOrigin
from app.store import migrate
from app.store.codec import core_line, entry_of, leaf_hash
from app.store.embedded import Cluster
from app.store.roles import prepare_database
from app.tlog.merkle import root_of_entries

EVENTS_A_PERSON = 20
CHUNK = 5_000
POLICY = "impel-1"
RECIPIENTS = ("mailchimp", "basecamp", "azavista", "surveymonkey", "microsoft")
HELD = {
    "contact.name": "participation",
    "contact.email": "participation",
    "work.title": "participation",
    "work.organisation": "participation",
}
GENERATIONS = {"participation": "membership"}
COLUMNS = {
    "events": ("partition", "position", "stream_id", "version", "event_id", "type", "entry"),
    "sealed": ("stream_id", "version", "section", "key_id", "blob"),
    "keyring": ("key_id", "subject_id", "class", "generation", "epoch", "wrapped", "state"),
    "erasure_fence": ("subject_id", "class"),
}
BLOB_SIZE_BYTES = 157


@contextmanager
def history(cluster: Cluster, events: int, *, name: str) -> Iterator[str]:
    """A database of that name whose log has this many events; it is dropped afterwards."""
    asyncio.run(_make(cluster, events, name))
    try:
        yield name
    finally:
        asyncio.run(_run(cluster.dsn("postgres", "postgres"), f"DROP DATABASE {name} WITH (FORCE)"))


async def _make(cluster: Cluster, events: int, name: str) -> None:
    admin = cluster.dsn("postgres", "postgres")
    await _run(admin, f"CREATE DATABASE {name} TEMPLATE template0")
    await prepare_database(admin, name)
    await migrate.upgrade(cluster.dsn("ledger_migrator", name))
    connection: Any = await asyncpg.connect(cluster.dsn("postgres", name))
    try:
        await connection.execute("ALTER TABLE ledger.events DISABLE TRIGGER ALL")
        people = _people(Random(events), events)
        await _copy(connection, "events", _lived(Random(-events), people, events))
        for table in ("sealed", "keyring", "erasure_fence"):
            rows = (row for person in people for row in person.beside(table))
            await _copy(connection, table, rows)
        for rule in ("no_insert", "no_change"):
            await connection.execute(f"ALTER TABLE ledger.events ENABLE ALWAYS TRIGGER {rule}")
        await connection.execute("SELECT ledger.ledger_epoch_open(1, '\\x00')")
        await connection.execute("VACUUM ANALYZE ledger.events, ledger.sealed, ledger.keyring")
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()


async def _copy(connection: Any, table: str, rows: Iterator[tuple[Any, ...]]) -> None:
    """So many rows at a time; the triggers of the log are off."""
    while chunk := list(islice(rows, CHUNK)):
        async with connection.transaction():
            await connection.execute("SET LOCAL ROLE ledger_owner")
            await connection.copy_records_to_table(
                table, schema_name="ledger", columns=COLUMNS[table], records=chunk
            )


async def _run(url: str, statement: str) -> None:
    connection: Any = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def lines(events: int) -> Iterator[tuple[Any, ...]]:
    """The rows of the log; the same number of events, the same rows but for what is sealed."""
    return _lived(Random(-events), _people(Random(events), events), events)


def _people(random: Random, events: int) -> "list[_Life]":
    return [_Life(random) for _ in range(-(-events // EVENTS_A_PERSON))]


def _lived(random: Random, people: "list[_Life]", events: int) -> Iterator[tuple[Any, ...]]:
    turns = [person for person in people for _ in range(EVENTS_A_PERSON)]
    random.shuffle(turns)
    at = datetime(2026, 1, 1, tzinfo=UTC)
    for position, person in enumerate(turns[:events]):
        yield (0, position, *person.live(at + timedelta(milliseconds=position)))


class _Life:
    """One person, as long as they have something to do."""

    __slots__ = ("_blobs", "_erased", "_key", "_previous", "_random", "_version", "subject_id")

    def __init__(self, random: Random) -> None:
        self._random = random
        self.subject_id = UUID(int=random.getrandbits(128), version=4)
        self._key = KeyId(UUID(int=random.getrandbits(128), version=4))
        self._version = 0
        self._previous: bytes | None = None
        self._blobs: dict[int, bytes] = {}
        """Version -> what was sealed."""
        self._erased = False

    def beside(self, table: str) -> Iterator[tuple[Any, ...]]:
        """The rows of this person in another table than the log."""
        match table:
            case "sealed" if not self._erased:
                for version, blob in self._blobs.items():
                    yield self.subject_id, version, 0, self._key, blob
            case "keyring" if self._blobs:
                wrapped, state = (None, "erased") if self._erased else (bytes(61), "active")
                held = (self._key, self.subject_id, "participation", "membership")
                yield *held, 1, wrapped, state
            case "erasure_fence" if self._erased:
                yield self.subject_id, "participation"
                yield self.subject_id, "identifiers"

    def live(self, at: datetime) -> tuple[UUID, int, UUID, str, bytes]:
        """The next event, as a row from the stream's id on."""
        self._version += 1
        event, sealed = self._next()
        kind = type_of(event)
        event_id = UUID(int=self._random.getrandbits(128), version=4)
        core = core_line(
            kind,
            kind.payload(event),
            event_id=event_id,
            stream_id=self.subject_id,
            version=self._version,
            previous=self._previous,
            recorded_at=at,
            occurred_at=None,
            by="benchmark",
        )
        entry = entry_of(core, [self._seal()] if sealed else [])
        self._previous = leaf_hash(entry)
        return self.subject_id, self._version, event_id, kind.name, entry

    def _seal(self) -> Seal:
        self._blobs[self._version] = blob = os.urandom(BLOB_SIZE_BYTES)
        digest = hashlib.sha256(blob).digest()
        commitment = hashlib.sha256(digest).digest() if self._version == 2 else None
        return Seal(0, "participation", self._key, digest, BLOB_SIZE_BYTES, commitment)

    def _next(self) -> tuple[object, bool]:
        match self._version:
            case 1:
                registered = SubjectRegistered(
                    source="registration_form", origin=SourceOrigin.SUBJECT, policy=POLICY
                )
                return registered, False
            case 2:
                return _collected("membership"), True
            case 3:
                return NoticeShown(policy=POLICY, language="sv", channel=NoticeChannel.FORM), False
            case 4:
                return _consented(), True
            case 10:
                return _collected("network_exchange"), True
            case 15:
                return _rectified(), True
            case 20 if self._random.random() < 0.02:
                self._erased = True
                hashes = [hashlib.sha256(blob).digest() for blob in self._blobs.values()]
                return _erased(self._id(), self._key, hashes), False
            case 20:
                restricted = RestrictionSet(
                    restriction=self._id(),
                    ground=RestrictionGround.ACCURACY,
                    purpose=None,
                    source="person",
                )
                return restricted, False
            case odd if odd % 2:
                return _consulted(), False
            case _:
                return _disclosed(self._random.choice(RECIPIENTS)), False

    def _id(self) -> UUID:
        return UUID(int=self._random.getrandbits(128), version=4)


def _collected(purpose: str) -> DataCollected:
    return DataCollected(
        purpose=purpose,
        basis=LegalBasis.LEGITIMATE_INTEREST,
        source="registration_form",
        origin=SourceOrigin.SUBJECT,
        policy=POLICY,
        held=HELD,
        generations=GENERATIONS,
        occasion=None,
        dropped=0,
    )


def _rectified() -> DataRectified:
    return DataRectified(
        category="work.title",
        source="person",
        policy=POLICY,
        held={"membership": "participation", "network_exchange": "participation"},
        generations=GENERATIONS,
        supersedes=(2, 10),
        occasion=None,
    )


def _consented() -> ConsentGiven:
    return ConsentGiven(
        purpose="newsletter",
        wording="0" * 64,
        language="sv",
        policy=POLICY,
        method=ConsentMethod.FORM,
        source="registration_form",
    )


def _consulted() -> ConsultationRecorded:
    return ConsultationRecorded(
        purpose="membership", field_classes=(FieldClass.CONTACT, FieldClass.INTERNAL), categories=()
    )


def _disclosed(recipient: str) -> DataDisclosed:
    return DataDisclosed(
        recipient=recipient,
        member=None,
        country="us",
        mechanism="dpf",
        purpose="membership",
        categories=("contact.email", "contact.name", "work.organisation"),
        source="registration_form",
        occasion=None,
        policy=POLICY,
    )


def _erased(erasure: UUID, key: KeyId, hashes: Sequence[bytes]) -> ErasureExecuted:
    return ErasureExecuted(
        erasure=erasure,
        step=ErasureStep.SUBJECT,
        purposes=(),
        categories=(),
        retained=(),
        keys=(key,),
        classes=("participation",),
        blobs=len(hashes),
        identifiers=True,
        root=root_of_entries(hashes).hex(),
    )
