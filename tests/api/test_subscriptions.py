"""Subscriptions as their owners manage them: secrets told once, nobody else's shown (A18, S7)."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from app.service import Service
from app.settings import Settings
from app.store.subscriptions import SUBSCRIPTIONS_MAX
from tests.conftest import Database
from tests.rights.people import register
from tests.serving import Api, serving

PATH = "/v1/subscriptions"
URL = "https://tool.example.org/hooks/ledger?token=4f1c"
Value = dict[str, Any]


async def subscribed(client: httpx.AsyncClient, **more: Any) -> Value:
    """A subscription just made."""
    answer = await client.post(PATH, json={"url": URL, **more})
    assert answer.status_code == 201, answer.text
    made: Value = answer.json()
    assert answer.headers["location"] == path_of(made)
    return made


def path_of(subscription: Value) -> str:
    """Where it is."""
    return f"{PATH}/{subscription['subscription_id']}"


def told(answer: httpx.Response) -> tuple[int, str]:
    """Status and problem."""
    return answer.status_code, answer.json()["type"].rpartition("/")[2]


async def test_a_subscription_is_made_shown_changed_and_deleted(
    client: httpx.AsyncClient, service: Service
) -> None:
    made = await subscribed(client, types=["consent.withdrawn"])
    shown = await client.get(path_of(made))
    listed = await client.get(PATH)
    changed = await client.patch(
        path_of(made),
        json={"url": "https://other.example.org/", "types": [], "state": "paused"},
        headers={"if-match": shown.headers["etag"]},
    )
    deleted = await client.delete(path_of(made))

    assert made.pop("secret") is None
    assert shown.json() == made == listed.json()["items"][0]
    assert (made["state"], made["scheme"], made["url"]) == ("active", "v1a", URL)
    assert made["public_key"].startswith("whpk_")
    assert made["position"] == await service.store.head_position()
    assert changed.json() == made | {
        "url": "https://other.example.org/",
        "types": [],
        "state": "paused",
    }
    assert deleted.status_code == 204
    assert told(await client.get(path_of(made))) == (404, "subscription-unknown")
    assert told(await client.delete(path_of(made))) == (404, "subscription-unknown")


async def test_a_secret_is_told_once(client: httpx.AsyncClient) -> None:
    made = await subscribed(client, scheme="v1", after=-1)
    rotated = await client.post(f"{path_of(made)}/rotation", json={"overlap_hours": 2})
    answers = [
        await client.get(PATH),
        await client.get(path_of(made)),
        await client.patch(path_of(made), json={}),
    ]

    assert made["secret"].startswith("whsec_")
    assert rotated.json()["secret"] not in (None, made["secret"])
    assert rotated.json()["previous_key_until"]
    assert (made["public_key"], made["position"]) == (None, -1)
    for answer in answers:
        assert "whsec_" not in answer.text


async def test_no_secret_and_no_address_is_in_the_clear_in_any_table(
    client: httpx.AsyncClient, service: Service
) -> None:
    made = await subscribed(client, scheme="v1")

    rows = await service.pool.fetch("SELECT s::text AS row FROM ledger.subscriptions s")
    [sealed] = await service.pool.fetch("SELECT sealed, wrapped FROM ledger.subscriptions")

    assert made["secret"] not in rows[0]["row"]
    assert "example.org" not in rows[0]["row"]
    for column in sealed:
        assert b"example.org" not in column


async def test_a_row_moved_to_another_subscription_opens_nothing(
    client: httpx.AsyncClient, service: Service
) -> None:
    """As after an epoch was destroyed: what cannot be read is said to be, and can be deleted."""
    made = await subscribed(client)
    await service.pool.execute(
        "UPDATE ledger.subscriptions SET subscription_id = $1", moved := uuid4()
    )

    shown = await client.get(f"{PATH}/{moved}")
    changed = await client.patch(f"{PATH}/{moved}", json={"types": []})
    rotated = await client.post(f"{PATH}/{moved}/rotation", json={})
    deleted = await client.delete(f"{PATH}/{moved}")

    assert made["url"] == URL
    assert (shown.json()["url"], shown.json()["public_key"]) == (None, None)
    assert told(changed) == told(rotated) == (409, "subscription-unreadable")
    assert deleted.status_code == 204


async def test_nobody_else_s_subscription_is_known(client: httpx.AsyncClient, api: Api) -> None:
    made = await subscribed(client)
    async with await api.client() as other:
        answers = [
            await other.get(path_of(made)),
            await other.patch(path_of(made), json={"state": "paused"}),
            await other.delete(path_of(made)),
            await other.post(f"{path_of(made)}/rotation", json={}),
            await other.get(f"{path_of(made)}/failures"),
            await other.post(f"{path_of(made)}/failures/0/replay"),
            await other.post(f"{path_of(made)}/replays", json={"after": 0}),
        ]
        listed = await other.get(PATH)

    assert {told(answer) for answer in answers} == {(404, "subscription-unknown")}
    assert listed.json() == {"items": []}
    assert (await client.get(path_of(made))).json()["state"] == "active"


async def test_whoever_may_not_read_the_feed_may_not_have_it_sent(api: Api) -> None:
    async with await api.client(["subscriptions:manage"]) as lesser:
        answer = await lesser.post(PATH, json={"url": URL})

    assert told(answer) == (403, "insufficient-scope")
    assert answer.json()["scope"] == "events:read"


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"url": "http://tool.example.org/"}, (422, "destination-refused")),
        ({"url": "https://169.254.169.254/latest/meta-data/"}, (422, "destination-refused")),
        ({"url": "https://2130706433/internal"}, (422, "destination-refused")),
        ({"url": URL, "types": ["nothing.happened"]}, (422, "event-type-unknown")),
        ({"url": URL, "after": 10**6}, (422, "position-ahead")),
        ({"url": URL, "scheme": "v2"}, (422, "validation")),
        ({"url": URL, "after": -2}, (422, "validation")),
    ],
)
async def test_what_cannot_be_is_refused(
    client: httpx.AsyncClient, body: Value, problem: tuple[int, str]
) -> None:
    answer = await client.post(PATH, json=body)
    made = await subscribed(client)
    changed = await client.patch(
        path_of(made), json={name: body[name] for name in ("url", "types") if name in body}
    )

    assert told(answer) == problem
    assert "example" not in answer.text
    assert "169.254" not in answer.text
    if problem[1] in ("destination-refused", "event-type-unknown"):
        assert told(changed) == problem


async def test_a_name_of_our_network_is_refused_when_it_is_subscribed(
    database: Database, tmp_path: Path
) -> None:
    async with serving(database, tmp_path) as service:

        async def inside(_host: str, _port: int) -> tuple[str, ...]:
            return ("93.184.215.14", "10.0.0.5")

        service.destinations._resolve = inside
        api = Api(service, Settings(home=tmp_path))
        async with await api.client() as client:
            answer = await client.post(PATH, json={"url": URL})

    assert told(answer) == (422, "destination-refused")
    assert answer.json()["reason"] == "address"


async def test_a_caller_has_so_many_and_no_more(client: httpx.AsyncClient) -> None:
    for _ in range(SUBSCRIPTIONS_MAX):
        await subscribed(client)

    assert told(await client.post(PATH, json={"url": URL})) == (409, "subscription-limit")


async def test_two_who_change_it_do_not_overwrite_each_other(client: httpx.AsyncClient) -> None:
    made = await subscribed(client)
    etag = (await client.get(path_of(made))).headers["etag"]
    first = await client.patch(path_of(made), json={"types": []}, headers={"if-match": etag})
    second = await client.patch(path_of(made), json={"state": "paused"}, headers={"if-match": etag})
    wrong = await client.patch(path_of(made), json={}, headers={"if-match": "x"})
    any_one = await client.patch(path_of(made), json={}, headers={"if-match": "*"})

    assert first.headers["etag"] != etag
    assert told(second) == (412, "version-mismatch")
    assert told(wrong) == (400, "precondition-malformed")
    assert any_one.status_code == 200


async def test_a_replay_needs_an_active_subscription_and_something_to_replay(
    client: httpx.AsyncClient,
) -> None:
    await register(client, verification=None)
    made = await subscribed(client, after=-1)
    unknown = await client.post(f"{path_of(made)}/failures/0/replay")
    beyond = await client.post(f"{path_of(made)}/replays", json={"after": 10**6})
    moved = await client.post(f"{path_of(made)}/replays", json={"after": 1})
    await client.patch(path_of(made), json={"state": "paused"})
    paused = [
        await client.post(f"{path_of(made)}/replays", json={"after": -1}),
        await client.post(f"{path_of(made)}/failures/0/replay"),
    ]
    cursor = await client.get(f"{path_of(made)}/failures", params={"cursor": "e30="})

    assert told(unknown) == (404, "failure-unknown")
    assert told(beyond) == (422, "position-ahead")
    assert moved.json()["position"] == 1
    assert {told(answer) for answer in paused} == {(409, "subscription-inactive")}
    assert told(cursor) == (400, "cursor-invalid")
