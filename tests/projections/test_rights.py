"""The projector holds no key and can reach none; nobody else writes what it writes (DESIGN 2.4)."""

import asyncpg
import pytest

from app.projections.pages import Connection
from tests.conftest import Database
from tests.projections.catching_up import KNOWN, catch_up_all

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
OWN = {
    "projections.profiles_v1": 0,
    "projections.profiles_subjects_v1": 0,
    "projections.sharing_register_v1": 0,
    "projections.consents_v3": 0,
    "projections.restrictions_v1": 0,
    "ledger.positions": len(KNOWN),
    "ledger.parked_subjects": 0,
    "ledger.rebuild_ranges": 0,
}
HISTORY = (
    "INSERT INTO ledger.events SELECT * FROM ledger.events",
    "UPDATE ledger.events SET type = 'x'",
    "DELETE FROM ledger.events",
    "TRUNCATE ledger.events",
    "DO 'BEGIN LOCK TABLE ledger.append_lock_0 IN EXCLUSIVE MODE; END'",
    "SET ROLE ledger_owner",
    "SELECT ledger.ledger_idempotency_purge()",
    "CREATE TABLE ledger.mine (n int)",
    "DROP TABLE ledger.positions",
    "DROP SCHEMA projections CASCADE",
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
    database: Database, projector: Connection, role: str, table: str
) -> None:
    await catch_up_all(projector)
    connection = await asyncpg.connect(database.dsn(role))
    behind = f"{table}_b1" if table.startswith("projections") else table
    for refused in (f"DELETE FROM {table}", f"DELETE FROM {behind}", f"TRUNCATE {behind}"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(refused)
    await connection.close()


@pytest.mark.parametrize("table", OWN)
async def test_the_serving_role_reads_projections(
    database: Database, projector: Connection, table: str
) -> None:
    await catch_up_all(projector)
    connection = await asyncpg.connect(database.dsn("ledger_app"))
    rows = await connection.fetch(f"SELECT * FROM {table}")
    await connection.close()

    assert len(rows) == OWN[table]
