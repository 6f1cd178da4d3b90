"""The append in process beside the one-event `save` of the PyPI package `eventsourcing`.

Ours twice, by 32 coroutines: the append alone (encode, seal, chain, check the version, commit),
which is what `save` does; and the whole command (state, decision, idempotency key, receipt), which
it does not. Theirs is its default mode (one thread, PostgreSQL recorder, JSON transcoder, no
cipher), and again with eight threads. Both against the same server.
"""

import asyncio
import itertools
import os
import time
from collections.abc import Awaitable, Callable, Iterator
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
from app.events.consents import ConsentGiven
from app.events.recorded import Record, Section
from app.main import open_service
from app.policy.vocabulary import ConsentMethod
from app.receipts import Attribution
from app.service import Service
from app.settings import Settings
from app.store.append import Append, OutcomeCode
from app.store.embedded_home import secret_file
from app.store.event_store import Bucket
from app.store.idempotency import IdempotencyKey
from app.vault.key_vault import DataKey
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
    """Four cells a round, taken in turn."""
    subjects = [UUID(text) for text in registered(ledger, SUBJECTS)]
    with peer(ledger) as application:
        cells = [
            (
                _ours(ledger, lambda service, _number: _append(service)),
                _ours(ledger, lambda service, number: _execute(service, subjects, number)),
                _theirs(application, 1),
                _theirs(application, THREADS),
            )
            for _ in range(rounds)
        ]
    appended, executed, alone_, threads = zip(*cells, strict=True)
    return [
        _figure("append in process: ours x32 / eventsourcing save", appended, alone_, 8.0),
        _figure(f"append in process: ours x32 / save x{THREADS} threads", appended, threads, None),
        _figure("whole command in process: ours x32 / eventsourcing save", executed, alone_, None),
    ]


def _figure(
    name: str, ours: tuple[float, ...], theirs: tuple[float, ...], target: float | None
) -> Figure:
    values = tuple(one / other for one, other in zip(ours, theirs, strict=True))
    return Figure(f"{name}, events/s", values, at_least=target, ours=ours, theirs=theirs)


Step = Callable[[], Awaitable[None]]


def _ours(ledger: Ledger, start: Callable[[Service, int], Step]) -> float:
    return uvloop.run(_for_a_while(ledger, start))


async def _for_a_while(ledger: Ledger, start: Callable[[Service, int], Step]) -> float:
    settings = Settings(home=ledger.home, workers=False)
    async with open_service(settings, runtime_logins(ledger.cluster)) as service:
        steps = [start(service, number) for number in range(COROUTINES)]
        await _many(steps, time.perf_counter() + SECONDS / 5)  # warm: plans, states
        began = time.perf_counter()
        done = await _many(steps, began + SECONDS)
        return done / (time.perf_counter() - began)


async def _many(steps: list[Step], ends: float) -> int:
    async def one(step: Step) -> int:
        done = 0
        while time.perf_counter() < ends:
            await step()
            done += 1
        return done

    return sum(await asyncio.gather(*map(one, steps)))


def _append(service: Service) -> Step:
    """Appends to a stream of its own: sealed, chained, at the version expected."""
    stream, keys = uuid4(), dict[Bucket, DataKey]()
    version = 0
    previous: bytes | None = None
    control = service.rulebook.control.version
    consent = ConsentGiven(
        purpose="newsletter",
        wording=SHA256,
        language="sv",
        policy="impel-1",
        method=ConsentMethod.FORM,
        source="registration_form",
    )
    section = Section("consent_proof", "membership", {"consent.evidence": "form answer 4711"})

    async def step() -> None:
        nonlocal version, previous
        draft = service.store.draft(
            stream,
            [Record(consent, (section,))],
            expected=version,
            previous=previous,
            keys=keys,
            recorded_at=service.ledger.clock(),
            by="benchmark",
        )
        append = Append(stream, version, control, draft.events, draft.wrapped_keys())
        [outcome] = await service.ledger.commit.append([append])
        assert outcome.code is OutcomeCode.APPENDED, outcome.code
        for new in draft.new_keys:
            keys[new.retention_class, new.generation] = new.data_key
        version, previous = version + 1, draft.events[-1].leaf_hash

    return step


def _execute(service: Service, subjects: list[UUID], number: int) -> Step:
    """Gives consents of a share of the people in turn, as the route does."""
    turns = itertools.cycle(subjects[number::COROUTINES])

    async def step() -> None:
        key = IdempotencyKey("benchmark", "consents", uuid4().hex, b"{}")
        receipt = await service.ledger.execute(
            next(turns), _consent(), Attribution("benchmark", key)
        )
        assert receipt.lines

    return step


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
def peer(ledger: Ledger) -> Iterator[Application[UUID]]:
    """An application of the package on the same server."""
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
