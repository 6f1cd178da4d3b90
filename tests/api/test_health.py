"""Living and ready are two questions, and neither tells more than that (A24)."""

from pathlib import Path
from typing import Any

import asyncpg
import pytest

from app.main import open_service
from app.service import Service
from app.settings import Settings
from app.values import replace
from tests.conftest import Database
from tests.rights.people import register
from tests.serving import POLICY, Api, logins
from tests.writing import open_first_epoch

shared = pytest.mark.asyncio(loop_scope="module")


@shared
async def test_a_ready_service_names_its_policy_and_the_head_of_the_log(
    shared_api: Api, shared_service: Service
) -> None:
    async with await shared_api.client() as client, shared_api.anonymous() as anybody:
        before = await anybody.get("/readyz")
        await register(client, verification=None)
        after = await anybody.get("/readyz")

    head = await shared_service.pool.fetchval("SELECT max(position) FROM ledger.events")
    assert before.json().keys() == {"status", "position", "policy", "lag_s"}
    assert (after.json()["status"], after.json()["policy"]) == ("ready", POLICY)
    assert before.json()["position"] < after.json()["position"] == head


class _Away:
    """A pool whose database is gone."""

    async def fetchrow(self, *_: Any) -> None:
        raise asyncpg.CannotConnectNowError("the message of a database may name anything")

    fetch = fetchval = fetchrow


@shared
async def test_without_its_database_it_lives_and_is_not_ready(
    shared_api: Api, shared_service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_service.store, "_pool", _Away())
    away = replace(shared_service, pool=_Away())
    async with Api(away, shared_api.settings).anonymous() as anybody:
        alive = await anybody.get("/livez")
        ready = await anybody.get("/readyz")

    assert (alive.status_code, alive.json()) == (200, {"status": "live"})
    assert (ready.status_code, ready.json()["type"]) == (503, "/problems/ledger-unavailable")
    assert ready.headers["retry-after"] == "1"
    assert "name anything" not in ready.text


async def test_before_a_policy_is_published_nothing_about_people_is_served(
    database: Database, tmp_path: Path
) -> None:
    await open_first_epoch(database, tmp_path / "keys")
    settings = Settings(home=tmp_path)
    async with open_service(settings, logins(database)) as bare:
        api = Api(bare, settings)
        async with await api.client() as client:
            alive = await client.get("/livez")
            answers = [
                await client.get("/readyz"),
                await client.post("/v1/subjects", json=REGISTRATION),
            ]
            current = await client.get("/v1/policies/current")
        events = await bare.pool.fetchval("SELECT count(*) FROM ledger.events")

    assert alive.status_code == 200
    for answer in answers:
        assert (answer.status_code, answer.json()["type"]) == (503, "/problems/policy-unpublished")
    assert current.status_code == 404
    assert events == 0


REGISTRATION = {
    "source": "registration_form",
    "obtained": [{"purpose": "information", "data": {"contact.name": "Ödön Őry"}}],
}


@shared
async def test_a_service_whose_registers_lag_too_far_is_not_ready(
    shared_api: Api, shared_service: Service
) -> None:
    async with await shared_api.client() as client:
        await register(client, verification=None)
    strict = Api(shared_service, shared_api.settings.model_copy(update={"ready_lag_max_s": 1e-6}))
    async with strict.anonymous() as anybody:
        behind = await anybody.get("/readyz")

    assert (behind.status_code, behind.json()["type"]) == (503, "/problems/projection-lagging")
