"""Restriction of processing over HTTP: set, announced, lifted in that order (Art. 18)."""

import httpx
import pytest

from tests.conftest import Database
from tests.rights.people import get, post, register, share, stranger
from tests.serving import count_events

FROM_DESK = {"source": "secretariat"}


@pytest.mark.clause("L42")
async def test_disputed_accuracy_rests_the_disputed_data_without_a_decision(
    client: httpx.AsyncClient,
) -> None:
    """Art. 18(1)(a): from the moment on which it is said, and only what is disputed."""
    person = await register(client)
    body = {"ground": "accuracy", "categories": ["contact.email"], **FROM_DESK}

    restricted = await post(client, f"{person}/restrictions", body)
    refused = await post(client, f"{person}/disclosures", share("hotels", country="BE"), status=409)
    others = share("hotels", country="BE") | {"categories": ["contact.name"]}

    assert [event["type"] for event in restricted["events"]] == ["accuracy.disputed"]
    assert refused["type"] == "/problems/subject-restricted"
    assert (await post(client, f"{person}/disclosures", others))["events"]


@pytest.mark.clause("L42")
async def test_a_restriction_is_lifted_only_after_the_person_was_told(
    client: httpx.AsyncClient, database: Database
) -> None:
    """Art. 18(3)."""
    person = await register(client)
    restricted = await post(client, f"{person}/restrictions", {"ground": "unlawful", **FROM_DESK})
    restriction = {"restriction": restricted["restriction"]}
    before = await count_events(database)

    early = await post(client, f"{person}/restrictions/lift", restriction, status=409)
    assert early["type"] == "/problems/restriction-lift-unannounced"
    assert await count_events(database) == before

    await post(
        client, f"{person}/restrictions/lift/announcement", {**restriction, "channel": "post"}
    )
    [announced] = (await get(client, f"{person}/restrictions"))["active"]
    await post(client, f"{person}/restrictions/lift", restriction)
    told = await get(client, f"{person}/restrictions")

    assert announced["announced_at"]
    assert told["active"] == []
    assert told["ended"] == [restriction]


@pytest.mark.clause("L42")
async def test_a_restriction_that_an_objection_set_waits_for_the_decision(
    client: httpx.AsyncClient,
) -> None:
    person = await register(client)
    raised = await post(client, f"{person}/objections", {"purpose": "event_logistics", **FROM_DESK})

    refused = await post(
        client, f"{person}/restrictions/lift", {"restriction": raised["objection"]}, status=409
    )

    assert refused["type"] == "/problems/objection-pending"


async def test_the_same_restriction_twice_is_one(client: httpx.AsyncClient) -> None:
    person = await register(client)
    body = {"ground": "legal_claims", "purpose": "event_logistics", **FROM_DESK}
    await post(client, f"{person}/restrictions", body)

    second = await post(client, f"{person}/restrictions", body, status=200)

    assert second["events"] == []
    assert len((await get(client, f"{person}/restrictions"))["active"]) == 1


async def test_a_wrong_restriction_is_refused_and_nothing_is_written(
    client: httpx.AsyncClient, database: Database
) -> None:
    person = await register(client)
    before = await count_events(database)
    wrong = [
        ({"ground": "boredom", **FROM_DESK}, "validation"),
        ({"ground": "accuracy", "purpose": "event_logistics", **FROM_DESK}, "validation"),
        ({"ground": "unlawful", "categories": ["contact.name"], **FROM_DESK}, "validation"),
        ({"ground": "accuracy", "categories": ["diet"], **FROM_DESK}, "category-unknown"),
        ({"ground": "unlawful", "purpose": "holidays", **FROM_DESK}, "purpose-unknown"),
    ]
    for body, code in wrong:
        refused = await client.post(f"{person}/restrictions", json=body)
        assert refused.json()["type"] == f"/problems/{code}"
    unknown = {"restriction": stranger().rpartition("/")[2]}
    lifted = await post(client, f"{person}/restrictions/lift", unknown, status=409)

    assert lifted["type"] == "/problems/restriction-unknown"
    assert await count_events(database) == before
