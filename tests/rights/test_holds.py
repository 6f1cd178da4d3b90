"""Legal holds, a second pair of eyes, and the bad input that Art. 17 has problem types for."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from app.auth import Scope
from app.events.erasures import ErasureBlocked
from app.rights.retention import Retaining
from app.service import Service
from tests.days import today_in_brussels
from tests.rights.people import CONTACT, collect, get, post, register
from tests.serving import Api

SOURCE = {"source": "secretariat"}
CLAIM = {"ground": "legal_claims", **SOURCE}


def subject(person: str) -> UUID:
    """The id in the path of a record."""
    return UUID(person.rpartition("/")[2])


async def blocked(service: Service, person: str) -> list[ErasureBlocked]:
    """The attempts that met a hold, as the log has them."""
    stream = await service.store.read_stream(subject(person))
    return [one.event for one in stream.events if isinstance(one.event, ErasureBlocked)]


@pytest.mark.clause("L37", "L63", "L67", "C71")
async def test_an_erasure_under_a_legal_hold_is_refused_and_leaves_a_trace(
    client: httpx.AsyncClient, service: Service
) -> None:
    person = await register(client)
    hold = (await post(client, f"{person}/legal-holds", CLAIM))["hold"]

    plan = await get(client, f"{person}/erasure/preview")
    refused = await post(client, f"{person}/erasure", SOURCE, status=409)
    again = await post(client, f"{person}/erasure", SOURCE, status=409)
    [waiting] = (await get(client, f"{person}/erasure"))["erasures"]
    [trace] = await blocked(service, person)
    readable = await get(client, f"{person}/access-report")
    await post(client, f"{person}/legal-holds/{hold}/release")
    erased = await post(client, f"{person}/erasure", SOURCE)

    assert [one["retention_class"] for one in plan["held"]] == ["participation"]
    assert refused["type"] == again["type"] == "/problems/erasure-held"
    assert (waiting["stage"], waiting["blocked_by"]) == ("blocked", [hold])
    assert (trace.holds, trace.retention_classes) == ((UUID(hold),), ("participation",))
    assert CONTACT["contact.phone"] in str(readable)
    assert erased["erasure"]["erasure"] == waiting["erasure"]
    assert erased["erasure"]["stage"] == "executed"
    assert await get(client, f"{person}/legal-holds") == {
        "subject_id": str(subject(person)),
        "holds": [],
    }


@pytest.mark.clause("L37", "L63", "C71")
async def test_what_is_held_may_be_kept_by_name_and_the_rest_goes(
    client: httpx.AsyncClient, service: Service
) -> None:
    """The hold then goes on beside the ground that the letter names."""
    person = await register(client)
    await collect(client, person, "project_collaboration", {"content.message": "Yes."})
    await post(client, f"{person}/legal-holds", {**CLAIM, "retention_classes": ["content"]})
    named = (today_in_brussels() + timedelta(days=400)).isoformat()
    keep = {
        "retention_class": "content",
        "exemption": "open_transaction",
        "ground": "art_17_3_e",
        "until": named,
    }

    erased = (await post(client, f"{person}/erasure", {**SOURCE, "keeps": [keep]}))["erasure"]
    late = datetime.now(UTC) + timedelta(days=5000)
    done = await Retaining(service.ledger, service.pool, service.eraser, clock=lambda: late).run()
    stream = await service.store.read_stream(subject(person))
    living = {row.retention_class for row in stream.keys.values() if row.state != "erased"}

    assert [one["retention_class"] for one in erased["erased"]] == ["participation"]
    assert [(one["retention_class"], one["until"]) for one in erased["retained"]] == [
        ("content", named)
    ]
    assert done.failed == 0
    assert living == {"content"}, "held beyond the named day, and beyond the regular period"


@pytest.mark.clause("L63", "L64", "L67")
async def test_an_open_audit_freezes_the_records_of_a_grant_for_everybody(
    client: httpx.AsyncClient, service: Service
) -> None:
    grant, paid = uuid4(), date(2015, 3, 31)
    person = await register(client)
    await collect(
        client,
        person,
        "grant_records",
        {"financial.claim": "Travel, 120.00"},
        occasion=str(grant),
        occurred_at="2014-05-01T10:00:00Z",
    )
    await post(
        client,
        f"/v1/occasions/{grant}/payment",
        {"on": paid.isoformat(), "amount_cents": 9_000_000},
    )
    audit = {"ground": "audit", "source": "secretariat"}
    hold = (await post(client, f"/v1/occasions/{grant}/legal-holds", audit))["hold"]
    retaining = Retaining(service.ledger, service.pool, service.eraser)

    frozen = await retaining.run()
    held = (await get(client, "/v1/occasions"))["holds"]
    await post(client, f"/v1/legal-holds/{hold}/release")
    thawed = await retaining.run()

    assert (frozen.keys, thawed.keys) == (0, 1)
    assert [(one["hold"], one["occasion"], one["ground"]) for one in held] == [
        (hold, str(grant), "audit")
    ]
    assert (await get(client, "/v1/occasions"))["paid"] == [
        {"grant": str(grant), "on": "2015-03-31", "amount_cents": 9_000_000}
    ]


@pytest.mark.clause("L7", "L63", "L64")
async def test_what_is_said_of_holds_and_occasions_is_checked(client: httpx.AsyncClient) -> None:
    person = await register(client)
    tomorrow = (datetime.now(UTC) + timedelta(days=2)).date().isoformat()
    classes = {**CLAIM, "retention_classes": ["nonsense"]}

    unknown = await post(client, f"{person}/legal-holds", classes, status=422)
    nobody = await post(client, f"{person}/legal-holds/{uuid4()}/release", status=404)
    ahead = await post(client, f"/v1/occasions/{uuid4()}/end", {"on": tomorrow}, status=422)
    none = await post(client, f"/v1/legal-holds/{uuid4()}/release", status=404)

    assert unknown["type"] == "/problems/retention-class-unknown"
    assert nobody["type"] == none["type"] == "/problems/legal-hold-unknown"
    assert ahead["type"] == "/problems/end-in-future"


@pytest.mark.clause("C66", "L9")
async def test_two_people_where_the_controller_asks_for_two(
    client: httpx.AsyncClient, service: Service, api: Api
) -> None:
    """Asked for by one key, approved by another; a child's data wait for nobody."""
    await post(client, "/v1/safeguards/two_person_erasure", {"on": True})
    person = await register(client)

    asked = (await post(client, f"{person}/erasure", SOURCE))["erasure"]
    path = f"{person}/erasure/{asked['erasure']}/approval"
    alone = await post(client, path, status=409)
    readable = await get(client, f"{person}/access-report")
    async with await api.client(scopes=[Scope.ERASURE_EXECUTE]) as second:
        approved = (await post(second, path))["erasure"]
    switched = await get(client, "/v1/safeguards")

    assert (asked["stage"], asked["approved"]) == ("requested", False)
    assert alone["type"] == "/problems/second-person-needed"
    assert CONTACT["contact.phone"] in str(readable)
    assert (approved["stage"], approved["approved"]) == ("executed", True)
    assert switched == {"safeguards": [{"safeguard": "two_person_erasure", "on": True}]}
    await post(client, "/v1/safeguards/two_person_erasure", {"on": False})
    other = CONTACT | {"contact.email": "b@stad.example", "contact.phone": "+32470999999"}
    one_is_enough = await register(client, contact=other)
    erased = (await post(client, f"{one_is_enough}/erasure", SOURCE))["erasure"]
    assert erased["stage"] == "executed"


@pytest.mark.clause("L63", "L67", "C71")
async def test_a_hold_on_a_person_holds_every_record_of_theirs(
    client: httpx.AsyncClient, service: Service, api: Api
) -> None:
    """Also a record that is merged into the held one later; released, all of it is free again."""
    old = {"occurred_at": "2014-05-01T10:00:00Z", "occasion": str(uuid4())}
    records = []
    for number in range(3):
        contact = {"contact.name": "Zoë", "contact.email": f"r{number}@stad.example"}
        person = await register(client, contact=contact)
        await collect(client, person, "travel_booking", {"identity.document": f"AB{number}"}, **old)
        records.append(person)
    await post(client, f"/v1/occasions/{old['occasion']}/end", {"on": "2014-06-01"})
    survivor, before, after = records
    await merged(client, api, survivor, before)
    hold = (await post(client, f"{survivor}/legal-holds", CLAIM))["hold"]
    await merged(client, api, survivor, after)
    retaining = Retaining(service.ledger, service.pool, service.eraser)

    held = [(await get(client, f"{one}/legal-holds"))["holds"] for one in records]
    frozen = await retaining.run()
    await post(client, f"{survivor}/legal-holds/{hold}/release")
    thawed = await retaining.run()

    assert [[one["hold"] for one in found] for found in held] == [[hold]] * 3
    assert (frozen.keys, thawed.keys) == (0, 3)


async def merged(client: httpx.AsyncClient, api: Api, survivor: str, absorbed: str) -> None:
    """One record stands for another, on the word of two callers."""
    pair = {"survivor": str(subject(survivor)), "absorbed": str(subject(absorbed))}
    proposal = await post(client, "/v1/merges", {**pair, "ground": "control"})
    async with await api.client() as second:
        await post(second, f"/v1/merges/{proposal['merge']}/approve", pair)


@pytest.mark.clause("L63", "L64")
async def test_a_hold_on_an_occasion_stops_a_destruction_that_was_decided_before_it(
    client: httpx.AsyncClient, service: Service
) -> None:
    """The database compares the rules of the decision with those that stand under its lock."""
    occasion = uuid4()
    person = await register(client)
    old = {"occurred_at": "2014-05-01T10:00:00Z", "occasion": str(occasion)}
    await collect(client, person, "travel_booking", {"identity.document": "AB1"}, **old)
    await post(client, f"/v1/occasions/{occasion}/end", {"on": "2014-06-01"})
    audit = {"ground": "audit", "source": "secretariat"}
    assert service.eraser is not None
    pool = service.eraser

    class Meanwhile:
        """The eraser's connections, with a hold placed just before each destruction."""

        async def fetchval(self, *arguments: Any) -> Any:
            """Destroys, if it still may."""
            if not (await get(client, "/v1/occasions"))["holds"]:
                await post(client, f"/v1/occasions/{occasion}/legal-holds", audit)
            return await pool.fetchval(*arguments)

        async def execute(self, *arguments: Any) -> Any:
            """Announces."""
            return await pool.execute(*arguments)

    done = await Retaining(service.ledger, service.pool, Meanwhile()).run()  # type: ignore[arg-type]  # what of a pool is used

    assert (done.keys, done.failed) == (0, 0)
    assert "AB1" in str(await get(client, f"{person}/access-report"))
