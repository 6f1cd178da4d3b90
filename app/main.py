"""The composition root: builds a service out of settings; nothing else builds objects."""

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import structlog
from fastapi import FastAPI
from fastapi.routing import APIRoute

from app import api, assembly
from app.api import failures
from app.api.envelope import Envelope
from app.api.gate import Gate
from app.api.head import Heads
from app.api.short_way import ShortWay
from app.api.streams import STOP_STREAMS
from app.api.strict_json import StrictRoute
from app.api.tracing import exporting
from app.auth import Callers
from app.clock import Clock, system_clock
from app.control_ledger import ControlLedger
from app.ledger import Ledger
from app.measures import Measures, Retained
from app.propagation.cloud_events import CloudEvents
from app.propagation.destinations import Resolve, system_resolve
from app.propagation.feed import Feed
from app.propagation.outbound import Outbound
from app.registers.keeping import keep_counted, kept
from app.rights.daily import daily
from app.rights.retention import Done
from app.service import Service
from app.settings import Settings
from app.store.connection import Logins, connect, connect_stateless, open_pool
from app.store.epochs import Turning
from app.store.event_store import EventStore
from app.store.group_commit import Appended, GroupCommit
from app.store.idempotency import IdempotencyRegister
from app.store.identity import LedgerIdentity, read_identity
from app.store.integrator_process import IntegratorProcess
from app.store.log_standing import LogTakenBack, TakenBack, examine_log
from app.store.log_tree import LogTree
from app.store.lookups import Lookups
from app.store.notices import (
    APPENDED_CHANNEL,
    CLIENTS_CHANNEL,
    EPOCHS_CHANNEL,
    ERASED_CHANNEL,
    Announcer,
    Handler,
    Notices,
)
from app.store.receipt_keys import receipt_key
from app.store.receivers import ReceiverRegister
from app.store.rulebook import Rulebook
from app.store.self_test import prove_powerless
from app.store.subscriptions import SubscriptionRegister
from app.tlog.receipts import ReceiptKey
from app.vault.custody import FileCustody
from app.vault.key_vault import KeyVault
from app.vault.signing import Signer
from app.workers import Loop, Workers, attesting, prove_witnessed, sending, watching

VERSION = "0.1.0"
INTEGRATOR = "app.cli.log_integrator"
"""The module of the integrator's process; a name, since nothing imports from further out."""

_LOG: Any = structlog.get_logger(__name__)

Examine = Callable[[LogTree, UUID, Path, Path | None], Awaitable[TakenBack | None]]
"""Compares the log with what is remembered of it; only a recovery takes another one."""

OpenEpochs = Callable[[EventStore], Awaitable[None]]
"""Opens the epoch keys; only who restores a keyring takes them from elsewhere."""


@asynccontextmanager
async def open_service(
    settings: Settings,
    logins: Logins,
    *,
    clock: Clock = system_clock,
    resolve: Resolve = system_resolve,
    examine: Examine = examine_log,
    open_epochs: OpenEpochs = EventStore.refresh_epochs,
) -> AsyncIterator[Service]:
    """A running service: connections open, keys held, rules read, self-test passed.

    LogTakenBack when the log contradicts what this machine remembers of it.
    """
    async with AsyncExitStack() as open_things:
        pool = await open_pool(logins.application, size_max=settings.read_connections_max)
        open_things.push_async_callback(pool.close)
        await prove_powerless(pool)
        identity = await read_identity(pool)
        await _compared(settings, pool, identity, examine)
        custody = FileCustody(settings.home / "keys")
        vault = KeyVault(identity.ledger_id, custody)
        store = EventStore(pool, vault)
        await open_epochs(store)
        rulebook = Rulebook(pool, store, identity.control_stream)
        await rulebook.refresh_control()
        measures = Measures()
        appended = _announcing(pool, measures, open_things)
        key = await receipt_key(pool, settings.home / "keys")
        commit = await _open_commit(logins, identity, appended, key)
        open_things.push_async_callback(commit.stop)
        ledger, control = _ledgers(
            store,
            commit,
            rulebook,
            idempotency=IdempotencyRegister(pool, vault),
            register_stream=identity.register_stream,
            clock=clock,
        )
        feed = _open_feed(settings, identity, pool, open_things)
        callers = Callers(pool, clock, settings.callers_ttl_s)
        _listen(logins, (callers, ledger, feed), open_things)
        outbound = Outbound(assembly.destinations(settings, resolve))
        yield Service(
            ledger=ledger,
            control=control,
            store=store,
            rulebook=rulebook,
            lookups=Lookups(pool, vault),
            callers=callers,
            pool=pool,
            eraser=await _open_eraser(logins, open_things),
            webhooks=assembly.webhooks(settings),
            feed=feed,
            measures=measures,
            destinations=outbound.destinations,
            subscriptions=SubscriptionRegister(pool, vault),
            receivers=ReceiverRegister(pool, vault),
            outbound=outbound,
            signer=(signer := Signer(custody.signing_key())),
            package_keys=assembly.package_keys(settings, signer),
            kept=kept(store),
            correspondence=assembly.correspondence(settings, ledger, pool, custody),
            attestation=assembly.attestation(settings, pool, resolve, clock),
        )


async def _compared(
    settings: Settings, pool: "asyncpg.Pool[Any]", identity: LedgerIdentity, examine: Examine
) -> None:
    keys, trusted = settings.home / "keys", settings.log_trusted_checkpoint
    taken_back = await examine(LogTree(pool), identity.ledger_id, keys, trusted)
    if taken_back is not None:
        raise LogTakenBack(taken_back)


def _ledgers(
    store: EventStore,
    commit: GroupCommit,
    rulebook: Rulebook,
    *,
    idempotency: IdempotencyRegister,
    register_stream: UUID,
    clock: Clock,
) -> tuple[Ledger, ControlLedger]:
    """The two write paths, for people and for the rules; they share everything below them."""
    ledger = Ledger(
        store=store, commit=commit, rulebook=rulebook, idempotency=idempotency, clock=clock
    )
    control = ControlLedger(
        store=store,
        commit=commit,
        rulebook=rulebook,
        idempotency=idempotency,
        clock=clock,
        register_stream=register_stream,
    )
    return ledger, control


def _listen(
    logins: Logins, hearing: tuple[Callers, Ledger, Feed], open_things: AsyncExitStack
) -> None:
    """Hears what other processes changed, from here to the end of the service."""
    callers, ledger, feed = hearing
    turning = Turning(ledger.refresh_keys)
    open_things.push_async_callback(turning.stop)
    handlers: dict[str, Handler] = {
        CLIENTS_CHANNEL: callers.forget,
        ERASED_CHANNEL: lambda text: (
            ledger.forget(UUID(text)) if text else ledger.forget_everybody()
        ),
        APPENDED_CHANNEL: feed.wake,
        EPOCHS_CHANNEL: turning.heard,
    }
    notices = Notices(lambda: connect(logins.application, application="pdledger-notices"), handlers)
    notices.start()
    open_things.push_async_callback(notices.stop)


def _open_feed(
    settings: Settings,
    identity: LedgerIdentity,
    pool: "asyncpg.Pool[Any]",
    open_things: AsyncExitStack,
) -> Feed:
    limits = assembly.feed_limits(settings)
    feed = Feed(pool, CloudEvents(identity.ledger_id, assembly.public_url(settings)), limits)
    open_things.push_async_callback(feed.stop)
    return feed


def _announcing(
    pool: "asyncpg.Pool[Any]", measures: Measures, open_things: AsyncExitStack
) -> Appended:
    """Whom an append is told: the figures, and whoever listens in other processes."""
    announcer = Announcer(pool)
    announcer.start()
    open_things.push_async_callback(announcer.stop)

    def appended(waited_s: Sequence[float]) -> None:
        measures.appended(waited_s)
        announcer.appended()

    return appended


async def _open_commit(
    logins: Logins, identity: LedgerIdentity, appended: Appended, key: ReceiptKey
) -> GroupCommit:
    commit = GroupCommit(
        lambda: connect(logins.application, application="pdledger-append"),
        exclusive_streams=frozenset({identity.control_stream}),
        appended=appended,
        receipt_key=key,
    )
    await commit.start()
    return commit


async def _open_eraser(logins: Logins, open_things: AsyncExitStack) -> "asyncpg.Pool[Any] | None":
    """The eraser's connections; every login that this process is given is proved powerless."""
    for login in (logins.projector, logins.integrator):
        if login is not None:
            async with await open_pool(login, size_max=1) as pool:
                await prove_powerless(pool)
    if logins.eraser is None:
        return None
    eraser = await open_pool(logins.eraser, size_max=2, application="pdledger-eraser")
    open_things.push_async_callback(eraser.close)
    await prove_powerless(eraser)
    return eraser


@asynccontextmanager
async def working(settings: Settings, logins: Logins, service: Service) -> AsyncIterator[None]:
    """The loops beside the API: projections, the purge of the idempotency register, retention."""
    if not settings.workers:
        yield
        return
    projector = logins.projector
    ear = logins.projector_direct or projector
    # Named past a pooler, the other login leads through one; preparing halves the round trips.
    following = connect if logins.projector_direct is None else connect_stateless
    workers = Workers(
        connect=None
        if projector is None
        else lambda: following(projector, application="pdledger-projector"),
        listen=None if ear is None else lambda: connect(ear, application="pdledger-projector-ear"),
        purge=IdempotencyRegister(service.pool, service.store.vault).purge,
        loops={
            **sending(service),
            **attesting(service, settings.log_witness_every_s, settings.log_timestamp_every_s),
            **_integrating(settings, logins),
        },
        retain=None
        if service.eraser is None
        else daily(
            service.ledger,
            service.control,
            service.pool,
            service.eraser,
            ran=lambda done: _ran(service, done),
            folder=settings.database_folder,
        ),
    )
    workers.start()
    try:
        yield
    finally:
        await workers.stop()


def _integrating(settings: Settings, logins: Logins) -> dict[str, Loop]:
    """The integrator in a process of its own: the checkpoint key is opened in no other."""
    told = assembly.charge(settings, logins)
    return {} if told is None else {"integrator": IntegratorProcess(INTEGRATOR, told).run}


@asynccontextmanager
async def counting(service: Service) -> AsyncIterator[None]:
    """Keeps what registers ask of everybody counted, in a process that is asked."""
    keeping = asyncio.create_task(keep_counted(service.kept.tallies, service.pool), name="counts")
    try:
        yield
    finally:
        keeping.cancel()
        await asyncio.wait((keeping,))


def _ran(service: Service, done: Done) -> None:
    service.measures.retained = Retained(
        at=service.ledger.clock(), keys_left=done.keys_left, closings_left=done.closings_left
    )


async def _opened(
    settings: Settings, logins: Logins, opened: AsyncExitStack
) -> Service | TakenBack:
    """The service, or why there is none; then nothing of it is left open."""
    try:
        service = await opened.enter_async_context(open_service(settings, logins))
        await prove_witnessed(service)
    except LogTakenBack as refused:
        _LOG.error("nothing is served", reason=str(refused))
        await opened.aclose()
        return refused.found
    return service


def create_app(settings: Settings, logins: Logins | None = None) -> FastAPI:
    """The application. Without ``logins`` the caller sets `app.state.service` (as tests do)."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        if logins is None:
            yield {}
            return
        async with AsyncExitStack() as opened:
            service = await _opened(settings, logins, opened)
            if isinstance(service, TakenBack):
                # It lives, so that somebody can ask why; it reads, writes and sends nothing.
                app.state.taken_back = service
                yield {}
                return
            await opened.enter_async_context(working(settings, logins, service))
            await opened.enter_async_context(counting(service))
            app.state.service = service

            async def refuse(found: TakenBack) -> None:
                app.state.taken_back = found
                await opened.aclose()

            # What start-up built never dies: p99 at 64 connections fell from 111 to 19 ms.
            gc.collect()
            gc.freeze()
            gc.set_threshold(50_000, 20, 50)
            async with watching(service, settings.home / "keys", refuse):
                yield {STOP_STREAMS: service.feed.close}

    app = FastAPI(
        title="Personal Data Ledger",
        version=VERSION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        # A slash too much is another path: a redirect would name the host that the caller named.
        redirect_slashes=False,
        generate_unique_id_function=_operation_id,
        # Its spans would carry paths and queries: ours are in `app/api/tracing.py`.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    app.router.route_class = StrictRoute
    app.state.settings = settings
    app.state.taken_back = None
    failures.install(app)
    api.install(app)
    return app


def create_asgi(settings: Settings, logins: Logins | None = None) -> Envelope:
    """The application in its envelope: what a server runs."""
    return wrapped(create_app(settings, logins), settings)


def wrapped(app: FastAPI, settings: Settings) -> Envelope:
    """The application in the layer that limits, identifies and catches."""
    return Envelope(
        Heads(Gate(app, ShortWay(app, app.state.api_routes)), app.state.api_routes),
        body_size_max_bytes=settings.body_size_max_bytes,
        unlimited=api.STREAMING_PATHS,
        spans=exporting(VERSION) if settings.tracing else None,
    )


def _operation_id(route: APIRoute) -> str:
    return route.name
