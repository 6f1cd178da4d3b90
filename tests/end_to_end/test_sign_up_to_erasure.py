"""One story from the first form to the last copy: what the policy promises, kept and proved."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from app.settings import Settings
from app.store.integrity import verify
from tests.conftest import Database
from tests.rights.people import CONTACT, arrange, collect, consent, get, post, share
from tests.serving import Api, serving

DESK = {"source": "secretariat"}


@pytest.mark.clause("C64", "C65", "C68", "C70", "C73", "L31", "L35", "L41")
async def test_a_person_signs_up_chooses_sees_takes_along_and_is_forgotten(
    database: Database, tmp_path: Path
) -> None:
    async with serving(database, tmp_path) as service:
        await arrange(service, "mailchimp", "azavista")
        async with await Api(service, Settings(home=tmp_path)).client() as client:
            person = await sign_up(client)
            await take_part(client, person)
            await choose(client, person)
            await see_and_take_along(client, person)
            await be_forgotten(client, person)
        auditor = await asyncpg.connect(database.dsn("ledger_auditor"))
        try:
            verification = await verify(auditor)
            left = await auditor.fetchval(
                "SELECT count(*) FROM ledger.sealed WHERE stream_id = $1",
                UUID(person.rpartition("/")[2]),
            )
        finally:
            await auditor.close()

    assert verification.sound, verification.findings
    assert left > 0, "the vouchers that tax law keeps, and the proof of consent, are still sealed"


async def sign_up(client: httpx.AsyncClient) -> str:
    """The form, the notice, and the second step of the newsletter."""
    news = {key: CONTACT[key] for key in ("contact.name", "contact.email")}
    form = {
        "source": "registration_form",
        "verification": "link",
        "obtained": [
            {"purpose": "event_logistics", "data": CONTACT},
            {"purpose": "newsletter", "data": news},
        ],
        "relationships": [{"kind": "event_attendee"}],
        "notice": {"policy": "impel-1", "language": "sv", "channel": "form"},
    }
    receipt = await post(client, "/v1/subjects", form)
    person = f"/v1/subjects/{receipt['subject_id']}"
    wording = {
        key: value
        for key, value in consent().items()
        if key in ("purpose", "wording_sha256", "language", "policy", "source")
    }
    asked = await post(client, f"{person}/consents/requests", wording)
    mailing = share("mailchimp", purpose="newsletter")
    early = await post(client, f"{person}/disclosures", mailing, status=409)
    assert early["type"] == "/problems/consent-missing"

    click = {"occurred_at": datetime.now(UTC).isoformat(), "evidence": "click in message 17"}
    await post(client, f"{person}/consents/requests/{asked['request']}/confirmation", click)
    await post(client, f"{person}/disclosures", mailing)
    return person


async def take_part(client: httpx.AsyncClient, person: str) -> None:
    """A share with the event platform, a claim, and a share that the policy does not know."""
    await post(client, f"{person}/disclosures", share("azavista"))
    await collect(client, person, "payments", {"financial.account": "BE71096123456769"})
    passport = {
        "purpose": "payments",
        "data": {"identity.document": "X1234567"},
        "source": "registration_form",
    }
    refused = await post(client, f"{person}/collections", passport, status=422)
    unlisted = await post(client, f"{person}/disclosures", share("acme"), status=409)
    assert refused["type"] == "/problems/category-not-allowed-for-purpose"
    assert unlisted["type"] == "/problems/recipient-not-listed"


async def choose(client: httpx.AsyncClient, person: str) -> None:
    """No more news, no shares with partners; then the question is settled."""
    await post(client, f"{person}/consents/newsletter/withdrawal", {"source": "self_service"})
    news = await post(
        client, f"{person}/disclosures", share("mailchimp", purpose="newsletter"), status=409
    )
    objected = await post(client, f"{person}/objections", {"purpose": "event_logistics", **DESK})
    resting = await post(client, f"{person}/disclosures", share("azavista"), status=409)
    await post(client, f"{person}/objections/{objected['objection']}/upholding")
    assert news["type"] == "/problems/subject-suppressed"
    assert resting["type"] == "/problems/objected"


async def see_and_take_along(client: httpx.AsyncClient, person: str) -> None:
    """Everything is told, with every recipient by name, and handed out by machine."""
    report = await get(client, f"{person}/access-report")
    package = await get(client, f"{person}/portability-package", format="json")

    named = {one["title"] for one in report["parts"]["sharing"]["recipients"]}
    told = {one["value"] for one in report["parts"]["data"]["held"]}
    taken = {one["value"] for one in package["data"]}
    assert named == {"Mailchimp", "Azavista"}
    assert set(CONTACT.values()) <= taken < told


async def be_forgotten(client: httpx.AsyncClient, person: str) -> None:
    """What stays is named with its norm; who was given anything is told; then nobody is there."""
    plan = await get(client, f"{person}/erasure/preview")
    order = {**DESK, "statement": "Please forget me."}
    status = (await post(client, f"{person}/erasure", order))["erasure"]
    path = f"{person}/erasure/{status['erasure']}"
    for recipient in status["untold"]:
        informed = {"recipient": recipient, "outcome": "verified_gone"}
        await post(client, f"{path}/recipients", informed)
    closed = (await post(client, f"{path}/closing"))["erasure"]

    assert {one["retention_class"] for one in plan["retained"]} == {"fiscal", "consent-proof"}
    assert {one["retention_class"] for one in closed["retained"]} == {"fiscal", "consent-proof"}
    assert set(status["untold"]) == {"mailchimp", "azavista"}
    assert closed["stage"] == "closed"
    await assert_forgotten(client, person)


async def assert_forgotten(client: httpx.AsyncClient, person: str) -> None:
    """No way leads to the person or to anything about them, not even a look into the past."""
    for path, query in (
        ("", {}),
        ("", {"as_of": "9"}),
        ("/access-report", {"as_of": "9"}),
        ("/portability-package", {}),
        ("/disclosures", {}),
    ):
        answer = await client.get(
            f"{person}{path}", params=query, headers={"Purpose": "event_logistics"}
        )
        assert answer.status_code == 410
    lookup: dict[str, Any] = {"kind": "email", "value": CONTACT["contact.email"]}
    await post(client, "/v1/subjects:lookup", lookup, status=404)
    told = await get(client, f"{person}/erasure")
    assert told["erased"]
    assert not [value for value in CONTACT.values() if value in str(told)]
