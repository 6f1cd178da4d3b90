"""The loops beside the API: projections, the hourly purge of idempotency rows, daily retention."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any, NoReturn

import structlog

from app.clock import system_clock
from app.projections import PROJECTIONS
from app.projections.engine import Connect, Engine
from app.projections.projection import Projection
from app.propagation.deliveries import Deliveries, random_portion
from app.propagation.feeding import Feeding
from app.propagation.mailing import Mailing
from app.propagation.time_stamps import Stamping
from app.propagation.transmitting import Transmitting
from app.propagation.witness_memory import examine_witnesses
from app.rights.portability_package import packing
from app.service import Service
from app.store.cosignatures import Cosignatures
from app.store.delivery_queue import DeliveryQueue
from app.store.log_standing import LogTakenBack, LogWatch, TakenBack
from app.store.log_tree import LogTree
from app.store.notices import APPENDED_CHANNEL, Notices
from app.store.time_stamps import TimeStamps

PURGE_PAUSE_S = 3600.0
RETENTION_PAUSE_S = 3600.0
STOP_S = 1.0
REFUSE_S = 4.0

Loop = Callable[[], Coroutine[Any, Any, NoReturn]]
"""Runs until it is cancelled, and mends its own faults."""
Purge = Callable[[], Awaitable[object]]
Retain = Callable[[], Awaitable[bool]]
"""Carries out what is due today; False when something of it is left to be tried again."""

_LOG = structlog.get_logger(__name__)


class Workers:
    """Owns one task a loop. Any number of processes may run them side by side.

    ``connect`` opens a connection of ledger_projector; None leaves the projections to another
    process. ``listen`` opens one past any pooler, on which appends are heard of; without it the log
    is looked at every now and then. ``purge`` deletes what the idempotency register no longer
    needs. ``retain`` carries out what is due today; None leaves it to a process that may destroy.
    """

    def __init__(
        self,
        *,
        connect: Connect | None,
        purge: Purge,
        retain: Retain | None = None,
        loops: Mapping[str, Loop] = MappingProxyType({}),
        listen: Connect | None = None,
        projections: Iterable[Projection] = PROJECTIONS,
    ) -> None:
        wake = asyncio.Event()
        self._engine = None if connect is None else Engine(projections, connect, wake=wake)
        self._ear = None if listen is None else Notices(listen, _waking(wake))
        self._purge = purge
        self._retain = retain
        self._loops = loops
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Starts every loop as a task of the running event loop."""
        assert not self._tasks, "workers are started once"
        self._tasks = {asyncio.create_task(self._purge_hourly(), name="idempotency purge")}
        if self._engine is not None:
            self._tasks.add(asyncio.create_task(self._engine.run(), name="projections"))
        if self._ear is not None:
            self._ear.start()
        for name, run in self._loops.items():
            self._tasks.add(asyncio.create_task(run(), name=name))
        if self._retain is not None:
            self._tasks.add(asyncio.create_task(self._retain_daily(self._retain), name="retention"))

    async def stop(self) -> None:
        """Stops every loop within a second; a page half projected is rolled back."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            # Who hangs on a dead database holds up nobody; the transaction dies with it.
            await asyncio.wait(self._tasks, timeout=STOP_S)
        self._tasks = set()
        if self._ear is not None:
            await self._ear.stop()

    async def _purge_hourly(self) -> NoReturn:
        while True:
            try:
                await self._purge()
            except Exception as error:  # noqa: BLE001  # the head of a worker's loop
                _LOG.error("idempotency purge failed", error_class=type(error).__name__)
            await asyncio.sleep(PURGE_PAUSE_S)

    async def _retain_daily(self, retain: Retain) -> NoReturn:
        """Once a day, and again an hour later while anything is left: never a day late (L7)."""
        done_on: date | None = None
        while True:
            today = system_clock().date()
            try:
                if today != done_on and await retain():
                    done_on = today
            except Exception as error:  # noqa: BLE001  # the head of a worker's loop
                _LOG.error("retention failed", error_class=type(error).__name__)
            await asyncio.sleep(RETENTION_PAUSE_S)


def _waking(wake: asyncio.Event) -> dict[str, Callable[[str], None]]:
    return {APPENDED_CHANNEL: lambda _: wake.set()}


def sending(service: Service) -> dict[str, Loop]:
    """What sends things elsewhere; each hears at once of what was appended."""
    deliveries = Deliveries(
        service.pool,
        DeliveryQueue(service.pool, service.subscriptions),
        service.feed.cloud_events,
        outbound=service.outbound,
        clock=service.ledger.clock,
    )
    mailing = Mailing(
        service.ledger,
        service.pool,
        service.correspondence.post_office,
        sends=service.correspondence.smtp,
    )
    transmitting = Transmitting(
        service.ledger,
        service.pool,
        service.receivers,
        outbound=service.outbound,
        pack=packing(service.ledger, service.signer, service.correspondence.public_url),
    )
    loops: dict[str, Deliveries | Mailing | Transmitting] = {
        "deliveries": deliveries,
        "mails": mailing,
        "transmissions": transmitting,
    }
    for loop in loops.values():
        service.feed.wakes(loop.wake)
    return {name: loop.run for name, loop in loops.items()}


def attesting(
    service: Service, witness_every_s: float, timestamp_every_s: float
) -> dict[str, Loop]:
    """What has others vouch for the log; nothing where nobody is set up to."""
    log, found = LogTree(service.pool), service.attestation
    loops: dict[str, Loop] = {}
    if any(one.url is not None for one in found.policy.witnesses):
        loops["witnesses"] = Feeding(
            log,
            Cosignatures(service.pool),
            found.policy,
            outbound=found.outbound,
            clock=service.ledger.clock,
            measures=service.measures,
            every_s=witness_every_s,
            portion=random_portion,
        ).run
    if found.authority is not None:
        loops["time-stamps"] = Stamping(
            log,
            TimeStamps(service.pool),
            found.authority,
            outbound=found.outbound,
            clock=service.ledger.clock,
            measures=service.measures,
            every_s=timestamp_every_s,
        ).run
    return loops


async def prove_witnessed(service: Service) -> None:
    """LogTakenBack when a witness remembers what the log contradicts; it has 2 s to say so."""
    found = await examine_witnesses(
        LogTree(service.pool),
        Cosignatures(service.pool),
        service.attestation.policy,
        outbound=service.attestation.outbound,
        clock=service.ledger.clock,
    )
    if found is not None:
        raise LogTakenBack(found)


@asynccontextmanager
async def watching(
    service: Service, keys: Path, refuse: Callable[[TakenBack], Awaitable[None]]
) -> AsyncIterator[None]:
    """Calls ``refuse`` once the database under the running service is found exchanged."""
    watch = LogWatch(LogTree(service.pool), service.store.vault.ledger_id, keys)
    await watch.remember()

    looking = asyncio.create_task(watch.until_taken_back(), name="watch of the log")

    async def act() -> None:
        await refuse(await looking)

    acting = asyncio.create_task(act(), name="refusal")
    try:
        yield
    finally:
        looking.cancel()
        # What was begun to be closed is closed to its end.
        await asyncio.wait((acting,), timeout=REFUSE_S)
