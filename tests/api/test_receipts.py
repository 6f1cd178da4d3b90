"""Receipts over HTTP: signed by one key, the same when repeated, and honoured by the log."""

import asyncio
import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
import pytest_asyncio

from app.store import batches
from app.store.connection import connect
from app.store.integrator import Integrator
from app.tlog.receipt_text import promise_of, receipt_keys_in, receipt_of
from app.tlog.receipts import Batch, ReceiptKey
from app.vault.signed_head import SignedHeadFile
from app.vault.signing import Signer
from tests.api.live import live
from tests.cli.conftest import run
from tests.conftest import Database
from tests.rights.people import consent, register
from tests.serving import Api

pytestmark = pytest.mark.asyncio(loop_scope="module")

PARALLEL = 40
CONSENT = consent(occurred_at="2026-11-20T09:00:00Z")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def policy(
    shared_api: Api, module_database: Database, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """A copy of /log/policy, kept from the time when the log was opened."""
    await integrated(module_database, tmp_path_factory.mktemp("keys"))
    async with shared_api.anonymous() as anybody:
        return (await anybody.get("/log/policy")).text


async def integrated(database: Database, keys: Path) -> None:
    """Signs everything that was appended."""
    connection: Any = await connect(database.dsn("ledger_integrator"))

    async def connected() -> "asyncpg.Connection[Any]":
        opened: asyncpg.Connection[Any] = connection
        return opened

    memory = SignedHeadFile(keys / "checkpoint.signed")
    one = Integrator(connected, Signer(b"\x07" * 32), memory, origin="ledger.example/log")
    while (await one.integrate(connection)).entries:
        pass
    await connection.close()


async def newcomers(caller: httpx.AsyncClient, count: int) -> list[str]:
    """People with addresses of their own; the paths of their records."""
    given = {"contact.name": "Åsa Öberg", "contact.email": ""}
    return [
        await register(
            caller,
            "information",
            contact=given | {"contact.email": f"{uuid4().hex}@stad.example"},
            verification=None,
        )
        for _ in range(count)
    ]


async def consented(caller: httpx.AsyncClient, person: str, name: str) -> httpx.Response:
    """One write, repeatable by its name."""
    return await caller.post(f"{person}/consents", json=CONSENT, headers={"idempotency-key": name})


async def test_writes_of_one_flush_share_a_signature_and_each_verifies_alone(
    caller: httpx.AsyncClient, policy: str
) -> None:
    people = await newcomers(caller, PARALLEL)

    answers = await asyncio.gather(*(consented(caller, one, str(uuid4())) for one in people))

    trusted = receipt_keys_in(policy)
    receipts = [receipt_of(one.json()) for one in answers]
    for one in receipts:
        one.verify(trusted)
    signatures = {one.signed.signature for one in receipts}
    assert len(trusted) == 1
    assert len(signatures) < PARALLEL / 2
    assert max(one.signed.size for one in receipts) > 1
    assert max(len(one.content) for one in answers) < 2_000


async def test_a_repeated_request_gets_the_same_receipt_byte_for_byte(
    caller: httpx.AsyncClient,
) -> None:
    """Also after more was written: nothing of a receipt is kept."""
    people = await newcomers(caller, 8)
    names = [str(uuid4()) for _ in people]
    pairs = list(zip(people, names, strict=True))
    first = await asyncio.gather(*(consented(caller, *pair) for pair in pairs))
    await newcomers(caller, 1)

    again = await asyncio.gather(*(consented(caller, *pair) for pair in pairs))

    assert max(receipt_of(one.json()).signed.size for one in first) > 1
    assert [one.content for one in again] == [one.content for one in first]
    assert {one.headers["idempotent-replayed"] for one in again} == {"true"}


async def test_a_request_that_nobody_heard_the_answer_of_gets_the_batch_that_was_noted(
    caller: httpx.AsyncClient, module_database: Database, policy: str
) -> None:
    """The writer's connection dies again and again while people write."""
    people = await newcomers(caller, PARALLEL)
    pairs = [(one, str(uuid4())) for one in people]
    admin: Any = await asyncpg.connect(module_database.dsn("postgres"))

    async def kill() -> None:
        kills = 10
        while kills:
            kills -= 1
            await admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'pdledger-append' AND datname = current_database()"
            )
            await asyncio.sleep(0.02)

    few = asyncio.Semaphore(6)

    async def written(person: str, name: str) -> httpx.Response:
        async with few:
            return await consented(caller, person, name)

    killing = asyncio.create_task(kill())
    first = await asyncio.gather(*(written(*pair) for pair in pairs))
    await killing
    await admin.close()
    again = await asyncio.gather(*(consented(caller, *pair) for pair in pairs))

    trusted = receipt_keys_in(policy)
    heard = [(one, after) for one, after in zip(first, again, strict=True) if one.is_success]
    for one in (*(one for one, _ in heard), *again):
        receipt_of(one.json()).verify(trusted)
    assert len(heard) > PARALLEL / 2  # the others were told to repeat it
    assert [after.content for _, after in heard] == [one.content for one, _ in heard]


async def test_registering_is_promised_alike_for_known_and_unknown_people(
    caller: httpx.AsyncClient, policy: str
) -> None:
    """The promise tells neither the version nor the type of an entry, nor how many there were."""
    contact = {"contact.name": "Åsa Öberg", "contact.email": f"{uuid4().hex}@stad.example"}
    body = {
        "source": "registration_form",
        "verification": "link",
        "obtained": [{"purpose": "event_logistics", "data": contact}],
    }
    names = [str(uuid4()), str(uuid4())]

    first, known = [
        await caller.post("/v1/subjects", json=body, headers={"idempotency-key": name})
        for name in names
    ]
    again = [
        await caller.post("/v1/subjects", json=body, headers={"idempotency-key": name})
        for name in names
    ]

    trusted = receipt_keys_in(policy)
    for one in (first, known):
        promise_of(one.json()).verify(trusted)
    assert first.json()["subject_id"] == known.json()["subject_id"]
    assert shape(first.json()) == shape(known.json())
    assert [one.content for one in again] == [first.content, known.content]


def shape(value: Any) -> Any:  # Any: a JSON value
    """Names and kinds of everything in it; texts by their length."""
    if isinstance(value, dict):
        return {name: shape(one) for name, one in value.items()}
    return len(value) if isinstance(value, str) else type(value)


async def test_what_changed_nothing_has_nothing_to_sign(caller: httpx.AsyncClient) -> None:
    [person] = await newcomers(caller, 1)
    await consented(caller, person, str(uuid4()))
    withdrawal = {"source": "registration_form"}
    await caller.post(f"{person}/consents/newsletter/withdrawal", json=withdrawal)

    answer = await caller.post(f"{person}/consents/newsletter/withdrawal", json=withdrawal)

    assert (answer.status_code, answer.json()["events"], answer.json()["signed"]) == (200, [], None)


async def test_an_erasure_has_a_receipt_of_all_its_events(
    caller: httpx.AsyncClient, policy: str
) -> None:
    [person] = await newcomers(caller, 1)

    answer = await caller.post(f"{person}/erasure", json={"source": "registration_form"})

    receipt = receipt_of(answer.json())
    receipt.verify(receipt_keys_in(policy))
    assert {"erasure.requested", "erasure.executed"} <= {one.type for one in receipt.lines}


async def test_the_log_honours_what_was_promised_and_a_rewritten_one_is_found_out(
    shared_api: Api,
    caller: httpx.AsyncClient,
    module_database: Database,
    policy: str,
    tmp_path: Path,
) -> None:
    """The owner of the database rewrites an entry before it is in any tree: the receipt tells."""
    people = await newcomers(caller, 2)
    files = []
    for name, person in zip(("kept", "broken"), people, strict=True):
        files.append(tmp_path / name)
        files[-1].write_bytes((await consented(caller, person, str(uuid4()))).content)
    pinned = tmp_path / "policy"
    pinned.write_text(policy)
    position = receipt_of(json.loads(files[1].read_bytes())).lines[0].position
    admin = await asyncpg.connect(module_database.dsn("postgres"))
    await admin.execute("ALTER TABLE ledger.events DISABLE TRIGGER ALL")
    await admin.execute(
        "UPDATE ledger.events SET entry = convert_to(replace(convert_from(entry, 'UTF8'),"
        " 'registration_form', 'registration_from'), 'UTF8') WHERE position = $1",
        position,
    )
    await admin.execute("ALTER TABLE ledger.events ENABLE ALWAYS TRIGGER no_change")
    await admin.close()
    given = ("log", "verify-receipt", "--json", "--policy", str(pinned))

    async with live(shared_api.service, shared_api.settings) as url:
        early = await asyncio.to_thread(run, *given, str(files[0]), "--service", url)
        await integrated(module_database, tmp_path)
        kept, broken = [
            await asyncio.to_thread(run, *given, str(file), "--service", url) for file in files
        ]

    assert (early.document["receipt"]["log"], early.exit_code) == ("pending", 4)
    assert (kept.document["receipt"]["log"], kept.exit_code) == ("honoured", 0)
    assert (broken.document["receipt"]["log"], broken.exit_code) == ("broken", 5)
    assert broken.document["receipt"]["instead"]["position"] == position


async def test_a_batch_is_read_once_for_all_who_repeat_something_of_it(
    caller: httpx.AsyncClient, policy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An import that is sent again repeats each line of it; a failed reading is tried again."""
    reads: list[tuple[int, int]] = []
    read, failing = batches.read_batch, [True]

    async def counted(pool: Any, key: ReceiptKey, first: int, size: int) -> Batch:
        reads.append((first, size))
        if failing:
            failing.pop()
            raise OSError
        return await read(pool, key, first, size)

    monkeypatch.setattr(batches, "read_batch", counted)
    people = await newcomers(caller, batches.KEPT_MAX)
    names = [str(uuid4()) for _ in people]

    async def written() -> list[httpx.Response]:
        every = zip(people, names, strict=True)
        return await asyncio.gather(*(consented(caller, one, name) for one, name in every))

    first = await written()
    failed = await consented(caller, people[0], names[0])
    again, once_more = await written(), await written()

    batches_made = {
        (one.json()["position"] - one.json()["signed"]["index"], one.json()["signed"]["size"])
        for one in first
    }
    assert failed.status_code == 503
    assert {one.status_code for one in first + again + once_more} == {201}
    for before, *repeated in zip(first, again, once_more, strict=True):
        assert [one.json() for one in repeated] == [before.json()] * 2
        assert {one.headers["idempotent-replayed"] for one in repeated} == {"true"}
    assert sorted(reads[1:]) == sorted(batches_made)
