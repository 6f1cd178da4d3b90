"""Objections over HTTP: news at once and for good, everything else weighed while the data rest."""

import httpx
import pytest

from app.service import Service
from tests.api.mailbox import Mailbox, mailing
from tests.conftest import Database
from tests.rights.people import (
    CONTACT,
    arrange,
    consent,
    get,
    post,
    register,
    share,
    stranger,
)
from tests.serving import count_events

FROM_DESK = {"source": "secretariat"}


@pytest.mark.clause("L43", "C38", "C65", "C73")
async def test_an_objection_to_news_is_granted_at_once_and_closes_the_address(
    client: httpx.AsyncClient, service: Service
) -> None:
    """Art. 21(2), (3): absolute, immediate, without a reason."""
    await arrange(service, "mailchimp")
    person = await register(client, "newsletter")
    await post(client, f"{person}/consents", consent())

    raised = await post(client, f"{person}/objections", {"purpose": "newsletter", **FROM_DESK})
    refused = await post(
        client, f"{person}/disclosures", share("mailchimp", purpose="newsletter"), status=409
    )
    suppressed = await service.lookups.suppressed_purposes(
        [CONTACT["contact.email"]], ["newsletter"]
    )

    assert raised["state"] == "granted"
    assert [event["type"] for event in raised["events"]] == [
        "objection.raised",
        "objection.granted",
        "consent.withdrawn",
        "suppression.recorded",
    ]
    assert refused["type"] == "/problems/objected"
    assert suppressed == {"newsletter"}


@pytest.mark.clause("L42", "L44", "C36", "C37")
async def test_an_objection_to_a_use_stops_it_while_it_is_weighed(
    client: httpx.AsyncClient,
) -> None:
    """Art. 21(1), 18(1)(d): the use rests until the objection is decided."""
    person = await register(client, "network_exchange")
    sharing = share("members", purpose="network_exchange", country="BE")
    await post(client, f"{person}/disclosures", sharing)

    body = {"purpose": "network_exchange", "recipient": "medlemmar", **FROM_DESK}
    raised = await post(client, f"{person}/objections", body)
    refused = await post(client, f"{person}/disclosures", sharing, status=409)
    [listed] = (await get(client, f"{person}/objections"))["objections"]
    [resting] = (await get(client, f"{person}/restrictions"))["active"]

    assert raised["state"] == "pending"
    assert refused["type"] == "/problems/objected"
    assert (listed["status"], listed["recipient"]) == ("pending", "members")
    assert listed["due"]
    assert resting["restriction"] == raised["objection"]


@pytest.mark.clause("L44", "C65")
async def test_an_objection_is_upheld(client: httpx.AsyncClient) -> None:
    person = await register(client)
    raised = await post(client, f"{person}/objections", {"purpose": "event_logistics", **FROM_DESK})
    path = f"{person}/objections/{raised['objection']}"

    await post(client, f"{path}/upholding")
    again = await post(client, f"{path}/upholding", status=200)
    overridden = await post(client, f"{path}/overriding", {"grounds": "none"}, status=409)

    assert again["events"] == []
    assert overridden["type"] == "/problems/objection-decided"
    [listed] = (await get(client, f"{person}/objections"))["objections"]
    assert listed["status"] == "granted"
    assert (await get(client, f"{person}/restrictions"))["active"] == []


@pytest.mark.clause("L42", "L44")
async def test_an_overridden_objection_restricts_until_the_person_was_told(
    client: httpx.AsyncClient,
) -> None:
    """Art. 21(1): compelling grounds in words; Art. 18(3): told before the restriction ends."""
    person = await register(client)
    raised = await post(client, f"{person}/objections", {"purpose": "event_logistics", **FROM_DESK})
    path = f"{person}/objections/{raised['objection']}"
    sharing = share("hotels", country="BE")
    blank = await post(client, f"{path}/overriding", {"grounds": " "}, status=422)

    await post(client, f"{path}/overriding", {"grounds": "A claim is being defended."})
    resting = await post(client, f"{person}/disclosures", sharing, status=409)
    restriction = {"restriction": raised["objection"]}
    await post(
        client, f"{person}/restrictions/lift/announcement", {**restriction, "channel": "email"}
    )
    await post(client, f"{person}/restrictions/lift", restriction)

    assert blank["type"] == "/problems/grounds-missing"
    assert resting["type"] == "/problems/subject-restricted"
    assert (await post(client, f"{person}/disclosures", sharing))["events"]


@pytest.mark.clause("L43")
async def test_nothing_weighs_more_than_an_objection_to_news(client: httpx.AsyncClient) -> None:
    person = await register(client)
    raised = await post(client, f"{person}/objections", {"purpose": "information", **FROM_DESK})

    refused = await post(
        client,
        f"{person}/objections/{raised['objection']}/overriding",
        {"grounds": "Good news."},
        status=409,
    )

    assert refused["type"] == "/problems/objection-absolute"


@pytest.mark.clause("C65")
async def test_the_same_objection_twice_is_one_and_says_which(client: httpx.AsyncClient) -> None:
    person = await register(client)
    body = {"purpose": "event_logistics", **FROM_DESK}
    first = await post(client, f"{person}/objections", body)

    second = await post(client, f"{person}/objections", body, status=200)

    assert second["events"] == []
    assert second["objection"] == first["objection"]
    assert second["state"] == "pending"


@pytest.mark.clause("C65", "L42")
async def test_an_objection_is_taken_back(client: httpx.AsyncClient, service: Service) -> None:
    """What rested for it is used again once the person was told (Art. 18(3))."""
    person = await register(client)
    raised = await post(client, f"{person}/objections", {"purpose": "event_logistics", **FROM_DESK})

    await post(client, f"{person}/objections/{raised['objection']}/withdrawal")
    named = {"restriction": raised["objection"]}
    early = await post(client, f"{person}/restrictions/lift", named, status=409)
    await post(client, f"{person}/disclosures", share("hotels", country="BE"), status=409)
    await mailing(service, Mailbox()).turn()
    await post(client, f"{person}/restrictions/lift", named)

    assert early["type"] == "/problems/restriction-lift-unannounced"
    assert (await post(client, f"{person}/disclosures", share("hotels", country="BE")))["events"]


@pytest.mark.clause("C37", "L44")
async def test_each_use_of_photographs_is_objected_to_on_its_own(client: httpx.AsyncClient) -> None:
    person = await register(client)
    await post(client, f"{person}/objections", {"purpose": "photo_website", **FROM_DESK})

    [listed] = (await get(client, f"{person}/objections"))["objections"]

    assert listed["stops"] == ["photo_website"]


async def test_a_wrong_objection_is_refused_and_nothing_is_written(
    client: httpx.AsyncClient, database: Database
) -> None:
    person = await register(client)
    before = await count_events(database)
    wrong = [
        ({"purpose": "accounting", **FROM_DESK}, "not-objectable"),
        ({"purpose": "holidays", **FROM_DESK}, "purpose-unknown"),
        ({"recipient": "acme", **FROM_DESK}, "recipient-not-listed"),
        ({"purpose": "information", "source": "nowhere"}, "source-unknown"),
    ]
    for body, code in wrong:
        refused = await client.post(f"{person}/objections", json=body)
        assert refused.json()["type"] == f"/problems/{code}"
    unknown = stranger().rpartition("/")[2]
    upheld = await post(client, f"{person}/objections/{unknown}/upholding", status=409)

    assert upheld["type"] == "/problems/objection-unknown"
    assert await count_events(database) == before
