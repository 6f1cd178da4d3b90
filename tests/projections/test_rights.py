"""The projector holds no key and can reach none; nobody else writes what it writes (DESIGN 2.4)."""

import asyncpg
import pytest

from app.projections.engine import Connection
from tests.conftest import Database

OUT_OF_REACH = (
    "sealed",
    "keyring",
    "key_epoch",
    "identifiers",
    "suppressions",
    "idempotency",
    "idempotency_key",
    "clients",
    "policies",
    "erasure_fence",
)
OWN = ("profiles_v1", "profiles_subjects_v1", "sharing_register_v1", "positions")
HISTORY = (
    "INSERT INTO ledger.events SELECT * FROM ledger.events",
    "UPDATE ledger.events SET type = 'x'",
    "DELETE FROM ledger.events",
    "TRUNCATE ledger.events",
    "DO 'BEGIN LOCK TABLE ledger.append_lock_0 IN EXCLUSIVE MODE; END'",
    "SET ROLE ledger_owner",
    "SELECT ledger.ledger_idempotency_purge()",
)


@pytest.mark.parametrize("table", OUT_OF_REACH)
async def test_the_projector_can_read_no_key_no_ciphertext_and_no_token(
    projector: Connection, table: str
) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await projector.fetch(f"SELECT * FROM ledger.{table}")


@pytest.mark.parametrize("statement", HISTORY)
async def test_the_projector_cannot_write_history(projector: Connection, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await projector.execute(statement)


@pytest.mark.parametrize("table", OWN)
@pytest.mark.parametrize("role", ["ledger_app", "ledger_eraser", "ledger_auditor"])
async def test_nobody_but_the_projector_writes_a_projection(
    database: Database, role: str, table: str
) -> None:
    connection = await asyncpg.connect(database.dsn(role))
    for refused in (f"DELETE FROM ledger.{table}", f"TRUNCATE ledger.{table}"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(refused)
    await connection.close()


@pytest.mark.parametrize("table", OWN)
async def test_the_serving_role_reads_projections(database: Database, table: str) -> None:
    connection = await asyncpg.connect(database.dsn("ledger_app"))
    rows = await connection.fetch(f"SELECT * FROM ledger.{table}")
    await connection.close()

    assert rows == []
