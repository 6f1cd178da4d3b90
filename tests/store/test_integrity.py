"""`verify` passes on what the functions wrote, and names each kind of tampering with its place."""

import json
import os
from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from app.store import integrity
from app.store.integrity import Verification, verify
from app.store.stream_check import Rule
from tests.conftest import Database, in_thread
from tests.store.chains import Chain, Section, canonical, leaf_hash, new_key
from tests.store.conftest import open_epoch
from tests.store.doors import Connection, append


@dataclass(frozen=True, slots=True)
class History:
    """Three people: positions 0 to 2, 3 to 6 (one key erased at 6), and 7."""

    superuser: Connection
    kept: UUID
    kept_key: UUID
    erased: UUID
    erased_key: UUID
    other_key: UUID

    async def tamper(self, statement: str, *values: object) -> None:
        """As somebody who owns the server would: with the triggers taken off."""
        for table in ("events", "sealed", "keyring", "erasure_fence"):
            await self.superuser.execute(f"ALTER TABLE ledger.{table} DISABLE TRIGGER ALL")
        await self.superuser.execute(
            "ALTER TABLE ledger.keyring DROP CONSTRAINT IF EXISTS keyring_erased_check"
        )
        await self.superuser.execute(statement, *values)

    async def entry(self, position: int) -> bytes:
        return bytes(
            await self.superuser.fetchval(
                "SELECT entry FROM ledger.events WHERE position = $1", position
            )
        )

    async def rewrite(self, position: int, entry: bytes) -> None:
        """Puts other bytes into the row, and mends the chain of what follows, as a forger would."""
        row = await self.superuser.fetchrow(
            "SELECT stream_id, version FROM ledger.events WHERE position = $1", position
        )
        assert row is not None
        update = "UPDATE ledger.events SET entry = $1 WHERE stream_id = $2 AND version = $3"
        await self.tamper(update, entry, row["stream_id"], row["version"])
        later = await self.superuser.fetch(
            "SELECT version, entry FROM ledger.events WHERE stream_id = $1 AND version > $2"
            " ORDER BY version",
            row["stream_id"],
            row["version"],
        )
        before = entry
        for version, old in later:
            first, rest = old.split(b"\n", 1)
            core = json.loads(first) | {"p": b64encode(leaf_hash(before)).decode()}
            before = canonical(core) + b"\n" + rest
            await self.superuser.execute(update, before, row["stream_id"], version)

    async def verified(self) -> Verification:
        return await verify(self.superuser)

    async def rules(self) -> dict[Rule, tuple[int | None, UUID | None]]:
        """What was found: the first place of each rule."""
        found = await self.verified()
        assert not found.sound
        return {one.rule: (one.position, one.stream_id) for one in reversed(found.findings)}


@dataclass(frozen=True, slots=True)
class Written:
    """The ids of the history that all tests of this module start from."""

    kept: UUID
    kept_key: UUID
    erased: UUID
    erased_key: UUID
    other_key: UUID


@pytest.fixture(scope="module")
def written(module_database: Database) -> Written:
    return in_thread(_write(module_database))


async def _write(database: Database) -> Written:
    migrator = await asyncpg.connect(database.dsn("ledger_migrator"))
    app = await asyncpg.connect(database.dsn("ledger_app"))
    eraser = await asyncpg.connect(database.dsn("ledger_eraser"))
    await open_epoch(migrator)
    kept, erased, plain = Chain(), Chain(), Chain()
    command, kept_key = kept.opening()
    await append(app, command)
    await append(app, kept.command(kept.event(Section(kept_key), Section(kept_key)), kept.event()))
    erased_key, other_key = uuid4(), uuid4()
    sections = [Section(erased_key, opens=True), Section(erased_key)]
    first = erased.event(sections[0], Section(other_key, "accounts", opens=True))
    events = (first, erased.event(sections[1]), erased.event())
    keys = [new_key(erased_key), new_key(other_key, "accounts")]
    await append(app, erased.command(*events, keys=keys))
    last = erased.erasure(
        [erased_key], blobs=[one.blob for one in sections], classes=["contact"], identifiers=True
    )
    answer = await eraser.fetchval(
        "SELECT outcome FROM ledger.ledger_erase(0, $1, 3, $2)", erased.stream_id, last.entry
    )
    assert answer == "appended"
    await append(app, plain.simple())
    for connection in (migrator, app, eraser):
        await connection.close()
    return Written(kept.stream_id, kept_key, erased.stream_id, erased_key, other_key)


@pytest.fixture
async def history(module_database: Database, written: Written) -> AsyncIterator[History]:
    """The history in a transaction that takes every tampering back."""
    superuser = await asyncpg.connect(module_database.dsn("postgres"))
    transaction = superuser.transaction(isolation="repeatable_read")
    await transaction.start()
    yield History(superuser, **asdict(written))
    await transaction.rollback()
    await superuser.close()


async def test_what_the_functions_wrote_is_sound(history: History) -> None:
    seen: list[tuple[int, int]] = []

    found = await verify(history.superuser, lambda *counts: seen.append(counts))

    assert found.findings == []
    assert found.sound
    assert (found.events, found.streams, found.blobs, found.keys) == (8, 3, 4, 3)
    assert seen == [(8, 8)]


@pytest.mark.parametrize("role", ["ledger_auditor", "ledger_app"])
async def test_a_runtime_role_is_enough(
    written: Written, module_database: Database, role: str
) -> None:
    connection = await asyncpg.connect(module_database.dsn(role))

    found = await verify(connection)
    await connection.close()

    assert found.sound
    assert found.events == 8


async def test_an_empty_ledger_is_sound(database: Database) -> None:
    connection = await asyncpg.connect(database.dsn("ledger_auditor"))

    found = await verify(connection)
    await connection.close()

    assert (found.sound, found.events) == (True, 0)


async def test_pages_join_without_a_seam(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    """One stream may lie across pages, and its blobs across others."""
    monkeypatch.setattr(integrity, "PAGE_ROWS", 2)

    found = await history.verified()

    assert found.findings == []
    assert found.events == 8


async def test_an_event_that_was_deleted(history: History) -> None:
    await history.tamper("DELETE FROM ledger.events WHERE position = 1")

    rules = await history.rules()

    assert rules[Rule.POSITION_GAP] == (2, history.kept)
    assert rules[Rule.VERSION_GAP] == (2, history.kept)
    assert rules[Rule.CHAIN_BROKEN] == (2, history.kept)
    assert rules[Rule.BLOB_UNACCOUNTED] == (None, history.kept)


async def test_two_events_that_changed_places(history: History) -> None:
    """A position is no part of the bytes; that it grows with the version is all a row can show."""
    await history.tamper("ALTER TABLE ledger.events DROP CONSTRAINT events_partition_position_key")
    await history.tamper(
        "UPDATE ledger.events SET position = 5 - position WHERE position IN (1, 4)"
    )

    found = await history.verified()

    assert {(one.rule, one.position, one.stream_id) for one in found.findings} == {
        (Rule.POSITION_INVERTED, 2, history.kept),
        (Rule.POSITION_INVERTED, 1, history.erased),
    }


async def test_a_position_given_twice(history: History) -> None:
    await history.tamper("ALTER TABLE ledger.events DROP CONSTRAINT events_partition_position_key")
    await history.tamper("UPDATE ledger.events SET position = 6 WHERE position = 7")

    rules = await history.rules()

    assert Rule.POSITION_GAP in rules


async def test_an_entry_that_was_changed(history: History) -> None:
    entry = await history.entry(1)
    await history.tamper(
        "UPDATE ledger.events SET entry = $1 WHERE position = 1",
        entry.replace(b"registration.form", b"registration.desk"),
    )

    rules = await history.rules()

    assert rules == {Rule.CHAIN_BROKEN: (2, history.kept)}


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        (b'"by":"', b'"by" :"', Rule.ENTRY_NOT_CANONICAL),
        (b'"source":"registration.form"', b'"source":1.5', Rule.ENTRY_NOT_CANONICAL),
        (b'"source":"registration.form"', b'"source":[{"a":1e3}]', Rule.ENTRY_NOT_CANONICAL),
        (b'"source":"registration.form"', b'"source":9007199254740993', Rule.ENTRY_NOT_CANONICAL),
        (b'"by":"client.tests"', b'"by":"a","by":"b"', Rule.ENTRY_NOT_CANONICAL),
        (b'"by":"client.tests"', b'"by":"\\u0061"', Rule.ENTRY_NOT_CANONICAL),
        (b'"i":1', b'"i":2', Rule.ENTRY_NOT_CANONICAL),
        (b'"by"', b'"bz"', Rule.ENTRY_MALFORMED),
        (b'"by":"client.tests"', b'"by":1.5', Rule.ENTRY_MALFORMED),
        (b'"o":null,', b"", Rule.ENTRY_MALFORMED),
        (b'"sv":1', b'"sv":1.0', Rule.ENTRY_MALFORMED),
        (b'"v":1}\n', b'"v":1}\n\n', Rule.ENTRY_MALFORMED),
        (b"]\n", b"]", Rule.ENTRY_MALFORMED),
        (b'"h":"', b'"h":"AAAA', Rule.ENTRY_MALFORMED),
        (b'"k":"', b'"k":"x', Rule.ENTRY_MALFORMED),
        (b'"c":"', b'"cc":"', Rule.ENTRY_MALFORMED),
        (b'{"at"', b'["at"', Rule.ENTRY_MALFORMED),
        (b'"n":2', b'"n":3', Rule.ENTRY_CONTRADICTS_ROW),
        (b'"t":"data.collected"', b'"t":"data.rectified"', Rule.ENTRY_CONTRADICTS_ROW),
        (b'"v":1}', b'"v":2}', Rule.ENTRY_CONTRADICTS_ROW),
        (b'"at":"20', b'"at":"19', Rule.TIME_BACKWARDS),
        (b'"b":61', b'"b":62', Rule.BLOB_ALTERED),
        (b'"c":"contact"', b'"c":"accounts"', Rule.KEY_CLASS),
    ],
)
async def test_a_forged_entry_on_a_mended_chain(
    history: History, old: bytes, new: bytes, rule: Rule
) -> None:
    entry = await history.entry(1)
    assert old in entry
    await history.rewrite(1, entry.replace(old, new, 1))

    rules = await history.rules()

    assert rules[rule] == (1, history.kept)
    assert Rule.CHAIN_BROKEN not in rules


async def test_an_entry_of_another_event_or_stream(history: History) -> None:
    await history.tamper("UPDATE ledger.events SET event_id = gen_random_uuid() WHERE position = 0")
    await history.tamper("UPDATE ledger.events SET type = 'consent.given' WHERE position = 2")

    found = await history.verified()

    contradicting = [one.position for one in found.findings]
    assert {one.rule for one in found.findings} == {Rule.ENTRY_CONTRADICTS_ROW}
    assert contradicting == [0, 2]


async def test_a_blob_that_was_exchanged(history: History) -> None:
    await history.tamper(
        "UPDATE ledger.sealed SET blob = $1 WHERE stream_id = $2 AND version = 1",
        b"\x01" + os.urandom(60),
        history.kept,
    )

    assert await history.rules() == {Rule.BLOB_ALTERED: (0, history.kept)}


async def test_a_blob_under_another_key(history: History) -> None:
    await history.tamper(
        "UPDATE ledger.sealed SET key_id = $1 WHERE stream_id = $2 AND version = 1",
        uuid4(),
        history.kept,
    )

    assert await history.rules() == {Rule.BLOB_ALTERED: (0, history.kept)}


async def test_a_hole_that_nothing_explains(history: History) -> None:
    await history.tamper(
        "DELETE FROM ledger.sealed WHERE stream_id = $1 AND version = 2 AND section = 1",
        history.kept,
    )

    assert await history.rules() == {Rule.BLOB_MISSING: (1, history.kept)}


async def test_a_blob_that_no_seal_names(history: History) -> None:
    await history.tamper(
        "INSERT INTO ledger.sealed VALUES ($1, 3, 0, $2, '\\x01')", history.kept, history.kept_key
    )
    await history.tamper(
        "INSERT INTO ledger.sealed VALUES ($1, 1, 0, $2, '\\x01')", uuid4(), uuid4()
    )

    found = await history.verified()

    assert [one.rule for one in found.findings] == [Rule.BLOB_UNACCOUNTED] * 2


async def test_an_erased_blob_that_came_back(history: History) -> None:
    """A restored backup, say: the entry says destroyed, the row says otherwise."""
    await history.tamper(
        "INSERT INTO ledger.sealed VALUES ($1, 2, 0, $2, '\\x01')",
        history.erased,
        history.erased_key,
    )

    rules = await history.rules()

    assert rules[Rule.BLOB_NOT_ERASED] == (4, history.erased)


async def test_an_erased_key_that_came_back(history: History) -> None:
    await history.tamper(
        "UPDATE ledger.keyring SET state = 'active', wrapped = '\\x00' WHERE key_id = $1",
        history.erased_key,
    )

    assert await history.rules() == {Rule.KEY_STATE: (None, history.erased)}


async def test_a_key_destroyed_without_an_entry(history: History) -> None:
    await history.tamper(
        "UPDATE ledger.keyring SET state = 'erased', wrapped = NULL WHERE key_id = $1",
        history.kept_key,
    )

    assert await history.rules() == {Rule.KEY_STATE: (None, history.kept)}


async def test_a_key_that_vanished(history: History) -> None:
    await history.tamper("DELETE FROM ledger.keyring WHERE key_id = $1", history.kept_key)

    assert await history.rules() == {Rule.KEY_UNKNOWN: (0, history.kept)}


async def test_an_erased_key_that_vanished(history: History) -> None:
    """Its tomb must stay: it is what refuses the key for ever."""
    await history.tamper("DELETE FROM ledger.keyring WHERE key_id = $1", history.erased_key)

    rules = await history.rules()

    assert rules[Rule.KEY_UNKNOWN] == (3, history.erased)


async def test_keys_that_no_entry_opened(history: History) -> None:
    insert = "INSERT INTO ledger.keyring VALUES ($1, $2, 'contact', 'other', 1, '\\x00', 'active')"
    await history.tamper(insert, uuid4(), history.kept)
    await history.tamper(insert, uuid4(), UUID(int=0))
    await history.tamper(insert, uuid4(), UUID(int=2**128 - 1))

    found = await history.verified()

    assert {one.rule for one in found.findings} == {Rule.KEY_UNOPENED}
    assert found.findings_count == 3


async def test_a_key_of_another_class(history: History) -> None:
    await history.tamper(
        "UPDATE ledger.keyring SET class = 'accounts' WHERE key_id = $1", history.kept_key
    )

    rules = await history.rules()

    assert rules == {Rule.KEY_CLASS: (0, history.kept)}


async def test_a_commitment_too_few_or_too_many(history: History) -> None:
    first, second = await history.entry(0), await history.entry(1)
    mark = first.index(b',"kc":"')
    commitment = first[mark : first.index(b"}", mark)]
    await history.rewrite(0, first.replace(commitment, b""))
    second = await history.entry(1)
    await history.rewrite(1, second.replace(b'"}]\n', b'"' + commitment + b"}]\n"))

    found = await history.verified()

    wrong = [one.position for one in found.findings if one.rule is Rule.COMMITMENT_WRONG]
    assert wrong == [0, 1]


async def test_a_fence_that_was_taken_down(history: History) -> None:
    await history.tamper(
        "DELETE FROM ledger.erasure_fence WHERE subject_id = $1 AND class = 'contact'",
        history.erased,
    )

    assert await history.rules() == {Rule.FENCE_MISSING: (6, history.erased)}


@pytest.mark.parametrize(
    ("said", "rule"),
    [
        ({"blobs": 3}, Rule.ERASURE_MISCOUNTED),
        ({"root": "00" * 32}, Rule.ERASURE_MISCOUNTED),
        ({"keys": []}, Rule.KEY_STATE),
        ({"keys": None}, Rule.ENTRY_MALFORMED),
        ({"classes": ["contact", "network"]}, Rule.FENCE_MISSING),
    ],
)
async def test_an_erasure_that_says_otherwise(
    history: History, said: dict[str, Any], rule: Rule
) -> None:
    first, rest = (await history.entry(6)).split(b"\n", 1)
    core = json.loads(first)
    core["d"] |= said
    await history.rewrite(6, canonical(core) + b"\n" + rest)

    assert rule in await history.rules()


async def test_a_second_erasure_of_the_same_key(history: History) -> None:
    chain = Chain(history.erased, 4, await history.entry(6))
    event = chain.erasure([history.erased_key], blobs=[])
    await history.tamper(
        "INSERT INTO ledger.events VALUES (0, 8, $1, 5, $2, $3, $4)",
        history.erased,
        event.event_id,
        event.type,
        event.entry,
    )

    rules = await history.rules()

    assert rules[Rule.ERASED_TWICE] == (8, history.erased)


async def test_findings_are_counted_when_they_are_too_many_to_keep(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(integrity, "FINDINGS_MAX", 2)
    await history.tamper("DELETE FROM ledger.sealed")

    found = await history.verified()

    assert len(found.findings) == 2
    assert found.findings_count == 4
