"""Cookie choices over HTTP: proved without knowing whose they are, refused without one."""

from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from app.service import Service
from tests.conftest import Database
from tests.rights.people import post, register
from tests.serving import count_events

STATISTICS = {"category": "statistics"}


def chosen(visitor: str, answer: str, **more: Any) -> dict[str, Any]:
    """What a visitor chose on the banner."""
    return {
        "visitor": visitor,
        "banner": "banner-3",
        "language": "sv",
        "method": "banner",
        "categories": {"statistics": answer},
        **more,
    }


@pytest.mark.clause("C21", "L18")
@pytest.mark.parametrize("answer", ["accepted", "refused"])
async def test_a_choice_is_recorded_once_and_honoured_either_way(
    client: httpx.AsyncClient, answer: str
) -> None:
    visitor = str(uuid4())
    before = await post(client, "/v1/cookie-choices:lookup", {"visitor": visitor}, status=200)

    made = await post(client, "/v1/cookie-choices", chosen(visitor, answer))
    again = await post(client, "/v1/cookie-choices", chosen(visitor, answer), status=200)
    found = await post(client, "/v1/cookie-choices:lookup", {"visitor": visitor}, status=200)
    checked = await client.post(
        "/v1/cookie-permissions:check", json={"visitor": visitor, **STATISTICS}
    )

    assert before["ask"] is True
    assert (made["ask"], found["ask"]) == (False, False)
    assert made["position"] is not None
    assert again["position"] is None
    assert found["categories"]["statistics"] == answer
    assert checked.status_code == (200 if answer == "accepted" else 409)


@pytest.mark.clause("L18", "C17", "C21")
async def test_a_visit_without_a_choice_before_it_is_not_counted(
    client: httpx.AsyncClient, database: Database
) -> None:
    visitor = str(uuid4())
    asked = {"visitor": visitor, **STATISTICS}
    events = await count_events(database)
    none = await post(client, "/v1/cookie-permissions:check", asked, status=409)
    untouched = await count_events(database)
    await post(client, "/v1/cookie-choices", chosen(visitor, "accepted"))
    earlier = await post(
        client,
        "/v1/cookie-permissions:check",
        {**asked, "occurred_at": "2026-01-01T00:00:00Z"},
        status=409,
    )

    assert none["type"] == "/problems/cookie-consent-missing"
    assert (none["reason"], earlier["reason"]) == ("none", "none")
    assert untouched == events


@pytest.mark.clause("C21", "X13", "L18")
async def test_browser_settings_are_no_choice(client: httpx.AsyncClient) -> None:
    visitor = str(uuid4())
    body = chosen(visitor, "accepted", method="browser_settings")

    refused = await post(client, "/v1/cookie-choices", body, status=422)

    assert refused["type"] == "/problems/cookie-choice-invalid"
    assert refused["invalid"] == ["method"]


@pytest.mark.clause("C19", "L18")
async def test_statistics_are_attached_to_nobody(client: httpx.AsyncClient) -> None:
    """Collected with a person, they are refused whatever the visitor chose."""
    person = await register(client)
    body = {
        "purpose": "website_statistics",
        "data": {"web.analytics": "3 pages"},
        "source": "google_analytics",
    }

    refused = await post(client, f"{person}/collections", body, status=422)

    assert refused["type"] == "/problems/linking-forbidden"


@pytest.mark.clause("C19", "L10")
async def test_the_log_does_not_hold_what_lies_in_the_browser(
    client: httpx.AsyncClient, service: Service
) -> None:
    """The stream is named by a key that dies with its epoch; nothing else leads to the visitor."""
    visitor = str(uuid4())
    await post(client, "/v1/cookie-choices", chosen(visitor, "refused"))

    rows = await service.pool.fetch("SELECT stream_id, entry FROM ledger.events")

    assert all(row["stream_id"] != UUID(visitor) for row in rows)
    assert not any(visitor.encode() in row["entry"] for row in rows)
