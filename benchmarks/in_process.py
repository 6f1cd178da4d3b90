"""The append in process beside the one-event `save` of the PyPI package `eventsourcing`.

Ours folds, decides, seals, checks the idempotency key and commits durably; 32 coroutines. Theirs is
its default mode (one thread, PostgreSQL recorder, JSON transcoder, no cipher), and again with eight
threads, its best of the default mode; both against the same server.
"""

import asyncio
import itertools
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import uvloop
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event

from app.cli.databases import runtime_logins
from app.domain.consents import GiveConsent
from app.domain.evidence import Evidence, Wording
from app.main import open_service
from app.receipts import Attribution
from app.service import Service
from app.settings import Settings
from app.store.embedded_home import secret_file
from app.store.idempotency import IdempotencyKey
from benchmarks.bodies import SHA256
from benchmarks.figures import Figure, alone
from benchmarks.people import registered
from benchmarks.servers import PEER_DATABASE, Ledger

SECONDS = 2.5
COROUTINES = 32
THREADS = 8
SUBJECTS = 1_000


class Consenting(Aggregate):
    """The same facts as our event, as the package's documentation writes an aggregate."""

    @event("Given")
    def give(self, purpose: str, wording: str, policy: str, evidence: str) -> None:
        """One consent."""
        self.purpose, self.wording = purpose, wording
        self.policy, self.evidence = policy, evidence


def measure(ledger: Ledger, *, rounds: int) -> list[Figure]:
    """Three cells a round, taken in turn."""
    subjects = [UUID(text) for text in registered(ledger, SUBJECTS)]
    with _peer(ledger) as peer:
        cells = [
            (_ours(ledger, subjects), _theirs(peer, 1), _theirs(peer, THREADS))
            for _ in range(rounds)
        ]
    return [
        Figure(
            "append in process, events/s: ours x32 / eventsourcing save",
            tuple(ours / theirs for ours, theirs, _ in cells),
            at_least=8.0,
            ours=tuple(ours for ours, *_ in cells),
            theirs=tuple(theirs for _, theirs, _ in cells),
        ),
        Figure(
            f"append in process, events/s: ours x32 / eventsourcing save x{THREADS}",
            tuple(ours / theirs for ours, _, theirs in cells),
            ours=tuple(ours for ours, *_ in cells),
            theirs=tuple(theirs for *_, theirs in cells),
        ),
    ]


def _ours(ledger: Ledger, subjects: list[UUID]) -> float:
    return uvloop.run(_append_for_a_while(ledger, subjects))


async def _append_for_a_while(ledger: Ledger, subjects: list[UUID]) -> float:
    settings = Settings(home=ledger.home)
    async with open_service(settings, runtime_logins(ledger.cluster)) as service:
        turns = itertools.cycle(subjects)
        await _many(service, turns, time.perf_counter() + SECONDS / 5)  # warm: plans, states
        start = time.perf_counter()
        done = await _many(service, turns, start + SECONDS)
        return done / (time.perf_counter() - start)


async def _many(service: Service, turns: Iterator[UUID], ends: float) -> int:
    async def one() -> int:
        done = 0
        while time.perf_counter() < ends:
            key = IdempotencyKey("benchmark", "consents", uuid4().hex, b"{}")
            receipt = await service.ledger.execute(
                next(turns), _consent(), Attribution("benchmark", key)
            )
            done += len(receipt.lines)
        return done

    return sum(await asyncio.gather(*(one() for _ in range(COROUTINES))))


def _consent() -> GiveConsent:
    return GiveConsent(
        purpose="newsletter",
        evidence=Evidence(
            wording=Wording(digest=SHA256, language="sv", policy="impel-1"),
            method="form",
            source="registration_form",
            occurred_at=datetime.now(UTC) - timedelta(seconds=1),
            reference="form answer 4711",
        ),
    )


@contextmanager
def _peer(ledger: Ledger) -> Iterator[Application[UUID]]:
    os.environ |= {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": PEER_DATABASE,
        "POSTGRES_HOST": str(ledger.cluster.sockets),
        "POSTGRES_PORT": "5432",
        "POSTGRES_USER": "postgres",
        "POSTGRES_PASSWORD": secret_file(ledger.home, "postgres").read_text().strip(),
    }
    application: Application[UUID] = Application()
    try:
        yield application
    finally:
        application.close()


def _theirs(application: "Application[UUID]", threads: int) -> float:
    aggregates = [Consenting() for _ in range(threads)]
    for aggregate in aggregates:
        application.save(aggregate)

    def save_for_a_while(aggregate: Consenting) -> int:
        done = 0
        while time.perf_counter() < ends:
            aggregate.give("newsletter", SHA256, "impel-1", "form answer 4711")
            application.save(aggregate)
            done += 1
        return done

    start = time.perf_counter()
    ends = start + SECONDS
    with ThreadPoolExecutor(threads) as pool:
        done = sum(pool.map(save_for_a_while, aggregates))
    return done / (time.perf_counter() - start)


if __name__ == "__main__":
    alone(measure)
