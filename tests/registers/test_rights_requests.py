"""The registers of requests and deadlines, and the calendar: sorted, exact, and without a name."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from icalendar import Calendar

from app.auth import Scope, new_key
from app.service import Service
from tests.registers.reading import page, rows, sheet, table
from tests.rights.people import CONTACT, post, register
from tests.serving import Api

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATH = "/v1/rights-requests"
DECIDED = {"decided_by": str(uuid4())}


def ago(days: int) -> str:
    """A moment in the past, as a caller writes it."""
    return (datetime.now(UTC) - timedelta(days=days)).isoformat()


async def ask(caller: httpx.AsyncClient, person: str | None, right: str, **more: Any) -> str:
    """A request that was recorded; its id."""
    subject = None if person is None else person.rpartition("/")[2]
    body = {"right": right, "subject_id": subject, "channel": "email", **more}
    made = await post(caller, PATH, body)
    return str(made["rights_request"]["request"])


@pytest.mark.clause("C80", "L20", "L23", "L9")
async def test_requests_are_listed_as_they_stand(
    caller: httpx.AsyncClient, service: Service
) -> None:
    """Each with its clock of today; the cut shows what stood then."""
    person = await register(caller)
    one = await ask(caller, person, "access", proof="login")
    other = await ask(caller, person, "other")
    stranger = await ask(caller, None, "access")
    before = await service.store.head_position()
    await post(caller, f"{PATH}/{one}/withdraw", {"channel": "email"})
    await post(caller, f"{PATH}/{other}/triage", {**DECIDED, "right": "erasure"})
    told = {**DECIDED, "told_by": "email", "reasons": "Which of the two are you?"}
    await post(caller, f"{PATH}/{stranger}/cannot-identify", told)

    everything = {row["request"]: row for row in await rows(caller, service, PATH)}
    waiting = {row["request"] for row in await rows(caller, service, PATH, open=True)}
    erasures = {row["request"] for row in await rows(caller, service, PATH, right="erasure")}
    then = {row["request"]: row for row in await rows(caller, service, PATH, as_of=before)}

    assert everything[one]["status"] == "withdrawn"
    assert everything[one]["days_left"] is None
    assert (everything[other]["right"], everything[other]["next"]) == ("erasure", "verify")
    assert everything[stranger]["stranger"]
    assert other in waiting
    assert not waiting & {one, stranger}
    assert erasures == {other}
    assert then[one]["status"] == "identity_confirmed"
    assert then[other]["right"] == "other"
    await post(caller, f"{PATH}/{stranger}/answer-doubt", {"text": "The second."})
    reopened = {row["request"] for row in await rows(caller, service, PATH, open=True)}
    assert stranger in reopened


@pytest.mark.clause("L21", "L23", "L24", "L44", "C72")
async def test_what_is_due_is_sorted_by_its_day(
    caller: httpx.AsyncClient, service: Service
) -> None:
    """Requests, tasks and pending objections, the nearest first; three forms say the same."""
    person = await register(caller, "event_logistics", "network_exchange")
    note = {"evidence_note": "stamp"}
    late = await ask(caller, person, "access", received_at=ago(60), **note)
    account = await ask(caller, person, "deactivate_account", system="basecamp", proof="login")
    await post(caller, f"{PATH}/{account}/approve", DECIDED)
    objecting = {"purpose": "event_logistics", "source": "secretariat"}
    objection = (await post(caller, f"{person}/objections", objecting))["objection"]
    asked = await ask(caller, person, "access", received_at=ago(50), **note)
    doubt = {
        **DECIDED,
        "told_by": "email",
        "grounds": "Unknown address",
        "occurred_at": ago(45),
        "evidence_note": "mail header",
    }
    await post(caller, f"{PATH}/{asked}/doubt", doubt)

    listed = await rows(caller, service, "/v1/deadlines")
    mine = [one for one in listed if one["matter"] in (late, account, objection, asked)]
    by_matter = {(one["kind"], one["matter"]): one for one in mine}
    days = [one["due_on"] for one in listed]
    overdue = await rows(caller, service, "/v1/deadlines", urgency="overdue")
    tasks = await rows(caller, service, "/v1/deadlines", kind="task")

    assert days == sorted(days)
    assert by_matter["rights_request", late]["urgency"] == "overdue"
    assert by_matter["rights_request", late]["days_left"] < 0
    assert by_matter["task", account]["recipient"] == "basecamp"
    assert by_matter["objection", objection]["what"] == "pending"
    paused = by_matter["rights_request", asked]
    assert (paused["paused"], paused["warning"]) == (True, True)
    assert paused["days_left"] >= 0
    assert late in {one["matter"] for one in overdue}
    assert {one["kind"] for one in tasks} == {"task"}
    comma = await table(caller, "/v1/deadlines")
    cells = await sheet(caller, "/v1/deadlines")
    assert len(comma) == len(cells) == len(listed) + 1
    assert [row[0] for row in comma[1:]] == days


@pytest.mark.clause("L23", "C80")
async def test_the_calendar_names_nobody(caller: httpx.AsyncClient, service: Service) -> None:
    """RFC 5545: what is due and when, for a calendar that others may see."""
    person = await register(caller)
    request = await ask(caller, person, "access", text="My name is Zoe", proof="login")

    answer = await caller.get(
        "/v1/deadlines/calendar", params={"min_position": await service.store.head_position()}
    )
    feed = Calendar.from_ical(answer.content)
    entries = {str(entry["uid"]): entry for entry in feed.walk("VEVENT")}
    mine = entries[f"{request}@deadlines"]
    listed = await rows(caller, service, "/v1/deadlines", kind="rights_request")
    due = next(one["due_on"] for one in listed if one["matter"] == request)

    assert answer.headers["content-type"].startswith("text/calendar")
    assert mine.decoded("dtstart") == date.fromisoformat(due)
    assert str(mine["summary"]) == "Rights request due: access"
    assert len(mine.walk("VALARM")) == 3
    people = {one["subject_id"] for one in listed}
    hidden = [*CONTACT.values(), "Zoe", *people]
    assert not [value for value in hidden if value in answer.text]


@pytest.mark.clause("L28")
async def test_a_stranger_is_on_no_list_of_people(
    caller: httpx.AsyncClient, service: Service
) -> None:
    """Nothing is held about them but the request, which stands in its own register."""
    receipt = await post(caller, PATH, {"right": "access", "channel": "email"})

    people = {row["subject_id"] for row in await rows(caller, service, "/v1/subjects")}
    asking = {row["request"] for row in await rows(caller, service, PATH, open=True)}
    unknown = await caller.get(f"/v1/subjects/{receipt['subject_id']}/access-report")

    assert receipt["subject_id"] not in people
    assert receipt["rights_request"]["request"] in asking
    assert unknown.status_code == 404


@pytest.mark.clause("L3")
async def test_deadlines_are_read_for_a_purpose_and_the_reading_is_recorded(
    caller: httpx.AsyncClient, service: Service
) -> None:
    before = await service.store.head_position()
    await page(caller, "/v1/deadlines")
    unnamed = await caller.get("/v1/deadlines", headers={"Purpose": ""})

    assert await service.store.head_position() == before + 1
    assert unnamed.status_code == 400


@pytest.mark.clause("L23", "C80")
async def test_a_calendar_that_sends_no_header_reads_what_is_due_by_its_own_address(
    caller: httpx.AsyncClient, service: Service, api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same entries for a key that opens nothing else, until it is revoked; no log has it."""
    person = await register(caller)
    request = await ask(caller, person, "access", proof="login")
    head = await service.store.head_position()
    shown = await caller.get("/v1/deadlines/calendar", params={"min_position": head})
    key = await api.key([Scope.CALENDAR_READ])
    anybody = api.anonymous()
    capsys.readouterr()

    found = await anybody.get(f"/calendars/{key}")
    logged = capsys.readouterr()

    assert found.status_code == 200
    assert found.headers["content-type"].startswith("text/calendar")
    assert found.headers["cache-control"] == "private, no-store"
    entries = {str(one["uid"]) for one in Calendar.from_ical(found.content).walk("VEVENT")}
    assert f"{request}@deadlines" in entries
    assert entries == {str(one["uid"]) for one in Calendar.from_ical(shown.content).walk("VEVENT")}
    assert "/calendars/{token}" in logged.out + logged.err
    assert key not in logged.out + logged.err
    bearing = {"authorization": f"Bearer {key}", "purpose": "rights_requests"}
    for path in ("/v1/deadlines", "/v1/deadlines/calendar", person):
        assert (await anybody.get(path, headers=bearing)).status_code == 403

    await service.pool.execute("SELECT ledger.ledger_client_revoke($1)", key.split("_")[2])
    service.callers.forget()
    assert (await anybody.get(f"/calendars/{key}")).status_code == 404


@pytest.mark.clause("C80")
async def test_no_other_key_and_no_other_text_opens_a_calendar_by_its_address(api: Api) -> None:
    """A key that may do more has no place in an address; all are refused alike."""
    wider = [
        await api.key([Scope.CALENDAR_READ, Scope.RIGHTS_REQUESTS_READ]),
        await api.key([Scope.RIGHTS_REQUESTS_READ]),
        await api.key(),
    ]
    anybody = api.anonymous()

    answers = [
        await anybody.get(f"/calendars/{token}")
        for token in (*wider, new_key().text, "x", "A" * 100)
    ]

    told = {
        (one.status_code, one.json()["type"], one.json()["title"], one.json()["detail"])
        for one in answers
    }
    assert len(told) == 1
    assert {one.status_code for one in answers} == {404}
    assert not any(token in one.text for token in wider for one in answers)
