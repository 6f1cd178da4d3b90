"""Two stories: a letter from the post to its answer, and somebody whom nobody knows."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from icalendar import Calendar

from app.domain.legal_clock import due
from app.settings import Settings
from app.store.connection import connect
from app.store.integrity import verify
from app.workers import Workers
from tests.conftest import Database
from tests.rights.people import CONTACT, arrange, get, post, register, share
from tests.serving import Api, serving

PATH = "/v1/rights-requests"
CLERK = {"decided_by": str(uuid4())}
TOLD = {**CLERK, "told_by": "post"}
READING = {"Purpose": "rights_requests"}


def ago(days: int) -> str:
    """A moment in the past, as a caller writes it."""
    return (datetime.now(UTC) - timedelta(days=days)).isoformat()


async def nothing() -> None:
    """Nothing grows old in a test."""


@pytest.mark.clause("C67", "C69", "C80", "L9", "L20", "L22", "L24", "L25", "L36")
async def test_a_letter_from_the_post_to_its_answer(database: Database, tmp_path: Path) -> None:
    """Back-dated, mislabelled, doubted, extended; done, told to the recipients, and answered."""
    async with serving(database, tmp_path) as service:
        workers = Workers(connect=lambda: connect(database.dsn("ledger_projector")), purge=nothing)
        workers.start()
        await arrange(service, "azavista")
        async with await Api(service, Settings(home=tmp_path)).client() as client:
            person = await register(client)
            await post(client, f"{person}/disclosures", share("azavista"))
            path = await arrive(client, person)
            await find_out_who(client, path)
            await do_it(client, person, path)
            day = await see_it_in_the_calendar(client, path)
            await answer(client, path, day)
            await look_back(client, path)
        await workers.stop()
        auditor = await asyncpg.connect(database.dsn("ledger_auditor"))
        try:
            assert (await verify(auditor)).sound
        finally:
            await auditor.close()


async def arrive(client: httpx.AsyncClient, person: str) -> str:
    """It lay in the post room for two days, and nobody saw which right it was about."""
    letter = {
        "right": "other",
        "subject_id": person.rpartition("/")[2],
        "channel": "post",
        "received_at": ago(20),
        "evidence_note": "Stamp of the post room",
        "text": "You have my name wrong.",
        "reply_address": "Storgatan 1, 111 22 Stad",
        "language": "sv",
    }
    made = (await post(client, PATH, letter))["rights_request"]
    path = f"{PATH}/{made['request']}"
    triage = {**CLERK, "right": "rectification"}
    triaged = (await post(client, f"{path}/triage", triage))["rights_request"]
    assert triaged["deadline"]["received_on"] == made["deadline"]["received_on"]
    assert triaged["answer_form"] == "post"
    return path


async def find_out_who(client: httpx.AsyncClient, path: str) -> None:
    """Four days of the clock stand still, and there will be two months more."""
    doubt = {
        **TOLD,
        "grounds": "No signature",
        "occurred_at": ago(12),
        "evidence_note": "mail header",
    }
    await post(client, f"{path}/doubt", doubt)
    await post(
        client,
        f"{path}/answer-doubt",
        {"text": "It is me.", "occurred_at": ago(8), "evidence_note": "stamp"},
    )
    await post(client, f"{path}/verify", {"proof": "callback"})
    more = {**TOLD, "ground": "a12_high_volume", "reasons": "A hundred letters this month"}
    extended = (await post(client, f"{path}/extend", more))["rights_request"]
    assert extended["deadline"]["paused_days"] == 4
    assert extended["deadline"]["months"] == 3


async def do_it(client: httpx.AsyncClient, person: str, path: str) -> None:
    """The name is corrected, and whoever has the old one is a task."""
    approved = (await post(client, f"{path}/approve", CLERK))["rights_request"]
    corrected = {"data": {"contact.name": "Zoe Angstrom"}, "source": "secretariat"}
    await post(client, f"{person}/rectifications", corrected)
    early = await post(client, f"{path}/fulfil", TOLD, status=409)
    assert [task["recipient"] for task in approved["tasks"]] == ["azavista"]
    assert early["type"] == "/problems/tasks-open"


async def see_it_in_the_calendar(client: httpx.AsyncClient, path: str) -> str:
    """What is due and when, and no name; the register says the same."""
    request = path.rpartition("/")[2]
    made = await client.get(path, headers=READING)
    day = str(made.json()["deadline"]["due_on"])
    query = {"min_position": made.json()["position"]}
    register_ = await client.get("/v1/deadlines", params=query, headers=READING)
    rows = [one for one in register_.json()["items"] if one["matter"] == request]
    shown = await client.get("/v1/deadlines/calendar", params=query)
    entries = {str(one["uid"]) for one in Calendar.from_ical(shown.content).walk("VEVENT")}

    assert {(one["kind"], one["due_on"]) for one in rows} == {
        ("rights_request", day),
        ("task", day),
    }
    assert entries == {f"{request}@deadlines", f"{request}-1@deadlines"}
    assert not [value for value in CONTACT.values() if value in shown.text]
    return day


async def answer(client: httpx.AsyncClient, path: str, day: str) -> None:
    """The recipient was told; the person is told in time."""
    done = {"outcome": "done", "note": "Mail of this morning, read receipt in file 7"}
    await post(client, f"{path}/tasks/1/closing", done)
    told = {**TOLD, "note": "Your name is corrected; Azavista was told."}
    answered = (await post(client, f"{path}/fulfil", told))["rights_request"]
    assert (answered["status"], answered["late"]) == ("fulfilled", False)
    assert answered["deadline"]["due_on"] == day
    assert len(answered["answers"]) == 1


async def look_back(client: httpx.AsyncClient, path: str) -> None:
    """Every word is there for the desk, and every step for an auditor, without a word."""
    letters = (await client.get(path, headers=READING)).json()["letters"]
    bundle = await get(client, f"{path}/evidence")
    steps = [one for one in bundle["entries"] if one["of_request"]]
    texts = {one["text"] for one in letters}

    assert {"You have my name wrong.", "No signature", "It is me."} <= texts
    assert len(steps) == 10
    assert not [text for text in texts if text in str(bundle)]


@pytest.mark.clause("L20", "L28", "C80")
async def test_somebody_whom_nobody_knows_is_answered(database: Database, tmp_path: Path) -> None:
    """A confirmation that nothing is held, within the same month, and kept as long as a proof."""
    async with serving(database, tmp_path) as service:
        async with await Api(service, Settings(home=tmp_path)).client() as client:
            body: dict[str, Any] = {
                "right": "access",
                "channel": "email",
                "text": "Do you have anything on me?",
                "reply_address": "stranger@stad.example",
            }
            receipt = await post(client, PATH, body)
            made = receipt["rights_request"]
            path = f"{PATH}/{made['request']}"
            nothing_held = {**CLERK, "told_by": "email", "outcome": "nothing_held"}
            answered = (await post(client, f"{path}/fulfil", nothing_held))["rights_request"]
            stranger = UUID(receipt["subject_id"])
            unknown = await client.get(f"/v1/subjects/{stranger}", headers=READING)
        law = service.rulebook.law

    received = datetime.fromisoformat(made["received_at"])
    assert made["deadline"]["due_on"] == due(received, law).last_day.isoformat()
    assert (answered["outcome"], answered["late"]) == ("nothing_held", False)
    assert made["subject_id"] is None
    assert unknown.status_code == 404
