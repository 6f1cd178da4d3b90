"""History cannot be rewritten: every table, every verb, every way round, as each runtime role."""

from collections.abc import Awaitable, Callable
from itertools import product
from uuid import uuid4

import asyncpg
import pytest

from app.store.tables import INSERT_ONLY, METADATA, OWNER_WRITES
from tests.conftest import Database
from tests.store.chains import Chain
from tests.store.conftest import Connect
from tests.store.doors import Connection, append
from tests.store.verbs import REFUSED, RUNTIME, VERBS, attempt

FUNCTIONS = {
    "ledger_append": {"ledger_app", "ledger_eraser"},
    "ledger_append_one": {"ledger_app", "ledger_eraser"},
    "ledger_erase": {"ledger_eraser"},
    "ledger_erase_under": {"ledger_eraser"},
    "ledger_rewrite": {"ledger_eraser"},
    "ledger_rewrite_begin": {"ledger_eraser"},
    "ledger_rewrite_step": {"ledger_eraser"},
    "ledger_rewrite_swap": {"ledger_eraser"},
    "ledger_rewrite_abandon": {"ledger_eraser"},
    "ledger_client_add": {"ledger_app"},
    "ledger_client_revoke": {"ledger_app"},
    "ledger_policy_archive": {"ledger_app"},
    "ledger_policy_text": {"ledger_app"},
    "ledger_idempotency_key": {"ledger_app"},
    "ledger_idempotency_purge": {"ledger_app"},
    "ledger_idempotency_key_under": {"ledger_app"},
    "ledger_epoch_open": set[str](),
    "ledger_epoch_turn": set[str](),
    "ledger_epoch_rekey": set[str](),
    "ledger_epoch_holds": {"ledger_app"},
    "ledger_receipt_key_open": set[str](),
    "ledger_log_open": {"ledger_integrator"},
    "ledger_integrate": {"ledger_integrator"},
    "ledger_log_reopen": {"ledger_integrator"},
    "ledger_log_cosign": {"ledger_app"},
    "ledger_log_stamp": {"ledger_app"},
    "ledger_witness_advance": {"ledger_app"},
}
READS = {
    "events": set(RUNTIME),
    "ledger_identity": set(RUNTIME),
    "alembic_version": set(RUNTIME),
    "sealed": {"ledger_app", "ledger_eraser", "ledger_auditor"},
    "erasure_fence": {"ledger_app", "ledger_eraser", "ledger_auditor"},
    "policies": {"ledger_app", "ledger_eraser", "ledger_auditor"},
    "policy_texts": {"ledger_app", "ledger_eraser", "ledger_auditor"},
    "keyring": {"ledger_app", "ledger_eraser"},
    "key_epoch": {"ledger_app", "ledger_eraser"},
    "identifiers": {"ledger_app", "ledger_eraser"},
    "suppressions": {"ledger_app", "ledger_eraser"},
    "idempotency": {"ledger_app", "ledger_eraser"},
    "clients": {"ledger_app", "ledger_eraser"},
    "idempotency_key": set[str](),
    "rewrites": {"ledger_app", "ledger_eraser", "ledger_auditor"},
    "append_lock_0": set[str](),
    # The auditor folds the log again and compares: it has to know which build serves, and how far.
    "positions": set(RUNTIME) - {"ledger_integrator"},
    "log_key": set(RUNTIME) - {"ledger_projector"},
    "receipt_key": {"ledger_app", "ledger_eraser", "ledger_auditor"},
    "log_tile": set(RUNTIME) - {"ledger_projector"},
    "log_edge": set(RUNTIME) - {"ledger_projector"},
    "log_checkpoint": set(RUNTIME) - {"ledger_projector"},
    "log_cosignature": set(RUNTIME) - {"ledger_projector"},
    "log_timestamp": set(RUNTIME) - {"ledger_projector"},
    "log_witnessed": {"ledger_app", "ledger_auditor"},
}
GUARDED = (*INSERT_ONLY, *OWNER_WRITES, "alembic_version")
WAYS_ROUND = {
    "replica": "SET session_replication_role = replica",
    "owner": "SET ROLE ledger_owner",
    "migrator": "SET ROLE ledger_migrator",
    "superuser": "SET ROLE postgres",
    "session": "SET SESSION AUTHORIZATION ledger_owner",
    "membership": "GRANT ledger_owner TO CURRENT_USER",
    "elevation": "ALTER ROLE CURRENT_USER SUPERUSER",
    "function": "CREATE FUNCTION ledger.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "new function": (
        "CREATE OR REPLACE FUNCTION ledger.refuse_change() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN RETURN NEW; END'"
    ),
    "drop function": "DROP FUNCTION ledger.refuse_change()",
    "table": "CREATE TABLE ledger.mine (n int)",
    "table in public": "CREATE TABLE public.mine (n int)",
    "temporary table": "CREATE TEMPORARY TABLE mine (n int)",
    "schema": "CREATE SCHEMA mine",
    "drop schema": "DROP SCHEMA ledger CASCADE",
    "settings": "ALTER SYSTEM SET fsync = off",
    "database": "ALTER DATABASE {database} SET session_replication_role = replica",
    "other role": "ALTER ROLE ledger_owner LOGIN",
    "program": "COPY (SELECT 1) TO PROGRAM 'true'",
    "file": "COPY (SELECT 1) TO '/tmp/mine'",
    "page": "SELECT lo_import('/etc/hostname')",
    "reload": "SELECT pg_reload_conf()",
    "extension": "CREATE EXTENSION plpgsql",
    "function without settings": "ALTER FUNCTION ledger.ledger_append RESET ALL",
}


@pytest.fixture(autouse=True)
async def some_history(connect: Connect, app: Connection) -> None:
    """One event, so that no verb passes for want of rows."""
    if not await app.fetchval("SELECT true FROM ledger.events LIMIT 1"):
        await append(app, Chain().opening()[0])


async def all_rows(connect: Connect) -> dict[str, list[asyncpg.Record]]:
    owner = await connect("postgres")
    return {
        table: await owner.fetch(f"SELECT * FROM ledger.{table} ORDER BY 1, 2")
        for table in ("events", "sealed", "keyring")
    }


@pytest.mark.parametrize("role", RUNTIME)
async def test_no_runtime_role_can_change_any_table(connect: Connect, role: str) -> None:
    connection, before = await connect(role), await all_rows(connect)
    passed = []
    for table, (verb, statement) in product(GUARDED, VERBS.items()):
        column = "version_num"
        if table != "alembic_version":
            column = f'"{METADATA.tables[f"ledger.{table}"].columns.keys()[0]}"'
        try:
            await attempt(connection, statement.format(table=table, column=column))
        except REFUSED:
            continue
        except asyncpg.WrongObjectTypeError:
            continue
        passed.append((table, verb))

    assert passed == []
    assert await all_rows(connect) == before


@pytest.mark.parametrize("way", WAYS_ROUND)
@pytest.mark.parametrize("role", RUNTIME)
async def test_no_runtime_role_finds_a_way_round(
    connect: Connect, module_database: Database, role: str, way: str
) -> None:
    connection = await connect(role)

    with pytest.raises((*REFUSED, asyncpg.DuplicateObjectError)) as refused:
        await connection.execute(WAYS_ROUND[way].format(database=module_database.name))
    assert way == "extension" or not isinstance(refused.value, asyncpg.DuplicateObjectError)


@pytest.mark.parametrize("role", RUNTIME)
async def test_a_runtime_role_calls_its_own_functions_only(connect: Connect, role: str) -> None:
    connection = await connect(role)

    callable_now = {
        row["name"]
        for row in await connection.fetch(
            "SELECT p.proname AS name FROM pg_proc p WHERE p.pronamespace = 'ledger'::regnamespace"
            " AND has_function_privilege(p.oid, 'EXECUTE')"
        )
    }

    assert callable_now == {name for name, roles in FUNCTIONS.items() if role in roles}


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        ("ledger_app", "SELECT ledger.ledger_erase(0, $1, 1, '\\x00')"),
        ("ledger_app", "SELECT ledger.ledger_erase_under(0, $1, 1, 1, '\\x00')"),
        ("ledger_projector", "SELECT ledger.ledger_erase(0, $1, 1, '\\x00')"),
        ("ledger_auditor", "SELECT ledger.ledger_erase(0, $1, 1, '\\x00')"),
        ("ledger_app", "SELECT ledger.append_epoch_faults(ARRAY[$1::uuid::text], '{}', '{}')"),
        ("ledger_app", "SELECT ledger.erase_destroy($1, '{}', '{}', true)"),
        ("ledger_eraser", "SELECT ledger.erase_destroy($1, '{}', '{}', true)"),
    ],
)
async def test_a_function_of_another_role_is_refused(
    connect: Connect, role: str, statement: str
) -> None:
    connection = await connect(role)

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute(statement, uuid4())


@pytest.mark.parametrize("role", RUNTIME)
async def test_a_runtime_role_reads_what_it_needs(connect: Connect, role: str) -> None:
    connection = await connect(role)

    readable = {
        row["name"]
        for row in await connection.fetch(
            "SELECT c.relname AS name FROM pg_class c"
            " WHERE c.relnamespace = 'ledger'::regnamespace AND c.relkind = 'r'"
            " AND has_table_privilege(c.oid, 'SELECT')"
        )
    }

    assert readable & READS.keys() == {name for name, roles in READS.items() if role in roles}


async def test_the_auditor_sees_keys_but_not_their_material(connect: Connect) -> None:
    auditor = await connect("ledger_auditor")

    rows = await auditor.fetch(
        "SELECT key_id, subject_id, class, generation, epoch, state FROM ledger.keyring"
    )

    assert rows
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await auditor.fetch("SELECT wrapped FROM ledger.keyring")
    await auditor.fetch("SELECT epoch, state FROM ledger.key_epoch")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await auditor.fetch("SELECT wrapped FROM ledger.key_epoch")


async def test_the_projector_writes_positions_and_nothing_of_the_log(connect: Connect) -> None:
    projector = await connect("ledger_projector")

    writable = {
        row["name"]
        for row in await projector.fetch(
            "SELECT c.relname AS name FROM pg_class c"
            " WHERE c.relnamespace = 'ledger'::regnamespace AND c.relkind = 'r'"
            " AND has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES')"
        )
    }

    assert "positions" in writable
    assert writable & set(GUARDED) == set()


@pytest.mark.parametrize("table", INSERT_ONLY)
@pytest.mark.parametrize("verb", ["update", "delete", "truncate"])
async def test_not_even_the_owner_changes_what_is_insert_only(
    connect: Connect, table: str, verb: str
) -> None:
    """The migrator is the owner for as long as it deploys; the triggers meet it too."""
    owner = await connect("ledger_migrator")
    column = METADATA.tables[f"ledger.{table}"].columns.keys()[0]

    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="refused"):
        await owner.execute(VERBS[verb].format(table=table, column=f'"{column}"'))


@pytest.mark.parametrize("table", OWNER_WRITES)
async def test_nobody_empties_a_table(connect: Connect, table: str) -> None:
    owner = await connect("ledger_migrator")

    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="refused"):
        await owner.execute(f"TRUNCATE ledger.{table}")


@pytest.mark.parametrize("table", GUARDED[:-1])
@pytest.mark.parametrize("replica", [False, True])
async def test_a_superuser_meets_the_triggers_in_a_replica_session_as_well(
    connect: Connect, table: str, replica: bool
) -> None:
    """ENABLE ALWAYS: a slip of an administrator is refused; only taking the trigger off is not."""
    superuser = await connect("postgres")
    if replica:
        await superuser.execute("SET session_replication_role = replica")

    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="refused"):
        await superuser.execute(f"DELETE FROM ledger.{table}")
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="refused"):
        await superuser.execute(f"INSERT INTO ledger.{table} SELECT * FROM ledger.{table}")


@pytest.mark.parametrize("role", ["ledger_owner", "ledger_migrator", "postgres"])
async def test_nobody_reconnects_as_somebody_stronger(module_database: Database, role: str) -> None:
    """Each role proves itself with a secret of its own; the owner cannot log in at all."""
    own = module_database.dsn("ledger_app")
    tries: list[Callable[[], Awaitable[Connection]]] = [
        lambda: asyncpg.connect(own, user=role),
        lambda: asyncpg.connect(own, user=role, password=""),
        lambda: asyncpg.connect(own, user=role, password=role),
    ]

    for connecting in tries:
        with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
            await connecting()


async def test_no_column_of_bytes_is_sampled_by_the_planner(connect: Connect) -> None:
    """A deleted value lived on in `most_common_vals` until the next ANALYZE."""
    superuser = await connect("postgres")
    await superuser.execute("ANALYZE")

    sampled = await superuser.fetch(
        "SELECT tablename, attname FROM pg_stats s JOIN information_schema.columns c"
        "    ON c.table_schema = s.schemaname AND c.table_name = s.tablename"
        "   AND c.column_name = s.attname"
        " WHERE s.schemaname = 'ledger' AND c.data_type = 'bytea'"
    )
    unguarded = await superuser.fetch(
        "SELECT c.relname, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
        " WHERE c.relnamespace = 'ledger'::regnamespace AND c.relkind = 'r' AND a.attnum > 0"
        "   AND a.atttypid = 'bytea'::regtype AND a.attstattarget IS DISTINCT FROM 0"
    )

    assert [tuple(row) for row in sampled] == []
    assert [tuple(row) for row in unguarded] == []
