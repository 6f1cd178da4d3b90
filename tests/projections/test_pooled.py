"""The engine behind a pooler in transaction mode: each transaction may be on another session."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import asyncpg
import pytest

from app.projections.engine import Engine
from app.projections.pages import Connection
from app.projections.positions import position_of
from app.store.connection import connect, connect_stateless
from app.store.notices import APPENDED_CHANNEL, Announcer, Notices
from tests.conftest import Database
from tests.projections import oracle
from tests.projections.catching_up import KNOWN, digests
from tests.projections.chance import Chance
from tests.projections.history import Log
from tests.projections.waiting import until


class Pooled:
    """Stands in for a connection: every transaction on a session drawn by chance, and no state.

    Like PgBouncer, it forgets prepared statements and settings between transactions. Unlike it, it
    refuses a statement outside a transaction, which would work by luck.
    """

    def __init__(self, sessions: "list[asyncpg.Connection[Any]]", random: Random) -> None:
        self._sessions = sessions
        self._random = random
        self._session: asyncpg.Connection[Any] | None = None
        self.used: set[int] = set()

    @asynccontextmanager
    async def transaction(self, **options: Any) -> AsyncIterator[None]:
        if self._session is not None:  # a savepoint
            async with self._session.transaction(**options):
                yield
            return
        number = self._random.randrange(len(self._sessions))
        self.used.add(number)
        self._session = self._sessions[number]
        try:
            async with self._session.transaction(**options):
                yield
        finally:
            await self._session.execute("DISCARD ALL")
            self._session = None

    def __getattr__(self, name: str) -> Any:
        if name in {"execute", "fetch", "fetchrow", "fetchval"}:
            assert self._session is not None, "a statement outside a transaction"
            return getattr(self._session, name)
        raise AttributeError(name)

    def is_closed(self) -> bool:
        return False

    def terminate(self) -> None:
        for session in self._sessions:
            session.terminate()


async def test_every_statement_of_the_engine_is_in_a_transaction_and_leaves_nothing_behind(
    database: Database, log: Log, pool: "asyncpg.Pool[Any]", projector: Connection
) -> None:
    history = Chance(log, 47, people=8)
    sessions = [await connect_stateless(database.dsn("ledger_projector")) for _ in range(3)]
    pooled: Any = Pooled(sessions, Random(47))

    async def opened() -> Any:
        return pooled

    engine = asyncio.create_task(Engine(KNOWN, opened, size_max=5).run())
    await history.live(60)
    entries = await log.entries()

    async def caught_up() -> bool:
        return all([await position_of(pool, one) == len(entries) - 1 for one in KNOWN])

    await until(caught_up, within_s=20)
    engine.cancel()
    await asyncio.wait([engine])

    assert pooled.used == {0, 1, 2}
    assert await digests(projector) == oracle.digests(entries)


@pytest.mark.parametrize("appends", [1, 500])
async def test_appends_are_announced_once_for_all_that_came_meanwhile(
    database: Database, pool: "asyncpg.Pool[Any]", appends: int
) -> None:
    """Never inside an append: what is said comes after the commit, from a task of its own."""
    heard: list[str] = []
    ear = Notices(
        lambda: connect(database.dsn("ledger_projector")), {APPENDED_CHANNEL: heard.append}
    )
    listening = (
        "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND state = 'idle'"
    )
    ear.start()
    admin = await asyncpg.connect(database.dsn("postgres"))

    async def listens() -> bool:
        return bool(await admin.fetchval(f"{listening} AND datname = current_database()"))

    async def told() -> bool:
        return bool(heard)

    await until(listens)
    announcer = Announcer(pool)
    announcer.start()
    for _ in range(appends):
        announcer.appended()
    await until(told)
    await announcer.stop()
    await ear.stop()
    await admin.close()

    assert heard == [""]
