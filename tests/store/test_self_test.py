"""The start-up self-test passes for the runtime roles and fails when it should."""

from collections.abc import AsyncIterator
from uuid import uuid4

import asyncpg
import pytest

from app.store.migrate import head
from app.store.self_test import (
    SelfTestFailed,
    check_durability,
    check_version,
    examine,
    prove_powerless,
)
from app.store.tables import SCHEMA_HEAD
from tests.conftest import Database
from tests.store.doors import Connection

RUNTIME = (
    "ledger_app",
    "ledger_eraser",
    "ledger_projector",
    "ledger_integrator",
    "ledger_auditor",
)
SOUND = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}


@pytest.fixture
async def superuser(database: Database) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(database.dsn("postgres"))
    yield connection
    await connection.close()


async def examined(database: Database, role: str = "ledger_app") -> None:
    connection = await asyncpg.connect(database.dsn(role))
    try:
        await examine(connection)
    finally:
        await connection.close()


@pytest.mark.parametrize("role", RUNTIME)
async def test_every_runtime_role_passes(module_database: Database, role: str) -> None:
    connection = await asyncpg.connect(module_database.dsn(role))

    await examine(connection)

    assert await connection.fetchval("SHOW lock_timeout") == "0", "it is left as it was"
    await connection.close()


async def test_a_pool_is_examined_on_one_of_its_connections(module_database: Database) -> None:
    async with asyncpg.create_pool(module_database.dsn(), min_size=1, max_size=1) as pool:
        await prove_powerless(pool)

        assert pool.get_idle_size() == 1


@pytest.mark.parametrize(
    ("role", "why"),
    [("postgres", "rolsuper"), ("ledger_migrator", "logged in as another role")],
)
async def test_a_stronger_login_fails(module_database: Database, role: str, why: str) -> None:
    with pytest.raises(SelfTestFailed, match=why):
        await examined(module_database, role)


async def let_triggers_pass(superuser: Connection) -> None:
    """Leaves the rights alone in the way."""
    await superuser.execute(
        "CREATE OR REPLACE FUNCTION ledger.refuse_change() RETURNS trigger"
        " LANGUAGE plpgsql AS $$BEGIN RETURN NULL; END$$"
    )


WEAKENED = {
    "GRANT UPDATE ON ledger.events TO ledger_app": "updates events",
    "GRANT DELETE ON ledger.sealed TO ledger_app": "deletes from sealed",
    "GRANT TRUNCATE ON ledger.policies TO ledger_app": "truncates policies",
    "GRANT INSERT ON ledger.events TO ledger_app": "inserts into events",
    "GRANT ALL ON ledger.append_lock_0 TO ledger_app": "append_lock_0",
    "GRANT UPDATE ON ledger.keyring TO PUBLIC": "updates keyring",
    "ALTER TABLE ledger.clients OWNER TO ledger_app": "owns clients",
    "GRANT EXECUTE ON FUNCTION ledger.ledger_erase TO ledger_app": "may call ledger_erase",
    "GRANT EXECUTE ON FUNCTION ledger.ledger_erase_under TO ledger_app": "ledger_erase_under",
    "GRANT EXECUTE ON FUNCTION ledger.erase_destroy TO PUBLIC": "may call erase_destroy",
    "GRANT EXECUTE ON FUNCTION ledger.ledger_epoch_open TO ledger_app": "ledger_epoch_open",
    "GRANT EXECUTE ON FUNCTION ledger.ledger_receipt_key_open TO ledger_app": "receipt_key_open",
    "GRANT EXECUTE ON FUNCTION ledger.ledger_integrate TO ledger_app": "may call ledger_integrate",
    "GRANT UPDATE ON ledger.log_edge TO ledger_app": "updates log_edge",
    "GRANT CREATE ON SCHEMA ledger TO ledger_app": "creates in the schema",
    "ALTER TABLE ledger.events DISABLE TRIGGER no_change": "events.no_change",
    "ALTER TABLE ledger.sealed ENABLE TRIGGER no_write": "sealed.no_write",
    "DROP TRIGGER no_insert ON ledger.events": "events.no_insert",
    "UPDATE ledger.alembic_version SET version_num = '0000'": "schema is at 0000",
    "DROP TABLE ledger.alembic_version": "schema is missing",
}


@pytest.mark.parametrize("statement", WEAKENED)
async def test_a_weakened_database_fails(
    database: Database, superuser: Connection, statement: str
) -> None:
    """Rights on tables that a trigger guards are refused twice: the test takes the trigger away."""
    if statement.startswith("GRANT"):
        await let_triggers_pass(superuser)
    await superuser.execute(statement)

    with pytest.raises(SelfTestFailed, match=WEAKENED[statement]):
        await examined(database)


@pytest.mark.parametrize(
    ("right", "why"),
    [
        ("SET ON PARAMETER session_replication_role", "silences triggers"),
        ("ALTER SYSTEM ON PARAMETER fsync", "may change fsync"),
        ("ledger_projector", "becomes role ledger_projector"),
        ("pg_write_all_data", "updates events"),
    ],
)
async def test_a_right_of_the_whole_server_fails(
    database: Database, superuser: Connection, right: str, why: str
) -> None:
    """Given to a role of its own: other tests share the server and its roles."""
    role = f"tempted_{uuid4().hex}"
    await superuser.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'tempted' NOINHERIT")
    await superuser.execute(f"GRANT CONNECT ON DATABASE {database.name} TO {role}")
    await superuser.execute(f"GRANT USAGE ON SCHEMA ledger TO {role}")
    await superuser.execute(f"GRANT SELECT ON ledger.alembic_version TO {role}")
    await superuser.execute(f"GRANT {right} TO {role}")
    if right.startswith("pg_"):
        await superuser.execute(f"ALTER ROLE {role} INHERIT")
        await superuser.execute(f"REVOKE {right} FROM {role}; GRANT {right} TO {role}")
        await let_triggers_pass(superuser)
    connection = await asyncpg.connect(database.dsn(), user=role, password="tempted")

    with pytest.raises(SelfTestFailed, match=why):
        await examine(connection)
    await connection.close()
    await superuser.execute(f"REVOKE {right} FROM {role}")


async def test_asynchronous_commits_fail(database: Database, superuser: Connection) -> None:
    await superuser.execute(
        f"ALTER ROLE ledger_app IN DATABASE {database.name} SET synchronous_commit = off"
    )

    with pytest.raises(SelfTestFailed, match="synchronous_commit is off"):
        await examined(database)


@pytest.mark.parametrize("name", SOUND)
def test_a_server_that_can_lose_what_it_acknowledged_fails(name: str) -> None:
    check_durability(SOUND)

    with pytest.raises(SelfTestFailed, match=f"{name} is off"):
        check_durability(SOUND | {name: "off"})


def test_an_old_server_fails() -> None:
    check_version(150_000)

    with pytest.raises(SelfTestFailed, match="PostgreSQL 15"):
        check_version(140_011)


def test_the_program_names_its_newest_revision() -> None:
    """`SCHEMA_HEAD` moves with every new file under alembic/versions."""
    assert head() == SCHEMA_HEAD
