"""Shares over HTTP: recorded before they happen, or refused with the reason and nothing written."""

from typing import Any

import httpx
import pytest

from app.domain.register import SuppressUnknown
from app.receipts import Attribution
from app.service import Service
from tests.conftest import Database
from tests.rights.people import arrange, get, post, register, share, stranger
from tests.serving import count_events


@pytest.mark.clause("C35", "C47", "L32")
async def test_a_share_is_recorded_under_the_recipients_own_key(
    client: httpx.AsyncClient, service: Service
) -> None:
    """Art. 15(1)(c): whoever got something is on record by name, however it was called."""
    await arrange(service, "google_forms")
    person = await register(client)

    receipt = await post(client, f"{person}/disclosures", share("Google formulär"))
    told = await get(client, f"{person}/disclosures")

    assert [event["type"] for event in receipt["events"]] == ["data.disclosed"]
    [recipient] = told["recipients"]
    assert (recipient["key"], recipient["title"]) == ("google_forms", "Google Forms")
    assert recipient["mechanisms"] == [
        {"key": "dpf", "title": recipient["mechanisms"][0]["title"], "article": "Art. 45"}
    ]
    [disclosure] = told["items"]
    assert disclosure["purpose"]["key"] == "event_logistics"
    assert [one["key"] for one in disclosure["categories"]] == ["contact.email", "contact.name"]
    assert disclosure["event_id"] == receipt["events"][0]["event_id"]


@pytest.mark.clause("C23", "L32")
async def test_each_recipient_of_one_share_is_an_event_of_its_own(
    client: httpx.AsyncClient,
) -> None:
    person = await register(client)
    receipt = await post(client, f"{person}/disclosures", share("hotels", "hosts", country="BE"))

    assert len(receipt["events"]) == 2
    told = await get(client, f"{person}/disclosures")
    assert {one["key"] for one in told["recipients"]} == {"hotels", "hosts"}


REFUSED: list[Any] = [
    pytest.param(
        share("acme"), "recipient-not-listed", id="unlisted", marks=pytest.mark.clause("C35")
    ),
    pytest.param(
        share("tax_authority"),
        "recipient-not-listed",
        id="other purpose",
        marks=pytest.mark.clause("C35"),
    ),
    pytest.param(
        share("basecamp", purpose="project_collaboration"),
        "contract-missing",
        id="no contract",
        marks=pytest.mark.clause("C41"),
    ),
    pytest.param(
        share("hotels", country="US"),
        "transfer-no-basis",
        id="no transfer ground",
        marks=pytest.mark.clause("C30", "L55", "L56"),
    ),
    pytest.param(
        share("members", purpose="network_exchange", country="BE") | {"categories": ["work.unit"]},
        "category-not-shareable",
        id="not a basic detail",
        marks=pytest.mark.clause("C36"),
    ),
    pytest.param(
        share("enpe", purpose="joint_activity") | {"categories": ["work.title"]},
        "category-not-allowed-for-purpose",
        id="more than contact details",
        marks=pytest.mark.clause("C38", "L4"),
    ),
    pytest.param(share("hotels") | {"purpose": "holidays"}, "purpose-unknown", id="purpose"),
    pytest.param(
        share("hotels", country="BE") | {"categories": ["diet"]}, "category-unknown", id="category"
    ),
    pytest.param(
        share("hotels", country="BE", source="tawk", purpose="event_logistics"),
        "disclosure-prohibited",
        id="what was said in the chat",
        marks=pytest.mark.clause("C54"),
    ),
    pytest.param(
        share("hotels", country="BE", source="google_analytics"),
        "disclosure-prohibited",
        id="statistics",
        marks=pytest.mark.clause("C18"),
    ),
    pytest.param(share("mailchimp", purpose="newsletter"), "contract-missing", id="unpapered"),
]


@pytest.mark.parametrize(("body", "code"), REFUSED)
async def test_a_share_that_is_not_allowed_is_refused_with_its_reason(
    client: httpx.AsyncClient, database: Database, body: dict[str, Any], code: str
) -> None:
    person = await register(client)
    before = await count_events(database)

    answer = await client.post(f"{person}/disclosures", json=body)

    assert answer.json()["type"] == f"/problems/{code}"
    assert answer.headers["content-type"] == "application/problem+json"
    assert await count_events(database) == before
    assert (await get(client, f"{person}/disclosures"))["items"] == []


@pytest.mark.clause("L42")
async def test_nothing_of_a_restricted_person_is_shared(client: httpx.AsyncClient) -> None:
    """Art. 18(2): storage only."""
    person = await register(client)
    ground = {"ground": "unlawful", "source": "secretariat"}
    await post(client, f"{person}/restrictions", ground)

    refused = await post(client, f"{person}/disclosures", share("hotels", country="BE"), status=409)

    assert refused["type"] == "/problems/subject-restricted"
    assert refused["ground"] == "unlawful"


async def test_shares_are_shown_as_of_a_day(client: httpx.AsyncClient) -> None:
    person = await register(client)
    first = await post(client, f"{person}/disclosures", share("hotels", country="BE"))
    await post(client, f"{person}/disclosures", share("hosts", country="BE"))

    then = await get(client, f"{person}/disclosures", as_of=str(first["position"]))
    by_time = await get(client, f"{person}/disclosures", as_of=first["events"][0]["recorded_at"])

    assert [one["key"] for one in then["recipients"]] == ["hotels"]
    assert by_time == then


async def test_nobody_is_told_apart_from_somebody_unknown(client: httpx.AsyncClient) -> None:
    refused = await post(client, f"{stranger()}/disclosures", share("hotels"), status=404)
    unseen = await get(client, f"{stranger()}/disclosures", status=404)

    assert refused["type"] == unseen["type"] == "/problems/subject-unknown"


async def test_many_shares_are_read_page_by_page(client: httpx.AsyncClient) -> None:
    """A11: a cursor of this list only; the recipients stand on every page."""
    person = await register(client)
    for _ in range(3):
        await post(client, f"{person}/disclosures", share("hotels", country="BE"))

    first = await get(client, f"{person}/disclosures", limit=2)
    second = await get(client, f"{person}/disclosures", limit=2, cursor=first["next"])
    other = await client.get(
        f"{person}/disclosures", params={"cursor": first["next"], "as_of": "9999"}
    )

    assert [len(first["items"]), len(second["items"])] == [2, 1]
    assert second["next"] is None
    assert first["recipients"] == second["recipients"]
    versions = [one["version"] for one in (*first["items"], *second["items"])]
    assert versions == sorted(set(versions))
    assert other.json()["type"] == "/problems/cursor-invalid"


@pytest.mark.clause("L17", "L43")
async def test_the_mailbox_of_a_legal_person_is_mailed_until_it_opts_out(
    client: httpx.AsyncClient, service: Service
) -> None:
    """Who unsubscribes by it is nobody in particular: the register is asked before each share."""
    await arrange(service, "mailchimp")
    obtained = [{"purpose": "newsletter", "data": {"contact.email": "info@stad.example"}}]
    body = {"source": "registration_form", "obtained": obtained, "flags": ["legal_person"]}
    person = f"/v1/subjects/{(await post(client, '/v1/subjects', body))['subject_id']}"
    mailing = {**share("mailchimp", purpose="newsletter"), "categories": ["contact.email"]}
    await post(client, f"{person}/disclosures", mailing)
    opted_out = SuppressUnknown(
        purpose="newsletter", source="mailchimp", addresses=("info@stad.example",)
    )
    await service.control.register(opted_out, Attribution(by="tests"))
    refused = await post(client, f"{person}/disclosures", mailing, status=409)

    assert refused["type"] == "/problems/subject-suppressed"
