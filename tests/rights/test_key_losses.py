"""Keys and tokens that nothing opens are given up, so that their epoch ends; what opens stays."""

import html
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from app.audit import verify_bundle
from app.cli.answers import CommandFailed
from app.cli.key_epochs import Deploying, export, mend
from app.domain.key_losses import LOSS_EVENTS, GiveUpChanged, GiveUpUnapproved
from app.domain.safeguards import SecondPersonNeeded
from app.events.epochs import (
    EpochGiveUpApproved,
    EpochGiveUpCompleted,
    EpochGiveUpRequested,
    EpochRegisterKeyAbandoned,
    RootEnd,
)
from app.events.erasures import ErasureExecuted
from app.events.keyring import KeyringMended, MendedBy
from app.events.recorded import Record
from app.events.retention import RetentionCause, RetentionExecuted
from app.receipts import Attribution
from app.rights.destruction import destruction_of
from app.rights.eraser import ERASE_SQL
from app.rights.key_epochs import EpochHolds
from app.rights.key_losses import KeyLosses
from app.rights.last_copies import LastCopies
from app.service import Service
from app.settings import Settings
from app.store.connection import connect
from app.store.epoch_check import check_epochs
from app.store.integrity import verify
from app.store.keyring_restore import good_wrappings
from tests.api.test_notices import caught_up
from tests.api.test_rights_requests import ask
from tests.api.test_rights_requests import shown as asked_for
from tests.audit.test_bundle import _sign as signed
from tests.audit.test_bundle import bundled, contents
from tests.audit.test_bundle import verified as checked
from tests.conftest import Database
from tests.days import today_in_brussels
from tests.documents.paper import outside, squeezed, text_of
from tests.rights.histories import everything
from tests.rights.people import CONTACT, collect, consent, get, need_two_people, post, register
from tests.rights.test_key_epochs import afresh, contact, looked_up, name_of, subscription, wrongs
from tests.rights.turning import Killed, killed_after, turning
from tests.serving import logins

DAMAGE_KEY = """
UPDATE ledger.keyring SET wrapped = substr(wrapped, 1, 20) || sha256(wrapped) || substr(wrapped, 53)
 WHERE subject_id = $1 AND state <> 'erased'
"""
DAMAGE_TOKEN = """
UPDATE ledger.identifiers SET token = substr(sha256(token), 1, 16)
 WHERE subject_id = $1 AND kind = 'email'
"""
WRAPPED = "SELECT wrapped FROM ledger.keyring WHERE subject_id = $1"
PUT_BACK = "UPDATE ledger.keyring SET wrapped = $2 WHERE subject_id = $1"
DAMAGE_SOME_KEYS = f"""{DAMAGE_KEY} AND key_id IN (SELECT key_id FROM ledger.keyring
 WHERE subject_id = $1 AND class IN ('participation', 'fiscal', 'consent-proof'))"""  # ours
LOST_IN_WORDS = {
    "en": ("Vouchers of payments", "Bank account number", "known since"),
    "sv": ("Underlag för betalningar", "Bankkontonummer", "känt sedan"),
    "fr": ("Pièces justificatives de paiements", "Numéro de compte bancaire", "connu depuis le"),
    "nl": ("Bewijsstukken van betalingen", "Bankrekeningnummer", "bekend sinds"),
}
"""Language -> a retention class, a category in it, and what is said of the day."""
ALTER = "UPDATE ledger.keyring SET {} WHERE subject_id = $1"
INVENT = """
INSERT INTO ledger.keyring (key_id, subject_id, class, generation, epoch, wrapped)
VALUES ($1, $2, 'fiscal', 'year.2019', 1, sha256('invented'))
"""
DAMAGE_PERIODS = "UPDATE ledger.idempotency_key SET wrapped = wrapped || '\\x00'::bytea"
DAMAGE_SUBSCRIPTION = "UPDATE ledger.subscriptions SET wrapped = wrapped || '\\x00'::bytea"


@asynccontextmanager
async def losing(
    service: Service,
    database: Database,
    between: Callable[[str], Awaitable[None]] | None = None,
) -> AsyncIterator[KeyLosses]:
    """What gives up, beside a service; ``between`` is called after each step."""
    owner = await connect(database.dsn("ledger_migrator"))
    assert service.eraser is not None
    try:
        await owner.execute("SET ROLE ledger_owner")
        yield KeyLosses(
            service.ledger,
            service.control,
            pool=service.pool,
            owner=owner,
            eraser=service.eraser,
            between=between,
        )
    finally:
        await owner.close()


async def as_superuser(database: Database, sql: str, *values: object) -> str:
    """One statement by who may do anything, in the owner's name."""
    connection = await asyncpg.connect(database.dsn("postgres"))
    try:
        await connection.execute("SET ROLE ledger_owner")
        return str(await connection.execute(sql, *values))
    finally:
        await connection.close()


def subject(person: str) -> UUID:
    """The id in a path."""
    return UUID(person.rpartition("/")[2])


async def damage(database: Database, sql: str, person: str) -> None:
    """Spoils something of a person behind the ledger's back."""
    assert await as_superuser(database, sql, subject(person)) == "UPDATE 1"


async def losses(service: Service, person: str) -> list[RetentionExecuted]:
    """What the person's stream says of lost keys."""
    stream = await service.store.read_stream(subject(person))
    return [
        one.event
        for one in stream.events
        if isinstance(one.event, RetentionExecuted) and one.event.cause is RetentionCause.KEY_LOST
    ]


async def verified(database: Database, *, findings: int = 0) -> None:
    """The log as `log verify` sees it, and as the verifier of a bundle does: nothing is wrong."""
    auditor = await asyncpg.connect(database.dsn("ledger_auditor"))
    try:
        found = await verify(auditor)
        await check_epochs(auditor, found)
        assert len(found.findings) == findings, found.findings
        rows = await auditor.fetch("SELECT position, entry FROM ledger.events ORDER BY position")
    finally:
        await auditor.close()
    streams = verify_bundle.Streams()
    for row in rows:
        streams.take_epochs(row["position"], streams.take(row["entry"]))


def rows_of(tables: dict[str, int]) -> dict[str, int]:
    """The tables that have some."""
    return {name: rows for name, rows in tables.items() if rows}


@pytest.mark.clause("L34", "L33", "L9")
async def test_what_nothing_opens_is_given_up_and_its_epoch_ends(
    service: Service, client: httpx.AsyncClient, database: Database, tmp_path: Path
) -> None:
    shut, known, whole, erased = [
        await register(client, contact=contact(number)) for number in range(4)
    ]
    await subscription(service)
    order = await post(client, f"{erased}/erasure", {"source": "secretariat"})
    await damage(database, DAMAGE_KEY, shut)
    await damage(database, DAMAGE_TOKEN, known)
    await as_superuser(database, DAMAGE_SUBSCRIPTION)
    service.ledger.forget_everybody()

    async with (
        turning(service, database, tmp_path) as epochs,
        losing(service, database) as giving,
    ):
        left = rows_of(dict((await epochs.rotate()).holds))
        assert left == {"keyring": 1, "identifiers": 3, "subscriptions": 1}
        before = await service.store.head_position()
        found = await giving.found(1)
        assert await service.store.head_position() == before, "it only looks"
        assert rows_of(found.tables) == left
        assert (found.people, found.roots_missing, found.altered) == (2, (), 0)
        [lost] = found.keys
        with pytest.raises(EpochHolds):
            await epochs.destroy(1)

        done = await giving.give_up(1)
        assert (done.keys, done.tokens, done.identifiers, done.register_keys) == (1, 3, 2, 1)
        assert (done.held, done.left) == (0, {})
        assert not (await giving.found(1)).any
        head = await service.store.head_position()
        again = await giving.give_up(1)
        assert (again.keys, again.tokens, again.left) == (0, 0, {})
        assert await service.store.head_position() == head, "it was done"
        assert (await epochs.destroy(1)).state == "destroyed"

    assert await LastCopies(service.ledger, service.pool).run() == 1, "E3 of who was erased"
    told = await get(client, f"{erased}/erasure/{order['erasure']['erasure']}/certificate")
    assert all(one["levels"]["e3"] for one in told["destroyed"])
    await verified(database)

    [event] = await losses(service, shut)
    assert event.keys == (lost,)
    assert event.until == today_in_brussels()
    assert (event.classes, event.identifiers, event.blobs) == ((), False, 1)
    # Whoever was damaged in the index alone lost nothing, and is found again.
    assert await losses(service, known) == []
    assert [await looked_up(client, number) for number in range(3)] == [None, known, whole]
    assert await name_of(client, known) == CONTACT["contact.name"]
    assert await service.pool.fetchval("SELECT count(*) FROM ledger.subscriptions") == 0
    # Nobody holds the address any more: it may be claimed again.
    assert await register(client, contact=contact(0)) not in {shut, known, whole}
    await is_told_the_truth(client, shut)
    await is_told_in_a_bundle(database, tmp_path)
    assert (await report_of(client, whole))["summary"]["lost"] == 0
    await is_treated_as_anybody(client, shut)
    await verified(database)


async def is_treated_as_anybody(client: httpx.AsyncClient, person: str) -> None:
    """What is left of them is carried away, and erased."""
    package = await client.get(f"{person}/portability-package")
    assert package.status_code == 200, package.text
    done = await post(client, f"{person}/erasure", {"source": "secretariat"})
    assert done["erasure"]["stage"] == "executed"


async def report_of(client: httpx.AsyncClient, person: str) -> dict[str, Any]:
    """Their access report."""
    return await get(client, f"{person}/access-report")


async def is_told_the_truth(client: httpx.AsyncClient, person: str) -> None:
    """The report says that it can be read no more and since when, not that a rule erased it."""
    report = await report_of(client, person)
    data, summary = report["parts"]["data"], report["summary"]
    assert (summary["lost"], summary["erased"], summary["unreadable"]) == (1, 0, 0)
    [part] = data["lost"]
    assert part["since"] == today_in_brussels().isoformat()
    assert part["title"] == "Details of people who take part"
    assert [one["key"] for one in part["categories"]] == sorted(contact(0))
    assert part["source"]["key"] == "registration_form"
    history = {one["version"]: one for one in report["timeline"]}
    assert [one["state"] for one in history[part["version"]]["sealed"]] == ["lost"]
    [said] = [one for one in history.values() if one["type"] == "retention.executed"]
    assert said["event"]["title"] == "Data found that nobody can read any more"
    assert said["facts"]["cause"] == "key_lost"
    answer = await client.get(f"{person}/access-report", params={"format": "html"})
    assert "can no longer be read by anybody (number of parts: 1)" in answer.text
    assert "the key was lost or damaged" in answer.text
    assert "kept no longer" not in answer.text


@pytest.mark.clause("L27", "L31", "L33")
async def test_a_report_tells_in_every_language_and_on_paper_what_kind_of_data_was_lost(
    service: Service, client: httpx.AsyncClient, database: Database, tmp_path: Path
) -> None:
    """By the names of the policy: nothing is held any more that could name them."""
    person = await everything(client, service)
    await as_superuser(database, DAMAGE_SOME_KEYS, subject(person))
    service.ledger.forget_everybody()
    async with (
        turning(service, database, tmp_path) as epochs,
        losing(service, database) as giving,
    ):
        await epochs.rotate()
        assert (await giving.give_up(1)).keys == 3
    for language, (kind, held, said) in LOST_IN_WORDS.items():
        asked = {"language": language}
        page = await client.get(f"{person}/access-report", params=asked | {"format": "html"})
        paper = await client.get(f"{person}/access-report", params=asked | {"format": "pdf"})
        on_page = squeezed(html.unescape(re.sub(r"<[^>]+>", " ", page.text)))
        on_paper = squeezed(text_of(paper.content))
        for told in (on_page, on_paper):
            assert squeezed(f"{kind} ({held}), {said}") in told
            # Keys of the policy, which nobody reads: of classes, categories and sources.
            for raw in ("participation", "work.title", "member_organisation", "consent-proof"):
                assert squeezed(f": {raw}") not in told
        assert outside(paper.content) == []


@pytest.mark.clause("L12", "L27")
async def test_what_was_lost_is_not_told_as_erased_where_it_is_read(
    service: Service, client: httpx.AsyncClient, database: Database, tmp_path: Path
) -> None:
    """Nobody asked for it and no rule wanted it: profile, request and register of consents."""
    person = await register(client)
    await post(client, f"{person}/consents", consent(evidence="form entry"))
    request = await ask(client, "other", person, text="What do you do with my photographs?")
    before = await service.store.head_position()
    await as_superuser(database, DAMAGE_KEY, subject(person))
    service.ledger.forget_everybody()
    async with (
        turning(service, database, tmp_path) as epochs,
        losing(service, database) as giving,
    ):
        await epochs.rotate()
        assert (await giving.give_up(1)).left == {}
    event = {"Purpose": "event_logistics"}
    shown = (await client.get(person, params={"as_of": before}, headers=event)).json()
    assert {(one["state"], one["value"]) for one in shown["fields"]} == {("lost", None)}
    letters = (await asked_for(client, request))["letters"]
    assert {(one["erased"], one["lost"], one["text"]) for one in letters} == {(False, True, None)}

    await caught_up(database)
    newsletter = {"Purpose": "newsletter"}
    for told in ({}, {"evidence": "lost"}):
        acts = (await client.get("/v1/consents", params=told, headers=newsletter)).json()["items"]
        assert [one["evidence"] for one in acts] == ["lost"]
    asked = {"evidence": "erased"}
    acts = (await client.get("/v1/consents", params=asked, headers=newsletter)).json()["items"]
    assert acts == []


async def is_told_in_a_bundle(database: Database, home: Path) -> None:
    """Its verifier finds nothing wrong, and its page does not call the loss an end of a period."""
    await signed(database, home)
    file = await bundled(database, home / "log.zip")
    code, told = checked(verify_bundle.__file__, str(file), cwd=home)
    assert code == 0, told
    page = dict(contents(file))["report.html"].decode()
    assert "Data found that nobody can read any more" in page
    assert "kept no longer" not in page


@pytest.mark.clause("L9")
async def test_a_key_that_nobody_asked_to_give_up_is_found_in_the_log(
    service: Service, client: httpx.AsyncClient, database: Database
) -> None:
    """By `log verify` and in a bundle: a loss is no way to destroy what somebody may want."""
    person = subject(await register(client, contact=contact(0)))
    stream = await service.store.read_stream(person, with_blobs=True)
    [key] = stream.keys
    gone = destruction_of(stream, [key])
    event = RetentionExecuted(
        cause=RetentionCause.KEY_LOST,
        retention_class=stream.keys[key].retention_class,
        generation=stream.keys[key].generation,
        until=today_in_brussels(),
        policy="impel-1",
        keys=gone.keys,
        classes=(),
        blobs=gone.blobs,
        identifiers=False,
        root=gone.root,
    )
    last = stream.events[-1]
    draft = service.store.draft(
        person,
        [Record(event)],
        expected=last.version,
        previous=last.leaf_hash,
        keys={},
        recorded_at=service.ledger.clock(),
        by="tests",
    )
    assert service.eraser is not None
    control = service.rulebook.control.version
    arguments = (person, last.version, control, draft.events[0].entry)
    assert await service.eraser.fetchval(ERASE_SQL, *arguments) == "appended"
    head = await service.store.head_position()
    assert await wrongs(database) == [head]
    with pytest.raises(verify_bundle.Wrong, match="nobody asked"):
        await verified(database, findings=1)


@pytest.mark.clause("L34")
async def test_a_damaged_key_is_put_back_from_an_exported_keyring_before_anything_is_given_up(
    service: Service, client: httpx.AsyncClient, database: Database, tmp_path: Path
) -> None:
    """It was exported in the epoch before; what was destroyed since stays so."""
    shut, erased = [await register(client, contact=contact(number)) for number in range(2)]
    how = Deploying(Settings(home=tmp_path), logins(database), database.dsn("ledger_migrator"))
    keyring = tmp_path / "keyring"
    [destroyed] = (await service.store.read_stream(subject(erased))).keys
    await export(how, keyring)
    await post(client, f"{erased}/erasure", {"source": "secretariat"})
    await damage(database, DAMAGE_KEY, shut)
    newest = await register(client, contact=contact(2))
    await damage(database, DAMAGE_KEY, newest)
    async with turning(service, database, tmp_path) as epochs:
        rotated = rows_of(dict((await epochs.rotate()).holds))
        assert rotated == {"keyring": 2, "identifiers": 4}
        left = {"rows": 0, "left": 1, "unopened": 0}
        assert await mend(how, keyring) == {"keys": 1, **left}
        assert await mend(how, keyring) == {"keys": 0, **left}
        rotated = rows_of(dict((await epochs.rotate()).holds))
        assert rotated == {"keyring": 1, "identifiers": 2}, "who came after the export"
    service.ledger.forget_everybody()
    assert await name_of(client, shut) == CONTACT["contact.name"]
    assert await looked_up(client, 0) == shut
    keys = (await service.store.read_stream(subject(erased))).keys
    assert keys[destroyed].state == "erased"
    [said] = await mended(service)
    assert (said.source, len(said.keys), said.file is None) == (MendedBy.KEYRING, 1, False)
    keyring.write_bytes(keyring.read_bytes()[:-20])
    with pytest.raises(CommandFailed) as refused:
        await mend(how, keyring)
    assert refused.value.code == "keyring-changed"
    await verified(database)


@pytest.mark.clause("L34")
async def test_somebody_who_is_erased_while_keys_are_put_back_is_not_on_record_as_mended(
    service: Service,
    client: httpx.AsyncClient,
    database: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stays, goes = [await register(client, contact=contact(number)) for number in range(2)]
    how = Deploying(Settings(home=tmp_path), logins(database), database.dsn("ledger_migrator"))
    keyring = tmp_path / "keyring"
    await export(how, keyring)
    await damage(database, DAMAGE_KEY, stays)
    await damage(database, DAMAGE_KEY, goes)

    async def erased_in_between(*given: Any) -> Any:
        found = await good_wrappings(*given)
        if len(found) == 2:
            await post(client, f"{goes}/erasure", {"source": "secretariat"})
        return found

    monkeypatch.setattr("app.rights.keyring_mending.good_wrappings", erased_in_between)
    done = await mend(how, keyring)
    assert done == {"keys": 1, "rows": 0, "left": 0, "unopened": 0}
    [said] = await mended(service)
    [key] = (await service.store.read_stream(subject(stays))).keys
    assert said.keys == (key,)
    await verified(database)


async def mended(service: Service) -> list[KeyringMended]:
    """What the control stream says of rows that were put right."""
    control = await service.store.read_stream(service.rulebook.control_stream)
    return [one.event for one in control.events if isinstance(one.event, KeyringMended)]


@pytest.mark.clause("L34")
async def test_rows_that_were_altered_are_put_right_by_the_log_and_those_it_never_named_go(
    service: Service, client: httpx.AsyncClient, database: Database, tmp_path: Path
) -> None:
    """Nobody loses anything by either, and the log says what was done."""
    people = [await register(client, contact=contact(number)) for number in range(4)]
    renamed, strayed, kept_back, _ = map(subject, people)
    how = Deploying(Settings(home=tmp_path), logins(database), database.dsn("ledger_migrator"))
    async with turning(service, database, tmp_path) as epochs:
        await as_superuser(database, ALTER.format("class = 'accounts'"), renamed)
        await as_superuser(database, ALTER.format("subject_id = gen_random_uuid()"), strayed)
        await as_superuser(database, INVENT, uuid4(), subject(people[3]))
        await epochs.rotate()
        await as_superuser(database, ALTER.format("epoch = 1"), kept_back)
        service.ledger.forget_everybody()
        assert rows_of(dict((await epochs.rotate()).holds))["keyring"] == 3

        assert await mend(how, None) == {"keys": 0, "rows": 3, "left": 1, "unopened": 1}
        assert await mend(how, None) == {"keys": 0, "rows": 0, "left": 1, "unopened": 1}
        assert [(one.source, len(one.keys), one.file) for one in await mended(service)] == [
            (MendedBy.LOG, 1, None)
        ] * 3
        service.ledger.forget_everybody()
        for number, person in enumerate(people):
            assert await name_of(client, person) == CONTACT["contact.name"]
            assert await looked_up(client, number) == person
        await verified(database, findings=1)

        assert rows_of(dict((await epochs.rotate()).holds)) == {"keyring": 1}
        async with losing(service, database, killed_after("unopened")) as giving:
            found = await giving.found(1)
            assert (found.altered, found.unopened, found.tables["keyring"]) == (0, 1, 1)
            with pytest.raises(Killed):
                await giving.give_up(1)
        async with losing(service, database) as giving:
            assert (await giving.give_up(1)).left == {}
        await epochs.destroy(1)
    control = await service.store.read_stream(service.rulebook.control_stream)
    told = [one.event for one in control.events if isinstance(one.event, LOSS_EVENTS)]
    steps = [EpochGiveUpRequested, EpochRegisterKeyAbandoned, EpochGiveUpCompleted]
    assert [type(one) for one in told] == steps
    abandoned = told[1]
    assert isinstance(abandoned, EpochRegisterKeyAbandoned)
    assert abandoned.register == "keyring"
    await verified(database)


@pytest.mark.clause("L34")
@pytest.mark.parametrize("change", ["class = 'fiscal'", "subject_id = gen_random_uuid()"])
async def test_who_is_to_be_erased_while_a_row_is_altered_is_erased_whole_or_not_at_all(
    service: Service, client: httpx.AsyncClient, database: Database, tmp_path: Path, change: str
) -> None:
    """Nothing that was called erased comes back with the row: it was not erased before."""
    person = await register(client, contact=contact(0))
    how = Deploying(Settings(home=tmp_path), logins(database), database.dsn("ledger_migrator"))
    await as_superuser(database, ALTER.format(change), subject(person))
    service.ledger.forget_everybody()
    refused = await client.post(f"{person}/erasure", json={"source": "secretariat"})
    assert refused.status_code == 503
    stream = await service.store.read_stream(subject(person), with_blobs=True)
    assert len(stream.blobs) == 1
    assert not [one for one in stream.events if isinstance(one.event, ErasureExecuted)]

    assert (await mend(how, None))["rows"] == 1
    service.ledger.forget_everybody()
    await post(client, f"{person}/erasure", {"source": "secretariat"})
    stream = await service.store.read_stream(subject(person), with_blobs=True)
    assert ({row.state for row in stream.keys.values()}, stream.blobs) == ({"erased"}, {})
    await as_superuser(database, ALTER.format("class = 'fiscal'"), subject(person))
    assert await mend(how, None) == {"keys": 0, "rows": 0, "left": 0, "unopened": 0}
    assert len(await mended(service)) == 1


@pytest.mark.clause("L34")
async def test_a_row_whose_place_was_taken_meanwhile_is_left_and_told(
    service: Service, client: httpx.AsyncClient, database: Database, tmp_path: Path
) -> None:
    """Which of two keys is the one in use nobody can guess; both open once a person decided."""
    person = await register(client, contact=contact(0))
    how = Deploying(Settings(home=tmp_path), logins(database), database.dsn("ledger_migrator"))
    await as_superuser(database, ALTER.format("class = 'accounts'"), subject(person))
    service.ledger.forget_everybody()
    await collect(client, person, "network_exchange", {"work.title": "Inspector"})
    assert await mend(how, None) == {"keys": 0, "rows": 0, "left": 1, "unopened": 0}
    assert await mended(service) == []


STEPS = ("asked", "key", "register", "tokens", "recorded")


@pytest.mark.parametrize("step", STEPS)
async def test_a_giving_up_that_is_killed_after_any_step_is_gone_on_with(
    service: Service, client: httpx.AsyncClient, database: Database, tmp_path: Path, step: str
) -> None:
    shut, whole = [await register(client, contact=contact(number)) for number in range(2)]
    await subscription(service)
    await damage(database, DAMAGE_KEY, shut)
    await as_superuser(database, DAMAGE_SUBSCRIPTION)
    async with turning(service, database, tmp_path) as epochs:
        await epochs.rotate()
        async with losing(service, database, killed_after(step)) as giving:
            with pytest.raises(Killed):
                await giving.give_up(1)
        async with (
            afresh(database, tmp_path) as (other, caller),
            losing(other, database) as giving,
        ):
            assert (await giving.give_up(1)).left == {}
            assert await looked_up(caller, 0) is None
            assert await name_of(caller, whole) == CONTACT["contact.name"]
        await epochs.destroy(1)
    assert len(await losses(service, shut)) == 1
    control = await service.store.read_stream(service.rulebook.control_stream)
    told = [type(one.event) for one in control.events if isinstance(one.event, LOSS_EVENTS)]
    assert told == [EpochGiveUpRequested, EpochRegisterKeyAbandoned, EpochGiveUpCompleted]
    await verified(database)


@pytest.mark.clause("L9")
async def test_two_people_give_up_where_two_are_needed_and_no_more_than_was_approved(
    service: Service, client: httpx.AsyncClient, database: Database, tmp_path: Path
) -> None:
    first, second = [await register(client, contact=contact(number)) for number in range(2)]
    await need_two_people(service)
    one, two = Attribution(by="one"), Attribution(by="two")
    await damage(database, DAMAGE_KEY, first)
    async with (
        turning(service, database, tmp_path) as epochs,
        losing(service, database) as giving,
    ):
        await epochs.rotate()
        with pytest.raises(GiveUpUnapproved):
            await giving.approve(1, two)
        assert (await giving.give_up(1, one)).waits_for_approval
        with pytest.raises(SecondPersonNeeded):
            await giving.approve(1, one)
        assert await losses(service, first) == []
        asked = await giving.approve(1, two)
        assert (asked.keys, asked.tokens, asked.register_keys) == (1, 2, 0)

        # More than was approved needs another word.
        await damage(database, DAMAGE_KEY, second)
        with pytest.raises(GiveUpChanged):
            await giving.approve(1, two)
        assert (await giving.give_up(1, one)).waits_for_approval
        assert await losses(service, first) == await losses(service, second) == []
        asked = await giving.approve(1, two)
        assert (asked.keys, asked.tokens, asked.register_keys) == (2, 2, 0)
        done = await giving.give_up(1, one)
        assert (done.keys, done.left) == (2, {})

        # And what was done is no leave for another time.
        with pytest.raises(GiveUpUnapproved):
            await giving.approve(1, two)
    await verified(database)


@pytest.mark.clause("L9")
async def test_exactly_what_was_asked_for_is_approved_and_gone_on_with_after_a_kill(
    service: Service, client: httpx.AsyncClient, database: Database, tmp_path: Path
) -> None:
    """As many, but others, are something else; counts do not say which."""
    first, second, third = [await register(client, contact=contact(number)) for number in range(3)]
    await need_two_people(service)
    one, two = Attribution(by="one"), Attribution(by="two")
    async with (
        turning(service, database, tmp_path) as epochs,
        losing(service, database) as giving,
        losing(service, database, killed_after("key")) as dying,
    ):
        whole = await service.pool.fetchval(WRAPPED, subject(second))
        for person in (first, second):
            await damage(database, DAMAGE_KEY, person)
        await epochs.rotate()
        asked = (await giving.give_up(1, one)).lost
        await damage(database, DAMAGE_KEY, third)
        await as_superuser(database, PUT_BACK, subject(second), whole)
        changed = await giving.found(1)
        assert (changed.tables["keyring"], changed.lost == asked) == (2, False)
        with pytest.raises(GiveUpChanged) as refused:
            await giving.approve(1, two)
        assert refused.value.code == "give-up-changed"
        assert await losses(service, first) == []

        assert (await giving.give_up(1, one)).waits_for_approval, "asked for anew"
        approved = await giving.approve(1, two)
        assert (approved.keys, approved.lost) == (2, changed.lost)
        with pytest.raises(Killed):
            await dying.give_up(1, one)
        await giving.approve(1, two)  # said before, and true of what is done and what is left
        done = await giving.give_up(1, one)
        assert (done.waits_for_approval, done.left) == (False, {})
        assert [len(await losses(service, who)) for who in (first, second, third)] == [1, 0, 1]
    control = await service.store.read_stream(service.rulebook.control_stream)
    told = [type(one.event) for one in control.events if isinstance(one.event, LOSS_EVENTS)]
    assert told == [
        EpochGiveUpRequested,
        EpochGiveUpRequested,
        EpochGiveUpApproved,
        EpochGiveUpCompleted,
    ]
    await verified(database)


@pytest.mark.clause("L34")
async def test_after_a_period_of_repeated_requests_is_given_up_all_processes_use_its_new_key(
    service: Service, client: httpx.AsyncClient, database: Database, tmp_path: Path
) -> None:
    """Without a restart: one that went on with the key in memory would do a request twice."""
    await register(client, contact=contact(0))
    await as_superuser(database, DAMAGE_PERIODS)
    async with (
        turning(service, database, tmp_path) as epochs,
        losing(service, database) as giving,
    ):
        await epochs.rotate()
        done = await giving.give_up(1)
        assert (done.register_keys, done.left) == (2, {})
        # Only a process that forgot what it had makes the row of a period anew.
        rows, number = "SELECT FROM ledger.idempotency_key", 0
        while await as_superuser(database, rows) == "SELECT 0":
            number += 1
            assert number < 1_000
            await register(client, contact=contact(number))
        caller_key = client.headers["authorization"]
        repeated = {"authorization": caller_key, "idempotency-key": str(uuid4())}
        body = {
            "source": "registration_form",
            "obtained": [{"purpose": "event_logistics", "data": contact(number + 1)}],
        }
        first = await client.post("/v1/subjects", json=body, headers=repeated)
        async with afresh(database, tmp_path) as (_, caller):
            again = await caller.post("/v1/subjects", json=body, headers=repeated)
        assert (first.status_code, again.json()) == (201, first.json())
        await epochs.destroy(1)
    await verified(database)


async def test_without_the_root_of_an_epoch_everything_on_it_is_named_and_given_up(
    service: Service, client: httpx.AsyncClient, database: Database, tmp_path: Path
) -> None:
    """It goes in the middle of a rotation: some have moved, and lose their token alone."""
    people = [await register(client, contact=contact(number)) for number in range(2)]
    root = tmp_path / "keys" / "epoch-0001.root"
    async with turning(service, database, tmp_path, killed_after("turned")) as epochs:
        with pytest.raises(Killed):
            await epochs.rotate()
    late = await register(client, contact=contact(2))
    kept = root.rename(root.with_suffix(".kept"))
    async with (
        afresh(database, tmp_path) as (other, caller),
        turning(other, database, tmp_path) as epochs,
        losing(other, database) as giving,
    ):
        rotated = await epochs.rotate()
        assert rows_of(dict(rotated.holds)) == {
            "keyring": 2,
            "identifiers": 4,
            "idempotency_key": 2,
        }
        found = await giving.found(1)
        assert (len(found.keys), found.people, found.roots_missing) == (2, 2, (1,))

        kept.rename(root)
        back = await giving.give_up(1)
        assert (back.keys, back.tokens, back.left) == (0, 0, {}), "with the root all of it opens"
        root.rename(kept)
        await other.store.refresh_epochs()

        done = await giving.give_up(1)
        assert (done.keys, done.tokens, done.identifiers, done.left) == (2, 4, 4, {})
        assert (await epochs.destroy(1)).root is RootEnd.FOUND_GONE
        service.ledger.forget_everybody()
        assert [await looked_up(caller, number) for number in range(3)] == [None, None, late]
        assert [len(await losses(other, one)) for one in (*people, late)] == [1, 1, 0]
    await verified(database)


@pytest.mark.clause("L63")
async def test_what_opens_in_any_way_and_what_a_hold_names_is_not_given_up(
    service: Service, client: httpx.AsyncClient, database: Database, tmp_path: Path
) -> None:
    renamed, held = [await register(client, contact=contact(number)) for number in range(2)]
    hold = {"ground": "legal_claims", "source": "secretariat"}
    placed = await post(client, f"{held}/legal-holds", hold)
    await damage(database, DAMAGE_KEY, held)
    change = "UPDATE ledger.keyring SET class = $2 WHERE subject_id = $1"
    async with (
        turning(service, database, tmp_path) as epochs,
        losing(service, database) as giving,
    ):
        kind = await service.pool.fetchval(
            "SELECT class FROM ledger.keyring WHERE subject_id = $1", subject(renamed)
        )
        await as_superuser(database, change, subject(renamed), "accounts")
        rotated = await epochs.rotate()
        assert rows_of(dict(rotated.holds)) == {"keyring": 2, "identifiers": 4}
        found = await giving.found(1)
        assert (found.altered, found.tables["keyring"]) == (1, 1)
        done = await giving.give_up(1)
        assert (done.keys, done.held) == (0, 1)
        assert done.left == {"keyring": 1, "identifiers": 4}
        assert await losses(service, renamed) == await losses(service, held) == []

        assert kind == "participation"
        how = Deploying(Settings(home=tmp_path), logins(database), database.dsn("ledger_migrator"))
        assert (await mend(how, None))["rows"] == 1
        await post(client, f"{held}/legal-holds/{placed['hold']}/release")
        assert rows_of(dict((await epochs.rotate()).holds)) == {"keyring": 1, "identifiers": 2}
        assert (await giving.give_up(1)).left == {}
        await epochs.destroy(1)
    assert await name_of(client, renamed) == CONTACT["contact.name"]
    await verified(database)
