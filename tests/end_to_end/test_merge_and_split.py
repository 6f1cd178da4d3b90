"""One story: somebody registers twice, is merged by two clients, was two people, is told apart."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from app.settings import Settings
from app.store.integrity import verify
from tests.conftest import Database
from tests.rights.people import arrange, collect, consent, get, post, register, share
from tests.serving import Api, serving

ANNA = {"contact.name": "Anna Berg", "contact.email": "anna.berg@stad.example"}
ANNE = {"contact.name": "Anne Berg", "contact.email": "anne.berg@lan.example"}
DESK = {"source": "secretariat"}
NOTICE = {"policy": "impel-1", "language": "sv", "channel": "form"}
NEWS = share("mailchimp", purpose="newsletter", categories=["contact.email"])
WEBSITE = {"purpose": "photo_website", "recipient": "website"}


@pytest.mark.clause("L6", "L33", "L39", "L43", "L44", "L47", "C37", "C62", "C72")
async def test_two_records_are_one_person_until_they_turn_out_to_be_two(
    database: Database, tmp_path: Path
) -> None:
    async with serving(database, tmp_path) as service:
        await arrange(service, "mailchimp")
        api = Api(service, Settings(home=tmp_path))
        async with await api.client() as desk, await api.client() as officer:
            anna, anne = await two_records(desk)
            photo = await photographed(desk, anne)
            pair = {"survivor": anna.split("/")[-1], "absorbed": anne.split("/")[-1]}
            merge = await merged(desk, officer, pair)
            await the_survivor_stands_for_both(desk, anna, anne)
            await the_photograph_comes_down(desk, anna, anne, photo)
            await post(officer, f"/v1/merges/{merge}/revert", pair)
            await each_stands_alone(desk, anna, anne)
            other = await divided(desk, officer, anna)
            await nobody_reads_the_other(desk, anna, other)
        auditor = await asyncpg.connect(database.dsn("ledger_auditor"))
        try:
            verification = await verify(auditor)
        finally:
            await auditor.close()

    assert verification.sound, verification.findings


async def two_records(desk: httpx.AsyncClient) -> tuple[str, str]:
    """Two forms, two addresses; one of the two has left the newsletter, one reads it."""
    anna = await register(desk, contact=ANNA, notice=NOTICE)
    anne = await register(desk, contact=ANNE, notice=NOTICE)
    await collect(desk, anna, "newsletter", {"contact.email": ANNA["contact.email"]})
    await post(desk, f"{anna}/consents", consent())
    await post(desk, f"{anna}/disclosures", NEWS)
    await post(desk, f"{anne}/objections", {"purpose": "newsletter", **DESK})
    statement = {**DESK, "statements": {"contact.name": "Spelt with an e."}}
    await post(desk, f"{anne}/rectifications", statement)
    return anna, anne


async def photographed(desk: httpx.AsyncClient, person: str) -> str:
    """On the website, after notice."""
    photo = str(uuid4())
    body = {"photo": photo, "system": "onedrive", "title": "Row 3.jpg", "source": "photographer"}
    await post(desk, f"{person}/photos", body)
    await post(desk, f"{person}/photos/{photo}/publications", {"purpose": "photo_website"})
    return f"{person}/photos/{photo}"


async def merged(desk: httpx.AsyncClient, officer: httpx.AsyncClient, pair: dict[str, str]) -> str:
    """Proposed by one, approved by another; an account of each stays where it is."""
    proposed = await post(desk, "/v1/merges", {**pair, "ground": "statement"})
    merge: str = proposed["merge"]
    await post(desk, f"/v1/merges/{merge}/approve", pair, status=409)
    await post(officer, f"/v1/merges/{merge}/approve", pair)
    return merge


async def the_survivor_stands_for_both(desk: httpx.AsyncClient, anna: str, anne: str) -> None:
    """The no of one record goes before the yes of the other; each is reported by itself."""
    await post(desk, f"{anna}/disclosures", NEWS, status=409)
    lookup = {"kind": "email", "value": ANNE["contact.email"]}
    found = await post(desk, "/v1/subjects:lookup", lookup, status=200)
    body = {"purpose": "event_logistics", "data": {"work.title": "Chef"}, **DESK}
    refused = await post(desk, f"{anne}/collections", body, status=409)
    reports = await both(desk, anna, anne)

    assert found["subject_id"] == anna.rsplit("/", maxsplit=1)[-1]
    assert refused["survivor"] == found["subject_id"]
    apart(*reports)
    assert "Spelt with an e." in str(reports[1])
    assert reports[0]["other_records"][0]["subject_id"] == anne.rsplit("/", maxsplit=1)[-1]


async def the_photograph_comes_down(
    desk: httpx.AsyncClient, anna: str, anne: str, photo: str
) -> None:
    """What the person says on the survivor's record reaches the photograph on the other one."""
    await post(desk, f"{anna}/objections", {"purpose": "photo_website", **DESK})
    due = (await get(desk, f"{anne}/photos"))["photos"][0]["duties"]
    await post(desk, f"{photo}/take-downs", WEBSITE)
    for audience in ("search_engines", "controllers"):
        await post(desk, f"{photo}/removal-announcements", {**WEBSITE, "audience": audience})

    assert sorted(one["kind"] for one in due) == ["take_down", "tell_others", "tell_others"]
    assert (await get(desk, f"{anne}/photos"))["photos"][0]["duties"] == []


async def each_stands_alone(desk: httpx.AsyncClient, anna: str, anne: str) -> None:
    """Anna reads her newsletter again, Anne does not; the photograph stays down for both."""
    await post(desk, f"{anna}/disclosures", NEWS)
    left = (await get(desk, f"{anne}/merges"))["merges"]
    reports = await both(desk, anna, anne)

    apart(*reports)
    assert [one["other_records"] for one in reports] == [[], []]
    assert len(left[0]["inherited"]["objections"]) == 1


async def divided(desk: httpx.AsyncClient, officer: httpx.AsyncClient, anna: str) -> str:
    """Meanwhile somebody had put a third person's telephone number into Anna's record."""
    receipt = await collect(desk, anna, "event_logistics", THIRD)
    versions = [one["version"] for one in receipt["events"] if one["type"] == "data.collected"]
    record = {"subject_id": anna.rsplit("/", maxsplit=1)[-1]}
    proposed = await post(desk, "/v1/splits", {**record, "versions": versions})
    done = await post(officer, f"/v1/splits/{proposed['split']}/approve", record)
    return f"/v1/subjects/{done['offshoot']}"


THIRD = {"contact.name": "Cecilia Dahl", "contact.phone": "+46701112233"}


async def nobody_reads_the_other(desk: httpx.AsyncClient, anna: str, other: str) -> None:
    """The values are where they belong, the ones before are in use again."""
    reports = await both(desk, anna, other)

    assert all(value in str(reports[1]) for value in THIRD.values())
    assert not any(value in str(reports[0]) for value in THIRD.values())
    assert all(value in str(reports[0]) for value in ANNA.values())
    assert not any(value in str(reports[1]) for value in ANNA.values())


async def both(desk: httpx.AsyncClient, *people: str) -> list[dict[str, Any]]:
    """The access report of each."""
    return [await get(desk, f"{one}/access-report") for one in people]


def apart(of_anna: dict[str, Any], of_anne: dict[str, Any]) -> None:
    """No report holds a value of the other person."""
    assert all(value in str(of_anna) for value in ANNA.values())
    assert all(value in str(of_anne) for value in ANNE.values())
    assert not any(value in str(of_anna) for value in ANNE.values())
    assert not any(value in str(of_anne) for value in ANNA.values())
