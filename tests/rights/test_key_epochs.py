"""Epochs of keys turn and end beside a service that is used; nobody's data are lost (E3; L34)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from app.domain.epochs import EpochInUse, EpochState, EpochStillLeaving, EpochUnknown
from app.domain.safeguards import SecondPersonNeeded
from app.events.epochs import EpochDestroyed, EpochOpened, RootCustody, RootEnd
from app.events.erasures import ErasureAssured, ErasureLevel
from app.events.recorded import Record
from app.receipts import Attribution
from app.rights.key_epochs import EpochHolds, KeysUnreadable
from app.rights.last_copies import LastCopies
from app.service import Service
from app.settings import Settings
from app.store.append import Append
from app.store.epoch_check import check_epochs
from app.store.epochs import epoch_holds, refresh_epochs
from app.store.integrity import Verification
from app.store.rewriting import Rewriting, standings
from app.store.stream_check import Rule
from app.store.subscriptions import Secrets
from tests.conftest import Database
from tests.rights.people import CONTACT, get, need_two_people, post, register
from tests.rights.turning import Killed, killed_after, turning
from tests.serving import Api, serving

ALL_GONE = {
    "keyring": 0,
    "identifiers": 0,
    "idempotency_key": 0,
    "subscriptions": 0,
    "receivers": 0,
}


def contact(number: int) -> dict[str, str]:
    """Details of one of many people."""
    return CONTACT | {
        "contact.email": f"person{number}@stad.example",
        "contact.phone": f"+3247000{number:04}",
    }


async def looked_up(client: httpx.AsyncClient, number: int) -> str | None:
    """The path of whoever has the address, as anybody may ask."""
    body = {"kind": "email", "value": contact(number)["contact.email"]}
    answer = await client.post("/v1/subjects:lookup", json=body)
    return None if answer.status_code == 404 else f"/v1/subjects/{answer.json()['subject_id']}"


async def name_of(client: httpx.AsyncClient, person: str) -> str:
    """Their name, read out of their sealed data."""
    answer = await client.get(person, headers={"Purpose": "event_logistics"})
    assert answer.status_code == 200, answer.text
    values = {one["category"]: one["value"] for one in answer.json()["fields"]}
    return str(values["contact.name"])


async def subscription(service: Service) -> Any:
    """A subscription of nobody in particular."""
    secrets = Secrets("http://127.0.0.1:1/hook", b"k" * 32)
    client_id = "a" * 12
    made = await service.subscriptions.create(
        client_id, secrets, scheme="v1", types=["x"], position=0
    )
    assert made is not None
    return lambda: service.subscriptions.one(client_id, made)


async def states(service: Service) -> list[tuple[int, str]]:
    """Every epoch as its row says; the log must say the same."""
    rows = await service.pool.fetch("SELECT epoch, state FROM ledger.key_epoch ORDER BY epoch")
    told = (await service.rulebook.refresh_control()).epochs
    assert {row["epoch"]: row["state"] for row in rows} == {
        key: one.state.value for key, one in told.items()
    }
    return [tuple(row) for row in rows]


async def test_everything_moves_to_the_new_epoch_and_is_what_it_was(
    service: Service, client: httpx.AsyncClient, database: Database, tmp_path: Path
) -> None:
    people = [await register(client, contact=contact(n)) for n in range(3)]
    subscribed = await subscription(service)
    before = await subscribed()
    page = await get(client, f"{people[0]}/events", limit=1)
    repeated = {"idempotency-key": str(uuid4())}
    body = {
        "source": "registration_form",
        "obtained": [{"purpose": "event_logistics", "data": contact(7)}],
    }
    first = await client.post("/v1/subjects", json=body, headers=repeated)

    keys = await service.pool.fetch("SELECT key_id FROM ledger.keyring ORDER BY 1")
    async with turning(service, database, tmp_path) as epochs:
        done = await epochs.rotate()
        again = await epochs.rotate()

    assert (done.epoch, done.leaving, done.opened) == (2, 1, True)
    assert (again.epoch, again.leaving, again.opened, again.moved) == (2, 1, False, 0)
    assert (done.shut, done.holds) == (0, ALL_GONE)
    assert await states(service) == [(1, "draining"), (2, "active")]
    assert await service.pool.fetch("SELECT key_id FROM ledger.keyring ORDER BY 1") == keys
    assert [await looked_up(client, n) for n in range(3)] == people
    assert [await name_of(client, person) for person in people] == [CONTACT["contact.name"]] * 3
    assert await subscribed() == before
    # A page that was begun goes on, and a request that is repeated is answered as before.
    await get(client, f"{people[0]}/events", limit=1, cursor=page["next"])
    second = await client.post("/v1/subjects", json=body, headers=repeated)
    assert (second.status_code, second.json()) == (201, first.json())


async def test_what_has_not_heard_of_the_turn_asks_claims_and_reads_as_everybody(
    service: Service, client: httpx.AsyncClient, database: Database, tmp_path: Path
) -> None:
    """One process after the other is put back to the time before, which a missed notice does."""
    person = await register(client, contact=contact(1))
    old = await service.pool.fetch("SELECT epoch, wrapped FROM ledger.key_epoch")

    def forget() -> None:
        service.store.vault.open_epochs(dict(old), active=1)
        service.ledger.forget_everybody()

    async with turning(service, database, tmp_path) as epochs:
        await epochs.rotate()

    forget()
    assert await looked_up(client, 1) == person
    forget()
    assert await name_of(client, person) == CONTACT["contact.name"]
    forget()
    other = await register(client, contact=contact(2))
    forget()
    assert await looked_up(client, 2) == other
    forget()
    await subscription(service)
    assert (await epoch_holds(service.pool, 1)) == ALL_GONE


@pytest.mark.parametrize("stale", [False, True])
async def test_one_address_leads_to_one_person_under_both_keys(
    service: Service, client: httpx.AsyncClient, database: Database, tmp_path: Path, stale: bool
) -> None:
    """While the index moves, nobody claims under the new key what is held under the old."""
    person = await register(client, contact=contact(1))
    old = await service.pool.fetch("SELECT epoch, wrapped FROM ledger.key_epoch")
    async with turning(service, database, tmp_path, killed_after("turned")) as epochs:
        with suppress(Killed):
            await epochs.rotate()
    assert (await epoch_holds(service.pool, 1))["identifiers"] == 2

    if stale:
        service.store.vault.open_epochs(dict(old), active=1)
    assert await looked_up(client, 1) == person
    same = {"source": "registration_form", "verification": "link"}
    obtained = [{"purpose": "event_logistics", "data": contact(1)}]
    answer = await client.post("/v1/subjects", json=same | {"obtained": obtained})
    assert answer.json()["subject_id"] == person.rpartition("/")[2]

    held = await service.pool.fetch("SELECT DISTINCT subject_id FROM ledger.identifiers")
    assert len(held) == 1
    async with turning(service, database, tmp_path) as epochs:
        assert (await epochs.rotate()).holds == ALL_GONE
    assert await looked_up(client, 1) == person


async def test_people_are_read_and_written_while_their_keys_move(
    service: Service, client: httpx.AsyncClient, database: Database, tmp_path: Path
) -> None:
    """No answer but the right one, from begin to end; two processes, one of them elsewhere."""
    people = {n: await register(client, contact=contact(n)) for n in range(12)}
    ended = asyncio.Event()

    async def live(caller: httpx.AsyncClient, first: int) -> int:
        number = first
        while not ended.is_set() or number < first + 4:
            people[number] = await register(caller, contact=contact(number))
            assert await looked_up(caller, number % 12) == people[number % 12]
            assert await looked_up(caller, number) == people[number]
            assert await name_of(caller, people[number % 12]) == CONTACT["contact.name"]
            number += 1
        return number - first

    async with (
        serving(database, tmp_path) as elsewhere,
        await Api(elsewhere, client_settings(tmp_path)).client() as other,
        turning(service, database, tmp_path) as epochs,
    ):
        living = [asyncio.create_task(live(client, 100)), asyncio.create_task(live(other, 5000))]
        await asyncio.sleep(0)
        done = await epochs.rotate()
        ended.set()
        written = await asyncio.gather(*living)

        assert min(written) >= 4
        assert done.holds == ALL_GONE
        async with turning(service, database, tmp_path) as again:
            await again.destroy(1)
        assert {n: await looked_up(other, n) for n in people} == people
        assert await name_of(other, people[0]) == CONTACT["contact.name"]


def client_settings(home: Path) -> Settings:
    """The settings of a second process on the same ledger."""
    return Settings(home=home)


async def test_what_moves_while_its_table_is_written_anew_has_moved_in_the_new_one(
    service: Service, client: httpx.AsyncClient, database: Database, tmp_path: Path
) -> None:
    """The copies of keyring and index are begun before the turn, and take their place later."""
    people = [await register(client, contact=contact(n)) for n in range(3)]
    assert service.eraser is not None
    tables = ("keyring", "identifiers")
    for name in tables:
        await service.eraser.execute("SELECT ledger.ledger_rewrite_begin($1)", name)
    async with turning(service, database, tmp_path) as epochs:
        assert (await epochs.rotate()).holds == ALL_GONE
        rewriting = Rewriting(service.eraser, free=lambda: None)
        for one in await standings(service.eraser):
            if one.relation in tables:
                assert one.under_way
                assert await rewriting.write_anew(one) is None
        assert await epoch_holds(service.pool, 1) == ALL_GONE
        await epochs.destroy(1)
    assert [await looked_up(client, n) for n in range(3)] == people
    assert [await name_of(client, one) for one in people] == [CONTACT["contact.name"]] * 3


async def test_an_epoch_does_not_end_while_the_key_of_a_register_opens_with_no_other_root(
    service: Service, database: Database, tmp_path: Path
) -> None:
    await subscription(service)
    owner = await asyncpg.connect(database.dsn("ledger_migrator"))
    async with turning(service, database, tmp_path) as epochs:
        await epochs.rotate()
        [kept] = await owner.fetch("SELECT subscription_id, wrapped FROM ledger.subscriptions")
        change = "UPDATE ledger.subscriptions SET wrapped = $1"
        await owner.execute(change, kept["wrapped"][:-1] + b"\x00\x00")
        with pytest.raises(KeysUnreadable) as refused:
            await epochs.destroy(1)
        assert refused.value.facts["keys"] == 1
        await owner.execute(change, kept["wrapped"])
        await owner.close()
        assert (await epochs.destroy(1)).state == "destroyed"


STEPS = ("root-made", "turned", "keys", "registers", "tokens")
ENDS = ("destroying", "root", "destroyed")


@pytest.mark.parametrize("step", STEPS)
async def test_a_rotation_that_is_killed_after_any_step_leaves_everybody_and_is_gone_on_with(
    service: Service, client: httpx.AsyncClient, database: Database, tmp_path: Path, step: str
) -> None:
    person = await register(client, contact=contact(1))
    async with turning(service, database, tmp_path, killed_after(step)) as epochs:
        with pytest.raises(Killed):
            await epochs.rotate()

    await everybody_is_there(service, client, person)
    async with afresh(database, tmp_path) as (other, caller):
        await everybody_is_there(other, caller, person)
        async with turning(other, database, tmp_path) as epochs:
            done = await epochs.rotate()
        assert (done.epoch, done.leaving, done.holds) == (2, 1, ALL_GONE)
        await everybody_is_there(other, caller, person)
    assert [key for key, _ in await states(service)] == [1, 2]


@pytest.mark.parametrize("step", ENDS)
async def test_an_end_that_is_killed_after_any_step_leaves_everybody_and_is_gone_on_with(
    service: Service, client: httpx.AsyncClient, database: Database, tmp_path: Path, step: str
) -> None:
    person = await register(client, contact=contact(1))
    async with turning(service, database, tmp_path, killed_after(step)) as epochs:
        await epochs.rotate()
        with pytest.raises(Killed):
            await epochs.destroy(1)

    await everybody_is_there(service, client, person)
    async with afresh(database, tmp_path) as (other, caller):
        await everybody_is_there(other, caller, person)
        async with turning(other, database, tmp_path) as epochs:
            if step != "destroyed":
                with pytest.raises(EpochStillLeaving):
                    await epochs.rotate()
            done = await epochs.destroy(1)
        found = {"destroying": RootEnd.OVERWRITTEN, "root": RootEnd.FOUND_GONE, "destroyed": None}
        assert (done.state, done.root) == ("destroyed", found[step])
        await everybody_is_there(other, caller, person)
    assert await states(service) == [(1, "destroyed"), (2, "active")]
    assert not (tmp_path / "keys" / "epoch-0001.root").exists()


async def everybody_is_there(service: Service, client: httpx.AsyncClient, person: str) -> None:
    """Found, read, written, and nobody else has the address."""
    assert await looked_up(client, 1) == person
    assert await name_of(client, person) == CONTACT["contact.name"]
    number = 100 + uuid4().int % 9_000
    assert await looked_up(client, number) is None
    await register(client, contact=contact(number))


@asynccontextmanager
async def afresh(
    database: Database, home: Path
) -> AsyncIterator[tuple[Service, httpx.AsyncClient]]:
    """A process that starts after the kill."""
    async with (
        serving(database, home) as service,
        await Api(service, client_settings(home)).client() as client,
    ):
        yield service, client


async def test_an_epoch_ends_only_when_nothing_hangs_on_it_and_every_key_opens_without_it(
    service: Service, client: httpx.AsyncClient, database: Database, tmp_path: Path
) -> None:
    await register(client, contact=contact(1))
    root = tmp_path / "keys" / "epoch-0001.root"
    async with turning(service, database, tmp_path, killed_after("turned")) as epochs:
        with pytest.raises(EpochInUse):
            await epochs.destroy(1)
        with pytest.raises(EpochUnknown):
            await epochs.destroy(2)
        with pytest.raises(Killed):
            await epochs.rotate()
        with pytest.raises(EpochHolds) as held:
            await epochs.destroy(1)
        assert held.value.facts["identifiers"] == 2
    owner = await asyncpg.connect(database.dsn("ledger_migrator"))
    try:
        with pytest.raises(asyncpg.ObjectNotInPrerequisiteStateError):
            await owner.execute("UPDATE ledger.key_epoch SET state = 'destroying' WHERE epoch = 1")
        async with turning(service, database, tmp_path) as epochs:
            await epochs.rotate()
            await owner.execute(
                "UPDATE ledger.keyring SET wrapped = '\\x01' WHERE key_id ="
                " (SELECT key_id FROM ledger.keyring LIMIT 1)"
            )
            with pytest.raises(KeysUnreadable):
                await epochs.destroy(1)
        for other in ("active", "destroyed"):
            with pytest.raises(asyncpg.PostgresError):
                await owner.execute("UPDATE ledger.key_epoch SET state = $1 WHERE epoch = 1", other)
    finally:
        await owner.close()
    assert root.exists()
    assert await states(service) == [(1, "draining"), (2, "active")]


@pytest.mark.clause("L9")
async def test_two_people_end_an_epoch_where_two_are_needed(
    service: Service, client: httpx.AsyncClient, database: Database, tmp_path: Path
) -> None:
    await register(client, contact=contact(1))
    await need_two_people(service)
    one, two = Attribution(by="one"), Attribution(by="two")

    async with turning(service, database, tmp_path) as epochs:
        await epochs.rotate()
        asked = await epochs.destroy(1, one)
        assert (asked.waits_for_approval, asked.state) == (True, "draining")
        assert (await epochs.destroy(1, one)).waits_for_approval
        with pytest.raises(SecondPersonNeeded):
            await epochs.approve(1, one)
        await epochs.approve(1, two)
        assert (await epochs.destroy(1, one)).root is RootEnd.OVERWRITTEN
    told = (await service.rulebook.refresh_control()).epochs[1]
    assert (told.requested_by, told.approved_by) == ("one", "two")
    assert told.state is EpochState.DESTROYED


async def levels(client: httpx.AsyncClient, person: str, erasure: str) -> dict[str, Any]:
    """Retention class -> when it reached E3, as the certificate says."""
    certificate = await get(client, f"{person}/erasure/{erasure}/certificate")
    return {one["retention_class"]: one["levels"]["e3"] for one in certificate["destroyed"]}


@pytest.mark.clause("L34", "C61")
async def test_what_was_erased_reaches_e3_when_every_epoch_it_lived_in_is_destroyed(
    service: Service, client: httpx.AsyncClient, database: Database, tmp_path: Path
) -> None:
    """One was erased before the turn, one after: its key was copied under the second, too."""
    order = {"source": "secretariat"}
    early, late = [await register(client, contact=contact(n)) for n in range(2)]
    before = await post(client, f"{early}/erasure", order)
    copies = LastCopies(service.ledger, service.pool)
    async with turning(service, database, tmp_path) as epochs:
        await epochs.rotate()
        after = await post(client, f"{late}/erasure", order)
        assert await copies.run() == 0
        refused = {"level": "e3", "classes": [before["erasure"]["erased"][0]["retention_class"]]}
        path = f"{early}/erasure/{before['erasure']['erasure']}/assurance"
        assert (await client.post(path, json=refused)).status_code == 409

        await epochs.destroy(1)
        assert await copies.run() == 1
        assert await LastCopies(service.ledger, service.pool).run() == 0
        first = await levels(client, early, before["erasure"]["erasure"])
        assert first
        assert all(first.values())
        assert not any((await levels(client, late, after["erasure"]["erasure"])).values())

        await epochs.rotate()
        await epochs.destroy(2)
        assert await copies.run() == 1
        assert all((await levels(client, late, after["erasure"]["erasure"])).values())
    await refresh_epochs(service.pool, service.store.vault)
    assert await states(service) == [(1, "destroyed"), (2, "destroyed"), (3, "active")]


async def wrongs(database: Database) -> list[str | int | None]:
    """The positions or places that the check of the epochs finds wrong."""
    auditor = await asyncpg.connect(database.dsn("ledger_auditor"))
    try:
        found = Verification()
        await check_epochs(auditor, found)
    finally:
        await auditor.close()
    assert all(one.rule is Rule.EPOCH_STATE for one in found.findings)
    return [one.place or one.position for one in found.findings]


async def forge(service: Service, stream_id: UUID, event: object) -> int | None:
    """Appends what no decider would, as a program that was taken over could."""
    stream = await service.store.read_stream(stream_id)
    last = stream.events[-1] if stream.events else None
    draft = service.store.draft(
        stream_id,
        [Record(event)],
        expected=0 if last is None else last.version,
        previous=None if last is None else last.leaf_hash,
        keys={},
        recorded_at=service.ledger.clock(),
        by="tests",
    )
    version = 0 if last is None else last.version
    append = Append(stream_id, version, None, events=draft.events)
    [outcome] = await service.ledger.commit.append([append])
    return outcome.first_position


@pytest.mark.clause("L9")
async def test_a_step_and_an_e3_that_are_not_so_are_found_in_the_log(
    service: Service, client: httpx.AsyncClient, database: Database, tmp_path: Path
) -> None:
    person = await register(client, contact=contact(1))
    erased = (await post(client, f"{person}/erasure", {"source": "secretariat"}))["erasure"]
    async with turning(service, database, tmp_path) as epochs:
        await epochs.rotate()
        await epochs.destroy(1)
    assert await LastCopies(service.ledger, service.pool).run() == 1
    assert await wrongs(database) == []

    control, stream = service.rulebook.control_stream, UUID(person.rpartition("/")[2])
    early = EpochDestroyed(epoch=2, custody=RootCustody.FILE, root=RootEnd.OVERWRITTEN)
    step = await forge(service, control, early)
    assert await wrongs(database) == [step, "epoch 2"]
    elsewhere = await forge(service, uuid4(), EpochOpened(epoch=3))
    assert await wrongs(database) == [step, elsewhere, "epoch 2"]
    never = ErasureAssured(
        erasure=UUID(erased["erasure"]),
        level=ErasureLevel.BACKUPS_UNREADABLE,
        classes=("fiscal",),
    )
    claim = await forge(service, stream, never)
    assert await wrongs(database) == [step, elsewhere, "epoch 2", claim]
