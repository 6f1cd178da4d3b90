"""The feed in pages and lines: thin CloudEvents by position, nothing left out, nothing personal."""

import asyncio
import json
from typing import Any
from uuid import UUID

import httpx
import pytest

from app.events.declare import registry
from app.service import Service
from tests.rights.people import CONTACT, register
from tests.serving import Api

PATH = "/v1/events"


async def people(client: httpx.AsyncClient, count: int) -> list[str]:
    """So many people, each with events of their own."""
    return [await register(client, verification=None) for _ in range(count)]


async def log(service: Service) -> list[str]:
    """The ids of every event in the order of their positions."""
    rows = await service.pool.fetch("SELECT event_id FROM ledger.events ORDER BY position")
    return [str(row["event_id"]) for row in rows]


def following(answer: httpx.Response) -> str:
    """Where the Link header leads."""
    return str(answer.links["next"]["url"])


async def walked(client: httpx.AsyncClient, path: str) -> list[dict[str, Any]]:
    """Every event from a page on, up to the head."""
    found: list[dict[str, Any]] = []
    while True:
        answer = await client.get(path)
        assert answer.status_code == 200, answer.text
        found += answer.json()
        if answer.headers["log-position"] == answer.headers["log-head"]:
            return found
        path = following(answer)


@pytest.mark.clause("L9")
async def test_an_event_is_a_cloud_event_that_says_nothing_personal(
    client: httpx.AsyncClient, service: Service
) -> None:
    person = await register(client)
    ledger_id = await service.pool.fetchval("SELECT ledger_id FROM ledger.ledger_identity")

    answer = await client.get(PATH, params={"limit": 1000})
    events = answer.json()
    [first, *_] = [one for one in events if one["subject"] == person.rpartition("/")[2]]

    assert answer.headers["content-type"] == "application/cloudevents-batch+json"
    assert first["specversion"] == "1.0"
    assert first["source"] == f"urn:uuid:{ledger_id}"
    assert first["type"] in registry()
    assert (UUID(first["id"]).version, first["streamversion"]) == (4, 1)
    assert events[int(first["sequence"])] == first
    assert first["time"].endswith("Z")
    assert first["dataschema"].endswith(f"/v1/event-types/{first['type']}/schemas/1")
    assert not [value for value in CONTACT.values() if value in answer.text]


async def test_the_schema_that_an_event_names_is_there(api: Api, client: httpx.AsyncClient) -> None:
    await register(client)
    [*_, event] = (await client.get(PATH, params={"limit": 1000})).json()

    async with api.anonymous() as reader:
        schema = await reader.get(event["dataschema"].partition("8000")[2])
        older = await reader.get("/v1/event-types/consent.given/schemas/999")
        unknown = await reader.get("/v1/event-types/nothing.happened/schemas/1")

    assert schema.headers["content-type"] == "application/schema+json"
    assert set(event["data"]) == set(schema.json()["required"])
    assert [one.json()["type"] for one in (older, unknown)] == ["/problems/not-found"] * 2


async def test_pages_tell_every_event_once_those_of_the_control_stream_too(
    client: httpx.AsyncClient, service: Service
) -> None:
    await people(client, 6)

    events = await walked(client, f"{PATH}?limit=4")

    assert [event["id"] for event in events] == await log(service)
    assert [int(event["sequence"]) for event in events] == list(range(len(events)))
    assert "policy.published" in {event["type"] for event in events}


async def test_a_position_starts_where_it_says(client: httpx.AsyncClient, service: Service) -> None:
    await people(client, 2)
    ids = await log(service)

    for after in (-1, 0, len(ids) - 2, len(ids) - 1):
        answer = await client.get(PATH, params={"after": after, "limit": 1000})
        assert [event["id"] for event in answer.json()] == ids[after + 1 :]


async def test_lines_tell_the_same_and_go_on_to_the_head(
    client: httpx.AsyncClient, service: Service
) -> None:
    await people(client, 3)
    kinds = ("application/jsonl", "application/x-ndjson", "text/html;q=0.1, application/jsonl")

    whole = [await client.get(PATH, headers={"accept": kind}) for kind in kinds]
    some = await client.get(PATH, params={"limit": 2}, headers={"accept": kinds[0]})
    more = await client.get(following(whole[0]), headers={"accept": kinds[0]})

    for answer in whole:
        events = [json.loads(line) for line in answer.text.splitlines()]
        assert [event["id"] for event in events] == await log(service)
    assert whole[1].headers["content-type"] == "application/x-ndjson"
    assert len(some.text.splitlines()) == 2
    assert more.text == ""


async def test_only_the_types_asked_for(client: httpx.AsyncClient) -> None:
    await people(client, 4)
    wanted = {"subject.registered", "policy.published"}
    query = "&".join(f"types={one}" for one in sorted(wanted))

    events = await walked(client, f"{PATH}?{query}&limit=2")
    everything = await walked(client, f"{PATH}?limit=1000")

    assert events == [one for one in everything if one["type"] in wanted]
    assert len(events) > 4


async def test_a_page_can_wait_for_the_next_event(
    client: httpx.AsyncClient, service: Service
) -> None:
    head = await service.store.head_position()
    waiting = asyncio.create_task(client.get(PATH, params={"after": head, "wait": 20}))
    none_yet = await client.get(PATH, params={"after": head})
    person = await register(client, verification=None)

    answer = await asyncio.wait_for(waiting, 10)
    nobody = await client.get(PATH, params={"after": head, "types": "erasure.executed", "wait": 1})

    assert none_yet.json() == []
    assert answer.json()[0]["subject"] == person.rpartition("/")[2]
    assert nobody.json() == []
    assert nobody.headers["log-position"] == nobody.headers["log-head"]


async def test_a_place_in_the_feed_is_not_made_up_and_not_taken_elsewhere(
    client: httpx.AsyncClient,
) -> None:
    path = following(await client.get(PATH, params={"limit": 1}))
    cursor = httpx.URL(path).params["cursor"]
    spoilt = cursor[:-5] + ("A" if cursor[-5] != "A" else "B") + cursor[-4:]

    queries: list[dict[str, str]] = [
        {"cursor": spoilt},
        {"cursor": "e30="},
        {"cursor": cursor, "types": "consent.given"},
        {"cursor": cursor, "after": "0"},
    ]

    answers = [await client.get(PATH, params=query) for query in queries]

    assert {(one.status_code, one.json()["type"]) for one in answers} == {
        (400, "/problems/cursor-invalid")
    }


@pytest.mark.parametrize("path", [PATH, f"{PATH}/stream"])
async def test_what_can_never_come_is_refused(client: httpx.AsyncClient, path: str) -> None:
    ahead = await client.get(path, params={"after": 10**6})
    unknown = await client.get(path, params={"types": "nothing.happened"})
    wrong = await client.get(path, params={"after": -2})

    assert (ahead.status_code, ahead.json()["type"]) == (422, "/problems/position-ahead")
    assert (unknown.status_code, unknown.json()["type"]) == (422, "/problems/event-type-unknown")
    assert (wrong.status_code, wrong.json()["type"]) == (422, "/problems/validation")


async def test_another_kind_of_answer_cannot_be_had(client: httpx.AsyncClient) -> None:
    for accept in ("text/html", "application/jsonl;q=0", "image/*"):
        answer = await client.get(PATH, headers={"accept": accept})
        assert (answer.status_code, answer.json()["type"]) == (406, "/problems/not-acceptable")


@pytest.mark.parametrize(
    ("text", "status", "problem"),
    [
        ("1000000", 422, "position-ahead"),
        ("9999999999999999", 422, "position-ahead"),
        ("-1", 422, "validation"),
        ("1e3", 422, "validation"),
        ("99999999999999999", 422, "validation"),
    ],
)
async def test_an_id_that_was_never_sent_is_refused(
    client: httpx.AsyncClient, text: str, status: int, problem: str
) -> None:
    """As after a restore: whoever is ahead of the log would wait for ever, and miss events."""
    answer = await client.get(f"{PATH}/stream", headers={"last-event-id": text})

    said = answer.json()
    assert (answer.status_code, said["type"]) == (status, f"/problems/{problem}")
    del said["instance"]  # an id of its own, in which `-1` may occur
    assert text not in str(said)
