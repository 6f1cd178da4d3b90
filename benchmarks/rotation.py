"""A rotation of the keys at size, by a process of its own, and what it costs appends meanwhile.

The people are real to the service: sealed under keys of their own, found by an address, and copied
straight into the log. Appends come over HTTP at a fixed rate, without a rotation and beside one;
each epoch is ended before the next is opened.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import chain, count, islice
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import uvloop

from app.cli.databases import runtime_logins
from app.clock import random_id
from app.domain.identities import Lot, claim
from app.events.recorded import Record, Section
from app.main import open_service
from app.policy.vocabulary import IdentifierKind
from app.rights.key_epochs import KeyEpochs
from app.settings import Settings
from app.store.connection import Logins, connect
from app.store.epochs import epoch_holds
from app.store.event_store import EventStore
from app.vault.custody import FileCustody
from benchmarks import load
from benchmarks.bodies import BODIES
from benchmarks.figures import Figure, alone
from benchmarks.load import Load, Result
from benchmarks.machine import peak_mib
from benchmarks.people import numbered_email, registered
from benchmarks.registers import _COLLECTED, _REGISTERED, GENERATION, KEPT
from benchmarks.servers import Ledger
from samples.people import people

PEOPLE = 100_000
PEOPLE_SHORT = 10_000
CHUNK = 2_000
RATE = 100.0
APPENDING = 1_000
"""People of whom something is appended; their keys move with the others."""
SECONDS_MIN = 4.0
MEMORY_MAX_MIB = 200

Rows = dict[str, list[tuple[Any, ...]]]
Told = dict[str, float]


def measure(ledger: Ledger, *, rounds: int, full: bool = False) -> list[Figure]:
    """Each round: a rotation alone, appends alone, and both at once."""
    size = PEOPLE if full else PEOPLE_SHORT
    asyncio.run(_populate(ledger, size))
    appending = registered(ledger, APPENDING)
    by_itself: list[Told] = []
    beside: list[tuple[Result, Result]] = []
    for _ in range(rounds):
        told = _rotation(ledger, lambda: None)
        by_itself.append(told)
        seconds = max(SECONDS_MIN, told["seconds"])
        quiet = _appends(ledger, appending, seconds)
        beside.append((_appends_beside(ledger, appending, seconds), quiet))
    held = by_itself[0]
    of = f"rotation of {held['keys']:,.0f} keys and {held['tokens']:,.0f} tokens"
    return [
        Figure(f"{of}, keys/s", tuple(one["keys"] / one["keys_s"] for one in by_itself)),
        Figure(f"{of}, tokens/s", tuple(one["tokens"] / one["tokens_s"] for one in by_itself)),
        Figure(f"{of}, s", tuple(one["seconds"] for one in by_itself)),
        Figure(f"{of}, end of the epoch, s", tuple(one["ended_s"] for one in by_itself)),
        Figure(
            f"{of}, peak MiB of the process",
            tuple(one["mib"] for one in by_itself),
            at_most=MEMORY_MAX_MIB,
        ),
        Figure(
            f"appends at {RATE:.0f}/s, p99 ms: beside a rotation / without",
            tuple(busy.p99_ms / quiet.p99_ms for busy, quiet in beside),
            ours=tuple(busy.p99_ms for busy, _ in beside),
            theirs=tuple(quiet.p99_ms for _, quiet in beside),
        ),
    ]


def _appends(ledger: Ledger, subjects: tuple[str, ...], seconds: float) -> Result:
    return load.run(
        Load(
            ledger.port,
            "/v1/subjects/{subject}/consents",
            json.dumps(BODIES["consents"], ensure_ascii=False),
            subjects=subjects,
            headers=ledger.headers(),
            connections=16,
            seconds=seconds,
            paced=RATE,
        )
    )


def _appends_beside(ledger: Ledger, subjects: tuple[str, ...], seconds: float) -> Result:
    found: list[Result] = []
    _rotation(ledger, lambda: found.append(_appends(ledger, subjects, seconds)))
    return found[0]


def _rotation(ledger: Ledger, meanwhile: Callable[[], None]) -> Told:
    """One epoch more, and the end of the last; ``meanwhile`` begins with the rotation."""
    order = {
        "home": str(ledger.home),
        "logins": asdict(runtime_logins(ledger.cluster)),
        "owner": ledger.cluster.dsn("ledger_migrator"),
    }
    command = [sys.executable, "-m", "benchmarks.rotation", "--rotate"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(order).encode() + b"\n")
        process.stdin.flush()
        process.stdout.readline()  # its connections are open
        beside = threading.Thread(target=meanwhile)
        beside.start()
        process.stdin.write(b"\n")
        process.stdin.flush()
        told: Told = json.loads(process.stdout.readline())
        beside.join()
    return told


async def _rotate(order: dict[str, Any]) -> Told:
    """In this process, as `pdledger keys rotate` and `destroy-epoch` do."""
    settings = Settings(home=Path(order["home"]), workers=False)
    async with open_service(settings, Logins(**order["logins"])) as service:
        owner = await connect(order["owner"], application="pdledger-keys")
        await owner.execute("SET ROLE ledger_owner")
        at: dict[str, float] = {}

        async def between(step: str) -> None:
            at.setdefault(step, time.perf_counter())

        epochs = KeyEpochs(
            service.ledger,
            service.control,
            service.pool,
            owner,
            custody=FileCustody(settings.home / "keys"),
            between=between,
        )
        held = await epoch_holds(owner, service.store.vault.active_epoch)
        print("ready", flush=True)
        sys.stdin.readline()
        began = time.perf_counter()
        done = await epochs.rotate()
        ended = time.perf_counter()
        if any(done.holds.values()):
            raise RuntimeError(f"not everything moved: {done.holds}")
        await epochs.destroy(done.leaving)
        await owner.close()
        return {
            "keys": held["keyring"],
            "tokens": held["identifiers"],
            "keys_s": at["registers"] - at["turned"],
            "tokens_s": ended - at["registers"],
            "seconds": ended - began,
            "ended_s": time.perf_counter() - ended,
            "mib": peak_mib(),
        }


async def _populate(ledger: Ledger, size: int) -> None:
    settings = Settings(home=ledger.home, workers=False)
    async with open_service(settings, runtime_logins(ledger.cluster)) as service:
        admin: Any = await asyncpg.connect(ledger.superuser())
        try:
            await admin.execute("SET ROLE ledger_owner")
            position = await service.store.head_position()
            people_ = _people()
            while chunk := list(islice(people_, min(CHUNK, size))):
                rows = _rows(service.store, chunk, position)
                for table, columns in COPIED.items():
                    await admin.copy_records_to_table(
                        table, schema_name="ledger", records=rows[table], columns=columns
                    )
                position += len(rows["events"])
                size -= len(chunk)
            await admin.execute("RESET ROLE")
            for table in COPIED:
                await admin.execute(f"VACUUM ANALYZE ledger.{table}")
        finally:
            await admin.close()


COPIED = {
    "events": ("partition", "position", "stream_id", "version", "event_id", "type", "entry"),
    "keyring": ("key_id", "subject_id", "class", "generation", "epoch", "wrapped", "state"),
    "sealed": ("stream_id", "version", "section", "key_id", "blob"),
    "identifiers": ("kind", "token", "epoch", "subject_id"),
}


def _rows(store: EventStore, chunk: list[list[Record]], position: int) -> Rows:
    """What some people's three events put into the tables, as the append would have."""
    rows: Rows = {table: [] for table in COPIED}
    places = count(position + 1)
    for records in chunk:
        person = random_id()
        draft = store.draft(
            person,
            records,
            expected=0,
            previous=None,
            keys={},
            recorded_at=datetime.now(UTC),
            by="benchmark",
        )
        for version, event in enumerate(draft.events, 1):
            row = (person, version, event.event_id, event.type, event.entry)
            rows["events"].append((0, next(places), *row))
            rows["sealed"] += [
                (person, version, one.section, one.key_id, one.blob) for one in event.blobs
            ]
        for key in draft.wrapped_keys():
            kind = (key.retention_class, key.generation)
            rows["keyring"].append((key.key_id, person, *kind, key.epoch, key.wrapped, "active"))
        rows["identifiers"] += [
            (one.kind, one.token, one.epoch, person) for one in draft.identifiers
        ]
    return rows


def _people() -> Iterator[list[Record]]:
    """The sample people over and over, each with an address of their own."""
    mark = uuid4().hex[:6]
    lot = Lot(
        purpose=_COLLECTED.purpose,
        basis=_COLLECTED.basis,
        source=_COLLECTED.source,
        policy=_COLLECTED.policy,
        retention_class=KEPT,
        generation=GENERATION,
    )
    for number, person in enumerate(chain.from_iterable(people() for _ in count())):
        address = numbered_email(person, number, mark)
        personal = {
            "contact.name": person.name,
            "contact.email": address,
            "work.title": person.job_title,
            "work.organisation": person.organisation.name,
        }
        section = Section(KEPT, GENERATION, personal)
        claimed = claim(IdentifierKind.EMAIL, "contact.email", address, lot, value_at=2)
        yield [Record(_REGISTERED), Record(_COLLECTED, (section,)), claimed]


if __name__ == "__main__":
    options = argparse.ArgumentParser(add_help=False)
    options.add_argument("--rotate", action="store_true")
    if options.parse_known_args()[0].rotate:
        print(json.dumps(uvloop.run(_rotate(json.loads(sys.stdin.readline())))), flush=True)
    else:
        alone(measure)
