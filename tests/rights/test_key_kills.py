"""The commands of the key epochs are killed within their steps, beside a service in use (L34).

A process of its own, SIGKILL, and always the same place: what the step is about to change is held,
the command is seen to wait for it in the middle of its transaction, and dies there. And twice, or
as often as LEDGER_KEY_KILLS says, at no place in particular.
"""

import asyncio
import os
import random
import signal
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

import asyncpg
import httpx
import pytest

from app.domain.key_losses import LOSS_EVENTS
from app.events.epochs import (
    EpochEndApproved,
    EpochEndRequested,
    EpochGiveUpApproved,
    EpochGiveUpCompleted,
    EpochGiveUpRequested,
)
from app.service import Service
from tests.cli.conftest import environment, on_server
from tests.conftest import ROOT, Database
from tests.rights.people import CONTACT, need_two_people, register
from tests.rights.test_key_epochs import contact, looked_up, name_of, states, subscription
from tests.rights.test_key_losses import (
    DAMAGE_KEY,
    DAMAGE_SUBSCRIPTION,
    as_superuser,
    damage,
    losses,
    verified,
)
from tests.serving import Api

KILLS: Final = int(os.environ.get("LEDGER_KEY_KILLS", "2"))
PEOPLE: Final = 3
PATIENCE_S: Final = 20.0
OWNER: Final = "pdledger-keys"
ANYBODY: Final = "pdledger%"
STEPS: Final = {
    "turned": ("key_epoch",),
    "keys wrapped anew": ("key_epoch", "keyring"),
    "tokens of the index": ("identifiers",),
}
"""What is done and not committed -> what is held one after the other; it is killed at the last.

Rows first: a command proves itself powerless before, and would wait for a table.
"""
GIVING_UP: Final = {
    "asked for": ("append_lock_0", ANYBODY),
    "a key destroyed with its entry": ("keyring", ANYBODY),
    "a row of a register": ("subscriptions", OWNER),
    "tokens and the claims that they stood for": ("identifiers", OWNER),
}
"""What is done and not committed -> what is held, and by whose connection it is waited for.

One statement of the application's or the eraser's goes on by itself when its process is gone: then
it is done, as one whose answer got lost.
"""
WAITS_SQL: Final = """
SELECT count(*) FROM pg_stat_activity
 WHERE application_name LIKE $1 AND datname = current_database()
   AND wait_event_type = 'Lock'
"""
WAITS_FOR_TABLE_SQL: Final = """
SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
 WHERE a.application_name = 'pdledger-keys' AND a.datname = current_database()
   AND NOT l.granted AND l.relation = ('ledger.' || $1)::regclass
"""
ASKED_SQL: Final = """
SELECT count(*) FROM pg_locks l
 WHERE l.pid = $1 AND l.relation = ('ledger.' || $2)::regclass
"""
WORKS_SQL: Final = """
SELECT count(*) FROM pg_stat_activity
 WHERE application_name = 'pdledger-keys' AND datname = current_database()
"""

pytestmark = [pytest.mark.slow, pytest.mark.clause("L34")]


class Commands:
    """`pdledger keys` against a service that is used all the time."""

    def __init__(self, database: Database, home: Path, client: httpx.AsyncClient) -> None:
        self._database = database
        self._client = client
        self._variables = on_server(database, home) | {
            "LEDGER_MIGRATION_URL": database.dsn("ledger_migrator")
        }
        self.people: dict[int, str] = {}

    async def start(self, *arguments: str) -> Process:
        """One command in a process of its own."""
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "app.cli", "keys", *arguments, "--json"),
            cwd=ROOT,
            env=environment(**self._variables),
            stdout=PIPE,
            stderr=DEVNULL,
        )

    async def whole(self, *arguments: str) -> str:
        """One command to its end, which is good."""
        process = await self.start(*arguments)
        out, _ = await process.communicate()
        assert process.returncode == 0, out
        return out.decode()

    async def killed_at(
        self, tables: tuple[str, ...], *arguments: str, waiting: str = OWNER
    ) -> None:
        """Kills a command while it waits for the last of some tables, one after the other."""
        sessions = [await self._administrator() for _ in tables]
        watching = await self._administrator()
        first, *more = tables
        await sessions[0].execute("BEGIN")
        await sessions[0].execute(f"SELECT FROM ledger.{first} FOR UPDATE")
        process = await self.start(*arguments)
        try:
            await self._seen(watching, WAITS_SQL, waiting)
            for before, session, table in zip(sessions, sessions[1:], more, strict=False):
                # Stands in line behind the command where that is at the same table.
                asked = asyncio.create_task(_hold(session, table))
                await self._seen(watching, ASKED_SQL, session.get_server_pid(), table)
                await before.close()
                await asked
                await self._seen(watching, WAITS_FOR_TABLE_SQL, table)
            process.send_signal(signal.SIGKILL)
            assert await process.wait() == -signal.SIGKILL
        finally:
            if process.returncode is None:
                process.kill()
            for one in (*sessions, watching):
                await one.close()

    async def killed_somewhere(self, *arguments: str) -> None:
        """Kills a command some time after it began to change things; it may be done by then."""
        watching = await self._administrator()
        process = await self.start(*arguments)
        deadline = time.monotonic() + PATIENCE_S
        while process.returncode is None and not await watching.fetchval(WORKS_SQL):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.002)
        await asyncio.sleep(random.uniform(0, 0.1))
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGKILL)
        await process.wait()
        await watching.close()

    async def everybody(self) -> None:
        """Everyone is found and read, and somebody new comes."""
        for number, person in self.people.items():
            assert await looked_up(self._client, number) == person
            assert await name_of(self._client, person) == CONTACT["contact.name"]
        await self.another()

    async def another(self) -> None:
        """A new person."""
        number = 100 + len(self.people)
        self.people[number] = await register(self._client, contact=contact(number))

    async def _administrator(self) -> "asyncpg.Connection[Any]":
        """Who may hold any table, and sees all that is connected."""
        return await asyncpg.connect(self._database.dsn("postgres"))

    @staticmethod
    async def _seen(connection: "asyncpg.Connection[Any]", sql: str, *values: object) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not await connection.fetchval(sql, *values):
            assert time.monotonic() < deadline, sql
            await asyncio.sleep(0.01)


async def _hold(connection: "asyncpg.Connection[Any]", table: str) -> None:
    """Readers go on; who would change it waits, until the connection is closed."""
    await connection.execute("BEGIN")
    await connection.execute(f"LOCK TABLE ledger.{table} IN SHARE MODE")


@asynccontextmanager
async def in_use(commands: Commands) -> AsyncIterator[None]:
    """Reads all the time, whatever is killed; writing waits where its table is held."""
    ended = asyncio.Event()

    async def live() -> None:
        while not ended.is_set():
            number, person = random.choice([*commands.people.items()])
            assert await name_of(commands._client, person) == CONTACT["contact.name"], number
            await asyncio.sleep(0.02)

    living = asyncio.create_task(live())
    try:
        yield
    finally:
        ended.set()
        await living


async def test_commands_that_are_killed_within_a_step_leave_everybody_and_are_gone_on_with(
    service: Service, client: httpx.AsyncClient, database: Database, tmp_path: Path
) -> None:
    commands = Commands(database, tmp_path, client)
    for _ in range(PEOPLE):
        await commands.another()
    root = tmp_path / "keys" / "epoch-0001.root"
    async with in_use(commands):
        for tables in STEPS.values():
            await commands.killed_at(tables, "rotate")
            await commands.everybody()
        assert root.exists()
        assert '"left": {}' in await commands.whole("rotate")
        assert await states(service) == [(1, "draining"), (2, "active")]

        end = ("destroy-epoch", "1", "--yes")
        await commands.killed_at(("key_epoch",), *end)
        assert root.exists(), "the step that says that it ends was not committed"
        assert await states(service) == [(1, "draining"), (2, "active")]
        # Between the destruction of the root and the record of it.
        await commands.killed_at(("key_epoch", "key_epoch"), *end)
        assert not root.exists()
        assert await states(service) == [(1, "destroying"), (2, "active")]
        await commands.everybody()
        assert '"found_gone"' in await commands.whole(*end)
        await commands.everybody()
    assert await states(service) == [(1, "destroyed"), (2, "active")]


async def test_who_asks_and_who_approves_is_on_record_once_however_often_they_are_killed(
    service: Service, client: httpx.AsyncClient, api: Api, database: Database, tmp_path: Path
) -> None:
    commands = Commands(database, tmp_path, client)
    for _ in range(PEOPLE):
        await commands.another()
    await need_two_people(service)
    for name in ("one", "two"):
        (tmp_path / name).write_text(await api.key())
    end = ("destroy-epoch", "1", "--yes", "--key-file", str(tmp_path / "one"))
    approve = ("approve-end", "1", "--key-file", str(tmp_path / "two"))
    async with in_use(commands):
        await commands.whole("rotate")
        for one in (end, approve):
            await commands.killed_at(("append_lock_0",), *one, waiting=ANYBODY)
            await commands.everybody()
            assert await states(service) == [(1, "draining"), (2, "active")]
            await commands.whole(*one)
        assert await states(service) == [(1, "draining"), (2, "active")]
        assert '"overwritten"' in await commands.whole(*end)
        await commands.everybody()
    control = await service.store.read_stream(service.rulebook.control_stream)
    steps = (EpochEndRequested, EpochEndApproved)
    told = [one for one in control.events if isinstance(one.event, steps)]
    assert [type(one.event) for one in told] == list(steps)
    assert len({one.by for one in told}) == 2


async def test_a_giving_up_that_is_killed_within_a_step_is_gone_on_with(
    service: Service, client: httpx.AsyncClient, database: Database, tmp_path: Path
) -> None:
    commands = Commands(database, tmp_path, client)
    for _ in range(PEOPLE):
        await commands.another()
    shut = await register(client, contact=contact(1))
    await subscription(service)
    await damage(database, DAMAGE_KEY, shut)
    await as_superuser(database, DAMAGE_SUBSCRIPTION)
    give_up = ("give-up", "1", "--yes")
    async with in_use(commands):
        rotation = await commands.start("rotate")
        out, _ = await rotation.communicate()
        assert rotation.returncode == 1, out
        for table, waiting in GIVING_UP.values():
            await commands.killed_at((table,), *give_up, waiting=waiting)
            await commands.everybody()
        assert '"left": {}' in await commands.whole(*give_up)
        await commands.whole("destroy-epoch", "1", "--yes")
        await commands.everybody()
    assert await looked_up(client, 1) is None
    assert len(await losses(service, shut)) == 1
    await verified(database)


@pytest.mark.clause("L9")
async def test_who_approves_a_giving_up_is_killed_within_it_and_is_on_record_once(
    service: Service, client: httpx.AsyncClient, api: Api, database: Database, tmp_path: Path
) -> None:
    """And whoever carries out what was approved, once a key is gone."""
    commands = Commands(database, tmp_path, client)
    for _ in range(PEOPLE):
        await commands.another()
    await need_two_people(service)
    for name in ("one", "two"):
        (tmp_path / name).write_text(await api.key())
    shut = [await register(client, contact=contact(number)) for number in (1, 2)]
    for person in shut:
        await damage(database, DAMAGE_KEY, person)
    give_up = ("give-up", "1", "--yes", "--key-file", str(tmp_path / "one"))
    approve = ("approve-give-up", "1", "--key-file", str(tmp_path / "two"))
    async with in_use(commands):
        rotation = await commands.start("rotate")
        assert await rotation.wait() == 1
        for one in (give_up, approve):
            await commands.killed_at(("append_lock_0",), *one, waiting=ANYBODY)
            await commands.everybody()
            assert [await losses(service, person) for person in shut] == [[], []]
            await commands.whole(*one)
        await commands.killed_at(("keyring",), *give_up, waiting=ANYBODY)
        await commands.whole(*approve)
        assert '"left": {}' in await commands.whole(*give_up)
        await commands.everybody()
    control = await service.store.read_stream(service.rulebook.control_stream)
    told = [one for one in control.events if isinstance(one.event, LOSS_EVENTS)]
    steps = [EpochGiveUpRequested, EpochGiveUpApproved, EpochGiveUpCompleted]
    assert [type(one.event) for one in told] == steps
    assert told[0].by != told[1].by
    assert [len(await losses(service, person)) for person in shut] == [1, 1]
    await verified(database)


async def test_commands_that_are_killed_anywhere_leave_everybody_and_are_gone_on_with(
    service: Service, client: httpx.AsyncClient, database: Database, tmp_path: Path
) -> None:
    commands = Commands(database, tmp_path, client)
    for _ in range(PEOPLE):
        await commands.another()
    async with in_use(commands):
        for number in range(KILLS):
            if number % 4 < 2:
                await commands.killed_somewhere("rotate")
            else:
                if number % 4 == 2:
                    # Those before were killed: what they had not moved would rightly be in the way.
                    await commands.whole("rotate")
                for key, state in await states(service):
                    if state in ("draining", "destroying"):
                        end = ("destroy-epoch", str(key), "--yes")
                        await commands.killed_somewhere(*end)
                        if number % 4 == 3:
                            await commands.whole(*end)
            await commands.everybody()
