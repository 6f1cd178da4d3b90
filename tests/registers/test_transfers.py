"""The day on which a mechanism falls, asked before and after it was recorded (L57)."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest

from app.service import Service
from tests.days import today_in_brussels
from tests.registers.reading import refused
from tests.rights.people import arrange, get, post, register, share

pytestmark = pytest.mark.asyncio(loop_scope="module")
PATH = "/v1/transfers/impact"
TODAY = today_in_brussels()
SOON = TODAY + timedelta(days=90)
Value = dict[str, Any]


async def impact(caller: httpx.AsyncClient, service: Service, **query: Any) -> Value:
    """What falls, by all that has been written so far."""
    head = await service.store.head_position()
    return await get(caller, PATH, min_position=head, **query)


def of(found: Value, recipient: str) -> Value:
    """What is said of one recipient."""
    [one] = [one for one in found["recipients"] if one["key"] == recipient]
    return dict(one)


def without(found: Value, *names: str) -> Value:
    """An answer but for some members."""
    return {key: value for key, value in found.items() if key not in names}


@pytest.fixture(scope="module")
def people() -> list[str]:
    """Paths of the people of this module, filled by the first test."""
    return []


async def shared(caller: httpx.AsyncClient, service: Service, people: list[str]) -> list[str]:
    """Three people with a recipient that has the framework alone, two of them with one more.

    A fourth was shared inside the EEA alone.
    """
    if not people:
        await arrange(service, "google_forms", "google_drive", "azavista")
        await arrange(service, "google_drive", mechanism="scc_2021")
        for recipients in (["google_forms"], ["google_forms", "google_drive"]) * 2:
            people.append(await register(caller, verification=None))
            body = share(*(recipients if len(people) < 4 else ["azavista"]))
            await post(caller, f"{people[-1]}/disclosures", body)
        more = share("google_forms") | {"categories": ["contact.name"]}
        await post(caller, f"{people[0]}/disclosures", more)
    return people


@pytest.mark.clause("L57", "L58")
async def test_every_recipient_flow_and_number_of_people_that_rest_on_it_are_told(
    caller: httpx.AsyncClient, service: Service, people: list[str]
) -> None:
    await shared(caller, service, people)

    found = await impact(caller, service, on=str(SOON))
    forms, drive = of(found, "google_forms"), of(found, "google_drive")

    assert found["mechanism"]["at_risk"]
    assert (found["people"], found["people_since"], found["recorded"]) == (3, 0, [])
    assert (forms["people"], drive["people"]) == (3, 1)
    assert {one["key"] for one in found["recipients"]} == {"google_forms", "google_drive"}
    [flow] = forms["flows"]
    assert flow["purpose"]["key"] == "event_logistics"
    assert flow["categories"] == [
        {"category": "contact.email", "people": 3},
        {"category": "contact.name", "people": 3},
    ]
    assert (flow["mechanism"], flow["country"], flow["people"]) == ("dpf", "US", 3)
    assert (forms["ground_before"], forms["ground_after"]) == ("dpf", None)
    assert forms["remaining"] == []
    assert forms["available"] == ["scc_2021", "bcr"]
    assert forms["evidence_on"] == str(TODAY)
    assert "event_logistics" in forms["purposes"]
    assert (drive["ground_after"], drive["remaining"]) == ("scc_2021", ["scc_2021"])
    assert "subject_id" not in str(found)


@pytest.mark.clause("L57")
async def test_any_other_mechanism_can_be_asked_about(
    caller: httpx.AsyncClient, service: Service, people: list[str]
) -> None:
    await shared(caller, service, people)

    clauses = await impact(caller, service, mechanism="scc_2021", on=str(SOON))
    shield = await impact(caller, service, mechanism="privacy_shield", on="2020-07-16")

    assert clauses["recipients"] == []
    assert clauses["people"] == 0
    assert "mailchimp" in [one["key"] for one in shield["recipients"]]
    assert of(shield, "mailchimp")["ground_after"] is None
    assert shield["mechanism"]["valid_before"] == "2020-07-16"


@pytest.mark.clause("L57")
async def test_an_earlier_day_is_answered_by_what_was_known_then(
    caller: httpx.AsyncClient, service: Service, people: list[str]
) -> None:
    await shared(caller, service, people)
    at = await service.store.head_position()
    late = await register(caller, verification=None)
    await post(caller, f"{late}/disclosures", share("google_forms"))
    people.append(late)

    then = await impact(caller, service, on=str(SOON), as_of=str(at))
    now = await impact(caller, service, on=str(SOON))
    unarranged = await impact(caller, service, on=str(SOON), as_of="1")

    assert (then["people"], now["people"]) == (3, 4)
    assert (unarranged["recipients"], unarranged["people"]) == ([], 0)


@pytest.mark.clause("L57")
async def test_after_the_lapse_was_recorded_the_answer_is_the_same_but_for_the_record(
    caller: httpx.AsyncClient, service: Service, people: list[str]
) -> None:
    await shared(caller, service, people)
    before = await impact(caller, service, on=str(TODAY))

    await post(caller, "/v1/transfer-mechanisms/lapses", {"mechanism": "dpf", "on": str(TODAY)})
    after = await impact(caller, service, on=str(TODAY))
    blocked = await caller.post(f"{people[0]}/disclosures", json=share("google_forms"))
    carried = await caller.post(f"{people[0]}/disclosures", json=share("google_drive"))
    rebased = await impact(caller, service, on=str(TODAY))

    assert without(after, "recorded", "stands_at") == without(before, "recorded", "stands_at")
    assert after["recorded"] == [{"recipient": None, "on": str(TODAY)}]
    assert after["people_since"] == after["people"], "all of it was shared on this very day"
    assert (blocked.status_code, blocked.json()["type"]) == (409, "/problems/transfer-no-basis")
    assert carried.status_code == 201
    flows = of(rebased, "google_drive")["flows"]
    assert [one["mechanism"] for one in flows] == ["dpf", "scc_2021"]


@pytest.mark.clause("L57")
async def test_who_was_erased_is_in_no_flow(
    caller: httpx.AsyncClient, service: Service, people: list[str]
) -> None:
    await shared(caller, service, people)
    before = await impact(caller, service, on=str(SOON))

    await post(caller, f"{people[1]}/erasure", {"source": "secretariat"})
    after = await impact(caller, service, on=str(SOON))

    assert before["people"] - after["people"] == 1


@pytest.mark.clause("L57")
async def test_what_cannot_be_asked_is_refused(caller: httpx.AsyncClient) -> None:
    day = str(date(2027, 3, 1))
    ahead = (datetime.now(UTC) + timedelta(days=1)).isoformat()

    assert await refused(caller, PATH, on=day, mechanism="astrology") == (422, "mechanism-unknown")
    assert await refused(caller, PATH, on=day, mechanism="eea") == (422, "mechanism-unknown")
    assert await refused(caller, PATH, on=day, mechanism="<DPF>") == (422, "validation")
    assert await refused(caller, PATH) == (422, "validation")
    assert await refused(caller, PATH, on="0001-01-01") == (422, "validation")
    assert await refused(caller, PATH, on="9999-12-31") == (422, "validation")
    assert await refused(caller, PATH, on="someday") == (422, "validation")
    assert await refused(caller, PATH, on=day, as_of=ahead) == (422, "as-of-in-future")
    assert await refused(caller, PATH, on=day, as_of="2001-01-01T00:00:00Z") == (
        422,
        "as-of-before-first-event",
    )
    assert await refused(caller, PATH, on=day, as_of="yesterday") == (400, "as-of-malformed")
    assert await refused(caller, PATH, on=day, min_position=900000) == (422, "position-ahead")
