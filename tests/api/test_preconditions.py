"""Nobody overwrites what they have not seen: ETag, If-Match, If-None-Match (A9)."""

import asyncio
from typing import Any

import httpx
import pytest

from app.service import Service
from app.values import replace
from tests.api.documented import OPERATIONS, Operation
from tests.rights.people import consent, register

pytestmark = pytest.mark.asyncio(loop_scope="module")

READ = {"purpose": "event_logistics"}


async def written(service: Service) -> int:
    """How many events the log holds."""
    return int(await service.pool.fetchval("SELECT count(*) FROM ledger.events"))


def title(text: str) -> dict[str, Any]:
    """A collection of one value."""
    return {
        "purpose": "event_logistics",
        "source": "registration_form",
        "data": {"work.title": text},
    }


async def test_the_etag_is_the_version_and_reading_does_not_change_it(
    caller: httpx.AsyncClient,
) -> None:
    person = await register(caller, verification=None)

    first = await caller.get(person, headers=READ)
    second = await caller.get(person, headers=READ)
    collected = await caller.post(f"{person}/collections", json=title("Planerare"))
    third = await caller.get(person, headers=READ)

    assert first.headers["etag"] == f'"{first.json()["version"]}"' == second.headers["etag"]
    assert collected.headers["etag"] == f'"{collected.json()["version"]}"' == third.headers["etag"]
    assert third.headers["etag"] != first.headers["etag"]


async def test_what_was_decided_on_an_older_version_is_refused_and_writes_nothing(
    caller: httpx.AsyncClient, shared_service: Service
) -> None:
    person = await register(caller, verification=None)
    seen = (await caller.get(person, headers=READ)).headers["etag"]
    current = await caller.post(
        f"{person}/collections", json=title("Planerare"), headers={"if-match": seen}
    )
    before = await written(shared_service)

    stale = await caller.post(
        f"{person}/collections", json=title("Rådgivare"), headers={"if-match": seen}
    )
    ahead = await caller.post(
        f"{person}/consents", json=consent(), headers={"if-match": '"999999999"'}
    )

    assert current.status_code == 201
    for answer in (stale, ahead):
        assert (answer.status_code, answer.json()["type"]) == (412, "/problems/version-mismatch")
        assert answer.json()["current_version"] == current.json()["version"]
    assert "Rådgivare" not in stale.text
    assert await written(shared_service) == before


@pytest.mark.parametrize(
    "text", ["7", 'W/"7"', '"seven"', '"7", "8"', '""', '"-1"', '"' + "9" * 10 + '"']
)
async def test_a_malformed_precondition_is_refused(
    caller: httpx.AsyncClient, shared_service: Service, text: str
) -> None:
    person = await register(caller, verification=None)
    before = await written(shared_service)

    answer = await caller.post(
        f"{person}/collections", json=title("Planerare"), headers={"if-match": text}
    )

    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/precondition-malformed")
    assert await written(shared_service) == before


ABOUT_PEOPLE = [
    one
    for one in OPERATIONS
    if one.demands_key and "{subject_id}" in one.template and one.name != "close_erasure"
]


@pytest.mark.parametrize("operation", ABOUT_PEOPLE, ids=lambda one: one.name)
async def test_every_write_about_a_person_keeps_its_precondition(
    caller: httpx.AsyncClient, shared_service: Service, operation: Operation
) -> None:
    person = await register(caller, verification=None)
    path = replace(
        operation, template=operation.template.replace("/v1/subjects/{subject_id}", person)
    ).path
    before = await written(shared_service)

    answer = await caller.post(path, json=operation.body(), headers={"if-match": '"999"'})

    assert (answer.status_code, answer.json()["type"]) == (412, "/problems/version-mismatch")
    assert await written(shared_service) == before


async def test_the_desk_s_decisions_keep_theirs_and_are_repeatable(
    caller: httpx.AsyncClient, shared_service: Service
) -> None:
    path, body = "/v1/recipients/azavista/contracts", {"kind": "processing", "since": "2020-01-01"}
    name = {"idempotency-key": "a-contract"}
    first = await caller.post(path, json=body, headers=name)
    seen = first.headers["etag"]
    ended = await caller.post(f"{path}/end", json={"on": "2026-12-31"}, headers={"if-match": seen})
    before = await written(shared_service)

    stale = await caller.post(path, json=body, headers={"if-match": seen})
    again = await caller.post(path, json=body, headers=name | {"if-match": '"1"'})

    assert (first.status_code, ended.status_code) == (201, 201)
    assert (stale.status_code, stale.json()["type"]) == (412, "/problems/version-mismatch")
    assert stale.json()["current_version"] == ended.json()["version"]
    assert (again.status_code, again.json()) == (201, first.json())
    assert await written(shared_service) == before


async def test_any_version_will_do_for_a_star(caller: httpx.AsyncClient) -> None:
    person = await register(caller, verification=None)

    answer = await caller.post(
        f"{person}/collections", json=title("Planerare"), headers={"if-match": "*"}
    )

    assert answer.status_code == 201


@pytest.mark.clause("L3")
async def test_what_has_not_changed_is_not_sent_again_and_nobody_has_read_it(
    caller: httpx.AsyncClient, shared_service: Service
) -> None:
    person = await register(caller, verification=None)
    seen = (await caller.get(person, headers=READ)).headers["etag"]
    before = await written(shared_service)

    same = await caller.get(person, headers={**READ, "if-none-match": seen})
    unread = await written(shared_service)
    other = await caller.get(person, headers={**READ, "if-none-match": '"1"'})

    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", seen)
    assert unread == before
    assert other.status_code == 200
    assert await written(shared_service) == before + 1


async def test_of_two_writers_who_saw_the_same_exactly_one_writes(
    caller: httpx.AsyncClient, shared_service: Service
) -> None:
    for _ in range(5):
        person = await register(caller, verification=None)
        seen = {"if-match": (await caller.get(person, headers=READ)).headers["etag"]}
        before = await written(shared_service)

        answers = await asyncio.gather(
            *(
                caller.post(f"{person}/collections", json=title(text), headers=seen)
                for text in ("Planerare", "Rådgivare")
            )
        )

        assert sorted(answer.status_code for answer in answers) == [201, 412]
        [won] = [answer for answer in answers if answer.status_code == 201]
        assert await written(shared_service) == before + len(won.json()["events"])


async def test_a_repeated_request_is_answered_although_its_precondition_is_stale_by_now(
    caller: httpx.AsyncClient,
) -> None:
    """Its own first execution made the version stale: that is no conflict."""
    person = await register(caller, verification=None)
    seen = (await caller.get(person, headers=READ)).headers["etag"]
    headers = {"if-match": seen, "idempotency-key": "with-precondition"}

    first, again = [
        await caller.post(f"{person}/collections", json=title("Planerare"), headers=headers)
        for _ in range(2)
    ]

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again.headers["idempotent-replayed"] == "true"
