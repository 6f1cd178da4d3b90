"""The figures of operation: read by Prometheus, about nobody."""

import re
from collections.abc import Mapping

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.auth import Scope
from app.main import working
from app.projections import PROJECTIONS
from app.service import Service
from app.settings import Settings
from tests.conftest import Database
from tests.rights.people import register
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


async def test_figures_need_their_scope(shared_api: Api) -> None:
    scopes = frozenset(Scope) - {Scope.METRICS_READ}
    async with await shared_api.client(scopes=scopes) as client, shared_api.anonymous() as anybody:
        refused, unknown = await client.get("/metrics"), await anybody.get("/metrics")

    assert (refused.status_code, refused.json()["scope"]) == (403, "metrics:read")
    assert unknown.status_code == 401
