"""`log verify`: whatever byte is changed is found and named; a checkpoint that was kept counts.

One history in a database of this module; every tampering is done as the owner of the server would,
with the triggers off, and taken back.
"""

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from uuid import uuid4

import asyncpg
import pytest

from app.store import integrity, log_verification
from app.store.checkpoint_check import Trust
from app.store.connection import connect
from app.store.integrator import Integrator
from app.store.log_verification import LogVerification, WorkerLost, check_log, verify_log
from app.store.stream_check import Finding, Rule
from app.tlog.checkpoints import Checkpoint
from app.tlog.cosignatures import WitnessKey
from app.tlog.edge import Edge
from app.tlog.merkle import leaf_hash
from app.tlog.notes import Note, VerifierKey, read_note
from app.tlog.receipts import key_name
from app.tlog.trust_policies import TrustPolicy, Witness
from app.vault.signed_head import SignedHeadFile
from app.vault.signing import Signer
from tests.conftest import Database, in_thread
from tests.store.chains import Chain, Section, new_key
from tests.store.conftest import open_epoch
from tests.store.doors import Connection, append

FLIPS = int(os.environ.get("LEDGER_LOG_FLIPS", "25"))
"""Of each kind of place, in random places of it."""
PEOPLE = 330
SIZES = (100, 300)
ORIGIN = "ledger.example/log"
SIGNER = Signer(b"\x07" * 32)
KEY = VerifierKey(ORIGIN, SIGNER.public_key)
THIEF = Signer(b"\x08" * 32)
TABLES = (
    *("events", "sealed", "keyring", "erasure_fence"),
    *("log_tile", "log_edge", "log_checkpoint", "log_key", "log_cosignature", "receipt_key"),
)


@dataclass(frozen=True, slots=True)
class Written:
    """What all tests start from: the size of the log, and checkpoints that were kept."""

    size: int
    notes: tuple[Note, ...]


@pytest.fixture(scope="module")
def written(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Written:
    return in_thread(_write(module_database, tmp_path_factory.mktemp("keys")))


async def _write(database: Database, folder: Path) -> Written:
    migrator = await asyncpg.connect(database.dsn("ledger_migrator"))
    app = await asyncpg.connect(database.dsn("ledger_app"))
    eraser = await asyncpg.connect(database.dsn("ledger_eraser"))
    writer = await connect(database.dsn("ledger_integrator"))
    await open_epoch(migrator)

    async def connected() -> Connection:
        return writer

    integrator = Integrator(
        connected, SIGNER, SignedHeadFile(folder / "checkpoint.signed"), origin=ORIGIN
    )
    people = [Chain() for _ in range(PEOPLE)]
    for first, last in zip((0, *SIZES), (*SIZES, PEOPLE), strict=True):
        await append(app, *(person.opening()[0] for person in people[first:last]))
        await integrator.integrate(writer)
    key = uuid4()
    erased = Chain()
    sections = [Section(key, opens=True), Section(key)]
    await append(app, erased.command(erased.event(*sections), keys=[new_key(key)]))
    executed = erased.erasure([key], blobs=[one.blob for one in sections], classes=["contact"])
    await eraser.fetchval(
        "SELECT outcome FROM ledger.ledger_erase(0, $1, 1, $2)", erased.stream_id, executed.entry
    )
    await append(app, *(person.simple() for person in people[:8]))
    await integrator.integrate(writer)
    rows = await app.fetch("SELECT note FROM ledger.log_checkpoint ORDER BY size")
    size = await app.fetchval("SELECT count(*) FROM ledger.events")
    for connection in (migrator, app, eraser, writer):
        await connection.close()
    return Written(size, tuple(read_note(row["note"]) for row in rows))


@dataclass(slots=True)
class Owner:
    """Who owns the server, in a transaction that takes every tampering back."""

    connection: Connection
    trust: Trust

    async def execute(self, statement: str, *values: object) -> None:
        await self.connection.execute(statement, *values)

    async def verified(self, **trusted: object) -> LogVerification:
        return await check_log(self.connection, replace(self.trust, **trusted))  # type: ignore[arg-type]  # named as the fields are

    async def findings(self, **trusted: object) -> list[Finding]:
        return (await self.verified(**trusted)).found.findings

    async def rules(self, **trusted: object) -> set[Rule]:
        return {one.rule for one in await self.findings(**trusted)}

    async def rebuild(self, signer: Signer, size: int | None = None) -> None:
        """Makes the whole tree anew of what the log says by now, and signs it."""
        rows = await self.connection.fetch("SELECT entry FROM ledger.events ORDER BY position")
        edge, full = Edge().extended([leaf_hash(row["entry"]) for row in rows[:size]])
        key = VerifierKey(ORIGIN, signer.public_key)
        text = Checkpoint(ORIGIN, edge.size, edge.root()).text()
        note = Note(text, (key.sign(text, signer.sign),))
        await self.execute("TRUNCATE ledger.log_tile, ledger.log_checkpoint, ledger.log_key")
        await self.execute("INSERT INTO ledger.log_key VALUES (0, $1)", str(key))
        await self.execute(
            "UPDATE ledger.log_edge SET size = $1, hashes = $2", edge.size, edge.packed()
        )
        for tile in full:
            place = (tile.place.level, tile.place.index, tile.hashes)
            await self.execute("INSERT INTO ledger.log_tile VALUES (0, $1, $2, $3)", *place)
        await self.execute(
            "INSERT INTO ledger.log_checkpoint VALUES (0, $1, $2, $3)",
            edge.size,
            edge.root(),
            bytes(note),
        )


@pytest.fixture
async def owner(module_database: Database, written: Written) -> AsyncIterator[Owner]:
    connection = await asyncpg.connect(module_database.dsn("postgres"))
    transaction = connection.transaction(isolation="repeatable_read")
    await transaction.start()
    for table in TABLES:
        await connection.execute(f"ALTER TABLE ledger.{table} DISABLE TRIGGER ALL")
    yield Owner(connection, Trust())
    await transaction.rollback()
    await connection.close()


async def test_what_was_written_is_sound(owner: Owner, written: Written) -> None:
    done = await owner.verified(policy=TrustPolicy(((KEY, None),)), kept=written.notes)

    assert done.found.findings == []
    assert (done.found.events, done.tree.size, done.tree.unsigned) == (written.size,) * 2 + (0,)
    assert done.tree.keys == (KEY,)
    assert done.tree.tiles == 1
    assert done.tree.checkpoints == len(written.notes) == len(SIZES) + 3


@pytest.mark.parametrize("workers", [1, 2, 3])
async def test_it_is_the_same_by_any_number_of_processes(
    module_database: Database, written: Written, workers: int
) -> None:
    told: list[tuple[int, int]] = []
    done = await verify_log(
        module_database.dsn("ledger_auditor"),
        Trust(),
        workers=workers,
        progress=lambda *counts: told.append(counts),
    )

    assert done.found.findings == []
    assert (done.found.events, done.found.streams) == (written.size, PEOPLE + 1)
    assert (done.found.blobs, done.found.keys) == (PEOPLE, PEOPLE + 1)
    assert told[0] == (0, 2 * written.size)
    assert told[-1] == (2 * written.size, 2 * written.size)
    assert told == sorted(told)


async def test_a_process_that_is_lost_is_no_success(
    module_database: Database, written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_verification, "_work", print)

    with pytest.raises(WorkerLost):
        await verify_log(module_database.dsn("ledger_auditor"), Trust(), workers=2)


async def test_pages_join_without_a_seam(owner: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(integrity, "PAGE_ROWS", 7)

    assert await owner.findings() == []


PLACES = {
    "entry": "SELECT position, stream_id, version FROM ledger.events",
    "blob": "SELECT stream_id, version, section FROM ledger.sealed",
    "tile": "SELECT level, idx FROM ledger.log_tile",
    "edge": "SELECT 0 AS partition FROM ledger.log_edge",
    "note": "SELECT size FROM ledger.log_checkpoint",
    "root": "SELECT size FROM ledger.log_checkpoint",
    "link": "SELECT position, stream_id, version FROM ledger.events WHERE version = 2",
}
COLUMNS = {
    "entry": ("events", "entry"),
    "link": ("events", "entry"),
    "blob": ("sealed", "blob"),
    "tile": ("log_tile", "hashes"),
    "edge": ("log_edge", "hashes"),
    "note": ("log_checkpoint", "note"),
    "root": ("log_checkpoint", "root"),
}


@pytest.mark.clause("L9")
@pytest.mark.parametrize("kind", PLACES)
async def test_any_byte_that_is_flipped_is_found_and_named(owner: Owner, kind: str) -> None:
    """A property over random places and bits of everything that is stored of the log."""
    random = Random(f"{kind} {FLIPS}")
    rows = await owner.connection.fetch(f"{PLACES[kind]} ORDER BY 1")
    table, column = COLUMNS[kind]
    for _ in range(FLIPS):
        row = dict(random.choice(rows))
        where = " AND ".join(f"{name} = ${number}" for number, name in enumerate(row, 1))
        stored = await owner.connection.fetchval(
            f"SELECT {column} FROM ledger.{table} WHERE {where}", *row.values()
        )
        first, size = 0, len(stored)
        if kind == "link":
            first, size = stored.index(b'"p":"') + 5, 44
        flipped = bytearray(stored)
        at = random.randrange(first, first + size)
        flipped[at] ^= 1 << random.randrange(8)
        async with taken_back(owner):
            await owner.execute(
                f"UPDATE ledger.{table} SET {column} = ${len(row) + 1} WHERE {where}",
                *row.values(),
                bytes(flipped),
            )
            found = await owner.findings()

        assert any(_names(one, kind, row) for one in found), (kind, row, at, found)


def taken_back(owner: Owner) -> "Savepoint":
    """What is done within is undone."""
    return Savepoint(owner.connection)


@dataclass(slots=True)
class Savepoint:
    """A part of a transaction that never happened."""

    connection: Connection

    async def __aenter__(self) -> None:
        await self.connection.execute("SAVEPOINT tampering")

    async def __aexit__(self, *_: object) -> None:
        await self.connection.execute("ROLLBACK TO SAVEPOINT tampering")


def _names(one: Finding, kind: str, row: dict[str, object]) -> bool:
    """Whether a finding says where the byte was."""
    match kind:
        case "entry" | "link":
            entry = {"position": one.position, "stream_id": one.stream_id, "version": one.version}
            return one.rule is Rule.ENTRY_NOT_IN_TREE and entry == row
        case "blob":
            section = (one.stream_id, one.version)
            return one.rule is Rule.BLOB_ALTERED and section == (row["stream_id"], row["version"])
        case "tile":
            return one.rule is Rule.TILE_ALTERED and one.place == f"tile {row['level']}/000"
        case "edge":
            return one.rule is Rule.EDGE_ALTERED
        case _:
            rules = (Rule.CHECKPOINT_MALFORMED, Rule.CHECKPOINT_UNSIGNED, Rule.ROOT_WRONG)
            return one.rule in rules and one.place == f"checkpoint {row['size']}"


@pytest.mark.parametrize(
    ("column", "value"),
    [("event_id", "gen_random_uuid()"), ("type", "'consent.given'"), ("stream_id", "$1::uuid")],
)
async def test_what_stands_beside_an_entry_counts(owner: Owner, column: str, value: str) -> None:
    values = (uuid4(),) if "$1" in value else ()
    await owner.execute(f"UPDATE ledger.events SET {column} = {value} WHERE position = 17", *values)

    assert Rule.ENTRY_CONTRADICTS_ROW in await owner.rules()


async def test_two_entries_that_changed_places(owner: Owner) -> None:
    """Of different streams: no chain can show it, the tree does."""
    await owner.execute("ALTER TABLE ledger.events DROP CONSTRAINT events_partition_position_key")
    await owner.execute(
        "UPDATE ledger.events SET position = 30 - position WHERE position IN (10, 20)"
    )

    found = [one for one in await owner.findings() if one.rule is Rule.ENTRY_NOT_IN_TREE]

    assert [one.position for one in found] == [10, 20]


async def test_an_entry_that_was_taken_out(owner: Owner) -> None:
    await owner.execute("DELETE FROM ledger.events WHERE position = 12")

    found = {(one.rule, one.position) for one in await owner.findings()}

    assert (Rule.POSITION_GAP, 13) in found
    assert (Rule.ENTRY_NOT_IN_TREE, 12) in found
    assert Rule.ROOT_WRONG not in {rule for rule, _ in found}, "one change is one finding"


async def test_a_hole_that_nothing_explains(owner: Owner) -> None:
    row = await owner.connection.fetchrow(
        "DELETE FROM ledger.sealed WHERE stream_id = (SELECT stream_id FROM ledger.events"
        " WHERE position = 5) RETURNING stream_id, key_id"
    )
    assert row is not None

    assert await owner.findings() == [
        Finding(Rule.BLOB_MISSING, 5, row["stream_id"], 1, row["key_id"])
    ]


@pytest.mark.parametrize(
    ("statement", "rule", "place"),
    [
        ("DELETE FROM ledger.log_tile", Rule.TILE_MISSING, "tile 0/000"),
        (
            "INSERT INTO ledger.log_tile SELECT 0, 0, 1, hashes FROM ledger.log_tile",
            Rule.TILE_UNACCOUNTED,
            "tile 0/001",
        ),
        ("UPDATE ledger.log_edge SET size = size - 1", Rule.EDGE_ALTERED, "right edge"),
        ("DELETE FROM ledger.log_edge", Rule.EDGE_ALTERED, "right edge"),
        ("UPDATE ledger.log_key SET vkey = 'x' || vkey", Rule.CHECKPOINT_UNSIGNED, "checkpoint 0"),
        ("UPDATE ledger.log_key SET vkey = 'x'", Rule.VERIFIER_KEY_WRONG, "verifier key"),
        (
            """DELETE FROM ledger.log_checkpoint; DELETE FROM ledger.log_tile;
               UPDATE ledger.log_edge SET size = 0, hashes = ''""",
            Rule.LOG_UNSIGNED,
            "checkpoint 0",
        ),
        ("UPDATE ledger.keyring SET epoch = 7", Rule.EPOCH_STATE, "epoch 7"),
    ],
)
async def test_what_is_missing_or_too_much(
    owner: Owner, statement: str, rule: Rule, place: str
) -> None:
    await owner.execute(statement)

    assert (rule, place) in {(one.rule, one.place) for one in await owner.findings()}


async def test_a_key_that_went_on_in_a_class_that_is_closed(owner: Owner) -> None:
    """An active key turns into a retiring one, and that into none, when its class is closed."""
    await owner.execute(
        "INSERT INTO ledger.erasure_fence SELECT stream_id, 'contact' FROM ledger.events"
        " WHERE position = 5"
    )

    assert await owner.rules() == {Rule.KEY_NOT_FENCED}


@pytest.mark.clause("L9")
async def test_a_log_that_was_cut_off_and_signed_again(owner: Owner, written: Written) -> None:
    """By the true key: only who kept a checkpoint can know, and does."""
    await owner.execute("DELETE FROM ledger.events WHERE position >= 330")
    for table in ("keyring", "erasure_fence"):
        await owner.execute(
            f"DELETE FROM ledger.{table} WHERE NOT EXISTS"
            " (SELECT FROM ledger.events WHERE stream_id = subject_id)"
        )
    await owner.rebuild(SIGNER)
    alone = await owner.findings()
    kept = await owner.findings(kept=written.notes[-1:])
    earlier = await owner.findings(kept=written.notes[1:2])

    assert alone == earlier == []
    assert [(one.rule, one.place) for one in kept] == [
        (Rule.LOG_SHORTENED, f"checkpoint {written.size}")
    ]


@pytest.mark.clause("L9")
async def test_a_history_that_was_rewritten_and_signed_with_another_key(
    owner: Owner, written: Written
) -> None:
    """Everything in the database agrees; a checkpoint outside does not, nor does a key."""
    row = await owner.connection.fetchrow(
        "SELECT entry, stream_id FROM ledger.events e WHERE position = 200"
    )
    assert row is not None
    forged = row["entry"].replace(b'"by":"client.tests"', b'"by":"client.other"')
    await owner.execute("UPDATE ledger.events SET entry = $1 WHERE position = 200", forged)
    await owner.rebuild(THIEF)
    alone = await owner.findings()
    kept = await owner.findings(kept=written.notes[-1:])
    pinned = await owner.rules(policy=TrustPolicy(((KEY, None),)))

    assert alone == [], "the owner of a database can make it agree with itself"
    assert {one.rule for one in kept} == {Rule.LOG_FORKED, Rule.CHECKPOINT_UNSIGNED}
    assert f"checkpoint {written.size}" in {one.place for one in kept}
    assert pinned == {Rule.CHECKPOINT_UNSIGNED, Rule.VERIFIER_KEY_WRONG}


@pytest.mark.clause("L9")
async def test_keys_of_receipts_that_were_exchanged(owner: Owner, written: Written) -> None:
    """Whoever does that can show promises that the ledger never gave, and deny those it gave."""
    connection = owner.connection
    ledger_id = await connection.fetchval("SELECT ledger_id FROM ledger.ledger_identity")
    ours, thiefs = (VerifierKey(key_name(ledger_id), one.public_key) for one in (SIGNER, THIEF))
    await owner.execute("DELETE FROM ledger.receipt_key")
    insert = "INSERT INTO ledger.receipt_key (partition, vkey) VALUES (0, $1)"
    await owner.execute(insert, str(ours))
    sound = await owner.verified(receipt_keys=(ours,))
    await owner.execute(insert, str(thiefs))
    rotated = await owner.rules(receipt_keys=(ours,))
    await owner.execute("DELETE FROM ledger.receipt_key WHERE vkey = $1", str(ours))
    exchanged = await owner.findings(receipt_keys=(ours,))
    strange = VerifierKey(key_name(uuid4()), THIEF.public_key)
    for text, place in ((f"{thiefs}x", "key of receipts"), (strange, "of another ledger")):
        await owner.execute("UPDATE ledger.receipt_key SET vkey = $1", str(text))
        [found] = await owner.findings()
        assert found.rule is Rule.VERIFIER_KEY_WRONG
        assert place in str(found.place)

    assert (sound.found.findings, sound.receipt_keys, rotated) == ([], (ours,), set())
    assert [one.place for one in exchanged] == ["key of receipts that was kept"]


async def test_a_verifier_key_that_was_exchanged_beside_what_it_signed(owner: Owner) -> None:
    """The tree is as it was; what is shown to strangers is not."""
    thiefs = str(VerifierKey(ORIGIN, THIEF.public_key))
    await owner.execute("UPDATE ledger.log_key SET vkey = $1", thiefs)

    pinned = await owner.findings(policy=TrustPolicy(((KEY, None),)))

    assert [(one.rule, one.place) for one in pinned] == [
        (Rule.VERIFIER_KEY_WRONG, "verifier key that was not brought along")
    ]


async def test_what_came_since_is_checked_on_what_was_kept(owner: Owner, written: Written) -> None:
    leaves = [
        leaf_hash(row["entry"])
        for row in await owner.connection.fetch("SELECT entry FROM ledger.events ORDER BY position")
    ]
    since, _ = Edge().extended(leaves[:300])
    done = await check_log(owner.connection, owner.trust, since=since)
    other, _ = Edge().extended([*leaves[:299], leaves[0]])
    forked = await check_log(owner.connection, owner.trust, since=other)
    longer, _ = Edge().extended([*leaves, leaves[0]])
    shortened = await check_log(owner.connection, owner.trust, since=longer)

    assert done.found.findings == []
    assert (done.tree.size, done.found.streams) == (written.size, 30 + 1 + 8)
    assert Rule.ROOT_WRONG in {one.rule for one in forked.found.findings}
    assert [one.rule for one in shortened.found.findings] == [Rule.LOG_SHORTENED]


async def test_since_sees_what_was_changed_of_those_to_whom_something_happened(
    owner: Owner, written: Written
) -> None:
    leaves = [
        leaf_hash(row["entry"])
        for row in await owner.connection.fetch("SELECT entry FROM ledger.events ORDER BY position")
    ]
    since, _ = Edge().extended(leaves[:300])
    stream = await owner.connection.fetchval(
        "SELECT stream_id FROM ledger.events WHERE position = $1", written.size - 1
    )
    await owner.execute("DELETE FROM ledger.sealed WHERE stream_id = $1", stream)
    done = await check_log(owner.connection, owner.trust, since=since)

    assert [(one.rule, one.stream_id) for one in done.found.findings] == [
        (Rule.BLOB_MISSING, stream)
    ]


async def test_cosignatures_are_checked_and_a_quorum_is_asked_for(
    owner: Owner, written: Written
) -> None:
    witness = Witness("w", WitnessKey("witness.example", THIEF.public_key))
    policy = TrustPolicy(((KEY, None),), (witness,), (), "w")
    missed = await owner.findings(policy=policy)
    size = written.notes[2].text.split("\n")[1]
    line = str(witness.key.cosign(written.notes[2].text, 1_800_000_000, THIEF.sign))
    await owner.execute(
        "INSERT INTO ledger.log_cosignature VALUES (0, $1, $2, $3, to_timestamp(1800000000))",
        int(size),
        str(witness.key),
        line,
    )
    met = await owner.verified(policy=policy)
    random = Random(FLIPS)
    for _ in range(FLIPS):
        at = random.randrange(len(line))
        other = "A" if line[at] != "A" else "B"
        async with taken_back(owner):
            await owner.execute(
                "UPDATE ledger.log_cosignature SET line = $1", line[:at] + other + line[at + 1 :]
            )
            found = {(one.rule, one.place) for one in await owner.findings(policy=policy)}
        assert (Rule.COSIGNATURE_WRONG, f"checkpoint {size}") in found, at

    assert [(one.rule, one.place) for one in missed] == [
        (Rule.QUORUM_MISSED, f"checkpoint {written.size}")
    ]
    assert (met.found.findings, met.tree.witnessed) == ([], int(size))


async def test_no_line_but_the_logs_own_stands_under_a_stored_note(
    owner: Owner, written: Written
) -> None:
    note = written.notes[-1]
    line = WitnessKey("witness.example", THIEF.public_key).cosign(note.text, 1, THIEF.sign)
    await owner.execute(
        "UPDATE ledger.log_checkpoint SET note = $1 WHERE size = $2",
        bytes(Note(note.text, (*note.signatures, line))),
        written.size,
    )

    assert await owner.rules() == {Rule.COSIGNATURE_WRONG}
