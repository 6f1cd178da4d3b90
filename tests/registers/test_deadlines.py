"""Every clock of the law in one register, its calendar and its figures, which name nobody."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from icalendar import Calendar
from prometheus_client.parser import text_string_to_metric_families

from app.rights.duties import Duties
from app.service import Service
from tests.days import today_in_brussels
from tests.registers.reading import page, rows
from tests.rights.people import CONTACT, arrange, get, post, register, share

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATH = "/v1/deadlines"
Value = dict[str, Any]
TOLD = {"policy": "impel-1", "language": "en", "channel": "post"}


def moment(**before: float) -> str:
    """A moment of the past, as a body has it."""
    return (datetime.now(UTC) - timedelta(**before)).isoformat()


async def due(caller: httpx.AsyncClient, service: Service, **query: Any) -> list[Value]:
    """The register, now."""
    return await rows(caller, service, PATH, **query)


async def detect(caller: httpx.AsyncClient, **known: float) -> str:
    """The path of a breach of which the controller has known for so long."""
    aware = moment(**known)
    body = {"nature": ["confidentiality"], "from": aware, "aware_at": aware}
    return f"/v1/breaches/{(await post(caller, '/v1/breaches', body))['breach']}"


async def figures(caller: httpx.AsyncClient) -> dict[str, float]:
    """What waits, by kind and state."""
    answer = await caller.get("/metrics")
    return {
        ",".join(sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
        if sample.name == "pdledger_deadlines"
    }


async def calendar(caller: httpx.AsyncClient, service: Service) -> tuple[str, dict[str, Any]]:
    """The text of the calendar, and its entries by their ids."""
    head = await service.store.head_position()
    answer = await caller.get(f"{PATH}/calendar", params={"min_position": head})
    entries = Calendar.from_ical(answer.content).walk("VEVENT")
    return answer.text, {str(entry["uid"]): entry for entry in entries}


@pytest.mark.clause("L52", "L53")
async def test_a_breach_is_due_by_the_hour_and_then_the_people(
    caller: httpx.AsyncClient, service: Service
) -> None:
    """72 hours without a rest for the authority; the people from a high risk on (Arts. 33, 34)."""
    running, over = await detect(caller, hours=70), await detect(caller, hours=80)
    mine = {running.rpartition("/")[2], over.rpartition("/")[2]}
    before = await service.store.head_position()
    first = {one["matter"]: one for one in await due(caller, service, kind="breach")}
    counted = await figures(caller)
    await post(caller, f"{over}/assessments", {"risk": "high"})
    told = {"audience": "authority", "complete": False, "reasons": ["extent_unknown"]}
    await post(caller, f"{over}/notifications", told)
    then = await due(caller, service, kind="breach", as_of=before)
    now = [one for one in await due(caller, service, kind="breach") if one["matter"] in over]
    _, entries = await calendar(caller, service)
    await post(caller, f"{over}/notifications", {"audience": "public", "complete": True})
    left = {one["matter"] for one in await due(caller, service, kind="breach")}

    known = await get(caller, running)
    one, other = first[running.rpartition("/")[2]], first[over.rpartition("/")[2]]
    assert one["due_at"] == known["due_at"]
    assert (one["urgency"], other["urgency"]) == ("red", "overdue")
    assert (one["what"], one["subject_id"]) == ("authority", None)
    assert counted["breach_notification,running"] == counted["breach_notification,overdue"] == 1
    assert {one["matter"] for one in then} == mine
    assert [one["what"] for one in now] == ["subjects"]
    assert now[0]["urgency"] == "overdue"
    entry = entries[f"{running.rpartition('/')[2]}-authority@deadlines"]
    assert entry.decoded("dtstart") == datetime.fromisoformat(one["due_at"]).replace(microsecond=0)
    assert str(entry["summary"]) == "Breach: tell the authority"
    assert f"{over.rpartition('/')[2]}-subjects@deadlines" in entries
    assert left == {running.rpartition("/")[2]}


@pytest.mark.clause("L29")
async def test_the_month_of_art_14_is_one_of_the_clocks(
    caller: httpx.AsyncClient, service: Service
) -> None:
    """Listed from the first collection on, until the person was told; one day, one entry."""
    people = [await told_of(caller, f"zoe{number}@stad.example") for number in range(3)]
    await register(caller)
    begun = await service.store.head_position()
    waiting = await due(caller, service, kind="notice")
    first = await page(caller, PATH, kind="notice", limit=2)
    text, entries = await calendar(caller, service)
    counted = await figures(caller)
    await post(caller, f"{people[0]}/notices", TOLD)
    # Who was told once is told: what another sends later begins no month.
    await collect_from_others(caller, people[0])
    after = await due(caller, service, kind="notice")
    then = await due(caller, service, kind="notice", as_of=begun)
    by_day = await due(caller, service, due_on=waiting[0]["due_on"], kind="notice")

    assert {f"/v1/subjects/{one['subject_id']}" for one in waiting} == set(people)
    assert len({one["matter"] for one in waiting}) == 3
    assert {one["what"] for one in waiting} == {"art_14"}
    assert (len(first["items"]), first["next"] is None) == (2, False)
    [entry] = [entry for name, entry in entries.items() if name.startswith("notices-")]
    assert str(entry["summary"]) == "Notices due: 3 people"
    assert entry.decoded("dtstart") == date.fromisoformat(waiting[0]["due_on"])
    hidden = [*CONTACT.values(), *(one["subject_id"] for one in waiting)]
    assert not [value for value in hidden if value in text]
    assert (counted["notice,running"], counted["notice,overdue"]) == (3, 0)
    assert {f"/v1/subjects/{one['subject_id']}" for one in after} == set(people[1:])
    assert len(then) == 3
    assert len(by_day) == 2
    listed = await rows(caller, service, "/v1/notices-due")
    assert {one["due"] for one in listed} == {one["due_on"] for one in after}


@pytest.mark.clause("L29")
async def test_notices_are_shown_page_by_page_among_the_days_that_are_asked_for(
    caller: httpx.AsyncClient, service: Service
) -> None:
    """Counted by day, read by page: no page reads more of them than it shows."""
    for number in range(3):
        await told_of(caller, f"page.{number}@stad.example")
    await due(caller, service)
    whole = (await page(caller, PATH))["items"]
    waiting = [one for one in whole if one["kind"] == "notice"]
    narrowed = {"kind": "notice", "due_on": waiting[0]["due_on"], "limit": 1}

    paged = await due(caller, service, **narrowed)
    none = await page(caller, PATH, kind="notice", urgency="overdue")
    urgent = await page(caller, PATH, urgency=waiting[0]["urgency"])

    assert paged == [one for one in waiting if one["due_on"] == waiting[0]["due_on"]]
    assert len(paged) >= 3
    assert none["items"] == []
    assert [one for one in urgent["items"] if one["kind"] == "notice"] == waiting


async def told_of(caller: httpx.AsyncClient, address: str) -> str:
    """Somebody of whom a member organisation told."""
    contact = {"contact.name": "Zoe Ångström", "contact.email": address}
    source = "member_organisation"
    return await register(caller, "network_exchange", contact=contact, source=source)


async def collect_from_others(caller: httpx.AsyncClient, person: str) -> None:
    """A member organisation tells more of the person."""
    body = {
        "purpose": "network_exchange",
        "data": {"contact.name": "Zoe Ångström"},
        "source": "member_organisation",
    }
    await post(caller, f"{person}/collections", body)


@pytest.mark.clause("L22", "L44", "C65")
async def test_an_extended_request_extends_its_objection_and_silence_waits_for_it(
    caller: httpx.AsyncClient, service: Service
) -> None:
    person = await register(caller, "event_logistics", "network_exchange")
    subject_id = person.rpartition("/")[2]
    received = {"received_at": moment(days=20), "evidence_note": "stamp", "proof": "login"}
    asking = {"right": "objection", "subject_id": subject_id, "channel": "email", **received}
    request = (await post(caller, "/v1/rights-requests", asking))["rights_request"]["request"]
    objecting = {"purpose": "photo_website", "source": "secretariat", "request": request}
    objection = (await post(caller, f"{person}/objections", objecting))["objection"]
    alone = {**objecting, "purpose": "event_logistics", "request": None}
    other = (await post(caller, f"{person}/objections", alone))["objection"]
    extension = {
        "ground": "a12_complexity",
        "reasons": "Twelve systems",
        "told_by": "email",
        "decided_by": str(uuid4()),
    }
    await post(caller, f"/v1/rights-requests/{request}/extend", extension)

    listed = {one["matter"]: one for one in await due(caller, service)}
    shown = {
        one["objection"]: one for one in (await get(caller, f"{person}/objections"))["objections"]
    }
    after_two_months = datetime.now(UTC) + timedelta(days=45)
    after_it_all = datetime.fromisoformat(listed[request]["due_at"])
    assert service.eraser is not None
    early = await granting(service, after_two_months)
    late = await granting(service, after_it_all)

    assert listed[objection]["due_at"] == listed[request]["due_at"]
    assert (listed[objection]["extended"], listed[other]["extended"]) == (True, False)
    assert listed[other]["due_on"] < listed[objection]["due_on"]
    assert (shown[objection]["request"], shown[other]["request"]) == (request, None)
    assert shown[objection]["due"] == listed[request]["due_on"]
    assert (early, late) == (1, 1)
    missing = {**objecting, "purpose": "photo_newsletter", "request": str(uuid4())}
    refused = await post(caller, f"{person}/objections", missing, status=404)
    assert refused["type"] == "/problems/rights-request-unknown"


async def granting(service: Service, at: datetime) -> int:
    """How many objections the silence of that moment grants."""
    assert service.eraser is not None
    duties = Duties(service.ledger, service.pool, service.eraser, clock=lambda: at)
    return (await duties.run()).granted


@pytest.mark.clause("C75", "L37")
async def test_a_child_that_was_discovered_is_due_before_anybody_began(
    caller: httpx.AsyncClient, service: Service
) -> None:
    """The daily run would begin it; when that fails, somebody has to see that nothing happened."""
    contact = {**CONTACT, "contact.email": "ian@stad.example", "contact.phone": "+32470000002"}
    person = await register(caller, contact=contact)
    order = {"source": "secretariat", "trigger": "child_data"}
    found = await post(caller, f"{person}/child-discovery", {"source": "secretariat"})
    [waiting] = await due(caller, service, kind="erasure")
    hold = {"ground": "legal_claims", "source": "secretariat"}
    held = (await post(caller, f"{person}/legal-holds", hold))["hold"]
    await post(caller, f"{person}/erasure", order, status=409)
    [begun] = await due(caller, service, kind="erasure")
    await post(caller, f"{person}/legal-holds/{held}/release")
    await post(caller, f"{person}/erasure", order)

    assert (waiting["what"], waiting["matter"]) == ("discovered", found["events"][0]["event_id"])
    assert waiting["received_on"] == today_in_brussels().isoformat()
    assert begun["what"] == "blocked"
    assert await due(caller, service, kind="erasure") == []


@pytest.mark.clause("L36", "L37", "C66")
async def test_an_erasure_is_due_until_it_is_carried_out_and_everybody_is_told(
    caller: httpx.AsyncClient, service: Service
) -> None:
    """Also one that nobody asked for by a request: whoever forgets it is told of it (Art. 19)."""
    await arrange(service, "mailchimp", "azavista")
    contact = {**CONTACT, "contact.email": "ida@stad.example", "contact.phone": "+32470000001"}
    person = await register(caller, contact=contact)
    await post(caller, f"{person}/disclosures", share("azavista"))
    hold = {"ground": "legal_claims", "source": "secretariat"}
    held = (await post(caller, f"{person}/legal-holds", hold))["hold"]
    await post(caller, f"{person}/erasure", {"source": "secretariat"}, status=409)
    [waiting] = await due(caller, service, kind="erasure")
    begun = await service.store.head_position()
    await post(caller, f"{person}/legal-holds/{held}/release")
    carried = (await post(caller, f"{person}/erasure", {"source": "secretariat"}))["erasure"]
    told = await due(caller, service, kind="erasure")
    text, entries = await calendar(caller, service)
    counted = await figures(caller)
    erasure = f"{person}/erasure/{carried['erasure']}"
    for outcome, left in (("still_present", 1), ("verified_gone", 0)):
        body = {"recipient": "azavista", "outcome": outcome}
        await post(caller, f"{erasure}/recipients", body)
        assert len(await due(caller, service, kind="erasure")) == left
    then = await due(caller, service, kind="erasure", as_of=begun)

    assert (waiting["what"], waiting["right"]) == ("blocked", "erasure")
    assert waiting["matter"] == carried["erasure"]
    assert timedelta(days=27) < date.fromisoformat(waiting["due_on"]) - today_in_brussels()
    [duty] = told
    assert (duty["what"], duty["recipient"], duty["task"]) == ("inform_recipient", "azavista", 1)
    assert duty["due_on"] == carried["close_by"]
    entry = entries[f"{carried['erasure']}-1@deadlines"]
    assert str(entry["summary"]) == "Recipient to be told of an erasure"
    assert person.rpartition("/")[2] not in text
    assert (counted["erasure,running"], counted["erasure,overdue"]) == (1, 0)
    assert [one["what"] for one in then] == ["blocked"]


@pytest.mark.clause("L22", "L36", "C66")
async def test_whom_an_erasure_is_told_to_is_due_with_the_answer_that_waits_for_it(
    caller: httpx.AsyncClient, service: Service
) -> None:
    """The request cannot be answered before: a later day would make it late (Art. 12(3))."""
    await arrange(service, "azavista")
    contact = {**CONTACT, "contact.email": "ilse@stad.example", "contact.phone": "+32470000003"}
    person = await register(caller, contact=contact)
    await post(caller, f"{person}/disclosures", share("azavista"))
    asked = {"right": "erasure", "subject_id": person.rpartition("/")[2], "channel": "email"}
    request = (await post(caller, "/v1/rights-requests", {**asked, "proof": "login"}))[
        "rights_request"
    ]
    path = f"/v1/rights-requests/{request['request']}"
    await post(caller, f"{path}/approve", {"decided_by": str(uuid4())})
    await post(caller, f"{person}/erasure", {"source": "secretariat"})
    [told] = await due(caller, service, kind="erasure")

    assert told["what"] == "inform_recipient"
    assert (told["due_on"], told["due_at"]) == (
        request["deadline"]["due_on"],
        request["deadline"]["due_at"],
    )


@pytest.mark.clause("L42", "C67")
async def test_a_restriction_is_due_to_be_lifted_on_the_day_that_the_person_was_told(
    caller: httpx.AsyncClient, service: Service
) -> None:
    """The letter says that it ends: nothing else reminds the human who has to lift it."""
    contact = {**CONTACT, "contact.email": "ruth@stad.example", "contact.phone": "+32470000004"}
    person = await register(caller, contact=contact)
    body = {"ground": "unlawful", "source": "secretariat"}
    key = (await post(caller, f"{person}/restrictions", body))["restriction"]
    assert await due(caller, service, kind="restriction") == []
    ends = today_in_brussels() + timedelta(days=9)
    announced = {"restriction": key, "channel": "letter", "ends_on": ends.isoformat()}
    await post(caller, f"{person}/restrictions/lift/announcement", announced)
    [row] = await due(caller, service, kind="restriction")
    _, entries = await calendar(caller, service)
    counted = await figures(caller)

    assert (row["matter"], row["what"], row["due_on"]) == (key, "lift", ends.isoformat())
    assert (row["right"], row["days_left"]) == ("restriction", 9)
    summary = str(entries[f"{key}@deadlines"]["summary"])
    assert summary == "Restriction to be lifted, as announced"
    assert (counted["restriction,running"], counted["restriction,overdue"]) == (1, 0)
