"""Projections that follow the log: how fast they catch up, and how soon an append can be seen.

Catching up, checkpointed page by page, beside the projection runner of the PyPI package
`eventsourcing` with a view of one row an aggregate, checkpointed event by event. Then 2,000 appends
a second, open loop, with the engine in a process of its own; once more while a foreign transaction,
which has written, stays open all the while.
"""

import argparse
import asyncio
import bisect
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import uvloop
from eventsourcing.application import Application
from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner
from psycopg.sql import SQL

from app.events.declare import type_of
from app.events.disclosures import DataDisclosed
from app.projections import PROFILES, SHARING_REGISTER
from app.projections.engine import Engine, prepare
from app.projections.folding import advance
from app.store.append import Append, EncodedEvent, OutcomeCode
from app.store.codec import core_line, entry_of, leaf_hash
from app.store.connection import connect, open_pool
from app.store.group_commit import GroupCommit
from app.store.notices import APPENDED_CHANNEL, Announcer, Notices
from benchmarks.figures import Figure, alone
from benchmarks.histories import history
from benchmarks.in_process import Consenting, peer
from benchmarks.servers import Ledger

EVENTS = 10_000
EVENTS_OF_PEER = 1_000
FASTER_AT_LEAST = 15
RATE = 2_000
SECONDS = 3.0
VISIBLE_MAX_MS = 100
TICK_S = 0.005
FOLLOWED = (PROFILES, SHARING_REGISTER)

POSITION = """
SELECT min(position) FROM ledger.positions
 WHERE state = 'serving' AND projection = ANY ($1::text[])
"""


class View(PostgresTrackingRecorder):
    """How often each aggregate was written to: about the least that a view can hold."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        table = "CREATE TABLE IF NOT EXISTS consents (id uuid PRIMARY KEY, given int NOT NULL)"
        self.sql_create_statements.append(SQL(table).format())

    def given(self, aggregate: UUID, tracking: Tracking) -> None:
        """One event and the position, in one transaction."""
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            cursor.execute(
                "INSERT INTO consents VALUES (%s, 1)"
                " ON CONFLICT (id) DO UPDATE SET given = consents.given + 1",
                (aggregate,),
            )


class Counting(Projection[View]):
    """Every event counts."""

    name = "counting"

    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        """As the package calls it."""
        self.view.given(domain_event.originator_id, tracking)


def measure(ledger: Ledger, *, rounds: int) -> list[Figure]:
    """Catching up in turns; then how soon appends can be seen."""
    ours: list[float] = []
    theirs: list[float] = []
    with history(ledger.cluster, EVENTS, name="followed") as database:
        url = ledger.cluster.dsn("ledger_projector", database)
        with peer(ledger) as application:
            for _ in range(rounds):
                ours.append(EVENTS / asyncio.run(_catch_up(url)))
                theirs.append(_run_theirs(application))
        seen = _seen(ledger, database, rounds)
    return [
        Figure(
            "live catch-up of two projections: ours / eventsourcing runner, events/s",
            tuple(one / other for one, other in zip(ours, theirs, strict=True)),
            at_least=FASTER_AT_LEAST,
            ours=tuple(ours),
            theirs=tuple(theirs),
        ),
        *(
            Figure(
                f"append to visible at {RATE:,}/s{while_}, p99 ms", values, at_most=VISIBLE_MAX_MS
            )
            for while_, values in seen.items()
        ),
    ]


async def _catch_up(url: str) -> float:
    """From empty tables to the head, in pages of the size that serves."""
    connection = await connect(url)
    try:
        seconds = 0.0
        for projection in FOLLOWED:
            for table in projection.tables:
                await connection.execute(f"DROP VIEW IF EXISTS projections.{table.name}")
            await prepare(connection, projection)
        began = time.perf_counter()
        for projection in FOLLOWED:
            while await advance(connection, projection, size_max=500):
                pass
        seconds += time.perf_counter() - began
        return seconds
    finally:
        await connection.close()


def _run_theirs(application: "Application[UUID]") -> float:
    """Events a second of the runner, once it is running."""
    aggregate = Consenting()
    for _ in range(EVENTS_OF_PEER):
        aggregate.give("newsletter", "0" * 64, "impel-1", "form answer 4711")
    with ProjectionRunner(
        application_class=Application[UUID], projection_class=Counting, view_class=View
    ) as runner:
        runner.wait(application.recorder.max_notification_id(), timeout=60)
        began = time.perf_counter()
        application.save(aggregate)
        runner.wait(application.recorder.max_notification_id(), timeout=60)
        return EVENTS_OF_PEER / (time.perf_counter() - began)


def _seen(ledger: Ledger, database: str, rounds: int) -> dict[str, tuple[float, ...]]:
    values: dict[str, list[float]] = {"": [], ", a foreign transaction open": []}
    url = ledger.cluster.dsn("ledger_projector", database)
    command = [sys.executable, "-m", "benchmarks.live_projections", "--engine"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as engine:
        try:
            assert engine.stdin is not None
            assert engine.stdout is not None
            engine.stdin.write(f"{url}\n".encode())
            engine.stdin.flush()
            engine.stdout.readline()
            uvloop.run(_visible(ledger, database, foreign=False))  # warm: plans, connections
            for _ in range(rounds):
                for name, found in values.items():
                    found.append(uvloop.run(_visible(ledger, database, foreign=bool(name))))
        finally:
            engine.terminate()
    return {name: tuple(found) for name, found in values.items()}


async def _visible(ledger: Ledger, database: str, *, foreign: bool) -> float:
    """The 99th percentile, in ms, from the call of an append until both projections show it."""
    looks: list[tuple[int, float]] = []
    appended: list[tuple[float, int]] = []
    last: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    url = ledger.cluster.dsn("ledger_app", database)
    async with _writer(ledger, database) as commit, _foreign(ledger, database, foreign):
        looking = asyncio.create_task(_look(url, looks, last))
        began = time.perf_counter()
        running: set[asyncio.Task[None]] = set()
        for number in range(int(RATE * SECONDS)):
            due = began + number / RATE
            if (ahead := due - time.perf_counter()) > TICK_S / 10:
                await asyncio.sleep(ahead)
            task = asyncio.create_task(_append(commit, due, appended))
            running.add(task)
            task.add_done_callback(running.discard)
        await asyncio.gather(*running)
        last.set_result(max(position for _, position in appended))
        await looking
    positions = [position for position, _ in looks]
    waits = sorted(
        looks[bisect.bisect_left(positions, position)][1] - due for due, position in appended
    )
    return waits[int(len(waits) * 0.99)] * 1000


async def _look(url: str, looks: list[tuple[int, float]], last: "asyncio.Future[int]") -> None:
    """What a reader is told, every few milliseconds, until everything can be seen."""
    connection = await connect(url)
    names = [one.name for one in FOLLOWED]
    try:
        position = -1
        while not last.done() or position < last.result():
            position = await connection.fetchval(POSITION, names)
            looks.append((position, time.perf_counter()))
            await asyncio.sleep(TICK_S)
    finally:
        connection.terminate()


@asynccontextmanager
async def _writer(ledger: Ledger, database: str) -> AsyncIterator[GroupCommit]:
    url = ledger.cluster.dsn("ledger_app", database)
    pool = await open_pool(url, size_max=1)
    announcer = Announcer(pool)
    announcer.start()
    commit = GroupCommit(lambda: connect(url), appended=lambda _: announcer.appended())
    await commit.start()
    try:
        yield commit
    finally:
        await commit.stop()
        await announcer.stop()
        await pool.close()


@asynccontextmanager
async def _foreign(ledger: Ledger, database: str, wanted: bool) -> AsyncIterator[None]:  # noqa: FBT001  # the other half of one comparison
    """A transaction of somebody else, with an id of its own, open as long as this lasts."""
    if not wanted:
        yield
        return
    connection: Any = await asyncpg.connect(ledger.superuser(database))
    try:
        await connection.execute("BEGIN; CREATE TABLE public.unrelated (n int)")
        yield
        await connection.execute("ROLLBACK")
    finally:
        connection.terminate()


async def _append(commit: GroupCommit, due: float, appended: list[tuple[float, int]]) -> None:
    stream = uuid4()
    event = DataDisclosed(
        recipient="mailchimp",
        member=None,
        country="us",
        mechanism="dpf",
        purpose="newsletter",
        categories=("contact.email",),
        source="registration_form",
        occasion=None,
        policy="impel-1",
    )
    kind, event_id = type_of(event), uuid4()
    core = core_line(
        kind,
        kind.payload(event),
        event_id=event_id,
        stream_id=stream,
        version=1,
        previous=None,
        recorded_at=datetime.now(UTC),
        occurred_at=None,
        by="benchmark",
    )
    entry = entry_of(core, [])
    encoded = EncodedEvent(event_id, kind.name, entry, leaf_hash(entry), ())
    [outcome] = await commit.append([Append(stream, 0, None, (encoded,))])
    assert outcome.code is OutcomeCode.APPENDED, outcome.code
    assert outcome.first_position is not None
    appended.append((due, outcome.first_position))


async def _follow(url: str) -> None:
    wake = asyncio.Event()
    ear = Notices(lambda: connect(url), {APPENDED_CHANNEL: lambda _: wake.set()})
    ear.start()
    print("up", flush=True)
    await Engine(FOLLOWED, lambda: connect(url), wake=wake).run()


if __name__ == "__main__":
    options = argparse.ArgumentParser(add_help=False)
    options.add_argument("--engine", action="store_true")
    if options.parse_known_args()[0].engine:
        uvloop.run(_follow(sys.stdin.readline().strip()))
    else:
        alone(measure)
