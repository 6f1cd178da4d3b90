"""Accounts over HTTP: closed by either path, authors kept, and erased ones former members."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.rights.people import get, post, register

EVIDENCE = "cd" * 32


async def account(client: httpx.AsyncClient, person: str, system: str = "basecamp") -> str:
    """The path of an account of somebody."""
    key = str(uuid4())
    body = {"account": key, "system": system, "source": system}
    await post(client, f"{person}/accounts", body)
    return f"{person}/accounts/{key}"


async def only(client: httpx.AsyncClient, person: str) -> dict[str, Any]:
    """The one account of somebody."""
    [found] = (await get(client, f"{person}/accounts"))["accounts"]
    assert isinstance(found, dict)
    return found


@pytest.mark.clause("C72", "C41", "C42")
@pytest.mark.parametrize("system", ["basecamp", "travelperk"])
@pytest.mark.parametrize(
    "path",
    [
        {"actor": "self"},
        {"actor": "desk", "evidence": EVIDENCE},
    ],
    ids=["self", "desk"],
)
async def test_both_paths_end_with_the_account_closed(
    client: httpx.AsyncClient, system: str, path: dict[str, str]
) -> None:
    person = await register(client, "network_exchange")
    opened = await account(client, person, system)
    source = system if path["actor"] == "self" else "secretariat"

    receipt = await post(client, f"{opened}/deactivation", {**path, "source": source})

    assert [event["type"] for event in receipt["events"]] == ["account.deactivated"]
    closed = await only(client, person)
    assert (closed["state"], closed["actor"], closed["days_left"]) == (
        "deactivated",
        path["actor"],
        None,
    )


@pytest.mark.clause("C72", "L20")
async def test_who_asks_the_desk_sees_how_many_days_are_left(client: httpx.AsyncClient) -> None:
    person = await register(client, "network_exchange")
    opened = await account(client, person)
    received = datetime.now(UTC) - timedelta(days=10)

    await post(
        client,
        f"{opened}/deactivation-requests",
        {"source": "secretariat", "occurred_at": received.isoformat()},
    )

    waiting = await only(client, person)
    assert waiting["state"] == "closing"
    assert 17 <= waiting["days_left"] <= 21
    refused = await post(
        client, f"{opened}/deactivation", {"actor": "desk", "source": "secretariat"}, status=422
    )
    assert refused["type"] == "/problems/deactivation-unproven"


@pytest.mark.clause("C62", "X12")
async def test_an_author_stays_until_an_erasure_makes_them_a_former_member(
    client: httpx.AsyncClient,
) -> None:
    """C62: deactivation is no erasure; the contribution stays with its author's name or without."""
    person = await register(client, "network_exchange")
    opened = await account(client, person)
    contribution = {"contribution": str(uuid4()), "account": opened.split("/")[-1]}
    await post(client, f"{person}/contributions", contribution)
    await post(client, f"{opened}/deactivation", {"actor": "self", "source": "basecamp"})
    late = await post(
        client,
        f"{person}/contributions",
        {**contribution, "contribution": str(uuid4())},
        status=409,
    )
    deactivated = await get(client, f"{person}/contributions")
    report = await get(client, f"{person}/access-report")
    await post(client, f"{person}/erasure", {"source": "secretariat"})

    erased = await get(client, f"{person}/contributions")

    assert late["type"] == "/problems/account-closed"
    assert deactivated["author"] == "member"
    assert deactivated["contributions"][0]["account_state"] == "deactivated"
    assert "account.deactivated" in str(report)
    assert "contribution.recorded" in str(report)
    assert erased["author"] == "former_member"
    assert erased["contributions"][0]["contribution"] == contribution["contribution"]


@pytest.mark.clause("C72")
async def test_an_unknown_account_has_a_problem_type_of_its_own(client: httpx.AsyncClient) -> None:
    person = await register(client)
    body = {"actor": "self", "source": "basecamp"}

    refused = await post(client, f"{person}/accounts/{uuid4()}/deactivation", body, status=404)

    assert refused["type"] == "/problems/account-unknown"
