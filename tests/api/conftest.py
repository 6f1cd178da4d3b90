"""Fixtures of the HTTP tests: a service for one test, or one that a module's tests share."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from app.service import Service
from app.settings import Settings
from tests.conftest import Database
from tests.serving import Api, serving


@pytest.fixture
async def service(database: Database, tmp_path: Path) -> AsyncIterator[Service]:
    """A running service with the packaged policy in force."""
    async with serving(database, tmp_path) as opened:
        yield opened


@pytest.fixture
def api(service: Service, tmp_path: Path) -> Api:
    """The HTTP surface of the service."""
    return Api(service, Settings(home=tmp_path))


@pytest.fixture
async def client(api: Api) -> AsyncIterator[httpx.AsyncClient]:
    """A caller with every scope."""
    async with await api.client() as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_service(
    module_database: Database, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Service]:
    """A running service for the tests of one module, on the module's event loop."""
    async with serving(module_database, tmp_path_factory.mktemp("home")) as opened:
        yield opened


@pytest.fixture(scope="module")
def shared_api(shared_service: Service, tmp_path_factory: pytest.TempPathFactory) -> Api:
    """The HTTP surface of the module's service."""
    return Api(shared_service, Settings(home=tmp_path_factory.mktemp("settings")))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def caller(shared_api: Api) -> AsyncIterator[httpx.AsyncClient]:
    """A caller of the module's service with every scope."""
    async with await shared_api.client() as opened:
        yield opened
