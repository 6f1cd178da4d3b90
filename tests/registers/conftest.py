"""A service whose projections follow the log, as a module's tests share it."""

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from app.service import Service
from app.settings import Settings
from app.store.connection import connect
from app.workers import Workers
from tests.conftest import Database
from tests.serving import Api, serving

DESK = {"purpose": "rights_requests"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def service(
    module_database: Database, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Service]:
    """A running service with the packaged policy in force, and its workers."""

    async def purge() -> None:
        """Nothing grows old in a test."""
        return

    async with serving(module_database, tmp_path_factory.mktemp("home")) as opened:
        workers = Workers(
            connect=lambda: connect(module_database.dsn("ledger_projector")), purge=purge
        )
        workers.start()
        yield opened
        await workers.stop()


@pytest.fixture(scope="module")
def api(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Api:
    """The HTTP surface of the module's service."""
    return Api(service, Settings(home=tmp_path_factory.mktemp("settings")))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def caller(api: Api) -> AsyncIterator[httpx.AsyncClient]:
    """A caller with every scope, who reads to answer requests of data subjects."""
    async with await api.client() as opened:
        opened.headers.update(DESK)
        yield opened
