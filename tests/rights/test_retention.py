"""Retention by itself: there on the last day, gone on the next, whoever executes it (L7)."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg
import httpx
import pytest

from app.clock import Clock
from app.events.collections import DataCollected
from app.events.retention import RetentionExecuted
from app.rights.retention import Retaining
from app.service import Service
from app.store.event_store import Stream
from app.store.integrity import verify
from app.vault.sealing import Erased, Opened, Sealed
from tests.rights.people import CONTACT, arrange, consent, get, post, register, share

NOW = datetime.now(ZoneInfo("Europe/Brussels"))
"""At import: a test that runs over midnight still counts from one day."""


def at(**later: int) -> Clock:
    """A clock that stands at noon some days from today."""
    noon = (NOW + timedelta(**later)).replace(hour=12, minute=0)
    return lambda: noon


def retaining(service: Service, clock: Clock | None = None) -> Retaining:
    """What executes retention."""
    return Retaining(service.ledger, service.pool, service.eraser, clock=clock)


def seven_years_ago() -> str:
    """The end of a participation whose period ends today."""
    return NOW.replace(year=NOW.year - 7, hour=0, minute=0).isoformat()


async def former(client: httpx.AsyncClient, number: int = 1) -> str:
    """Somebody whose details were collected nine years ago, and who left seven years ago."""
    contact = CONTACT | {
        "contact.email": f"former{number}@stad.example",
        "contact.phone": f"+3247012341{number}",
    }
    long_ago = NOW.replace(year=NOW.year - 9, day=1).isoformat()
    person = await register(
        client,
        contact=contact,
        occurred_at=long_ago,
        relationships=[{"kind": "event_attendee", "occurred_at": long_ago}],
    )
    await post(
        client,
        f"{person}/relationships/end",
        {"kind": "event_attendee", "occurred_at": seven_years_ago()},
    )
    return person


async def executed(service: Service, person: str) -> list[RetentionExecuted]:
    """The retention entries of a person."""
    stream = await service.store.read_stream(UUID(person.rpartition("/")[2]))
    return [one.event for one in stream.events if isinstance(one.event, RetentionExecuted)]


def _opened(service: Service, stream: Stream) -> Opened:
    """The section of the first collection."""
    [at, *_] = (one.version for one in stream.events if isinstance(one.event, DataCollected))
    return service.store.open_section(stream, at, "participation")


@pytest.mark.clause("L7", "C32", "L40")
async def test_on_the_last_day_all_is_there_and_on_the_next_it_is_gone_everywhere(
    client: httpx.AsyncClient, service: Service
) -> None:
    """L7, the time machine."""
    person = await former(client)
    lookup = {"kind": "email", "value": "former1@stad.example"}
    before = await retaining(service, at()).run()
    still = await get(client, f"{person}/access-report")
    found = await client.post("/v1/subjects:lookup", json=lookup)
    after = await retaining(service, at(days=1)).run()
    report = await get(client, f"{person}/access-report")
    lost = await client.post("/v1/subjects:lookup", json=lookup)
    [entry] = await executed(service, person)
    stream = await service.store.read_stream(UUID(person.rpartition("/")[2]), with_blobs=True)

    assert (before.keys, before.failed) == (0, 0)
    assert "former1@stad.example" in str(still)
    assert found.status_code == 200
    assert (after.people, after.keys, after.failed) == (1, 1, 0)
    assert "former1@stad.example" not in str(report)
    assert lost.status_code == 404
    assert (entry.retention_class, entry.until) == ("participation", NOW.date())
    assert isinstance(_opened(service, stream), Erased)
    assert not stream.blobs
    async with service.pool.acquire() as connection:
        verification = await verify(connection)
    assert verification.sound, verification.findings


@pytest.mark.clause("L7")
async def test_any_number_of_processes_execute_it_once(
    client: httpx.AsyncClient, service: Service
) -> None:
    people = [await former(client, number) for number in range(5)]

    runs = await asyncio.gather(*(retaining(service, at(days=1)).run() for _ in range(4)))

    assert [one.failed for one in runs] == [0] * 4
    assert [len(await executed(service, person)) for person in people] == [1] * 5
    again = await retaining(service, at(days=1)).run()
    assert (again.people, again.keys) == (0, 0)


@pytest.mark.clause("L7", "L42", "L67")
async def test_a_restriction_holds_it_back(client: httpx.AsyncClient, service: Service) -> None:
    person = await former(client)
    body = {"ground": "legal_claims", "source": "secretariat"}
    await post(client, f"{person}/restrictions", body)

    done = await retaining(service, at(days=4000)).run()

    assert done.keys == 0
    assert await executed(service, person) == []


@pytest.mark.clause("L7", "L14", "C73")
async def test_a_subscription_is_gone_the_day_after_the_consent_ended_and_the_rest_is_not(
    client: httpx.AsyncClient, service: Service
) -> None:
    person = await register(client, "newsletter", "event_logistics")
    await post(client, f"{person}/consents", consent())
    await post(client, f"{person}/consents/newsletter/withdrawal", {"source": "self_service"})

    assert (await retaining(service, at()).run()).keys == 0
    assert (await retaining(service, at(days=1)).run()).keys == 1
    [entry] = await executed(service, person)
    answer = await client.get(person, headers={"Purpose": "event_logistics"})
    assert entry.retention_class == "subscription"
    assert {one["category"] for one in answer.json()["fields"]} >= {"contact.name"}
    lookup = {"kind": "email", "value": CONTACT["contact.email"]}
    await arrange(service, "mailchimp")
    suppressed = {"subjects": [person.rpartition("/")[2]], "purpose": "newsletter"}
    asked = await post(
        client, "/v1/permissions:check", {**suppressed, "recipient": "mailchimp"}, status=200
    )
    assert asked["answers"][0]["reason"] == "subject-suppressed"
    found = await client.post("/v1/subjects:lookup", json=lookup)
    assert found.json()["subject_id"] == person.rpartition("/")[2], "by the address kept elsewhere"


@pytest.mark.clause("L7", "L36", "C61")
async def test_an_erasure_is_closed_on_its_day_though_nobody_was_told(
    client: httpx.AsyncClient, service: Service
) -> None:
    """Three months after the execution what was set aside goes by itself."""
    await arrange(service, "azavista", mechanism=None)
    person = await register(client)
    await post(client, f"{person}/disclosures", share("azavista"))
    carried = await post(client, f"{person}/erasure", {"source": "secretariat"})
    last_day = datetime.fromisoformat(carried["erasure"]["close_by"]).replace(tzinfo=UTC)
    wait = (last_day.date() - NOW.date()).days

    assert (await retaining(service, at(days=wait)).run()).closed == 0
    assert (await retaining(service, at(days=wait + 1)).run()).closed == 1
    [told] = (await get(client, f"{person}/erasure"))["erasures"]
    stream = await service.store.read_stream(UUID(person.rpartition("/")[2]), with_blobs=True)
    assert told["stage"] == "closed"
    assert [one.state for one in stream.keys.values() if one.retention_class == EXECUTION] == [
        "erased"
    ]


EXECUTION = "erasure-execution"


@pytest.mark.clause("L7")
async def test_one_person_whose_data_cannot_be_destroyed_holds_up_nobody(
    client: httpx.AsyncClient, service: Service
) -> None:
    people = [await former(client, number) for number in range(2)]
    assert service.eraser is not None
    eraser = _Failing(service.eraser, UUID(people[0].rpartition("/")[2]))
    run = Retaining(service.ledger, service.pool, eraser, clock=at(days=1)).run  # type: ignore[arg-type]  # a pool of which one call fails

    done = await run()

    assert (done.people, done.failed) == (1, 1)
    assert (done.keys_left, done.closings_left) == (1, 0)
    assert [len(await executed(service, one)) for one in people] == [0, 1]


class _Failing:
    """The eraser's connections, refusing one person."""

    def __init__(self, pool: "asyncpg.Pool[Any]", subject_id: UUID) -> None:
        self._pool, self._subject_id = pool, subject_id

    async def fetchval(self, query: str, *arguments: Any) -> Any:
        """Destroys, unless it is that person."""
        if arguments[0] == self._subject_id:
            raise PermissionError
        return await self._pool.fetchval(query, *arguments)

    async def execute(self, *arguments: Any) -> Any:
        """Announces."""
        return await self._pool.execute(*arguments)


@pytest.mark.clause("L7")
async def test_what_is_due_is_named_without_being_touched(
    client: httpx.AsyncClient, service: Service
) -> None:
    person = await former(client)

    due = [
        one async for one in Retaining(service.ledger, service.pool, None, clock=at(days=1)).due()
    ]

    assert [str(one.subject_id) for one in due] == [person.rpartition("/")[2]]
    assert [one.retention_class for one in due[0].expired] == ["participation"]
    assert await executed(service, person) == []


async def test_what_was_sealed_is_read_while_it_is_kept(
    client: httpx.AsyncClient, service: Service
) -> None:
    person = await former(client)
    stream = await service.store.read_stream(UUID(person.rpartition("/")[2]), with_blobs=True)

    assert isinstance(_opened(service, stream), Sealed)
