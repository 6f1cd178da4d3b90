"""Data sent straight to another controller: only there, only sealed, and whatever comes of it."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pyrage  # type: ignore[import-untyped]  # it has no types
import pytest

from app.service import Service
from tests.api.transmitting import Sending, order, portability_request, sending
from tests.conftest import Database
from tests.rights.histories import everything
from tests.rights.people import CONTACT, collect, get, post, register
from tests.serving import Api, event_types


@pytest.fixture
async def here(service: Service, tmp_path: Path) -> AsyncIterator[Sending]:
    """A service beside another controller."""
    async with sending(service, tmp_path) as made:
        yield made


async def events_of(service: Service, person: str, name: str) -> list[dict[str, object]]:
    """The payloads of some events of a person, read as they were stored."""
    stream = await service.store.read_stream(UUID(person.rpartition("/")[2]))
    return [
        {key: getattr(one.event, key) for key in one.event.__struct_fields__}
        for one in stream.events
        if type(one.event).__name__ == name
    ]


async def somebody(here: Sending, number: int) -> str:
    """One of several people."""
    contact = {"contact.name": f"Person {number}", "contact.email": f"p{number}@stad.example"}
    return await register(here.client, "event_logistics", contact=contact)


@pytest.mark.clause("L35", "C68")
async def test_the_receiver_gets_the_bytes_that_the_person_gets_and_nobody_else_can_read_them(
    here: Sending,
) -> None:
    """Art. 20(2). On the way, in the queue and in the log there is nothing of them."""
    receiver = await here.approve()
    person = await everything(here.client, here.service)
    request = await portability_request(here.client, person)

    made = await post(here.client, f"{person}/transmissions", order(request), status=202)
    waiting = await here.service.pool.fetch("SELECT * FROM ledger.transmission_queue")
    tried = await here.loop().turn()
    own = (await here.client.get(f"{person}/portability-package")).content
    [shown] = (await get(here.client, f"{person}/transmissions"))["transmissions"]

    [sent] = here.other.packages
    [event] = await events_of(here.service, person, "TransmissionDelivered")
    assert (waiting, tried) == ([], 1), "the queue follows the log"
    assert here.other.opened() == own
    assert CONTACT["contact.email"].encode() not in sent.body
    assert sent.headers["idempotency-key"] == made["transmission"] == shown["transmission"]
    assert sent.headers["content-type"] == "application/octet-stream"
    assert (shown["status"], shown["host"], shown["receiver"]) == (
        "delivered",
        "localhost",
        receiver,
    )
    assert event["sent"] == hashlib.sha256(sent.body).hexdigest()
    assert await here.service.pool.fetch("SELECT * FROM ledger.transmission_queue") == []
    assert await here.loop().turn() == 0


@pytest.mark.clause("L35", "L8")
async def test_what_left_is_on_record_although_another_record_stands_for_the_person_by_then(
    here: Sending, api: Api
) -> None:
    await here.approve()
    person, survivor = [await somebody(here, number) for number in (1, 2)]
    request = await portability_request(here.client, person)
    await post(here.client, f"{person}/transmissions", order(request), status=202)
    pair = {"survivor": survivor.split("/")[-1], "absorbed": person.split("/")[-1]}
    merge = (await post(here.client, "/v1/merges", {**pair, "ground": "control"}))["merge"]
    async with await api.client() as approver:
        await post(approver, f"/v1/merges/{merge}/approve", pair)

    await here.loop().turn()

    assert len(here.other.packages) == 1
    assert len(await events_of(here.service, person, "TransmissionDelivered")) == 1


@pytest.mark.clause("L35")
async def test_a_host_that_is_not_approved_gets_nothing_and_the_attempt_is_on_record(
    here: Sending, database: Database
) -> None:
    """S20, S21: unknown, without its proof, without approval, withdrawn."""
    person = await register(here.client, "newsletter")
    request = await portability_request(here.client, person)
    path, reasons = f"{person}/transmissions", []

    async def refused(host: str = "localhost") -> None:
        problem = await post(here.client, path, order(request, host), status=409)
        assert problem["type"] == "/problems/receiver-unapproved"
        reasons.append(problem["reason"])

    await refused("elsewhere.example.org")
    receiver = (await here.register())["receiver"]
    await refused()
    early = await post(here.officer, f"/v1/receivers/{receiver}/approval", status=409)
    await post(here.client, f"/v1/receivers/{receiver}/proof")
    await refused()
    await post(here.officer, f"/v1/receivers/{receiver}/approval")
    await post(here.client, f"/v1/receivers/{receiver}/withdrawal")
    await refused()
    late = await post(here.officer, f"/v1/receivers/{receiver}/approval", status=409)

    traces = await events_of(here.service, person, "TransmissionRefused")
    assert reasons == ["unknown", "unproven", "unapproved", "withdrawn"]
    assert [str(one["reason"]) for one in traces] == reasons
    assert traces[0]["receiver"] is None
    assert (early["type"], late["type"]) == (
        "/problems/receiver-unproven",
        "/problems/receiver-withdrawn",
    )
    assert await here.loop().turn() == 0
    assert here.other.packages == []
    assert (await get(here.client, path))["refused"] == 4
    assert "transmission.requested" not in await event_types(database)


@pytest.mark.clause("L35")
async def test_a_receiver_proves_that_host_and_key_are_its_own(here: Sending) -> None:
    """Whoever controls the host but not the key, or the key but not the host, proves nothing."""
    made = await here.register()
    path = f"/v1/receivers/{made['receiver']}/proof"
    served = here.other.served.pop(made["challenge_path"])
    without = await post(here.client, path, status=409)
    here.other.served[made["challenge_path"]] = served[:-1] + b"_"
    wrong = await post(here.client, path, status=409)
    here.other.served[made["challenge_path"]] = served + b"\n"
    await post(here.client, path)
    [listed] = (await get(here.client, "/v1/receivers"))["items"]

    assert without["type"] == wrong["type"] == "/problems/receiver-unproven"
    assert (without["reason"], wrong["reason"]) == ("status", "status")
    assert listed["status"] == "proven"
    assert served.decode() not in made["challenge"]


async def test_the_challenge_is_at_its_path_whatever_the_query_of_the_address(
    here: Sending,
) -> None:
    """S21: who may write into one answer of a host does not speak for the host."""
    place = f"https://localhost:{here.other.receiver.port}?note=7&rest="
    made = await post(here.client, "/v1/receivers", {"url": place, "key": here.other.key})
    challenge = pyrage.decrypt(made["challenge"].encode(), [here.other.identity])
    path = f"/v1/receivers/{made['receiver']}/proof"

    here.other.served[f"/?note=7&rest={made['challenge_path']}"] = bytes(challenge)
    elsewhere = await post(here.client, path, status=409)
    here.other.served[made["challenge_path"]] = bytes(challenge)
    await post(here.client, path)

    assert elsewhere["type"] == "/problems/receiver-unproven"


async def test_an_address_in_a_private_network_or_a_wrong_key_is_no_receiver(
    here: Sending,
) -> None:
    """S20: only https, only public names; a key must be one of age."""
    for url in (
        "http://data.other.example.org/inbox",
        "https://data.other.example.org:8443/inbox",
        "https://169.254.169.254/latest",
        "https://user@other.example.org/",
        "https://2130706433/",
    ):
        body = {"url": url, "key": here.other.key}
        problem = await post(here.client, "/v1/receivers", body, status=422)
        assert problem["type"] == "/problems/destination-refused"
    swapped = here.other.key[:-1] + ("q" if here.other.key[-1] != "q" else "p")
    wrong = {"url": here.other.url, "key": swapped}
    problem = await post(here.client, "/v1/receivers", wrong, status=422)
    assert problem["type"] == "/problems/receiver-key-invalid"
    assert (await get(here.client, "/v1/receivers"))["items"] == []


@pytest.mark.clause("L35")
async def test_who_puts_forward_cannot_approve(here: Sending, api: Api) -> None:
    """Neither without the scope, nor with both of them."""
    receiver = (await here.register())["receiver"]
    path = f"/v1/receivers/{receiver}"
    await post(here.client, f"{path}/proof")
    alone = await post(here.client, f"{path}/approval", status=409)
    assert alone["type"] == "/problems/approver-is-proposer"
    async with await api.client(scopes=["receivers:manage"]) as other:
        problem = await post(other, f"/v1/receivers/{receiver}/approval", status=403)
    assert problem["type"] == "/problems/insufficient-scope"


@pytest.mark.clause("L35")
async def test_a_receiver_that_is_down_is_tried_again_with_what_is_held_then(
    here: Sending,
) -> None:
    """The package is made at the moment of sending: what was corrected since goes along."""
    await here.approve()
    person = await register(here.client, "event_logistics")
    request = await portability_request(here.client, person)
    made = await post(here.client, f"{person}/transmissions", order(request), status=202)
    here.other.status = 503
    assert await here.loop().turn() == 1
    assert await here.loop().turn() == 0, "not before its time"
    await collect(here.client, person, "event_logistics", {"contact.name": "Zoë Berg"})
    here.other.status = 200
    await here.due_again()

    await here.loop().turn()

    own = (await here.client.get(f"{person}/portability-package")).content
    [shown] = (await get(here.client, f"{person}/transmissions"))["transmissions"]
    assert [one.headers["idempotency-key"] for one in here.other.packages] == [
        made["transmission"],
        made["transmission"],
    ]
    assert here.other.opened(0) != here.other.opened(1) == own
    assert (shown["status"], shown["attempts"]) == ("delivered", 2)


@pytest.mark.clause("L35")
async def test_what_cannot_arrive_ends_in_an_event_that_says_why(here: Sending) -> None:
    """Gone at once; anything else after ten attempts; nothing is left to a log line."""
    await here.approve()
    person = await register(here.client, "newsletter")
    request = await portability_request(here.client, person)
    here.other.status = 410
    await post(here.client, f"{person}/transmissions", order(request), status=202)
    await here.loop().turn()
    here.other.status = 500
    await post(here.client, f"{person}/transmissions", order(request), status=202)
    for _ in range(10):
        assert await here.loop().turn() == 1
        await here.due_again()

    gone, failed = await events_of(here.service, person, "TransmissionFailed")
    assert (str(gone["reason"]), gone["status"], gone["attempts"]) == ("gone", 410, 1)
    assert (str(failed["reason"]), failed["status"], failed["attempts"]) == ("status", 500, 10)
    assert await here.loop().turn() == 0


async def test_what_waits_ends_with_its_receiver_with_its_person_and_at_the_persons_word(
    here: Sending,
) -> None:
    receiver = await here.approve()
    people = [await somebody(here, number) for number in range(3)]
    paths = [f"{person}/transmissions" for person in people]
    requests = [await portability_request(here.client, person) for person in people]
    made = [
        await post(here.client, path, order(request), status=202)
        for path, request in zip(paths, requests, strict=True)
    ]
    desk = {"source": "self_service"}
    await post(here.client, f"{paths[0]}/{made[0]['transmission']}/withdrawal", desk)
    again = await post(
        here.client, f"{paths[0]}/{made[0]['transmission']}/withdrawal", desk, status=409
    )
    await post(here.client, f"{people[1]}/erasure", {"source": "secretariat"})
    await post(here.client, f"/v1/receivers/{receiver}/withdrawal")

    await here.loop().turn()

    [failed] = await events_of(here.service, people[2], "TransmissionFailed")
    assert here.other.packages == []
    assert again["type"] == "/problems/transmission-settled"
    assert (str(failed["reason"]), failed["attempts"]) == ("receiver_withdrawn", 0)
    assert await here.service.pool.fetch("SELECT * FROM ledger.transmission_queue") == []


@pytest.mark.clause("L35")
async def test_nobody_but_the_person_can_have_the_data_sent(here: Sending) -> None:
    """Art. 20(2) is the person's right: their own request, of this right, their identity known."""
    await here.approve()
    person, other = [await somebody(here, number) for number in range(2)]
    foreign = await portability_request(here.client, other)
    access = await portability_request(here.client, person, right="access")
    doubtful = await portability_request(here.client, person, proof=None)
    problems = [
        (await post(here.client, f"{person}/transmissions", order(one), status=status))["type"]
        for one, status in ((foreign, 404), (access, 409), (doubtful, 409))
    ]

    assert problems == [
        "/problems/rights-request-unknown",
        "/problems/transmission-unrequested",
        "/problems/rights-request-unverified",
    ]
    assert await here.loop().turn() == 0


async def test_a_repeated_request_is_one_transmission(here: Sending) -> None:
    await here.approve()
    person = await register(here.client, "newsletter")
    request = await portability_request(here.client, person)
    key = {"idempotency-key": "one-and-the-same"}
    path = f"{person}/transmissions"
    first, repeated = [
        await here.client.post(path, json=order(request), headers=key) for _ in range(2)
    ]
    wished = await post(here.client, path, order(request), status=200)

    assert first.json()["transmission"] == repeated.json()["transmission"]
    assert wished["transmission"] == first.json()["transmission"]
    assert repeated.headers["idempotent-replayed"] == "true"
    assert await here.loop().turn() == 1
