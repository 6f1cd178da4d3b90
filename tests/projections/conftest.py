"""A log to write to and a projector to read it, on a database of the test's own."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from app.store.connection import connect
from tests.conftest import Database
from tests.projections.history import Log


@pytest.fixture
async def log(database: Database) -> AsyncIterator[Log]:
    opened = Log(database)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
async def projector(database: Database) -> "AsyncIterator[asyncpg.Connection[Any]]":
    """A connection of the role that projects."""
    connection = await connect(database.dsn("ledger_projector"))
    yield connection
    await connection.close()


@pytest.fixture
async def admin(database: Database) -> "AsyncIterator[asyncpg.Connection[Any]]":
    """The superuser: what nobody of the service can be."""
    connection = await asyncpg.connect(database.dsn("postgres"))
    yield connection
    await connection.close()
