"""The short way past FastAPI's layers answers a GET as they do, or leaves it to them."""

import uuid
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from app.api.envelope import Envelope
from app.main import create_app
from tests.rights.people import register
from tests.serving import BASE_URL, Api

pytestmark = pytest.mark.asyncio(loop_scope="module")

PLAIN = (
    "/v1/recipients",
    "/v1/impact-assessments?format=json",
    "/v1/impact-assessments?columns=activity&columns=element",
)
REFUSED = (
    "/v1/recipients?unknown=1",
    "/v1/impact-assessments?limit=none",
    "/v1/impact-assessments?limit=0&limit=1",
    "/v1/impact-assessments?limit=1&limit=0",
    "{person}/access-report?as_of=soon",
    "{person}/access-report?format=word",
    "{person}/access-report?format=",
    "{person}/access-report?language=1",
    "{person}/no-such-thing",
    f"/v1/subjects/{uuid.UUID(int=1)}/access-report?format=json",
    "/v1/subjects/nobody/access-report",
    "/v1/subjects//access-report",
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def long_way(shared_api: Api) -> AsyncIterator[httpx.AsyncClient]:
    """A caller whose requests all go through FastAPI's layers."""
    app = create_app(shared_api.settings)
    app.state.service = shared_api.service
    envelope = Envelope(app, body_size_max_bytes=shared_api.settings.body_size_max_bytes)
    transport = httpx.ASGITransport(envelope, raise_app_exceptions=False)
    key = {"authorization": f"Bearer {await shared_api.key()}"}
    async with httpx.AsyncClient(transport=transport, base_url=BASE_URL, headers=key) as opened:
        yield opened


@pytest.mark.parametrize("path", [*PLAIN, *REFUSED])
async def test_a_get_is_answered_alike_by_either_way(
    caller: httpx.AsyncClient, long_way: httpx.AsyncClient, path: str
) -> None:
    path = path.format(person=await register(caller))

    short, long = await caller.get(path), await long_way.get(path)

    assert (short.status_code == 200) == (path in PLAIN)
    assert _told(short) == _told(long)


@pytest.mark.parametrize("path", PLAIN)
async def test_nobody_gets_an_answer_without_a_key(shared_api: Api, path: str) -> None:
    async with shared_api.anonymous() as nobody:
        assert (await nobody.get(path)).status_code == 401


def _told(answer: httpx.Response) -> tuple[int, dict[str, str], str]:
    """All of it, but for the id that each request has of its own."""
    request_id = answer.headers.pop("x-request-id")
    text = answer.text.replace(request_id, "id")
    del answer.headers["content-length"]
    return answer.status_code, dict(answer.headers), text
