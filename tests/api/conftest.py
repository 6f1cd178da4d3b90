"""Fixtures of the HTTP tests: one service a test, on a database of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

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
