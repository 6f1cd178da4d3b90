"""The drill: a backup is made, a person erased, the epoch turned and ended, the backup restored.

Whoever was erased can be read with no key there is, whoever lives with the newest ones; and the
restored database is not served, because it was taken back (E3; L9, L34, C61).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.main import open_service
from app.rights.last_copies import LastCopies
from app.settings import Settings
from app.store.connection import open_pool
from app.store.event_store import EventStore
from app.store.identity import read_identity
from app.store.log_standing import LogTakenBack
from app.tlog.answer_claims import check_certificate
from app.tlog.answer_proofs import AnswerUnproved, answer_proof
from app.tlog.receipt_text import receipt_keys_in
from app.tlog.trust_policies import trust_policy
from app.vault.custody import FileCustody
from app.vault.key_vault import EpochUnavailable, KeyVault
from app.vault.sealing import KeyUnavailable, Sealed
from tests.cli.test_log_rollback import signed
from tests.conftest import Database, in_thread
from tests.conftest import _copy as copied
from tests.rights.people import CONTACT, get, post, register
from tests.rights.turning import turning
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
        yield Drill(home, module_database, backup, erased, living, *found)


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


@pytest.mark.clause("L34", "C61")
async def test_with_the_newest_keyring_the_living_are_read_and_the_erased_are_not(
    drill: Drill,
) -> None:
    """What was wrapped anew is what it was: the old events and their newest keys fit together."""
    newest = await asyncpg.connect(drill.database.dsn("postgres"))
    rings = await newest.fetch("SELECT * FROM ledger.keyring")
    epochs = await newest.fetch("SELECT * FROM ledger.key_epoch")
    await newest.close()
    with restored(drill) as database:
        admin = await asyncpg.connect(database.dsn("postgres"))
        await admin.execute("SET session_replication_role = replica")
        for table, rows in (("keyring", rings), ("key_epoch", epochs)):
            await admin.execute(f"ALTER TABLE ledger.{table} DISABLE TRIGGER ALL")
            await admin.execute(f"DELETE FROM ledger.{table}")  # names of this test
            await admin.copy_records_to_table(
                table, schema_name="ledger", records=[tuple(row) for row in rows]
            )
        await admin.close()
        pool = await open_pool(database.dsn("ledger_app"), size_max=1)
        identity = await read_identity(pool)
        store = EventStore(pool, KeyVault(identity.ledger_id, FileCustody(drill.home / "keys")))
        await store.refresh_epochs()
        assert LIVING["contact.name"] in await _names(store, drill.living)
        assert await _names(store, drill.erased) == set()
        await pool.close()


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
