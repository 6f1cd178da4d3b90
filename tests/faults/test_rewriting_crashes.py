"""The database dies in every phase of a rewriting (E2): nothing is lost, nothing comes back."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from app.store import embedded
from app.store.group_commit import CONNECTION_LOST
from app.store.integrity import verify
from app.store.rewriting import TABLES, Rewriting, standings
from tests.faults.fleet import folder, prepared
from tests.store.erasable import Person, erase, register

PEOPLE = 20
ERASED = 5
PATIENCE_S = 60.0
ROW_BY_ROW = 1
"""Bytes of a step: a row each, so that every phase has many."""
AWAY = (asyncpg.PostgresError, *CONNECTION_LOST)
HELD = {
    "sealed": "SELECT key_id FROM ledger.sealed WHERE key_id = ANY($1::uuid[])",
    "keyring": "SELECT key_id FROM ledger.keyring WHERE key_id = ANY($1::uuid[])"
    " AND state = 'active'",
    "identifiers": "SELECT DISTINCT subject_id FROM ledger.identifiers"
    " WHERE subject_id = ANY($1::uuid[])",
}

pytestmark = [pytest.mark.slow, pytest.mark.clause("L34", "C61")]


@pytest.fixture(scope="module")
def cluster() -> Iterator[embedded.Cluster]:
    """A database of its own, held so that it comes back."""
    with folder() as made:
        prepared(made / "var")
        with embedded.start(made / "var") as held:
            yield held


async def connected(cluster: embedded.Cluster, role: str) -> Any:
    """As soon as the database is there."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            return await asyncpg.connect(cluster.dsn(role))
        except AWAY:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.05)


class Crashes:
    """Kills the database the first time that each phase is told."""

    def __init__(self, cluster: embedded.Cluster) -> None:
        self._cluster = cluster
        self.phases: list[str] = []

    def told(self, _table: str, phase: str, _done: int, _whole: int) -> None:
        """As `app.store.rewriting.Told`."""
        if phase not in self.phases:
            self.phases.append(phase)
            self.now()

    def now(self) -> None:
        """As the kernel does it for want of memory."""
        pid = self._cluster.postmaster_pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)


async def rewritten(cluster: embedded.Cluster, table: str, crashes: Crashes) -> int:
    """Writes one table anew, as often as it takes; answers how many tries that were."""
    deadline, tries = time.monotonic() + PATIENCE_S, 0
    while time.monotonic() < deadline:
        tries += 1
        pool: Any = None
        try:
            pool = await asyncpg.create_pool(cluster.dsn("ledger_eraser"), min_size=1, max_size=1)
            rewriting = Rewriting(pool, free=lambda: None, step_bytes=ROW_BY_ROW, told=crashes.told)
            [standing] = [one for one in await standings(pool) if one.relation == table]
            if await rewriting.write_anew(standing) is None:
                return tries
        except AWAY:
            await asyncio.sleep(0.05)
        finally:
            if pool is not None:
                pool.terminate()
    raise AssertionError("it was never done")


async def appending(cluster: embedded.Cluster, people: list[Person], over: asyncio.Event) -> None:
    """Registers people until it is over; who was acknowledged is in the list."""
    connection = await connected(cluster, "ledger_app")
    while not over.is_set():
        try:
            people.append(await register(connection))
        except AWAY:
            connection.terminate()
            connection = await connected(cluster, "ledger_app")
        await asyncio.sleep(0.1)
    connection.terminate()


async def held(connection: Any, table: str, people: list[Person]) -> set[UUID]:
    """The people of whom the table holds something."""
    by_stream = table == "identifiers"
    names = {one.chain.stream_id if by_stream else one.key: one.chain.stream_id for one in people}
    return {names[row[0]] for row in await connection.fetch(HELD[table], list(names))}


@pytest.mark.parametrize("table", TABLES)
async def test_a_database_that_dies_in_every_phase_loses_nothing_and_brings_nothing_back(
    cluster: embedded.Cluster, table: str
) -> None:
    """And dies once more as soon as the names were exchanged: what was dropped stays dropped."""
    app, eraser = [await connected(cluster, role) for role in ("ledger_app", "ledger_eraser")]
    people = [await register(app) for _ in range(PEOPLE)]
    gone, living = people[:ERASED], people[ERASED:]
    for person in gone:
        await erase(eraser, person)
    for connection in (app, eraser):
        await connection.close()
    crashes, over = Crashes(cluster), asyncio.Event()
    writing = asyncio.create_task(appending(cluster, living, over))
    while len(living) == PEOPLE - ERASED:  # noqa: ASYNC110  # a list tells of nothing
        await asyncio.sleep(0.01)

    tries = await rewritten(cluster, table, crashes)
    crashes.now()
    over.set()
    await writing

    assert crashes.phases == ["copying", "comparing", "comparing-back"]
    assert tries > len(crashes.phases)
    admin = await connected(cluster, "postgres")
    [standing] = [one for one in await standings(admin) if one.relation == table]
    assert not standing.under_way
    assert standing.done_at is not None
    assert await admin.fetchval("SELECT to_regclass($1)", f"ledger.{table}_next") is None
    for one in TABLES:
        assert await held(admin, one, living) == {person.chain.stream_id for person in living}
        assert await held(admin, one, gone) == set()
    await admin.close()
    reader = await connected(cluster, "ledger_app")
    assert (await verify(reader)).findings == []
    await reader.close()
