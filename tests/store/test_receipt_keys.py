"""The key of receipts: made once, known for good, and missed where it is not."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from app.identifiers import LedgerId
from app.store.identity import read_identity
from app.store.receipt_keys import ReceiptKeyMissing, open_receipt_key, receipt_key, receipt_keys
from app.tlog.receipts import key_name
from app.vault.custody import RECEIPT_KEY_FILE, KeyFileUnsafe
from tests.conftest import Database
from tests.store.conftest import Connect
from tests.store.doors import Connection


@pytest.fixture
async def deploying(database: Database) -> AsyncIterator[Connection]:
    """The login that may open keys, on a database where none is open."""
    connection: Connection = await asyncpg.connect(database.dsn("ledger_migrator"))
    await connection.execute("SET ROLE ledger_owner")
    yield connection
    await connection.close()


@pytest.fixture
async def app(database: Database) -> AsyncIterator[Connection]:
    """The serving role."""
    connection: Connection = await asyncpg.connect(database.dsn("ledger_app"))
    yield connection
    await connection.close()


async def test_a_key_is_made_once_and_found_by_every_process(
    deploying: Connection, app: Connection, tmp_path: Path
) -> None:
    ledger: LedgerId = (await read_identity(app)).ledger_id

    made = [await open_receipt_key(deploying, tmp_path) for _ in range(2)]
    key = await receipt_key(app, tmp_path)

    assert made == [True, False]
    assert await receipt_keys(app) == (key.verifier_key,)
    assert key.verifier_key.name == key_name(ledger)
    assert (tmp_path / RECEIPT_KEY_FILE).stat().st_mode & 0o777 == 0o600


async def test_a_service_makes_no_key_that_nobody_knows(
    deploying: Connection, app: Connection, tmp_path: Path
) -> None:
    with pytest.raises(ReceiptKeyMissing, match="pdledger migrate"):
        await receipt_key(app, tmp_path)
    assert not (tmp_path / RECEIPT_KEY_FILE).exists()

    await open_receipt_key(deploying, tmp_path)
    (tmp_path / RECEIPT_KEY_FILE).unlink()

    with pytest.raises(ReceiptKeyMissing, match="put it back"):
        await receipt_key(app, tmp_path)
    assert not (tmp_path / RECEIPT_KEY_FILE).exists()


async def test_a_key_that_others_can_read_or_that_is_another_or_none_is_refused(
    deploying: Connection, app: Connection, tmp_path: Path
) -> None:
    await open_receipt_key(deploying, tmp_path)
    file = tmp_path / RECEIPT_KEY_FILE

    file.chmod(0o640)
    with pytest.raises(KeyFileUnsafe, match=RECEIPT_KEY_FILE):
        await receipt_key(app, tmp_path)
    file.chmod(0o600)
    file.write_bytes(b"\x01" * 32)
    with pytest.raises(ReceiptKeyMissing, match="not the key in force"):
        await receipt_key(app, tmp_path)
    file.write_bytes(b"\x01" * 31)
    with pytest.raises(ReceiptKeyMissing, match="31 bytes"):
        await receipt_key(app, tmp_path)


async def test_a_lost_key_is_followed_by_another_and_stays_known(
    deploying: Connection, app: Connection, tmp_path: Path
) -> None:
    """What the lost one signed can be checked for good."""
    await open_receipt_key(deploying, tmp_path)
    lost = await receipt_key(app, tmp_path)
    there = await open_receipt_key(deploying, tmp_path, anew=True)
    (tmp_path / RECEIPT_KEY_FILE).unlink()

    opened = await open_receipt_key(deploying, tmp_path, anew=True)
    key = await receipt_key(app, tmp_path)

    assert (there, opened) == (False, True)
    assert await receipt_keys(app) == (key.verifier_key, lost.verifier_key)


@pytest.mark.parametrize("role", ["ledger_app", "ledger_eraser", "ledger_auditor"])
async def test_no_serving_role_puts_a_key_in_force(connect: Connect, role: str) -> None:
    connection: Any = await connect(role)

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.fetchval("SELECT ledger.ledger_receipt_key_open(0, 'x')")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute("INSERT INTO ledger.receipt_key (partition, vkey) VALUES (0, '')")
