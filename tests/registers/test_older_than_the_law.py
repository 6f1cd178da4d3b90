"""What is recorded of years before the law applied breaks no register: it stands there for good."""

from uuid import uuid4

import httpx
import pytest

from app.service import Service
from tests.registers.reading import rows
from tests.rights.people import CONTACT, get, post, register

pytestmark = pytest.mark.asyncio(loop_scope="module")
LONG_AGO = ["0001-01-01T00:00:00Z", "1900-06-01T12:00:00Z", "2016-03-01T10:00:00+01:00"]


@pytest.mark.clause("L29", "L44", "C31")
@pytest.mark.parametrize(("number", "then"), tuple(enumerate(LONG_AGO)))
async def test_old_facts_are_told_everywhere_and_break_nothing(
    caller: httpx.AsyncClient, service: Service, number: int, then: str
) -> None:
    """Members of 2016 are taken over from another system, with what they said in those days."""
    legacy = {"source": "azavista", "occurred_at": then}
    data = {"contact.name": "Ida Berg", "contact.email": f"ida.{number}@stad.example"}
    obtained = [{"purpose": "network_exchange", "data": data}]
    contact = CONTACT | {
        "contact.email": f"bo.{number}@stad.example",
        "contact.phone": f"+3247000000{number}",
    }
    taken = await post(caller, "/v1/subjects", {**legacy, "obtained": obtained})
    other = await register(caller, "event_logistics", "network_exchange", contact=contact)
    back_dated = {"source": "secretariat", "occurred_at": then}
    await post(caller, f"{other}/objections", {**back_dated, "purpose": "photo_website"})
    account = {"account": str(uuid4()), "system": "basecamp", "source": "secretariat"}
    await post(caller, f"{other}/accounts", account)
    leaving = f"{other}/accounts/{account['account']}/deactivation-requests"
    await post(caller, leaving, back_dated)
    assessed = {
        "assessment": str(uuid4()),
        "purpose": "photos",
        "document_sha256": "5d" * 32,
        "assessed_on": then[:10],
        "outcome": "prevails",
    }
    await post(caller, "/v1/legitimate-interest-assessments", assessed)

    due = await rows(caller, service, "/v1/deadlines")
    findings = await rows(caller, service, "/v1/findings")
    owed = {one["kind"]: one for one in due if one["subject_id"] == taken["subject_id"]}

    assert owed["notice"]["due_on"] == "2018-06-25"
    assert "objection" in {one["kind"] for one in due if one["subject_id"] == other[-36:]}
    assert "interest-overdue" in {one["code"] for one in findings}
    assert (await caller.get("/metrics")).status_code == 200
    assert (await caller.get("/v1/deadlines/calendar")).status_code == 200
    assert (await caller.get("/v1/impact-assessments")).status_code == 200
    for person in (f"/v1/subjects/{taken['subject_id']}", other):
        assert await get(caller, f"{person}/access-report")


@pytest.mark.clause("L52")
async def test_a_breach_that_was_known_before_the_law_has_its_hours(
    caller: httpx.AsyncClient, service: Service
) -> None:
    breach = {"nature": ["confidentiality"], "recipient": "azavista", "from": LONG_AGO[2]}
    made = await post(caller, "/v1/breaches", {**breach, "aware_at": "2016-03-02T10:00:00Z"})

    due = await rows(caller, service, "/v1/deadlines", kind="breach")

    assert [(one["matter"], one["due_at"]) for one in due] == [
        (made["breach"], "2016-03-05T10:00:00Z")
    ]
