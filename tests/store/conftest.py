"""Connections to a migrated database with one open key epoch."""

from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import pytest

from tests.conftest import Database
from tests.store.chains import EPOCH
from tests.store.doors import Connection

Connect = Callable[[str], Awaitable[Connection]]


@pytest.fixture
async def connect(module_database: Database) -> AsyncIterator[Connect]:
    """Opens connections by role to the database of the test's module, and closes them."""
    opened: list[Connection] = []

    async def connected(role: str) -> Connection:
        connection = await asyncpg.connect(module_database.dsn(role))
        opened.append(connection)
        return connection

    await open_epoch(await connected("ledger_migrator"))
    yield connected
    for connection in opened:
        await connection.close(timeout=5)


@pytest.fixture
async def app(connect: Connect) -> Connection:
    """The serving role, on a database that the tests of one module share."""
    return await connect("ledger_app")


@pytest.fixture(params=["batch", "one"])
def door(request: pytest.FixtureRequest) -> str:
    """Both append functions: what holds for one holds for the other."""
    return str(request.param)


async def open_epoch(migrator: Connection, epoch: int = EPOCH) -> None:
    """Opens a key epoch, as the deploying command does."""
    await migrator.execute("SELECT ledger.ledger_epoch_open($1, '\\x00')", epoch)
