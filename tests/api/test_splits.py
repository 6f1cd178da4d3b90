"""Splits over HTTP: the other person gets a record of their own, and is read there alone."""

from typing import Any

import httpx
import pytest

from tests.api.test_merges import found
from tests.rights.people import collect, consent, get, post, register
from tests.serving import Api

OWN = {
    "contact.name": "Åsa Öberg",
    "contact.email": "asa.oberg@forvaltning.example",
}
THEIRS = {"contact.name": "Björn Ek", "contact.phone": "+46709876543"}
FROM_DESK = {"source": "secretariat"}


@pytest.fixture
async def approver(api: Api) -> Any:
    """A second client."""
    async with await api.client() as opened:
        yield opened


async def mixed(client: httpx.AsyncClient) -> tuple[str, list[int]]:
    """A record that took in another person's values, and the versions of these."""
    person = await register(client, contact=OWN)
    receipt = await collect(client, person, "event_logistics", THEIRS)
    versions = [one["version"] for one in receipt["events"] if one["type"] == "data.collected"]
    return person, versions


def named(person: str, **more: Any) -> dict[str, Any]:
    """The body that names a record."""
    return {"subject_id": person.rsplit("/", maxsplit=1)[-1], **more}


async def separated(
    client: httpx.AsyncClient, approver: httpx.AsyncClient, person: str, versions: list[int]
) -> str:
    """The path of the other person's record."""
    proposed = await post(client, "/v1/splits", named(person, versions=versions))
    path = f"/v1/splits/{proposed['split']}/approve"
    done = await post(approver, path, named(person))
    return f"/v1/subjects/{done['offshoot']}"


async def profile(client: httpx.AsyncClient, person: str) -> dict[str, str]:
    """Category -> value of everything that the desk may see for events."""
    answer = await client.get(person, headers={"purpose": "event_logistics"})
    assert answer.status_code == 200, answer.text
    return {one["category"]: one["value"] for one in answer.json()["fields"]}


@pytest.mark.clause("L6", "L33")
async def test_the_other_persons_values_are_held_and_shown_on_their_own_record_alone(
    client: httpx.AsyncClient, approver: httpx.AsyncClient
) -> None:
    person, versions = await mixed(client)
    before = await profile(client, person)

    other = await separated(client, approver, person, versions)

    reports = [await get(client, f"{one}/access-report") for one in (person, other)]
    assert before["contact.name"] == THEIRS["contact.name"]
    assert await profile(client, person) == OWN
    assert await profile(client, other) == THEIRS
    for report, own, theirs in zip(reports, (OWN, THEIRS), (THEIRS, OWN), strict=True):
        assert all(value in str(report) for value in own.values())
        assert not any(value in str(report) for value in theirs.values())


@pytest.mark.clause("L6", "C8")
async def test_identifiers_go_with_the_values_that_they_rest_on(
    client: httpx.AsyncClient, approver: httpx.AsyncClient
) -> None:
    person = await register(client, contact=OWN)
    claimed = {"contact.email": "bjorn.ek@stad.example"}
    receipt = await collect(client, person, "event_logistics", claimed)
    [identifier] = [one for one in receipt["events"] if one["type"] == "identifier.claimed"]
    [collected] = [one for one in receipt["events"] if one["type"] == "data.collected"]

    other = await separated(client, approver, person, [collected["version"]])

    types = [one["type"] for one in (await get(client, f"{other}/events"))["items"]]
    assert identifier["version"] > collected["version"]
    assert "identifier.claimed" in types
    assert await found(client, OWN["contact.email"]) == person


@pytest.mark.clause("L44", "L43")
async def test_every_no_of_the_record_holds_for_both_people(
    client: httpx.AsyncClient, approver: httpx.AsyncClient
) -> None:
    person, versions = await mixed(client)
    await post(client, f"{person}/objections", {"purpose": "event_logistics", **FROM_DESK})

    other = await separated(client, approver, person, versions)

    [left] = (await get(client, f"{other}/merges"))["merges"]
    assert len(left["inherited"]["objections"]) == 1


@pytest.mark.clause("L12", "L33")
async def test_nobody_consents_for_the_other_person(
    client: httpx.AsyncClient, approver: httpx.AsyncClient
) -> None:
    person, versions = await mixed(client)
    await post(client, f"{person}/consents", consent())

    other = await separated(client, approver, person, versions)

    assert (await get(client, f"{other}/merges"))["merges"] == []


@pytest.mark.clause("L6", "L8", "L9")
async def test_a_split_takes_two_clients_and_events_that_hold_values(
    client: httpx.AsyncClient, approver: httpx.AsyncClient
) -> None:
    person, versions = await mixed(client)
    proposed = await post(client, "/v1/splits", named(person, versions=versions))
    path = f"/v1/splits/{proposed['split']}"

    same = await post(client, f"{path}/approve", named(person), status=409)
    nothing = await post(client, "/v1/splits", named(person, versions=[1]), status=422)
    await post(approver, f"{path}/reject", named(person))
    late = await post(approver, f"{path}/approve", named(person), status=409)
    unknown = await post(
        approver, f"/v1/splits/{named(person)['subject_id']}/reject", named(person), status=404
    )

    assert [one["type"].removeprefix("/problems/") for one in (same, nothing, late, unknown)] == [
        "approver-is-proposer",
        "split-indivisible",
        "split-settled",
        "split-unknown",
    ]
    assert (await profile(client, person))["contact.name"] == THEIRS["contact.name"]


@pytest.mark.clause("L6")
async def test_a_split_is_undone_by_a_merge(
    client: httpx.AsyncClient, approver: httpx.AsyncClient
) -> None:
    person, versions = await mixed(client)
    other = await separated(client, approver, person, versions)

    pair = {"survivor": person.split("/")[-1], "absorbed": other.split("/")[-1]}
    merge = (await post(client, "/v1/merges", {**pair, "ground": "comparison"}))["merge"]
    await post(approver, f"/v1/merges/{merge}/approve", pair)

    report = await get(client, f"{person}/access-report")
    assert report["other_records"][0]["subject_id"] == pair["absorbed"]
