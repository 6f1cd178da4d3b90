"""Deliveries to subscribers: in order, at least once, tried again, ended when nobody is there."""

import asyncio
import json
from base64 import b64decode
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import standardwebhooks
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from app.propagation.deliveries import (
    AT_ONCE_MAX,
    JITTER,
    WAITS_S,
    Deliveries,
    random_portion,
)
from app.propagation.outbound import Outbound
from app.service import Service
from app.store.delivery_queue import DeliveryQueue
from tests.api.test_feed import log, people
from tests.api.test_subscriptions import Value, path_of, subscribed, told
from tests.projections.waiting import until
from tests.propagation.receiver import Received, Receiver, receiving
from tests.serving import Api


@dataclass(slots=True)
class Delivering:
    """One delivering process and the receiver that it delivers to."""

    service: Service
    receiver: Receiver
    deliveries: Deliveries
    moment: list[datetime] = field(default_factory=lambda: [datetime.now(UTC)])

    @property
    def url(self) -> str:
        """The receiver's address."""
        return f"http://127.0.0.1:{self.receiver.port}/hook"

    async def turn(self) -> None:
        """Delivers what is due now, and returns when that is done."""
        await self.deliveries.begin()
        await self.deliveries.finished()

    async def later(self) -> None:
        """As if the time to the next attempt had passed."""
        await self.service.pool.execute("UPDATE ledger.subscriptions SET due_at = now()")

    async def wait_s(self) -> float:
        """Seconds until the next attempt."""
        return float(
            await self.service.pool.fetchval(
                "SELECT extract(epoch FROM due_at - clock_timestamp()) FROM ledger.subscriptions"
            )
        )

    def ids(self) -> list[str]:
        """The events received, in their order."""
        return [request.headers["webhook-id"] for request in self.receiver.received]


@dataclass(slots=True)
class OneEvent:
    """A turn that is over after one attempt, as with a receiver that takes its time."""

    receiver: Receiver
    sent: int = 0
    before: int = field(init=False)

    def __post_init__(self) -> None:
        self.before = len(self.receiver.received)

    def is_over(self) -> bool:
        """As soon as the receiver was asked."""
        return len(self.receiver.received) > self.before


def delivering(service: Service, **more: Any) -> Deliveries:
    """A loop as `main` builds it."""
    return Deliveries(
        service.pool,
        DeliveryQueue(service.pool, service.subscriptions),
        service.feed.cloud_events,
        outbound=Outbound(service.destinations),
        **({"clock": service.ledger.clock} | more),
    )


@pytest.fixture
async def desk(service: Service) -> AsyncIterator[Delivering]:
    """Deliveries whose waits have no jitter."""
    async with receiving() as receiver:
        made = Delivering(service, receiver, delivering(service))
        made.deliveries = delivering(service, portion=lambda: 0.0, clock=lambda: made.moment[0])
        yield made


async def state(client: httpx.AsyncClient, made: Value) -> Value:
    """The subscription as it is now."""
    found: Value = (await client.get(path_of(made))).json()
    return found


async def failures(client: httpx.AsyncClient, made: Value) -> list[Value]:
    """What failed."""
    found: list[Value] = (await client.get(f"{path_of(made)}/failures")).json()["items"]
    return found


async def test_every_event_arrives_once_in_order_and_signed(
    client: httpx.AsyncClient, desk: Delivering
) -> None:
    await people(client, 4)
    made = await subscribed(client, url=desk.url, scheme="v1", after=-1)

    await desk.turn()
    await desk.turn()

    requests = desk.receiver.received
    entries = await log(desk.service)
    receiver = standardwebhooks.Webhook(made["secret"])
    events = [receiver.verify(request.body, request.headers) for request in requests]
    assert [event["id"] for event in events] == desk.ids() == entries
    assert [int(event["sequence"]) for event in events] == list(range(len(entries)))
    assert {request.headers["content-type"] for request in requests} == {
        "application/cloudevents+json"
    }
    assert (await state(client, made))["position"] == len(entries) - 1
    assert (await state(client, made))["delivered_at"]
    assert desk.receiver.connections == 1


async def test_only_the_types_asked_for_are_delivered(
    client: httpx.AsyncClient, desk: Delivering
) -> None:
    await people(client, 2)
    made = await subscribed(client, url=desk.url, types=["subject.registered"], after=-1)

    await desk.turn()

    types = [json.loads(request.body)["type"] for request in desk.receiver.received]
    assert types == ["subject.registered"] * 2
    assert (await state(client, made))["position"] == len(await log(desk.service)) - 1


async def test_while_keys_overlap_both_sign_and_then_the_new_one_alone(
    client: httpx.AsyncClient, desk: Delivering
) -> None:
    made = await subscribed(client, url=desk.url)
    rotated = (await client.post(f"{path_of(made)}/rotation", json={"overlap_hours": 1})).json()
    for _ in range(2):
        await people(client, 1)
        await desk.turn()
        desk.moment[0] += timedelta(hours=2)

    both, alone = (
        desk.receiver.received[0].headers["webhook-signature"].split(),
        desk.receiver.received[-1].headers["webhook-signature"].split(),
    )
    assert [signed(one, desk.receiver.received[0], made) for one in both] == [False, True]
    assert [signed(one, desk.receiver.received[0], rotated) for one in both] == [True, False]
    assert [signed(one, desk.receiver.received[-1], rotated) for one in alone] == [True]


def signed(signature: str, request: Received, subscription: Value) -> bool:
    """Whether the subscription's public key made it."""
    key = Ed25519PublicKey.from_public_bytes(b64decode(subscription["public_key"][5:]))
    stamp = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}."
    try:
        key.verify(b64decode(signature.removeprefix("v1a,")), stamp.encode() + request.body)
    except Exception:  # noqa: BLE001  # whatever it is, it is no signature of that key
        return False
    return True


async def test_a_failure_is_tried_again_on_schedule_and_holds_up_what_follows(
    client: httpx.AsyncClient, desk: Delivering
) -> None:
    """Standard Webhooks 1.0.0: ten attempts in 75 h 35 min; then the subscription is disabled."""
    made = await subscribed(client, url=desk.url)
    await people(client, 2)
    desk.receiver.answering(500, body=b"Anna Berg, anna.berg@stad.example")
    waits = []
    for _ in range(10):
        await desk.turn()
        waits.append(await desk.wait_s())
        await desk.turn()
        await desk.later()
    await desk.turn()
    [failure] = await failures(client, made)
    ended = await state(client, made)

    first = (await log(desk.service))[made["position"] + 1]
    assert desk.ids() == [first] * 10
    for waited, wanted in zip(waits, WAITS_S, strict=False):
        assert wanted - 5 < waited <= wanted
    assert sum(WAITS_S) == timedelta(hours=75, minutes=35, seconds=5).total_seconds()
    assert (ended["state"], ended["disabled_for"]) == ("disabled", "exhausted")
    assert (failure["state"], failure["attempts"], failure["status"]) == ("given-up", 10, 500)
    assert failure["event_id"] == first
    assert failure["reason"] == "status"
    rows = await desk.service.pool.fetch(
        "SELECT f::text AS row FROM ledger.subscription_failures f"
    )
    assert "Anna" not in rows[0]["row"]


async def test_a_subscription_made_active_again_leaves_nothing_out(
    client: httpx.AsyncClient, desk: Delivering
) -> None:
    made = await subscribed(client, url=desk.url)
    await people(client, 1)
    desk.receiver.answering(410)
    await desk.turn()
    gone = await state(client, made)
    [given_up] = await failures(client, made)
    await desk.later()
    await desk.turn()
    attempts = len(desk.receiver.received)
    desk.receiver.answering(200)
    await client.patch(path_of(made), json={"state": "active"})
    await desk.turn()
    [recovered] = await failures(client, made)

    assert (gone["state"], gone["disabled_for"], attempts) == ("disabled", "gone", 1)
    assert (given_up["state"], recovered["state"]) == ("given-up", "recovered")
    assert desk.ids()[1:] == (await log(desk.service))[made["position"] + 1 :]


async def test_a_receiver_that_asks_for_time_gets_it(
    client: httpx.AsyncClient, desk: Delivering
) -> None:
    await subscribed(client, url=desk.url)
    await people(client, 1)
    desk.receiver.answering(429, "retry-after: 900\r\n")

    await desk.turn()

    assert 890 < await desk.wait_s() <= 900


def test_what_failed_together_is_not_tried_again_together() -> None:
    portions = [random_portion() for _ in range(200)]

    assert 0 <= min(portions) < max(portions) <= 1
    assert len(set(portions)) > 100
    assert JITTER == 0.1


async def test_a_failure_is_replayed_alone_or_with_all_that_followed(
    client: httpx.AsyncClient, desk: Delivering
) -> None:
    made = await subscribed(client, url=desk.url)
    await people(client, 2)
    entries = (await log(desk.service))[made["position"] + 1 :]
    desk.receiver.answering(503)
    await desk.turn()
    [failure] = await failures(client, made)
    # Left out: what comes after it is delivered.
    await client.post(f"{path_of(made)}/replays", json={"after": failure["position"]})
    desk.receiver.answering(200)
    await desk.turn()
    [skipped] = await failures(client, made)
    followed = desk.ids()[1:]
    desk.receiver.answering(500)
    await client.post(f"{path_of(made)}/failures/{failure['position']}/replay")
    await desk.turn()
    [still] = await failures(client, made)
    desk.receiver.answering(200)
    answer = await client.post(f"{path_of(made)}/failures/{failure['position']}/replay")
    await desk.turn()
    alone = desk.ids()[-1]
    [recovered] = await failures(client, made)
    await client.post(f"{path_of(made)}/replays", json={"after": made["position"]})
    await desk.turn()

    assert answer.json() == {"position": failure["position"], "accepted": True}
    assert followed == entries[1:]
    assert (skipped["state"], still["state"], still["attempts"]) == ("skipped", "skipped", 2)
    assert (alone, recovered["state"]) == (entries[0], "recovered")
    assert desk.ids()[-len(entries) :] == entries
    assert (await state(client, made))["position"] == len(await log(desk.service)) - 1


async def test_the_event_that_is_next_is_replayed_at_once_with_a_new_schedule(
    client: httpx.AsyncClient, desk: Delivering
) -> None:
    made = await subscribed(client, url=desk.url)
    await people(client, 1)
    desk.receiver.answering(500)
    for _ in range(4):
        await desk.turn()
        await desk.later()
    [failure] = await failures(client, made)
    desk.receiver.answering(200)
    await client.post(f"{path_of(made)}/failures/{failure['position']}/replay")
    await desk.turn()

    now = await state(client, made)
    assert failure["attempts"] == 4
    assert (now["failed_attempts"], now["position"]) == (0, len(await log(desk.service)) - 1)
    assert [one["state"] for one in await failures(client, made)] == ["recovered"]


async def test_a_revoked_key_s_subscriptions_get_nothing(
    client: httpx.AsyncClient, desk: Delivering, api: Api
) -> None:
    key = await api.key()
    async with api.anonymous(authorization=f"Bearer {key}") as owner:
        await subscribed(owner, url=desk.url, after=-1)
    await desk.service.pool.execute("SELECT ledger.ledger_client_revoke($1)", key.split("_")[2])

    await desk.turn()

    assert desk.receiver.received == []


async def test_what_is_paused_is_kept_for_later(
    client: httpx.AsyncClient, desk: Delivering
) -> None:
    made = await subscribed(client, url=desk.url, after=-1)
    await client.patch(path_of(made), json={"state": "paused"})
    await desk.turn()
    none = list(desk.receiver.received)
    await client.patch(path_of(made), json={"state": "active"})
    await desk.turn()

    assert none == []
    assert desk.ids() == await log(desk.service)


async def test_several_processes_deliver_each_event_once(
    client: httpx.AsyncClient, desk: Delivering
) -> None:
    """Claims: nobody delivers what another is delivering."""
    made = [await subscribed(client, url=f"{desk.url}/{n}", after=-1) for n in range(6)]
    await people(client, 3)
    fleet = [delivering(desk.service) for _ in range(4)]

    await asyncio.gather(*(one.begin() for one in fleet))
    await asyncio.gather(*(one.finished() for one in fleet))

    entries = await log(desk.service)
    by_target: dict[str, list[str]] = {}
    for request in desk.receiver.received:
        by_target.setdefault(request.target, []).append(request.headers["webhook-id"])
    assert by_target == {f"/hook/{n}": entries for n in range(len(made))}


async def test_whoever_dies_in_a_delivery_is_followed_and_nothing_is_lost(
    client: httpx.AsyncClient, desk: Delivering
) -> None:
    """At least once: what was sent and not recorded is sent again under the same id."""
    made = await subscribed(client, url=desk.url)
    await people(client, 1)
    entries = (await log(desk.service))[made["position"] + 1 :]
    desk.receiver.answer = lambda _request: None
    running = asyncio.create_task(desk.deliveries.run())

    async def sent() -> bool:
        return bool(desk.receiver.received)

    await until(sent)
    # Its connection to the database is gone too: the claim is not given back.
    claim = await desk.service.pool.fetchval("SELECT claim FROM ledger.subscriptions")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await desk.service.pool.execute(
        "UPDATE ledger.subscriptions SET claim = $1, claimed_until = now() + interval '60 s'", claim
    )
    desk.receiver.answering(200)
    await desk.turn()
    held = len(desk.receiver.received)
    await desk.service.pool.execute("UPDATE ledger.subscriptions SET claimed_until = now()")
    await desk.turn()

    assert held == 1
    assert desk.ids() == [entries[0], *entries]


async def test_a_change_during_a_delivery_ends_it_without_moving_the_cursor(
    client: httpx.AsyncClient, desk: Delivering
) -> None:
    made = await subscribed(client, url=desk.url)
    await people(client, 1)
    release = asyncio.Event()
    answer = desk.receiver.answer

    def paused(request: Received) -> bytes | None:
        desk.receiver.answer = answer
        release.set()
        return None

    desk.receiver.answer = paused
    await desk.deliveries.begin()
    await asyncio.wait_for(release.wait(), 10)
    moved = await client.post(f"{path_of(made)}/replays", json={"after": -1})
    for task in desk.deliveries._running:
        task.cancel()
    await desk.deliveries.finished()
    now = await state(client, made)

    assert moved.status_code == 200
    assert now["position"] == -1


async def test_a_slow_receiver_gives_its_turn_to_whoever_waits(
    client: httpx.AsyncClient, desk: Delivering, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its backlog would hold up every other subscription for hours, one turn after the other."""
    monkeypatch.setattr("app.propagation.deliveries.AT_ONCE_MAX", 1)
    await people(client, 2)
    slow = await subscribed(client, url=f"{desk.url}/slow", after=-1)
    await subscribed(client, url=f"{desk.url}/quick", after=-1)
    monkeypatch.setattr("app.propagation.deliveries.Turn", lambda: OneEvent(desk.receiver))

    for _ in range(4):
        await desk.turn()

    turns = [request.target for request in desk.receiver.received]
    assert turns == ["/hook/slow", "/hook/quick"] * 2
    assert (await state(client, slow))["position"] == 1


async def test_one_client_does_not_hold_up_another_however_many_receivers_it_has(
    api: Api, client: httpx.AsyncClient, desk: Delivering
) -> None:
    """It keeps some room free, and of what waits one of each client comes first."""
    await people(client, 1)
    many = [await subscribed(client, url=f"{desk.url}/{n}", after=-1) for n in range(10)]
    queue = DeliveryQueue(desk.service.pool, desk.service.subscriptions)
    first = await queue.claim(AT_ONCE_MAX)
    async with await api.client() as other:
        [late] = [await subscribed(other, url=f"{desk.url}/other", after=-1)]
        second = await queue.claim(AT_ONCE_MAX - len(first))
    for one in first[:3]:
        await queue.release(one)
    third = await queue.claim(AT_ONCE_MAX)

    names = [str(one.subscription.subscription_id) for one in (*first, *second, *third)]
    assert [len(some) for some in (first, second, third)] == [6, 1, 3]
    assert names == [
        *(one["subscription_id"] for one in many[:6]),
        late["subscription_id"],
        *(one["subscription_id"] for one in many[6:9]),
    ]


async def test_of_what_waits_one_of_each_client_is_first(
    api: Api, client: httpx.AsyncClient, desk: Delivering
) -> None:
    await people(client, 1)
    many = [await subscribed(client, url=f"{desk.url}/{n}", after=-1) for n in range(3)]
    async with await api.client() as other:
        late = await subscribed(other, url=f"{desk.url}/other", after=-1)
    claimed = await DeliveryQueue(desk.service.pool, desk.service.subscriptions).claim(2)

    names = {str(one.subscription.subscription_id) for one in claimed}
    assert names == {many[0]["subscription_id"], late["subscription_id"]}


async def test_a_subscription_whose_keys_are_gone_is_looked_at_now_and_then(
    client: httpx.AsyncClient, desk: Delivering
) -> None:
    """The loop would turn without a pause for it, and say so each time."""
    await people(client, 1)
    made = await subscribed(client, url=desk.url, after=-1)
    await desk.service.pool.execute("UPDATE ledger.subscriptions SET sealed = sealed || '\\x00'")

    with structlog.testing.capture_logs() as logs:
        for _ in range(3):
            await desk.turn()

    assert [one["event"] for one in logs] == ["subscription unreadable"]
    assert (await state(client, made))["position"] == -1


async def test_replays_that_hang_do_not_outlast_the_claim(
    client: httpx.AsyncClient, desk: Delivering, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is left of them is claimed anew, so that nobody delivers beside the one who does."""
    await people(client, 1)
    made = await subscribed(client, url=desk.url, after=-1)
    desk.receiver.answering(500)
    for position in range(3):
        await desk.turn()
        await client.post(f"{path_of(made)}/replays", json={"after": position})
    before = len(desk.ids())
    for position in range(3):
        await client.post(f"{path_of(made)}/failures/{position}/replay")
    monkeypatch.setattr("app.propagation.deliveries.Turn", lambda: OneEvent(desk.receiver))

    await desk.turn()

    assert len(desk.ids()) == before + 1


async def test_the_loop_delivers_what_comes_and_survives_a_fault(
    client: httpx.AsyncClient, desk: Delivering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.propagation.deliveries.RETRY_S", 0.01)
    claim, faults = DeliveryQueue.claim, [ConnectionError(), TimeoutError()]

    async def failing(queue: DeliveryQueue, count_max: int) -> Any:
        if faults:
            raise faults.pop()
        return await claim(queue, count_max)

    monkeypatch.setattr(DeliveryQueue, "claim", failing)
    made = await subscribed(client, url=desk.url)
    running = asyncio.create_task(desk.deliveries.run())
    await people(client, 1)
    desk.deliveries.wake()

    async def arrived() -> bool:
        return desk.ids() == (await log(desk.service))[made["position"] + 1 :]

    await until(arrived)
    running.cancel()
    ended = await asyncio.gather(running, return_exceptions=True)

    assert faults == []
    assert isinstance(ended[0], asyncio.CancelledError)


async def test_the_list_of_failures_is_paged_and_forgets_what_is_settled(
    client: httpx.AsyncClient, desk: Delivering
) -> None:
    await people(client, 1)
    made = await subscribed(client, url=desk.url, after=-1)
    desk.receiver.answering(500)
    for position in range(3):
        await desk.turn()
        await client.post(f"{path_of(made)}/replays", json={"after": position})
    first = await client.get(f"{path_of(made)}/failures", params={"limit": 2})
    second = await client.get(
        f"{path_of(made)}/failures", params={"limit": 2, "cursor": first.json()["next"]}
    )
    elsewhere = await client.get(
        f"{path_of(await subscribed(client))}/failures", params={"cursor": first.json()["next"]}
    )
    await desk.service.pool.execute(
        "UPDATE ledger.subscription_failures SET last_at = now() - interval '31 days'"
    )
    await DeliveryQueue(desk.service.pool, desk.service.subscriptions).purge()

    assert (first.status_code, second.status_code) == (200, 200), second.text
    told_of = [one["position"] for page in (first, second) for one in page.json()["items"]]
    assert told_of == [0, 1, 2]
    assert second.json()["next"] is None
    assert told(elsewhere) == (400, "cursor-invalid")
    assert await failures(client, made) == []


async def test_where_nobody_may_be_reached_nothing_is_sent(
    client: httpx.AsyncClient, desk: Delivering
) -> None:
    """A destination that turned private after it was accepted: a failure like any other."""
    made = await subscribed(client, url="https://tool.example.org/")
    await people(client, 1)

    async def inside(_host: str, _port: int) -> tuple[str, ...]:
        return ("127.0.0.1",)

    desk.service.destinations._resolve = inside
    await desk.turn()

    [failure] = await failures(client, made)
    assert (failure["reason"], failure["status"]) == ("destination-refused", None)
    assert desk.receiver.connections == 0
