"""The drill: a backup is made, a person erased, the epoch turned and ended, the backup restored.

Whoever was erased can be read with no key there is, whoever lives with the newest ones; and the
restored database is not served, because it was taken back (E3; L9, L34, C61).
"""

import json
import shutil
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.cli.answers import CommandFailed, ExitCode
from app.cli.key_epochs import Deploying, destroy, export, restore, rotate
from app.main import open_service
from app.rights.keyring_restoring import KeyringRestoring
from app.rights.last_copies import LastCopies
from app.settings import Settings
from app.store.connection import open_pool
from app.store.epoch_check import check_epochs
from app.store.event_store import EventStore
from app.store.identity import read_identity
from app.store.integrity import verify
from app.store.log_standing import LogTakenBack
from app.store.lookups import Lookups
from app.tlog.answer_claims import check_certificate
from app.tlog.answer_proofs import AnswerUnproved, answer_proof
from app.tlog.receipt_text import receipt_keys_in
from app.tlog.trust_policies import trust_policy
from app.vault.custody import FileCustody
from app.vault.key_vault import EpochUnavailable, KeyVault
from app.vault.sealing import KeyUnavailable, Sealed
from tests.cli.conftest import Ended, on_server, run
from tests.cli.test_log_rollback import signed
from tests.conftest import Database, in_thread
from tests.conftest import _copy as copied
from tests.rights.people import CONTACT, get, post, register
from tests.rights.turning import Killed, turning
from tests.serving import Api, logins, serving

LIVING = CONTACT | {
    "contact.name": "Åke Öberg",
    "contact.email": "ake@stad.example",
    "contact.phone": "+32470000002",
}


@dataclass(slots=True)
class Drill:
    """What happened to a ledger, and its backup from before."""

    home: Path
    database: Database
    backup: Database
    keyring: Path
    erased: UUID
    living: UUID
    certificate: dict[str, Any]
    page: str
    policy: str


@pytest.fixture(scope="module")
def drill(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drill]:
    home = tmp_path_factory.mktemp("drill")
    people = in_thread(_begin(module_database, home))
    with copied(module_database.cluster, module_database.name) as backup:
        found = in_thread(_end(module_database, home, people[0]))
        erased, living = (UUID(one.rpartition("/")[2]) for one in people)
        keyring = home / "keyring"
        drill = Drill(home, module_database, backup, keyring, erased, living, *found)
        done = command(drill, module_database, "export")
        assert done.exit_code == 0, done.out + done.error
        # The ledger goes on after it: its keyring is older than that from then on.
        in_thread(_goes_on(module_database, home))
        yield drill


async def _begin(database: Database, home: Path) -> list[str]:
    async with (
        serving(database, home) as service,
        await Api(service, Settings(home=home)).client() as client,
    ):
        people = [await register(client), await register(client, contact=LIVING)]
    await signed(database, home)
    return people


async def _end(database: Database, home: Path, person: str) -> tuple[dict[str, Any], str, str]:
    """Erase, rotate, destroy; the certificate with its proof, and as a page."""
    async with (
        serving(database, home) as service,
        await Api(service, Settings(home=home)).client() as client,
    ):
        done = await post(client, f"{person}/erasure", {"source": "secretariat"})
        path = f"{person}/erasure/{done['erasure']['erasure']}"
        async with turning(service, database, home) as epochs:
            await epochs.rotate()
            await epochs.destroy(1)
        assert await LastCopies(service.ledger, service.pool).run() == 1
        await post(client, f"{path}/closing")
        await signed(database, home)
        page = await client.get(f"{path}/certificate", params={"format": "html"})
        policy = (await client.get("/log/policy")).text
        return await get(client, f"{path}/certificate"), page.text, policy


async def _goes_on(database: Database, home: Path) -> None:
    async with (
        serving(database, home) as service,
        await Api(service, Settings(home=home)).client() as client,
    ):
        await register(client, contact=LIVING | {"contact.email": "later@stad.example"})


@contextmanager
def restored(drill: Drill) -> Iterator[Database]:
    """The backup, put back."""
    with copied(drill.backup.cluster, drill.backup.name) as made:
        yield made


@pytest.mark.clause("L9")
async def test_a_restored_backup_is_not_served(drill: Drill) -> None:
    with restored(drill) as database, pytest.raises(LogTakenBack):
        async with open_service(Settings(home=drill.home), logins(database)):
            pass


@pytest.mark.clause("L34", "C61")
async def test_nothing_in_the_backup_opens_with_the_keys_there_are(drill: Drill) -> None:
    """Every file of the key folder is tried on every wrapped key that the backup holds."""
    keys = [file.read_bytes() for file in (drill.home / "keys").iterdir()]
    whole = [AESGCM(key) for key in keys if len(key) == 32]
    assert len(whole) > 3
    with restored(drill) as database:
        pool = await open_pool(database.dsn("ledger_app"), size_max=1)
        identity = await read_identity(pool)
        vault = KeyVault(identity.ledger_id, FileCustody(drill.home / "keys"))
        with pytest.raises(EpochUnavailable):
            await EventStore(pool, vault).refresh_epochs()
        [epoch] = await pool.fetch("SELECT epoch, wrapped FROM ledger.key_epoch")
        context = vault._epoch_context(1)
        for cipher in whole:
            with pytest.raises(InvalidTag):
                cipher.decrypt(epoch["wrapped"][1:13], epoch["wrapped"][13:], context)
        held = await pool.fetch("SELECT key_id, class, epoch, wrapped FROM ledger.keyring")
        await pool.close()
        # The keys of today's epochs open none of them either: they were wrapped under the first.
        now = await open_pool(drill.database.dsn("ledger_app"), size_max=1)
        await EventStore(now, vault).refresh_epochs()
        await now.close()
        assert len(held) >= 2
        assert {row["epoch"] for row in held} == {1}
        assert [vault.data_key(*row) for row in held] == [None] * len(held)


@pytest.mark.clause("L9", "L34", "C61")
def test_with_the_newest_keyring_the_living_are_read_and_the_erased_are_forgotten(
    drill: Drill, tmp_path: Path
) -> None:
    """What was wrapped anew is what it was, and every hole is explained by the log."""
    with restored(drill) as database:
        done = command(drill, database, "restore")
        assert done.exit_code == 0, done.out + done.error
        told = done.document["restored"]
        assert (told["epoch"], told["brought"], told["ended"], told["left"]) == (2, True, [1], [])
        assert told["keys"] >= 1
        assert told["forgotten"] >= 1
        assert told["tokens"] == 2, "address and number of who lives"
        in_thread(_is_as_it_must_be(drill, database))

        again = command(drill, database, "restore").document["restored"]
        assert again["brought"] is False
        assert [again[one] for one in ("keys", "forgotten", "tokens", "ended")] == [0, 0, 0, []]
        in_thread(_is_as_it_must_be(drill, database))

        home = tmp_path / "home"
        shutil.copytree(drill.home / "keys", home / "keys")
        _goes_on_under_another_name(database, home)
        in_thread(_is_served(drill, database, home))


def _goes_on_under_another_name(database: Database, home: Path) -> None:
    """`pdledger log recover`: the entries that were lost are given up."""
    integrator = {"LEDGER_INTEGRATOR_URL": database.dsn("ledger_integrator")}
    given = ("--new-origin", "ledger.example/log-2", "--give-up", "ledger.example/log")
    done = run("log", "recover", *given, "--json", **on_server(database, home), **integrator)
    assert done.exit_code == 0, done.out + done.error


async def _is_served(drill: Drill, database: Database, home: Path) -> None:
    """Under the new name of the log, who lives is read as ever and who was erased comes anew."""
    async with (
        serving(database, home) as service,
        await Api(service, Settings(home=home)).client() as client,
    ):
        path = f"/v1/subjects/{drill.living}"
        told = await client.get(path, headers={"Purpose": "event_logistics"})
        assert LIVING["contact.name"] in told.text
        assert await register(client) != f"/v1/subjects/{drill.erased}"


async def _is_as_it_must_be(
    drill: Drill,
    database: Database,
    home: Path | None = None,
    epochs: Sequence[tuple[int, str]] = ((1, "destroyed"), (2, "active")),
) -> None:
    """Who lives is found and read, who was erased is gone with every byte; the log explains it."""
    pool = await open_pool(database.dsn("ledger_app"), size_max=1)
    identity = await read_identity(pool)
    vault = KeyVault(identity.ledger_id, FileCustody((home or drill.home) / "keys"))
    store = EventStore(pool, vault)
    await store.refresh_epochs()
    assert LIVING["contact.name"] in await _names(store, drill.living)
    lookups = Lookups(pool, vault)
    assert await lookups.subject_of("email", LIVING["contact.email"]) == drill.living
    assert await lookups.subject_of("email", CONTACT["contact.email"]) is None
    erased = await store.read_stream(drill.erased, with_blobs=True)
    assert erased.blobs == {}
    assert {row.state for row in erased.keys.values()} == {"erased"}
    fences = await pool.fetch(
        "SELECT class FROM ledger.erasure_fence WHERE subject_id = $1", drill.erased
    )
    assert "identifiers" in {row["class"] for row in fences}
    rows = await pool.fetch("SELECT epoch, state, wrapped FROM ledger.key_epoch ORDER BY 1")
    assert [(row["epoch"], row["state"]) for row in rows] == [*epochs]
    await pool.close()
    async with in_one(database) as auditor:
        verification = await verify(auditor)
        await check_epochs(auditor, verification)
    assert verification.findings == []


@pytest.mark.clause("L34", "C61")
async def test_a_backup_from_several_epochs_ago_takes_the_newest_keyring(
    drill: Drill, tmp_path: Path
) -> None:
    """The last of them was opened when the one before still drained, and goes on with that."""
    home, keyring = tmp_path / "home", tmp_path / "keyring"
    shutil.copytree(drill.home / "keys", home / "keys")
    with copied(drill.database.cluster, drill.database.name) as later, restored(drill) as backup:
        newest = await _turn_twice(later, home)
        assert newest > 3
        await export(deployment(drill, later, home), keyring)
        how = deployment(drill, backup, home)
        told = await restore(how, keyring)
        assert (told["epoch"], told["brought"]) == (newest, True)
        assert (told["ended"], told["left"], told["tokens"]) == ((1,), (), 2)
        assert told["forgotten"] >= 1
        again = await restore(how, keyring)
        assert (again["brought"], again["keys"], again["forgotten"]) == (False, 0, 0)
        gone = [(epoch, "destroyed") for epoch in range(1, newest - 1)]
        stand = [*gone, (newest - 1, "draining"), (newest, "active")]
        await _is_as_it_must_be(drill, backup, home, stand)
        # What was leaving ends by the same commands as ever, once the log goes on.
        _goes_on_under_another_name(backup, home)
        assert (await rotate(how, lambda _done, _all: None))["left"] == {}
        await destroy(how, newest - 1, None)
        stand[-2] = (newest - 1, "destroyed")
        await _is_as_it_must_be(drill, backup, home, stand)


async def _turn_twice(database: Database, home: Path) -> int:
    """One epoch more begins and ends, and another one begins; which is the active one then."""
    async with serving(database, home) as service, turning(service, database, home) as epochs:
        first = await epochs.rotate()
        await epochs.destroy(first.leaving)
        return (await epochs.rotate()).epoch


@pytest.mark.clause("L34")
async def test_a_keyring_that_is_changed_older_or_of_another_ledger_is_refused(
    drill: Drill, tmp_path: Path
) -> None:
    whole = drill.keyring.read_bytes()
    assert drill.keyring.stat().st_mode & 0o777 == 0o600
    assert CONTACT["contact.name"].encode() not in whole
    assert str(drill.erased).encode() not in whole
    head, first, *rest = whole.splitlines(keepends=True)
    other = head.replace(json.loads(head)["ledger"].encode(), str(uuid4()).encode())
    with restored(drill) as backup:
        for code, content in (
            ("keyring-changed", whole[:-20]),
            ("keyring-changed", b"".join([head, *rest])),
            ("keyring-changed", b"".join([head, first, first, *rest])),
            ("keyring-changed", whole + b"\n"),
            ("keyring-changed", whole.replace(b'"log_size":', b'"log_size":9')),
            ("keyring-changed", b"{}\n"),
            ("keyring-changed", b""),
            ("keyring-foreign", b"".join([other, first, *rest])),
        ):
            assert await refusal(drill, backup, tmp_path, content) == code
        async with in_one(backup) as connection:
            rows = await connection.fetch("SELECT epoch FROM ledger.key_epoch")
        assert [row["epoch"] for row in rows] == [1], "nothing was changed"
    # A ledger that knows more than the file needs nothing from it.
    assert await refusal(drill, drill.database, tmp_path, whole) == "keyring-older"


async def refusal(drill: Drill, database: Database, folder: Path, content: bytes) -> str:
    """Why a file of that content is not put over a database."""
    file = folder / "keyring"
    file.write_bytes(content)
    with pytest.raises(CommandFailed) as refused:
        await restore(deployment(drill, database), file)
    assert refused.value.exit_code == ExitCode.REFUSED
    return refused.value.code


@asynccontextmanager
async def in_one(database: Database) -> "AsyncIterator[asyncpg.Connection[Any]]":
    """A connection of an auditor."""
    connection = await asyncpg.connect(database.dsn("ledger_auditor"))
    try:
        yield connection
    finally:
        await connection.close()


def deployment(drill: Drill, database: Database, home: Path | None = None) -> Deploying:
    """The logins of who deploys."""
    settings = Settings(home=home or drill.home)
    return Deploying(settings, logins(database), database.dsn("ledger_migrator"))


@pytest.mark.clause("L34")
def test_without_the_root_of_the_keyring_the_command_says_what_to_do(
    drill: Drill, tmp_path: Path
) -> None:
    shutil.copytree(drill.home / "keys", tmp_path / "keys")
    (tmp_path / "keys" / "epoch-0002.root").unlink()
    with restored(drill) as database:
        variables = deploying(database, tmp_path)
        done = run("keys", "restore", str(drill.keyring), "--json", **variables)
        assert (done.exit_code, done.document["failed"]["code"]) == (4, "root-missing")


@pytest.mark.parametrize("step", ["_bring", "_forget_of", "_end"])
async def test_a_restoring_that_is_stopped_anywhere_is_gone_on_with(
    drill: Drill, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped after each part, by what the program does not see coming."""
    whole = getattr(KeyringRestoring, step)

    async def stopped(*arguments: Any) -> None:
        await whole(*arguments)
        raise Killed(step)

    with restored(drill) as database:
        how = deployment(drill, database)
        with monkeypatch.context() as patched:
            patched.setattr(KeyringRestoring, step, stopped)
            with pytest.raises(Killed):
                await restore(how, drill.keyring)
        told = await restore(how, drill.keyring)
        assert told["brought"] is False
        assert told["left"] == ()
        await _is_as_it_must_be(drill, database)


def deploying(database: Database, home: Path) -> dict[str, str]:
    """The settings of who deploys."""
    return on_server(database, home) | {"LEDGER_MIGRATION_URL": database.dsn("ledger_migrator")}


def command(drill: Drill, database: Database, name: str, file: Path | None = None) -> Ended:
    """`pdledger keys export` or `restore`, in a process of its own."""
    variables = deploying(database, drill.home)
    return run("keys", name, str(file or drill.keyring), "--json", **variables)


async def _names(store: EventStore, person: UUID) -> set[str]:
    """Every name in every section of somebody that opens."""
    stream = await store.read_stream(person, with_blobs=True)
    assert stream.blobs, "the backup has the ciphertext of both"
    found = set()
    for recorded in stream.events:
        for one in recorded.seals:
            opened = store.open_section(stream, recorded.version, one.retention_class)
            assert not isinstance(opened, KeyUnavailable)
            if isinstance(opened, Sealed) and "contact.name" in opened.personal:
                found.add(opened.personal["contact.name"])
    return found


def _verified(drill: Drill, certificate: dict[str, Any]) -> None:
    proof = answer_proof(certificate["proof"])
    proof.verify(trust_policy(drill.policy), receipt_keys_in(drill.policy))
    check_certificate(certificate, proof.entries)


@pytest.mark.clause("L9", "C66")
async def test_the_certificate_says_since_when_and_proves_it(drill: Drill) -> None:
    certificate = drill.certificate
    levels = {one["retention_class"]: one["levels"]["e3"] for one in certificate["destroyed"]}
    execution = levels.pop("erasure-execution")
    assert levels
    assert all(levels.values())
    assert execution is None, "it went after the second epoch had begun"
    assert [(one["epoch"], one["custody"]) for one in certificate["key_epochs"]] == [(1, "file")]
    _verified(drill, certificate)

    [destroyed] = certificate["key_epochs"]
    first = certificate["proof"]["entries"]
    without_epochs = [one for one in first if '"t":"epoch.' not in one["entry"]]
    assert len(first) - len(without_epochs) == 2
    for changed in (
        certificate | {"key_epochs": []},
        certificate | {"key_epochs": [destroyed | {"root": "found_gone"}]},
        certificate | {"key_epochs": [destroyed | {"destroyed_at": "2020-01-01T00:00:00Z"}]},
        certificate
        | {"key_epochs": [], "proof": certificate["proof"] | {"entries": without_epochs}},
    ):
        with pytest.raises(AnswerUnproved):
            _verified(drill, changed)


async def test_the_page_says_it_once_all_of_it_is_in_no_backup(drill: Drill) -> None:
    """Not while what the closing destroyed may be in one."""
    assert "any backup" not in drill.page
    async with (
        serving(drill.database, drill.home) as service,
        await Api(service, Settings(home=drill.home)).client() as client,
    ):
        async with turning(service, drill.database, drill.home) as epochs:
            await epochs.rotate()
            await epochs.destroy(2)
        assert await LastCopies(service.ledger, service.pool).run() == 1
        path = f"/v1/subjects/{drill.erased}/erasure/{drill.certificate['erasure']}/certificate"
        page = await client.get(path, params={"format": "html"})
        assert "cannot be read in any backup" in page.text
        await signed(drill.database, drill.home)
        certificate = await get(client, path)
    assert [one["epoch"] for one in certificate["key_epochs"]] == [1, 2]
    _verified(drill, certificate)
