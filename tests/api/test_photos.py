"""Photographs over HTTP: nobody sees them before notice, each place is objected to by itself."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from app.projections import PHOTOS
from app.service import Service
from app.store.connection import connect
from tests.conftest import Database
from tests.days import today_in_brussels
from tests.projections.catching_up import catch_up
from tests.rights.people import arrange, get, post, register

FROM_DESK = {"source": "secretariat"}
NOTICE = {"policy": "impel-1", "language": "sv", "channel": "form"}
WEBSITE = {"purpose": "photo_website", "recipient": "website"}
OCCASION = str(uuid4())


async def taken(client: httpx.AsyncClient, person: str, title: str = "Plenary 12.jpg") -> str:
    """The path of a photograph of somebody."""
    photo = str(uuid4())
    body = {"photo": photo, "system": "onedrive", "title": title, "source": "photographer"}
    await post(client, f"{person}/photos", {**body, "occasion": OCCASION})
    return f"{person}/photos/{photo}"


async def shown(client: httpx.AsyncClient, **more: Any) -> tuple[str, str]:
    """Somebody whose photograph is on the website."""
    person = await register(client, notice=NOTICE, **more)
    photo = await taken(client, person)
    await post(client, f"{photo}/publications", {"purpose": "photo_website"})
    return person, photo


async def duties(client: httpx.AsyncClient, person: str) -> list[dict[str, Any]]:
    """The tasks of a person's photographs."""
    found = (await get(client, f"{person}/photos"))["photos"]
    return [duty for photo in found for duty in photo["duties"]]


@pytest.mark.clause("L10", "C37")
async def test_no_photograph_is_shown_before_the_person_was_told(
    client: httpx.AsyncClient,
) -> None:
    person = await register(client)
    photo = await taken(client, person)

    refused = await post(client, f"{photo}/publications", {"purpose": "photo_website"}, status=409)

    assert refused["type"] == "/problems/photo-unannounced"


@pytest.mark.clause("C37", "L32", "L33")
async def test_the_person_is_told_where_their_photograph_is_shown(
    client: httpx.AsyncClient,
) -> None:
    person, _ = await shown(client)

    report = str(await get(client, f"{person}/access-report"))

    assert "Plenary 12.jpg" in report
    assert "website" in report


@pytest.mark.clause("L44", "C37", "C65")
@pytest.mark.parametrize("objected", ["photo_website", "photo_newsletter", "photo_reporting"])
async def test_each_place_stops_by_itself(
    client: httpx.AsyncClient, service: Service, objected: str
) -> None:
    """Three uses, each objectable: the website, the newsletter, reporting."""
    await arrange(service, "mailchimp")
    person = await register(client, notice=NOTICE)
    photo = await taken(client, person)
    await post(client, f"{person}/objections", {"purpose": objected, **FROM_DESK})

    answers = {
        purpose: await client.post(
            f"{photo}/publications", json={"purpose": purpose, "recipient": recipient}
        )
        for purpose, recipient in (
            ("photo_website", "website"),
            ("photo_reporting", "eu_funder"),
            ("photo_newsletter", "mailchimp"),
        )
    }

    found = {key: one.json().get("type") for key, one in answers.items()}
    assert found == dict.fromkeys(answers) | {objected: "/problems/objected"}


@pytest.mark.clause("L39", "C37", "L44")
async def test_an_objection_to_one_photograph_is_a_task_until_it_is_done(
    client: httpx.AsyncClient,
) -> None:
    """Art. 17(2): what was public was copied; search engines and others are told."""
    person, photo = await shown(client)
    other = await taken(client, person, "Plenary 13.jpg")
    before = await duties(client, person)
    body = {**FROM_DESK, "statement": "I was not asked."}

    raised = await post(client, f"{photo}/objections", body)
    found = await duties(client, person)
    again = await post(client, f"{photo}/publications", {"purpose": "photo_website"}, status=409)
    await post(client, f"{other}/publications", {"purpose": "photo_website"})
    early = await post(
        client,
        f"{photo}/removal-announcements",
        {**WEBSITE, "audience": "search_engines"},
        status=409,
    )
    await post(client, f"{photo}/take-downs", {**WEBSITE, "evidence": "ab" * 32})
    for audience in ("search_engines", "controllers"):
        await post(client, f"{photo}/removal-announcements", {**WEBSITE, "audience": audience})

    assert raised["objection"]
    assert before == []
    assert sorted(one["kind"] for one in found) == ["take_down", "tell_others", "tell_others"]
    due = today_in_brussels() + timedelta(days=3)
    assert {one["due"] for one in found if one["kind"] == "take_down"} == {due.isoformat()}
    assert again["type"] == "/problems/objected"
    assert early["type"] == "/problems/photo-still-shown"
    assert await duties(client, person) == []


@pytest.mark.clause("L39", "C37")
async def test_an_erasure_leaves_the_task_to_take_down_what_is_public(
    client: httpx.AsyncClient, database: Database
) -> None:
    """The record is empty; the picture still hangs on the website, and the desk's list says so."""
    person, photo = await shown(client)
    untouched, _ = await shown(client, contact={"contact.name": "Björn Ek"})
    await post(client, f"{person}/erasure", {"source": "secretariat"})
    projector = await connect(database.dsn("ledger_projector"))
    await catch_up(projector, PHOTOS)
    await projector.close()

    listed = (await get(client, "/v1/photo-duties"))["items"]
    await post(client, f"{photo}/take-downs", WEBSITE)
    left = (await get(client, "/v1/photo-duties"))["items"]

    assert {one["subject_id"] for one in listed} == {person.split("/")[-1]}
    assert untouched.split("/")[-1] not in str(listed)
    assert {one["cause"] for one in listed} == {"erased"}
    assert {one["kind"] for one in left} == {"tell_others"}


@pytest.mark.clause("C37")
async def test_bad_photographs_have_problem_types_of_their_own(client: httpx.AsyncClient) -> None:
    person = await register(client, notice=NOTICE)
    photo = await taken(client, person)
    nothing = f"{person}/photos/{uuid4()}"

    answers = [
        await post(client, f"{nothing}/publications", {"purpose": "photo_website"}, status=404),
        await post(client, f"{photo}/take-downs", WEBSITE, status=404),
        await post(client, f"{photo}/publications", {"purpose": "newsletter"}, status=422),
        await post(client, f"{person}/photo-objections/{uuid4()}/withdrawal", status=404),
    ]

    assert [one["type"].removeprefix("/problems/") for one in answers] == [
        "photo-unknown",
        "photo-unpublished",
        "purpose-unknown",
        "photo-objection-unknown",
    ]
