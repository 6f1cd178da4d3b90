"""A restricted person is missing from every output but storage, claims, consent (Art. 18; L42)."""

from collections.abc import AsyncIterator

import httpx
import pytest

from app.service import Service
from app.store.connection import connect
from app.workers import Workers
from tests.conftest import Database
from tests.rights.people import CONTACT, arrange, consent, get, post, register, share

pytestmark = pytest.mark.clause("L42", "C67")

NAME = CONTACT["contact.name"]


@pytest.fixture(autouse=True)
async def projected(service: Service, database: Database) -> AsyncIterator[Workers]:
    """The projections follow the log."""

    async def purge() -> None:
        """Nothing grows old in a test."""

    workers = Workers(connect=lambda: connect(database.dsn("ledger_projector")), purge=purge)
    workers.start()
    yield workers
    await workers.stop()


async def outputs(client: httpx.AsyncClient, service: Service, person: str) -> dict[str, str]:
    """Every way in which the controller's own uses read a person or pass something on."""
    head = await service.store.head_position()
    purpose = {"Purpose": "event_logistics"}
    question = {
        "subjects": [person.rpartition("/")[2]],
        "purpose": "event_logistics",
        "recipient": "azavista",
    }
    newsletter = {**question, "purpose": "newsletter", "recipient": "mailchimp"}
    page = {"min_position": head, "limit": 100}
    told = {
        "profile": await client.get(person, headers=purpose),
        "list": await client.get("/v1/subjects", headers=purpose, params=page),
        "table": await client.get(
            "/v1/subjects", headers=purpose, params={**page, "format": "csv"}
        ),
        "permission": await client.post("/v1/permissions:check", json=question),
        "audience": await client.post("/v1/permissions:check", json=newsletter),
        "share": await client.post(f"{person}/disclosures", json=share("azavista")),
        "feed": await client.get("/v1/events", params={"limit": 1000}),
    }
    assert all(one.status_code < 500 for one in told.values())
    return {name: one.text for name, one in told.items()}


def used(told: dict[str, str]) -> set[str]:
    """The outputs from which the person's data come, or that would let them go."""
    named = {name for name, text in told.items() if NAME in text}
    allowed = {name for name in ("permission", "audience") if '"allowed":true' in told[name]}
    shared = {"share"} if '"subject_id"' in told["share"] or '"events"' in told["share"] else set()
    return named | allowed | shared


async def test_every_output_lacks_whoever_is_restricted_until_it_is_lifted_with_notice(
    client: httpx.AsyncClient, service: Service
) -> None:
    await arrange(service, "azavista", mechanism=None)
    await arrange(service, "mailchimp")
    person = await register(client, "event_logistics", "newsletter")
    await post(client, f"{person}/consents", consent())

    before = used(await outputs(client, service, person))
    body = {"ground": "unlawful", "source": "secretariat"}
    restriction = (await post(client, f"{person}/restrictions", body))["restriction"]
    resting = used(await outputs(client, service, person))
    report = await get(client, f"{person}/access-report")
    kept = await get(client, f"{person}/consents")
    withdrawn = await post(
        client, f"{person}/consents/newsletter/withdrawal", {"source": "self_service"}
    )
    lift = {"restriction": restriction}
    unannounced = await post(client, f"{person}/restrictions/lift", lift, status=409)
    still = used(await outputs(client, service, person))
    notice = {**lift, "channel": "email"}
    await post(client, f"{person}/restrictions/lift/announcement", notice)
    announced = used(await outputs(client, service, person))
    await post(client, f"{person}/restrictions/lift", lift)
    after = used(await outputs(client, service, person))

    assert before == {"profile", "list", "table", "permission", "audience", "share"}
    assert resting == still == announced == set()
    assert unannounced["type"] == "/problems/restriction-lift-unannounced"
    assert NAME in str(report), "the person's own right to see what is stored"
    assert kept["consents"], "consent is an exception of Art. 18(2)"
    assert withdrawn["events"], "and so is taking it back"
    assert after == before - {"audience"}


@pytest.mark.clause("L44", "C65")
async def test_what_was_objected_to_rests_at_once_and_no_other_use_does(
    client: httpx.AsyncClient, service: Service
) -> None:
    """Art. 18(1)(d): until it is decided, for what it is about."""
    await arrange(service, "azavista", mechanism=None)
    person = await register(client, "event_logistics", "network_exchange")
    objection = {"purpose": "network_exchange", "source": "secretariat"}
    await post(client, f"{person}/objections", objection)

    told = used(await outputs(client, service, person))
    other = await client.get(person, headers={"Purpose": "network_exchange"})

    assert told == {"profile", "list", "table", "permission", "share"}
    assert other.status_code in {403, 409}
