"""The loops of a serving process: they keep up, survive a fault, and stop within a second."""

import asyncio
import time
from typing import Any

import asyncpg
import pytest
from structlog.testing import capture_logs

from app import workers
from app.projections import PROJECTIONS
from app.projections.pages import Connection
from app.projections.positions import wait_for
from app.store.connection import connect, connect_stateless
from app.workers import Workers
from tests.conftest import Database
from tests.projections.history import Log, Person
from tests.projections.waiting import until
from tests.projections.wording import registered

CONNECTED = """
SELECT count(*) FROM pg_stat_activity
 WHERE datname = current_database() AND usename = 'ledger_projector'
"""


class Purge:
    """Counts how often it is asked; fails the first time."""

    def __init__(self) -> None:
        self.times = 0

    async def __call__(self) -> None:
        self.times += 1
        if self.times == 1:
            raise ConnectionError("words that no log may show")


async def test_projections_follow_the_log_and_stop_within_a_second(
    database: Database, log: Log, pool: "asyncpg.Pool[Any]", admin: Connection
) -> None:
    url = database.dsn("ledger_projector")
    running = Workers(
        connect=lambda: connect_stateless(url), listen=lambda: connect(url), purge=Purge()
    )
    running.start()
    for _ in range(5):
        await log.append(Person(), registered())
    shown = [await wait_for(pool, one, 4, timeout_s=10) for one in PROJECTIONS]

    began = time.monotonic()
    await running.stop()

    assert all(shown)
    assert time.monotonic() - began < 1.0
    assert [task for task in asyncio.all_tasks() if task.get_name().startswith("proj")] == []

    async def disconnected() -> bool:
        return bool(await admin.fetchval(CONNECTED) == 0)

    await until(disconnected)


async def test_the_purge_comes_round_again_after_a_fault(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(workers, "PURGE_PAUSE_S", 0.01)
    purge = Purge()

    async def thrice() -> bool:
        return purge.times >= 3

    running = Workers(connect=None, purge=purge)

    with capture_logs() as logged:
        running.start()
        await until(thrice)
        await running.stop()

    assert logged == [
        {
            "event": "idempotency purge failed",
            "log_level": "error",
            "error_class": "ConnectionError",
        }
    ]


@pytest.mark.clause("L7")
async def test_retention_is_tried_again_until_nothing_is_left_and_then_rests_for_the_day(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(workers, "RETENTION_PAUSE_S", 0.01)
    monkeypatch.setattr(workers, "PURGE_PAUSE_S", 0.01)
    purge, rounds = Purge(), 0
    results: list[bool | ConnectionError] = [ConnectionError("away"), False, True]
    looked: list[int] = []

    async def retain() -> bool:
        looked.append(1)
        result = results[len(looked) - 1]
        if isinstance(result, ConnectionError):
            raise result
        return result

    async def rested() -> bool:
        return len(looked) >= 3 and purge.times >= rounds

    running = Workers(connect=None, purge=purge, retain=retain)
    with capture_logs() as logged:
        running.start()
        await until(rested)
        rounds = purge.times + 3
        await until(rested)
        await running.stop()

    assert len(looked) == 3
    assert {
        "event": "retention failed",
        "log_level": "error",
        "error_class": "ConnectionError",
    } in (logged)


async def test_a_database_that_is_away_is_tried_again(
    log: Log, database: Database, pool: "asyncpg.Pool[Any]"
) -> None:
    """A fault of the connection halts loudly and heals by itself."""
    refused: list[int] = []

    async def sometimes() -> Connection:
        if len(refused) < 2:
            refused.append(1)
            raise OSError("away")
        return await connect(database.dsn("ledger_projector"))

    running = Workers(connect=sometimes, purge=Purge())
    await log.append(Person(), registered())
    with capture_logs() as logged:
        running.start()
        shown = [await wait_for(pool, one, 0, timeout_s=20) for one in PROJECTIONS]
        await running.stop()

    halted = [one["error_class"] for one in logged if one["event"] == "projections halted"]
    assert all(shown)
    assert halted == ["OSError", "OSError"]
