"""Group commit: many waiters, one call; nobody lost, nobody twice, whatever dies meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from app.events.notices import NoticeChannel, NoticeShown
from app.events.recorded import Record, Section
from app.store.append import Append, EncodedEvent, OutcomeCode
from app.store.event_store import Draft
from app.store.group_commit import AppendRejected, LedgerBusy
from app.tlog.receipt_text import Receipt
from app.tlog.receipts import Batch, ReceiptKey
from app.vault.sealing import Erased, NeverSealed, Sealed
from tests.conftest import Database
from tests.writing import Writing, writing

SHOWN = NoticeShown(policy="impel-1", language="sv", channel=NoticeChannel.FORM)
RECORD = Record(SHOWN, (Section("participation", "membership", {"contact.name": "Åsa Öberg"}),))


@pytest.fixture
async def desk(database: Database, tmp_path: Path) -> AsyncIterator[Writing]:
    async with writing(database, tmp_path / "keys") as opened:
        yield opened


def _draft(desk: Writing, stream: UUID, expected: int = 0, **given: Any) -> Draft:
    return desk.store.draft(
        stream,
        given.get("records", [RECORD]),
        expected=expected,
        previous=given.get("previous"),
        keys=given.get("keys", {}),
        recorded_at=datetime.now(UTC),
        by="test",
    )


def _append(desk: Writing, stream: UUID, expected: int = 0, **given: Any) -> Append:
    draft = _draft(desk, stream, expected, **given)
    return Append(stream, expected, None, draft.events, draft.wrapped_keys())


async def test_many_people_share_a_flush_and_positions_have_no_gap(desk: Writing) -> None:
    outcomes = await asyncio.gather(
        *(desk.commit.append([_append(desk, uuid4())]) for _ in range(200))
    )

    codes = {outcome.code for [outcome] in outcomes}
    positions = sorted(outcome.first_position or 0 for [outcome] in outcomes)
    assert codes == {OutcomeCode.APPENDED}
    assert positions == list(range(200))
    assert desk.commit.flushes < 50


async def test_two_commands_of_one_person_never_share_a_flush(desk: Writing) -> None:
    """Both were decided at version 0: one wins, the other is told, and neither is lost."""
    stream = uuid4()

    outcomes = await asyncio.gather(
        *(desk.commit.append([_append(desk, stream)]) for _ in range(5))
    )

    codes = sorted(outcome.code.value for [outcome] in outcomes)
    assert codes == ["appended"] + ["version-conflict"] * 4


async def test_what_is_signed_ahead_is_given_for_just_that_and_only_where_receipts_are_taken(
    desk: Writing, database: Database, tmp_path: Path
) -> None:
    """Two processes take turns: what one foresees, the other may have made untrue."""
    key = desk.commit.receipt_key
    assert key is not None

    async def appended(by: Writing) -> Batch:
        [outcome] = await by.commit.append([_append(by, uuid4())])
        assert outcome.batch is not None
        assert [line.position for line in outcome.batch.lines] == [outcome.first_position]
        return outcome.batch

    async with writing(database, tmp_path / "keys") as other:
        first, second = await appended(desk), await appended(desk)
        assert not first.is_signed, "nobody takes receipts here"
        assert not second.is_signed
        _checked(second, key)
        ahead = await appended(desk)
        assert ahead.is_signed
        _checked(ahead, key)
        await appended(other)
        passed = await appended(desk)
        assert not passed.is_signed  # another was at the position that was foreseen
        _checked(passed, key)
        _checked(await appended(desk), key)


def _checked(batch: Batch, key: ReceiptKey) -> None:
    """Its one line is what was signed."""
    [line] = batch.lines
    signed = batch.signed(line.position, 1)
    Receipt((line,), signed).verify([key.verifier_key])


async def test_a_section_opens_again_and_only_where_it_was_sealed(desk: Writing) -> None:
    stream = uuid4()
    await desk.commit.append([_append(desk, stream)])

    read = await desk.store.read_stream(stream, with_blobs=True)

    opened = desk.store.open_section(read, 1, "participation")
    assert opened == Sealed({"contact.name": "Åsa Öberg"})
    assert desk.store.open_section(read, 1, "fiscal") == NeverSealed()
    assert desk.store.open_section(read, 2, "participation") == NeverSealed()


async def test_the_second_section_of_a_person_uses_the_first_one_s_key(desk: Writing) -> None:
    """Exactly one commitment a key: the second seal under it carries none (DESIGN 4)."""
    stream = uuid4()
    first = _draft(desk, stream)
    await desk.commit.append([Append(stream, 0, None, first.events, first.wrapped_keys())])
    read = await desk.store.read_stream(stream)
    keys = desk.store.active_keys(read)

    second = _draft(desk, stream, 1, previous=first.events[0].leaf_hash, keys=keys)
    [outcome] = await desk.commit.append([Append(stream, 1, None, second.events)])

    assert outcome.code is OutcomeCode.APPENDED
    assert second.new_keys == ()
    assert first.recorded[0].seals[0].commitment is not None
    assert second.recorded[0].seals[0].commitment is None
    assert first.recorded[0].seals[0].key_id == second.recorded[0].seals[0].key_id


async def test_a_full_queue_refuses_and_loses_nothing(database: Database, tmp_path: Path) -> None:
    async with writing(database, tmp_path / "keys", queue_max=10) as desk:
        appends = [desk.commit.append([_append(desk, uuid4())]) for _ in range(100)]
        answers = await asyncio.gather(*appends, return_exceptions=True)

        written = await desk.pool.fetchval("SELECT count(*) FROM ledger.events")

    busy = [answer for answer in answers if isinstance(answer, LedgerBusy)]
    assert busy
    assert written == 100 - len(busy)


async def test_a_poisoned_command_fails_alone(desk: Writing) -> None:
    poisoned = Append(uuid4(), 0, None, (EncodedEvent(uuid4(), "notice.shown", b"{}\n", b"x"),))

    answers = await asyncio.gather(
        desk.commit.append([_append(desk, uuid4())]),
        desk.commit.append([poisoned]),
        desk.commit.append([_append(desk, uuid4())]),
        return_exceptions=True,
    )

    assert isinstance(answers[1], AppendRejected)
    for answer in (answers[0], answers[2]):
        assert not isinstance(answer, BaseException)
        assert answer[0].code is OutcomeCode.APPENDED


async def test_a_cancelled_request_cancels_no_append(desk: Writing) -> None:
    stream = uuid4()
    waiting = asyncio.create_task(desk.commit.append([_append(desk, stream)]))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting

    await desk.commit.append([_append(desk, uuid4())])

    assert len((await desk.store.read_stream(stream)).events) == 1


async def test_a_connection_killed_under_load_loses_and_repeats_nothing(
    desk: Writing, database: Database
) -> None:
    """Unknown outcome: look at (stream, version) first, then retry with the same bytes."""
    admin = await asyncpg.connect(database.dsn("postgres"))
    streams = [uuid4() for _ in range(300)]

    async def kill() -> None:
        for _ in range(15):
            await admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE usename = 'ledger_app' AND datname = current_database()"
            )
            await asyncio.sleep(0.02)

    async def append(stream: UUID) -> OutcomeCode:
        await asyncio.sleep(0.001 * streams.index(stream))
        [outcome] = await desk.commit.append([_append(desk, stream)])
        return outcome.code

    killing = asyncio.create_task(kill())
    async with asyncio.timeout(60):
        codes = await asyncio.gather(*map(append, streams))
    await killing
    rows = await admin.fetch("SELECT position, stream_id FROM ledger.events ORDER BY position")
    await admin.close()

    assert set(codes) == {OutcomeCode.APPENDED}
    assert [row["position"] for row in rows] == list(range(len(streams)))
    assert {row["stream_id"] for row in rows} == set(streams)


async def test_a_database_that_closes_each_connection_for_a_second_loses_no_append(
    desk: Writing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It can be asked where the append stands, and dies at each try: the tries grow apart."""
    commit, stream = desk.commit, uuid4()
    call, until = commit._call, asyncio.get_running_loop().time() + 1.0

    async def closed(batch: Any) -> Any:
        if asyncio.get_running_loop().time() < until:
            dying = await commit._connected()
            await dying.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        return await call(batch)

    monkeypatch.setattr(commit, "_call", closed)
    [outcome] = await commit.append([_append(desk, stream)])

    assert outcome.code is OutcomeCode.APPENDED
    assert len((await desk.store.read_stream(stream)).events) == 1


async def test_a_destroyed_key_reads_as_erased_and_not_as_corrupt(
    desk: Writing, database: Database
) -> None:
    stream = uuid4()
    await desk.commit.append([_append(desk, stream)])
    admin = await asyncpg.connect(database.dsn("postgres"))
    await admin.execute("ALTER TABLE ledger.sealed DISABLE TRIGGER ALL")
    await admin.execute("ALTER TABLE ledger.keyring DISABLE TRIGGER ALL")
    await admin.execute("DELETE FROM ledger.sealed WHERE stream_id = $1", stream)
    await admin.execute(
        "UPDATE ledger.keyring SET state = 'erased', wrapped = NULL WHERE subject_id = $1", stream
    )
    await admin.close()

    read = await desk.store.read_stream(stream, with_blobs=True)

    assert desk.store.open_section(read, 1, "participation") == Erased()
    assert desk.store.active_keys(read) == {}
