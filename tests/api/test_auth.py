"""Who may call what: every operation names one scope, and no other key will do (S3, S7)."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from app.auth import Callers, Scope, new_key
from app.service import Service
from app.values import replace
from tests.api.documented import OPERATIONS, Operation
from tests.projections.waiting import until
from tests.serving import Api

pytestmark = pytest.mark.asyncio(loop_scope="module")

GUARDED = [one for one in OPERATIONS if one.scope != "public"]
PROBE = "/v1/recipients"


async def written(service: Service) -> int:
    """How many events the log holds."""
    return int(await service.pool.fetchval("SELECT count(*) FROM ledger.events"))


def bearing(text: str) -> dict[str, str]:
    """The header of a key."""
    return {"authorization": f"Bearer {text}"}


def told(answer: httpx.Response) -> tuple[object, ...]:
    """All that an answer says, apart from the id of the request."""
    body = {name: value for name, value in answer.json().items() if name != "instance"}
    headers = {name: value for name, value in answer.headers.items() if name != "x-request-id"}
    return answer.status_code, body, headers


@pytest.fixture(scope="module")
def keys_without() -> dict[str, str]:
    """Scope -> a key that has every other one; filled as they are asked for."""
    return {}


async def test_every_scope_opens_something_and_every_operation_has_one() -> None:
    in_an_address = {Scope.CALENDAR_READ}  # no header asks for it
    assert {one.scope for one in GUARDED} == set(Scope) - in_an_address


@pytest.mark.parametrize("operation", GUARDED, ids=lambda one: one.name)
async def test_every_operation_refuses_every_scope_but_its_own(
    caller: httpx.AsyncClient,
    shared_api: Api,
    shared_service: Service,
    keys_without: dict[str, str],
    operation: Operation,
) -> None:
    if operation.scope not in keys_without:
        others = [scope for scope in Scope if scope != operation.scope]
        keys_without[operation.scope] = await shared_api.key(others)
    before = await written(shared_service)
    method, path, body = operation.method, operation.path, operation.body()

    answer = await caller.request(
        method, path, json=body, headers=bearing(keys_without[operation.scope])
    )
    anonymous = await caller.request(method, path, json=body, headers={"authorization": ""})

    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/insufficient-scope")
    assert answer.json()["scope"] == operation.scope
    assert (anonymous.status_code, anonymous.json()["type"]) == (401, "/problems/not-authenticated")
    assert anonymous.headers["www-authenticate"] == "Bearer"
    assert await written(shared_service) == before


async def test_whatever_is_wrong_with_a_key_the_answer_is_the_same(
    caller: httpx.AsyncClient, shared_api: Api
) -> None:
    known, unknown = await shared_api.key(), new_key()
    head, secret = known.rsplit("_", 1)
    swapped = ("B" if secret[0] == "A" else "A") + secret[1:]
    wrong = [
        "",
        "pl_live",
        known[:-1],
        known + "x",
        known.lower(),
        f"{head}_{swapped}",
        f"{head}_{unknown.text.rsplit('_', 1)[1]}",
        unknown.text,
        "k" * 100_000,
        "'; DROP TABLE ledger.clients; --",
    ]

    good = await caller.get(PROBE, headers=bearing(known))
    answers = [await caller.get(PROBE, headers=bearing(text)) for text in wrong]
    schemes = [
        await caller.get(PROBE, headers={"authorization": text})
        for text in (f"Basic {known}", known, f"Token {known}")
    ]

    assert good.status_code == 200
    first, *others = [told(answer) for answer in (*answers, *schemes)]
    assert first[0] == 401
    assert all(other == first for other in others)


async def test_an_expired_key_is_no_key(shared_api: Api, shared_service: Service) -> None:
    later = Callers(shared_service.pool, lambda: datetime.now(UTC) + timedelta(days=2), ttl_s=60)
    tomorrow = Api(replace(shared_service, callers=later), shared_api.settings)
    known = await shared_api.key()

    async with tomorrow.anonymous() as client:
        expired = await client.get(PROBE, headers=bearing(known))
        unknown = await client.get(PROBE, headers=bearing(new_key().text))

    assert expired.status_code == 401
    assert told(expired) == told(unknown)


async def test_a_key_in_the_cache_ends_with_its_day_all_the_same(
    shared_api: Api, shared_service: Service
) -> None:
    """Whoever is trusted for a while without a look is never trusted beyond the key's own end."""
    moment = [datetime.now(UTC)]
    patient = Callers(shared_service.pool, lambda: moment[0], ttl_s=10**6)
    known = await shared_api.key()
    api = Api(replace(shared_service, callers=patient), shared_api.settings)

    async with api.anonymous() as client:
        today = await client.get(PROBE, headers=bearing(known))
        moment[0] += timedelta(days=1, seconds=1)
        tomorrow = await client.get(PROBE, headers=bearing(known))

    assert (today.status_code, tomorrow.status_code) == (200, 401)


async def test_a_revoked_key_is_forgotten_by_a_notice(
    caller: httpx.AsyncClient, shared_api: Api, shared_service: Service
) -> None:
    """No waiting for the cache to grow old: its time to live is a minute."""
    known = await shared_api.key()
    before = await caller.get(PROBE, headers=bearing(known))
    client_id = known.split("_")[2]
    await shared_service.pool.fetchval("SELECT ledger.ledger_client_revoke($1)", client_id)

    async def refused() -> bool:
        return (await caller.get(PROBE, headers=bearing(known))).status_code == 401

    assert before.status_code == 200
    await until(refused, within_s=5)
    revoked = await caller.get(PROBE, headers=bearing(known))
    assert told(revoked) == told(await caller.get(PROBE, headers=bearing(new_key().text)))
