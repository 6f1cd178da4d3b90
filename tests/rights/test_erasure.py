"""An erasure is carried to its end whatever comes between: crashes, lost answers, other writers."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from app.domain import purpose_limitation
from app.domain.collections import CollectData
from app.domain.erasure_plan import Extent
from app.domain.obtaining import Obtained
from app.domain.subjects import SubjectErased
from app.events.erasures import ErasureExecuted
from app.receipts import Attribution, LedgerContended
from app.rights.erasure import Carried, Erasing, ErasureOrder
from app.service import Service
from app.settings import Settings
from app.store.integrity import verify
from app.tlog.merkle import root_of_entries
from app.values import replace
from tests.conftest import Database
from tests.rights.people import CONTACT, collect, get, post, register, share
from tests.serving import Api, serving

BY = Attribution(by="tests")
ALL = ErasureOrder(source="secretariat", extent=Extent())
PHONE = ErasureOrder(source="secretariat", extent=Extent(categories=frozenset({"contact.phone"})))


class Crash(Exception):
    """The process stopped on this line."""


class Eraser:
    """The eraser's connections, with something happening around the call that destroys."""

    def __init__(
        self,
        service: Service,
        *,
        before: Callable[[], Awaitable[None]] | None = None,
        after: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        assert service.eraser is not None
        self._pool = service.eraser
        self._before, self._after = before, after
        self.calls = 0

    async def fetchval(self, *arguments: Any) -> Any:
        """Destroys."""
        self.calls += 1
        if self._before is not None:
            await self._before()
        outcome = await self._pool.fetchval(*arguments)
        if self._after is not None:
            await self._after()
        return outcome

    async def execute(self, *arguments: Any) -> Any:
        """Announces."""
        return await self._pool.execute(*arguments)


def subject(person: str) -> UUID:
    """The id in the path of a record."""
    return UUID(person.rpartition("/")[2])


def erasing(service: Service, eraser: Any = None) -> Erasing:
    """What carries erasures out."""
    assert service.eraser is not None
    return Erasing(service.ledger, eraser or service.eraser)


async def erase(service: Service, person: str, order: ErasureOrder = ALL) -> Carried:
    """The erasure, with nothing in its way."""
    return await erasing(service).erase(subject(person), order, BY)


def contact(number: int) -> dict[str, str]:
    """The contact details of one person of several."""
    email, phone = f"person{number}@stad.example", f"+3247012340{number}"
    return CONTACT | {"contact.email": email, "contact.phone": phone}


async def assert_gone(service: Service, person: str) -> None:
    """Executed exactly once, and the log is whole."""
    stream = await service.store.read_stream(subject(person))
    executed = [one for one in stream.events if isinstance(one.event, ErasureExecuted)]
    async with service.pool.acquire() as connection:
        verification = await verify(connection)
    assert len(executed) == 1
    assert verification.sound, verification.findings


@pytest.mark.parametrize("order", [ALL, PHONE], ids=["everything", "one category"])
@pytest.mark.clause("L37")
async def test_an_erasure_goes_on_after_a_crash_on_any_of_its_steps(
    client: httpx.AsyncClient,
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
    order: ErasureOrder,
) -> None:
    execute, crashed = service.ledger.execute, 0
    for step in range(1, 10):
        person = await register(client, contact=contact(step))
        calls = 0

        async def stop_at(*arguments: Any, at: int = step, **more: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls > at:
                raise Crash
            return await execute(*arguments, **more)

        with monkeypatch.context() as patched:
            patched.setattr(service.ledger, "execute", stop_at)
            try:
                await erase(service, person, order)
            except Crash:
                crashed += 1
        finished = calls <= step
        if not finished:
            await erase(service, person, order)
        await assert_gone(service, person)
        if finished:
            break

    assert crashed >= 1


async def living(service: Service, person: str) -> dict[str, str]:
    """Generation -> retention class of every data key of the person that was not destroyed."""
    stream = await service.store.read_stream(subject(person))
    keys = stream.keys.values()
    return {row.generation: row.retention_class for row in keys if row.state != "erased"}


@pytest.mark.clause("L37", "L41")
async def test_nothing_that_was_sealed_anywhere_is_left_over_or_in_the_way(
    client: httpx.AsyncClient, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Strays in the class of the execution, from before they were refused, and letters go too."""
    person = await register(client)
    with monkeypatch.context() as patched:
        patched.setattr(purpose_limitation, "LEDGERS_OWN", frozenset())
        stray = {"execution.identifier": CONTACT["contact.email"]}
        await collect(client, person, "erasure_execution", stray)
    order = replace(ALL, statement="I have left.")

    carried = await erase(service, person, order)

    assert carried.progress.stage == "executed"
    assert await living(service, person) == {f"request.{carried.erasure}": "erasure-execution"}
    await assert_gone(service, person)


@pytest.mark.clause("L37")
async def test_an_erasure_goes_on_after_a_crash_before_the_destruction(
    client: httpx.AsyncClient, service: Service
) -> None:
    person = await register(client)

    async def crash() -> None:
        raise Crash

    with pytest.raises(Crash):
        await erasing(service, Eraser(service, before=crash)).erase(subject(person), ALL, BY)
    [prepared] = (await get(client, f"{person}/erasure"))["erasures"]
    readable = await get(client, f"{person}/access-report")

    erased = await post(client, f"{person}/erasure", {"source": "secretariat"})

    assert prepared["stage"] == "prepared"
    assert CONTACT["contact.phone"] in str(readable)
    assert erased["erasure"]["erasure"] == prepared["erasure"]
    await assert_gone(service, person)


async def prepared(service: Service, person: str, order: ErasureOrder) -> UUID:
    """An erasure that stopped before its destruction, with something set aside."""

    async def crash() -> None:
        raise Crash

    with pytest.raises(Crash):
        await erasing(service, Eraser(service, before=crash)).erase(subject(person), order, BY)
    stream = await service.store.read_stream(subject(person))
    [begun] = {one.event.erasure for one in stream.events if hasattr(one.event, "erasure")}
    assert f"request.{begun}" in await living(service, person)
    return UUID(str(begun))


@pytest.mark.clause("L41", "C66")
async def test_a_withdrawn_erasure_leaves_nothing_of_what_it_had_set_aside(
    client: httpx.AsyncClient, service: Service
) -> None:
    person = await register(client)
    await post(client, f"{person}/disclosures", share("hotels", country="BE"))
    begun = await prepared(service, person, ALL)

    await post(client, f"{person}/erasure/{begun}/withdrawal")
    again = await post(client, f"{person}/erasure/{begun}/closing")

    assert set((await living(service, person)).values()) == {"participation"}
    assert again["erasure"]["stage"] == "withdrawn"
    assert CONTACT["contact.phone"] in str(await get(client, f"{person}/access-report"))
    await assert_gone(service, person)


@pytest.mark.clause("L37", "L41", "C66")
async def test_after_the_closing_nothing_is_left_of_an_erasure_that_was_overtaken(
    client: httpx.AsyncClient, service: Service
) -> None:
    """A part was prepared, then everything was erased: the certificate is final all the same."""
    person = await register(client)
    await prepared(service, person, PHONE)

    whole = await erase(service, person)
    between = await living(service, person)
    closed = await post(client, f"{person}/erasure/{whole.erasure}/closing")
    left = await service.pool.fetch(
        "SELECT DISTINCT key_id FROM ledger.sealed WHERE stream_id = $1", subject(person)
    )

    assert between == {f"request.{whole.erasure}": "erasure-execution"}
    assert closed["erasure"]["erased"][-1]["retention_class"] == "erasure-execution"
    # But the letter about it, which goes by itself a month later (decision 0020).
    assert set((await living(service, person)).values()) == {"mail"}
    assert len(left) == 1


@pytest.mark.clause("L37")
async def test_a_lost_answer_is_read_from_the_log(
    client: httpx.AsyncClient, service: Service
) -> None:
    """The connection broke after the commit: it is executed, and not a second time."""
    person = await register(client)

    async def lose() -> None:
        raise ConnectionResetError

    eraser = Eraser(service, after=lose)
    carried = await erasing(service, eraser).erase(subject(person), ALL, BY)

    assert carried.progress.stage == "executed"
    assert eraser.calls == 1
    await assert_gone(service, person)


@pytest.mark.parametrize("order", [ALL, PHONE], ids=["everything", "one category"])
@pytest.mark.clause("L37", "L42")
async def test_what_is_collected_while_an_erasure_runs_is_not_overlooked(
    client: httpx.AsyncClient, service: Service, order: ErasureOrder
) -> None:
    """What came between plan and destruction is part of the next plan; nothing else is lost."""
    person = await register(client)
    late = {"contact.phone": "+32470999999", "work.title": "Inspector"}
    came: list[str] = []

    async def collect_once() -> None:
        if not came:
            command = CollectData(
                obtained=Obtained(purpose="network_exchange", personal=late),
                source="registration_form",
            )
            await service.ledger.execute(subject(person), command, BY)
            came.append(person)

    eraser = Eraser(service, before=collect_once)
    await erasing(service, eraser).erase(subject(person), order, BY)

    assert eraser.calls == 2
    await assert_gone(service, person)
    if order is ALL:
        with pytest.raises(SubjectErased):
            await erase(service, person)
    else:
        report = str(await get(client, f"{person}/access-report"))
        assert late["contact.phone"] not in report
        assert CONTACT["contact.phone"] not in report
        assert late["work.title"] in report
        assert CONTACT["contact.email"] in report


@pytest.mark.clause("L36", "L32")
async def test_whoever_was_given_data_while_an_erasure_runs_must_be_told_too(
    client: httpx.AsyncClient, service: Service
) -> None:
    person = await register(client)
    shared: list[str] = []

    async def share_once() -> None:
        if not shared:
            await post(client, f"{person}/disclosures", share("hotels", country="BE"))
            shared.append(person)

    carried = await erasing(service, Eraser(service, before=share_once)).erase(
        subject(person), ALL, BY
    )

    assert carried.progress.untold == ("hotels",)
    await assert_gone(service, person)


async def test_an_erasure_that_never_gets_its_turn_says_so(
    client: httpx.AsyncClient, service: Service
) -> None:
    person = await register(client)
    number = 0

    async def always_first() -> None:
        nonlocal number
        number += 1
        command = CollectData(
            obtained=Obtained(
                purpose="network_exchange", personal={"work.title": f"Inspector {number}"}
            ),
            source="registration_form",
        )
        await service.ledger.execute(subject(person), command, BY)

    with pytest.raises(LedgerContended):
        await erasing(service, Eraser(service, before=always_first)).erase(subject(person), ALL, BY)

    await erase(service, person)
    await assert_gone(service, person)


@pytest.mark.clause("L36", "L41")
async def test_only_what_a_recipient_was_given_is_set_aside_for_telling_it(
    client: httpx.AsyncClient, service: Service
) -> None:
    """Arts. 5(1)(c), 19: a recipient is told by what it knows, and by nothing else."""
    person = await register(client)
    by_name = share("hosts", country="BE") | {"categories": ["contact.name"]}
    await post(client, f"{person}/disclosures", share("hotels", country="BE"))
    await post(client, f"{person}/disclosures", by_name)
    await erase(service, person)

    stream = await service.store.read_stream(subject(person), with_blobs=True)
    told: dict[str, Any] = {}
    for recorded in stream.events:
        recipient = getattr(recorded.event, "recipient", None)
        for seal in recorded.seals:
            opened = service.store.open_section(stream, recorded.version, seal.retention_class)
            told[recipient or "reply"] = getattr(opened, "personal", None)

    assert told["hotels"] == {"execution.identifier": CONTACT["contact.email"]}
    assert told["hosts"] == {"execution.identifier": CONTACT["contact.name"]}
    assert {"correspondence.reply_address": CONTACT["contact.email"]} in told.values()


@pytest.mark.clause("L37")
async def test_the_entry_counts_what_was_destroyed_and_anybody_can_check_its_root(
    client: httpx.AsyncClient, service: Service
) -> None:
    """RFC 6962 over the SHA-256 of each blob, which the seals in the log still name."""
    person = await register(client, "event_logistics", "newsletter")
    await erase(service, person)

    stream = await service.store.read_stream(subject(person), with_blobs=True)
    [executed] = [one.event for one in stream.events if isinstance(one.event, ErasureExecuted)]
    destroyed = [
        seal.blob_hash
        for recorded in stream.events
        for seal in recorded.seals
        if seal.key_id in executed.keys
    ]

    assert executed.blobs == len(destroyed) == 2
    assert executed.root == root_of_entries(destroyed).hex()
    assert executed.identifiers


@pytest.mark.clause("L37", "L41")
async def test_another_process_knows_at_once_and_can_neither_read_nor_write(
    database: Database, tmp_path: Path
) -> None:
    """E1 holds at the commit: cached states and keys of other processes are of no use."""
    async with serving(database, tmp_path) as first, serving(database, tmp_path) as second:
        one = await Api(first, Settings(home=tmp_path)).client()
        other = await Api(second, Settings(home=tmp_path)).client()
        async with one, other:
            person = await register(one)
            await get(other, f"{person}/access-report")
            await collect(other, person, "network_exchange", {"work.title": "Inspector"})

            await post(one, f"{person}/erasure", {"source": "secretariat"})

            body = {"purpose": "network_exchange", "data": {"work.title": "Chief"}}
            source = {"source": "registration_form"}
            read = await get(other, f"{person}/access-report", status=410)
            written = await post(other, f"{person}/collections", {**body, **source}, status=410)

    assert read["type"] == written["type"] == "/problems/subject-erased"
