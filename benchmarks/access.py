"""The access report of a person with 200 events over HTTP, against the bare query of those events.

Every report is of somebody who was not read before, since a report is itself recorded as a reading.
The bare query is one prepared statement for events, blobs and key states on one connection, a row
each, without decoding, decrypting or HTTP. Beside it what the service's memory gains by reports on
10,000 events.
"""

import asyncio
import http.client
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

from app.cli.databases import runtime_logins
from app.clock import random_id
from app.events.collections import DataCollected
from app.events.consultations import ConsultationRecorded
from app.events.disclosures import DataDisclosed
from app.events.notices import NoticeChannel, NoticeShown
from app.events.recorded import Record, Section
from app.events.subjects import SubjectRegistered
from app.main import open_service
from app.policy.vocabulary import FieldClass, LegalBasis, SourceOrigin
from app.settings import Settings
from app.store.event_store import EventStore
from benchmarks.figures import Figure, alone
from benchmarks.servers import Ledger

EVENTS = 200
LONG = 10_000
READS = 40
TIMES_MAX = 4.0
GAIN_MAX_MIB = 150.0
WARM_UP = 5
RECIPIENTS = ("mailchimp", "basecamp", "hotels")
PURPOSE, KEPT, GENERATION, POLICY = "network_exchange", "participation", "membership", "impel-1"
WITH_BLOBS = True
BARE_SQL = """
SELECT 0 AS kind, version AS a, position AS b, NULL::uuid AS k, entry AS bytes,
       NULL::text AS c, NULL::text AS g, NULL::text AS state
  FROM ledger.events WHERE stream_id = $1 AND version > $3
UNION ALL
SELECT 1, version, section, key_id, blob, NULL, NULL, NULL
  FROM ledger.sealed WHERE stream_id = $1 AND $2
UNION ALL
SELECT 2, epoch, 0, key_id, wrapped, class, generation, state
  FROM ledger.keyring WHERE subject_id = $1
"""
COPIED = {
    "events": ("partition", "position", "stream_id", "version", "event_id", "type", "entry"),
    "keyring": ("key_id", "subject_id", "class", "generation", "epoch", "wrapped", "state"),
    "sealed": ("stream_id", "version", "section", "key_id", "blob"),
}


def measure(ledger: Ledger, *, rounds: int, full: bool = False) -> list[Figure]:
    """Medians of both sides round by round, and the memory of the serving process."""
    people = asyncio.run(_populate(ledger, [EVENTS] * (rounds * READS + WARM_UP) + [LONG] * 3))
    short, long = people[:-3], people[-3:]
    caller = _Caller(ledger)
    for person in short[:WARM_UP]:
        caller.report(person)
    ours, theirs = [], []
    for number in range(rounds):
        first = WARM_UP + number * READS
        chosen = short[first : first + READS]
        theirs.append(asyncio.run(_bare(ledger, chosen)))
        ours.append(_median([caller.report(person) for person in chosen]))
    pairs = list(zip(ours, theirs, strict=True))
    figures = [
        Figure(
            f"access report of {EVENTS} events, p50, times the bare query",
            tuple(mine / bare for mine, bare in pairs),
            at_most=TIMES_MAX,
            ours=tuple(ours),
            theirs=tuple(theirs),
        )
    ]
    forms = ("json", "html", *(("pdf",) if full else ()))
    return figures + [_memory(ledger, caller, long, form) for form in forms]


def _memory(ledger: Ledger, caller: "_Caller", people: Sequence[UUID], form: str) -> Figure:
    before = _peak_mib(ledger.pid)
    taken = [caller.report(person, form) for person in people]
    return Figure(
        f"memory gained by reports on {LONG:,} events as {form}, MiB",
        (_peak_mib(ledger.pid) - before,),
        at_most=GAIN_MAX_MIB,
        ours=tuple(taken),
    )


class _Caller:
    """One connection that asks for reports."""

    def __init__(self, ledger: Ledger) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", ledger.port, timeout=300)
        self._headers = {"authorization": f"Bearer {ledger.key}"}

    def report(self, person: UUID, form: str = "json") -> float:
        """Milliseconds until the whole report was read."""
        began = time.perf_counter()
        path = f"/v1/subjects/{person}/access-report?format={form}"
        self._connection.request("GET", path, headers=self._headers)
        answer = self._connection.getresponse()
        body = answer.read()
        taken = 1000 * (time.perf_counter() - began)
        if answer.status != 200 or len(body) < 10_000:
            raise RuntimeError(f"no report: {answer.status}")
        return taken


async def _bare(ledger: Ledger, people: Sequence[UUID]) -> float:
    """Median of the milliseconds that one statement takes for each of the people."""
    connection: Any = await asyncpg.connect(ledger.superuser())
    try:
        statement = await connection.prepare(BARE_SQL)
        taken = []
        for person in people:
            began = time.perf_counter()
            await statement.fetch(person, WITH_BLOBS, 0)
            taken.append(1000 * (time.perf_counter() - began))
    finally:
        await connection.close()
    return _median(taken)


def _median(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]


def _peak_mib(pid: int) -> float:
    """The most that the process ever held."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


async def _populate(ledger: Ledger, sizes: Sequence[int]) -> list[UUID]:
    settings = Settings(home=ledger.home, workers=False)
    async with open_service(settings, runtime_logins(ledger.cluster)) as service:
        admin: Any = await asyncpg.connect(ledger.superuser())
        try:
            await admin.execute("SET ROLE ledger_owner")
            position = await service.store.head_position()
            people: list[UUID] = []
            for size in sizes:
                person = random_id()
                rows = _rows(service.store, person, size, position)
                for table, columns in COPIED.items():
                    await admin.copy_records_to_table(
                        table, schema_name="ledger", records=rows[table], columns=columns
                    )
                position += size
                people.append(person)
            await admin.execute("RESET ROLE")
            for table in COPIED:
                await admin.execute(f"ANALYZE ledger.{table}")
        finally:
            await admin.close()
    return people


def _rows(store: EventStore, person: UUID, size: int, position: int) -> dict[str, list[Any]]:
    """What a person's events put into the tables, as the append would have."""
    draft = store.draft(
        person,
        list(_life(size)),
        expected=0,
        previous=None,
        keys={},
        recorded_at=datetime.now(UTC),
        by="benchmark",
    )
    numbered = list(enumerate(draft.events, 1))
    return {
        "events": [
            (0, position + version, person, version, event.event_id, event.type, event.entry)
            for version, event in numbered
        ],
        "sealed": [
            (person, version, one.section, one.key_id, one.blob)
            for version, event in numbered
            for one in event.blobs
        ],
        "keyring": [
            (key.key_id, person, key.retention_class, key.generation, key.epoch, key.wrapped, state)
            for key in draft.wrapped_keys()
            for state in ("active",)
        ],
    }


def _life(size: int) -> Iterator[Record]:
    """A member of some years: half of it shares, a quarter readings, a quarter data collected."""
    yield Record(
        SubjectRegistered(source="registration_form", origin=SourceOrigin.SUBJECT, policy=POLICY)
    )
    yield Record(NoticeShown(policy=POLICY, language="sv", channel=NoticeChannel.FORM))
    for number in range(size - 2):
        if number % 4 == 0:
            yield _collected(number)
        elif number % 4 == 1:
            yield Record(
                ConsultationRecorded(
                    purpose=PURPOSE,
                    field_classes=(FieldClass.CONTACT,),
                    categories=("contact.email", "contact.name"),
                )
            )
        else:
            yield _disclosed(RECIPIENTS[number % len(RECIPIENTS)])


def _collected(number: int) -> Record:
    personal = {
        "contact.name": "Zoë Ångström-O'Brien",
        "contact.email": f"zoe.{number}@stad.example",
        "work.organisation": "Miljöförvaltningen",
    }
    event = DataCollected(
        purpose=PURPOSE,
        basis=LegalBasis.LEGITIMATE_INTEREST,
        source="registration_form",
        origin=SourceOrigin.SUBJECT,
        policy=POLICY,
        held=dict.fromkeys(personal, KEPT),
        generations={KEPT: GENERATION},
        occasion=None,
        dropped=0,
    )
    return Record(event, (Section(KEPT, GENERATION, personal),))


def _disclosed(recipient: str) -> Record:
    return Record(
        DataDisclosed(
            recipient=recipient,
            member=None,
            country="be" if recipient == "hotels" else "us",
            mechanism="eea" if recipient == "hotels" else "dpf",
            purpose=PURPOSE,
            categories=("contact.email", "contact.name"),
            source="registration_form",
            occasion=None,
            policy=POLICY,
        )
    )


if __name__ == "__main__":
    alone(measure)
