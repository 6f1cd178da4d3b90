"""The figures of operation: read by Prometheus, about nobody."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.auth import Scope
from app.main import working
from app.measures import Retained
from app.projections import PROJECTIONS
from app.service import Service
from app.settings import Settings
from app.store.subscriptions import Secrets
from tests.conftest import Database
from tests.rights.people import post, register
from tests.serving import Api, logins

pytestmark = pytest.mark.asyncio(loop_scope="module")

UUID_TEXT = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-")


async def figures(client: httpx.AsyncClient) -> Mapping[tuple[str, str], float]:
    """Every figure by its name and what its labels say."""
    answer = await client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert not UUID_TEXT.search(answer.text)
    return {
        (sample.name, ",".join(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


async def test_appends_are_counted_and_timed(shared_api: Api) -> None:
    async with await shared_api.client() as client:
        before = await figures(client)
        await register(client, verification=None)
        after = await figures(client)

    def more(name: str) -> float:
        return after[name, ""] - before.get((name, ""), 0)

    assert more("pdledger_append_seconds_count") == more("pdledger_append_batch_commands_sum") > 0
    assert more("pdledger_append_seconds_sum") > 0
    assert more("pdledger_head_position") > 0


async def test_each_projection_tells_how_far_it_lags(
    shared_api: Api, shared_service: Service, module_database: Database
) -> None:
    names = {one.name for one in PROJECTIONS}
    async with await shared_api.client() as client:
        await register(client, verification=None)
        behind = await figures(client)
        async with working(Settings(workers=True), logins(module_database), shared_service):
            now = await figures(client)
            for _ in range(200):
                if not any(now["pdledger_projection_lag_events", name] for name in names):
                    break
                now = await figures(client)

    for name in names:
        assert behind["pdledger_projection_lag_events", name] > 0
        assert behind["pdledger_projection_lag_seconds", name] > 0
        assert now["pdledger_projection_lag_events", name] == 0
        assert now["pdledger_projection_lag_seconds", name] == 0
        assert now["pdledger_projection_parked_subjects", name] == 0
        assert now["pdledger_projection_position", name] == now["pdledger_head_position", ""]


def deadlines(found: Mapping[tuple[str, str], float]) -> Mapping[str, float]:
    """What waits, by kind and state."""
    return {
        labels: value for (name, labels), value in found.items() if name == "pdledger_deadlines"
    }


async def detect(client: httpx.AsyncClient, *, hours_ago: int) -> str:
    """The path of a breach that the controller has known of for so long."""
    aware = (datetime.now(UTC) - timedelta(hours=hours_ago)).isoformat()
    body = {"nature": ["confidentiality"], "from": aware, "aware_at": aware}
    return f"/v1/breaches/{(await post(client, '/v1/breaches', body))['breach']}"


@pytest.mark.clause("L52")
async def test_breaches_wait_until_the_authority_was_told_and_overdue_from_the_deadline_on(
    shared_api: Api, shared_service: Service, module_database: Database
) -> None:
    async with await shared_api.client() as client:
        before = deadlines(await figures(client))
        running, overdue, _ = [await detect(client, hours_ago=hours) for hours in (71, 73, 73)]
        async with working(Settings(workers=True), logins(module_database), shared_service):
            head = await shared_service.store.head_position()
            for _ in range(200):
                reached = await figures(client)
                if reached["pdledger_projection_position", "breaches"] >= head:
                    break
        waiting = deadlines(await figures(client))
        told = {"audience": "authority", "complete": False, "reasons": ["extent_unknown"]}
        for path in (running, overdue):
            await post(client, f"{path}/notifications", told)
        after = deadlines(await figures(client))

    def of_breaches(found: Mapping[str, float]) -> tuple[float, float]:
        return found["breach_notification,running"], found["breach_notification,overdue"]

    assert of_breaches(before) == (0, 0)
    assert of_breaches(waiting) == (1, 2)
    assert of_breaches(after) == (0, 1)


async def test_figures_that_cannot_be_read_hide_none_of_the_others(
    shared_api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: object) -> None:
        raise LookupError

    monkeypatch.setattr("app.api.metrics.tally", fails)
    async with await shared_api.client() as client:
        found = await figures(client)

    assert found["pdledger_figures_unread", "deadlines"] == 1
    assert found["pdledger_figures_unread", "projections"] == 0
    assert any(name == "pdledger_projection_lag_events" for name, _ in found)
    assert any(name == "pdledger_log_size" for name, _ in found)


async def test_receivers_that_do_not_answer_are_counted(
    shared_api: Api, shared_service: Service
) -> None:
    subscriptions, secrets = shared_service.subscriptions, Secrets("https://desk.example/", b"key")
    made = [
        await subscriptions.create("tests", secrets, scheme="v1", types=[], position=0)
        for _ in range(6)
    ]
    change = "UPDATE ledger.subscriptions SET attempts = 3, state = $2 WHERE subscription_id = $1"
    for one, state in zip(made[1:], ["active", *["disabled"] * 2, *["paused"] * 2], strict=True):
        await shared_service.pool.execute(change, one, state)

    async with await shared_api.client() as client:
        found = deadlines(await figures(client))

    assert (found["subscription,retrying"], found["subscription,disabled"]) == (1, 2)


@pytest.mark.clause("L7")
async def test_what_retention_left_is_told_by_the_process_that_carries_it_out(
    shared_api: Api, shared_service: Service, module_database: Database
) -> None:
    ran = ("pdledger_retention_run_timestamp_seconds", "")
    measures = shared_service.measures
    began = datetime.now(UTC).timestamp()
    measures.retained = None
    async with await shared_api.client() as client:
        before = after = await figures(client)
        async with working(Settings(workers=True), logins(module_database), shared_service):
            for _ in range(200):
                after = await figures(client)
                if ran in after:
                    break
        measures.retained = Retained(datetime.now(UTC), keys_left=5, closings_left=3)
        left = deadlines(await figures(client))

    assert ran not in before
    assert "retention,overdue" not in deadlines(before)
    assert after[ran] >= began
    assert deadlines(after)["retention,overdue"] == 0
    assert (left["retention,overdue"], left["erasure_closing,overdue"]) == (5, 3)


async def test_figures_need_their_scope(shared_api: Api) -> None:
    scopes = frozenset(Scope) - {Scope.METRICS_READ}
    async with await shared_api.client(scopes=scopes) as client, shared_api.anonymous() as anybody:
        refused, unknown = await client.get("/metrics"), await anybody.get("/metrics")

    assert (refused.status_code, refused.json()["scope"]) == (403, "metrics:read")
    assert unknown.status_code == 401
