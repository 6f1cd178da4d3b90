"""A page of 50 profiles at 100,000 people: read, opened, recorded of each person, and answered.

The people are real to the service: sealed under keys of their own, and copied straight into the
log. Pages follow each other by their cursors, so that none was read before. Beside it the same page
without a column that is sealed, which waits for no decryption and records nothing about anybody.
"""

import asyncio
import http.client
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import asyncpg

from app.cli.databases import runtime_logins
from app.clock import random_id
from app.events.collections import DataCollected
from app.events.recorded import Record, Section
from app.events.subjects import SubjectRegistered
from app.main import open_service
from app.policy.vocabulary import LegalBasis, SourceOrigin
from app.projections import PROFILES
from app.projections.rebuild import rebuild
from app.settings import Settings
from app.store.event_store import EventStore
from benchmarks.figures import Figure, alone
from benchmarks.servers import Ledger
from samples.people import people

PEOPLE = 100_000
PEOPLE_SHORT = 20_000
CHUNK = 2_000
PAGES = 60
PAGE = 50
P50_MAX_MS = 25.0
PURPOSE, KEPT, GENERATION = "network_exchange", "participation", "membership"

Rows = dict[str, list[tuple[Any, ...]]]


def measure(ledger: Ledger, *, rounds: int, full: bool = False) -> list[Figure]:
    """p50 of pages that nobody has read before, with and without what is sealed."""
    count = PEOPLE if full else PEOPLE_SHORT
    asyncio.run(_populate(ledger, count))
    opened = _Walk(ledger, "columns=contact.name&columns=contact.email&columns=work.title")
    bare = _Walk(ledger, "columns=subject_id&columns=source")
    opened.pages(5)
    bare.pages(5)
    pairs = [(opened.pages(PAGES // rounds), bare.pages(PAGES // rounds)) for _ in range(rounds)]
    return [
        Figure(
            f"a page of {PAGE} profiles at {count:,} people, opened and recorded, p50 ms",
            tuple(first for first, _ in pairs),
            at_most=P50_MAX_MS,
        ),
        Figure(
            f"a page of {PAGE} profiles at {count:,} people, nothing sealed shown, p50 ms",
            tuple(second for _, second in pairs),
        ),
    ]


class _Walk:
    """Page after page of the register of profiles, on one connection."""

    def __init__(self, ledger: Ledger, columns: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", ledger.port, timeout=60)
        self._headers = {"authorization": f"Bearer {ledger.key}", "purpose": PURPOSE}
        self._path = f"/v1/subjects?limit={PAGE}&{columns}"
        self._cursor: str | None = None

    def pages(self, count: int) -> float:
        """Median of the milliseconds that each of the next pages took."""
        taken: list[float] = []
        for _ in range(max(1, count)):
            path = self._path if self._cursor is None else f"{self._path}&cursor={self._cursor}"
            began = time.perf_counter()
            self._connection.request("GET", path, headers=self._headers)
            answer = self._connection.getresponse()
            body = answer.read()
            taken.append(1000 * (time.perf_counter() - began))
            told = json.loads(body)
            if answer.status != 200 or len(told["items"]) != PAGE:
                raise RuntimeError(f"no page of {PAGE} people: {answer.status}")
            self._cursor = told["next"]
        return sorted(taken)[len(taken) // 2]


async def _populate(ledger: Ledger, count: int) -> None:
    settings = Settings(home=ledger.home, workers=False)
    async with open_service(settings, runtime_logins(ledger.cluster)) as service:
        admin: Any = await asyncpg.connect(ledger.superuser())
        try:
            await admin.execute("SET ROLE ledger_owner")
            position = await service.store.head_position()
            while count > 0:
                rows = _rows(service.store, min(CHUNK, count), position)
                for table, columns in COPIED.items():
                    await admin.copy_records_to_table(
                        table, schema_name="ledger", records=rows[table], columns=columns
                    )
                position += len(rows["events"])
                count -= CHUNK
            await admin.execute("RESET ROLE")
            for table in COPIED:
                await admin.execute(f"ANALYZE ledger.{table}")
        finally:
            await admin.close()
    await rebuild(ledger.cluster.dsn("ledger_projector"), (PROFILES,))


COPIED = {
    "events": ("partition", "position", "stream_id", "version", "event_id", "type", "entry"),
    "keyring": ("key_id", "subject_id", "class", "generation", "epoch", "wrapped", "state"),
    "sealed": ("stream_id", "version", "section", "key_id", "blob"),
}


def _rows(store: EventStore, count: int, position: int) -> Rows:
    """What some people's two events put into the tables, as the append would have."""
    rows: Rows = {table: [] for table in COPIED}
    for records in islice(_records(), count):
        subject_id = random_id()
        draft = store.draft(
            subject_id,
            records,
            expected=0,
            previous=None,
            keys={},
            recorded_at=datetime.now(UTC),
            by="benchmark",
        )
        for version, event in enumerate(draft.events, 1):
            position += 1
            rows["events"].append(
                (0, position, subject_id, version, event.event_id, event.type, event.entry)
            )
            rows["sealed"] += [
                (subject_id, version, one.section, one.key_id, one.blob) for one in event.blobs
            ]
        rows["keyring"] += [
            (
                key.key_id,
                subject_id,
                key.retention_class,
                key.generation,
                key.epoch,
                key.wrapped,
                "active",
            )
            for key in draft.wrapped_keys()
        ]
    return rows


def _records() -> Iterator[list[Record]]:
    """The sample people over and over, without end."""
    while True:
        for person in people():
            personal = {
                "contact.name": person.name,
                "contact.email": person.email,
                "work.title": person.job_title,
                "work.organisation": person.organisation.name,
            }
            section = Section(KEPT, GENERATION, personal)
            yield [Record(_REGISTERED), Record(_COLLECTED, (section,))]


_REGISTERED = SubjectRegistered(
    source="registration_form", origin=SourceOrigin.SUBJECT, policy="impel-1"
)
_COLLECTED = DataCollected(
    purpose=PURPOSE,
    basis=LegalBasis.LEGITIMATE_INTEREST,
    source="registration_form",
    origin=SourceOrigin.SUBJECT,
    policy="impel-1",
    held=dict.fromkeys(("contact.name", "contact.email", "work.title", "work.organisation"), KEPT),
    generations={KEPT: GENERATION},
    occasion=None,
    dropped=0,
)


if __name__ == "__main__":
    alone(measure)
