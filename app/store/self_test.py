"""Proves at start-up that this login cannot rewrite history and that commits are durable.

The service refuses to serve otherwise (DESIGN 5). What must fail is really tried, in savepoints of
a transaction that is rolled back; nothing here trusts a list of rights.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import asyncpg
import msgspec

from app.store.tables import INSERT_ONLY, METADATA, OWNER_WRITES, SCHEMA, SCHEMA_HEAD

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    _Connection: TypeAlias = asyncpg.Connection[Any] | PoolConnectionProxy[Any]

VERSION_MIN = 150_000
"""PostgreSQL 15, as `server_version_num` writes it."""
LOCK_WAIT = "1s"
"""What is refused never comes to wait for a lock; what waits was allowed."""
GUARDED = (*INSERT_ONLY, *OWNER_WRITES)
DURABLE: Mapping[str, frozenset[str]] = {
    "fsync": frozenset({"on"}),
    "full_page_writes": frozenset({"on"}),
    "synchronous_commit": frozenset({"on", "remote_apply"}),
}

_ROLE_SQL = """
SELECT rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls,
       session_user = current_user AS same
  FROM pg_roles WHERE rolname = current_user
"""
_SETTING_SQL = """
SELECT name FROM unnest(ARRAY['fsync', 'full_page_writes', 'synchronous_commit',
                              'session_replication_role']) AS name
 WHERE has_parameter_privilege(name, 'ALTER SYSTEM') LIMIT 1
"""
_ROLES_SQL = "SELECT rolname FROM pg_roles WHERE rolname <> current_user ORDER BY rolname"
_OWNED_SQL = """
SELECT relname FROM pg_class
 WHERE relnamespace = 'ledger'::regnamespace AND pg_has_role(relowner, 'MEMBER') LIMIT 1
"""
_TRIGGERS_SQL = """
SELECT c.relname || '.' || t.tgname
  FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
 WHERE c.relnamespace = 'ledger'::regnamespace AND t.tgenabled = 'A'
"""
_CALLABLE_SQL = """
SELECT proname FROM pg_proc
 WHERE pronamespace = 'ledger'::regnamespace AND has_function_privilege(oid, 'EXECUTE')
   AND (proname NOT LIKE 'ledger\\_%'
        OR proname IN ('ledger_epoch_open', 'ledger_epoch_turn', 'ledger_epoch_rekey',
                       'ledger_receipt_key_open')
        OR proname IN ('ledger_erase', 'ledger_erase_under') AND current_user <> 'ledger_eraser'
        OR (proname IN ('ledger_integrate', 'ledger_log_open', 'ledger_log_reopen'))
           <> (current_user = 'ledger_integrator'))
 LIMIT 1
"""


# The second condition that counts as a refusal: a role that was dropped meanwhile.
_TRY_SQL = """
DO $try$
DECLARE
    attempt record;
BEGIN
    FOR attempt IN SELECT key, value FROM json_each_text(current_setting('pdledger.attempts')::json)
    LOOP
        BEGIN
            EXECUTE attempt.value;
        EXCEPTION
            WHEN insufficient_privilege OR invalid_parameter_value THEN
                CONTINUE;
            WHEN OTHERS THEN
                RAISE EXCEPTION '%: %, not refused', attempt.key, SQLSTATE;
        END;
        RAISE EXCEPTION '%', attempt.key;
    END LOOP;
END
$try$
"""


class SelfTestFailed(Exception):
    """The login or the server is not fit to hold the ledger. Names the check, and no secret."""

    def __init__(self, check: str) -> None:
        super().__init__(f"start-up self-test failed: {check}")
        self.check = check


async def prove_powerless(pool: "asyncpg.Pool[Any]") -> None:
    """Every check on one connection of the pool; SelfTestFailed at the first that fails."""
    async with pool.acquire() as connection:
        await examine(connection)


async def examine(connection: "_Connection") -> None:
    """Every check on this connection, which must be a runtime role's; it is left as it was."""
    check_version(int(await connection.fetchval("SHOW server_version_num")))
    check_durability({name: str(await connection.fetchval(f"SHOW {name}")) for name in DURABLE})
    transaction = connection.transaction(isolation="read_committed")
    await transaction.start()
    try:
        await connection.execute(f"SET LOCAL lock_timeout = '{LOCK_WAIT}'")
        await _check_role(connection)
        await _check_schema(connection)
        roles = [row["rolname"].replace('"', '""') for row in await connection.fetch(_ROLES_SQL)]
        await _must_be_refused(connection, dict((*_attempts(), *map(_becoming, roles))))
    finally:
        await transaction.rollback()


def check_version(server_version_num: int) -> None:
    """SelfTestFailed below PostgreSQL 15."""
    if server_version_num < VERSION_MIN:
        raise SelfTestFailed("the server is older than PostgreSQL 15")


def check_durability(settings: Mapping[str, str]) -> None:
    """SelfTestFailed when an acknowledged event could be lost with the power."""
    for name, good in DURABLE.items():
        if settings[name] not in good:
            raise SelfTestFailed(f"{name} is {settings[name]}")


async def _check_role(connection: "_Connection") -> None:
    role = await connection.fetchrow(_ROLE_SQL)
    assert role is not None
    if not role["same"]:
        raise SelfTestFailed("the session logged in as another role")
    for attribute in ("rolsuper", "rolcreaterole", "rolcreatedb", "rolreplication", "rolbypassrls"):
        if role[attribute]:
            raise SelfTestFailed(f"the login has {attribute}")
    setting = await connection.fetchval(_SETTING_SQL)
    if setting is not None:
        raise SelfTestFailed(f"the login may change {setting} for the server")


async def _check_schema(connection: "_Connection") -> None:
    try:
        async with connection.transaction():
            found = await connection.fetchval("SELECT version_num FROM ledger.alembic_version")
    except asyncpg.PostgresError:
        raise SelfTestFailed("the schema is missing, or not granted to this login") from None
    if found != SCHEMA_HEAD:
        raise SelfTestFailed(f"the schema is at {found}, this program needs {SCHEMA_HEAD}")
    owned = await connection.fetchval(_OWNED_SQL)
    if owned is not None:
        raise SelfTestFailed(f"the login owns {owned}")
    reachable = await connection.fetchval(_CALLABLE_SQL)
    if reachable is not None:
        raise SelfTestFailed(f"the login may call {reachable}")
    armed = {row[0] for row in await connection.fetch(_TRIGGERS_SQL)}
    for trigger in _triggers():
        if trigger not in armed:
            raise SelfTestFailed(f"trigger {trigger} is not always on")


def _triggers() -> Iterator[str]:
    for table in INSERT_ONLY:
        yield from (f"{table}.no_insert", f"{table}.no_change")
    for table in OWNER_WRITES:
        yield from (f"{table}.no_write", f"{table}.no_truncate")


def _attempts() -> Iterator[tuple[str, str]]:
    """What must be refused, by name. WHERE false: rights and statement triggers need no row."""
    for table in GUARDED:
        name = f"{SCHEMA}.{table}"
        column = f'"{METADATA.tables[name].columns.keys()[0]}"'
        update = f"UPDATE {name} SET {column} = NULL WHERE false"  # noqa: S608  # our own names
        yield f"updates {table}", update
        delete = f"DELETE FROM {name} WHERE false"  # noqa: S608  # our own names
        yield f"deletes from {table}", delete
        yield f"truncates {table}", f"TRUNCATE {name}"
        yield f"inserts into {table}", f"INSERT INTO {name} ({column}) SELECT NULL WHERE false"
        yield f"disables triggers of {table}", f"ALTER TABLE {name} DISABLE TRIGGER ALL"
        yield f"drops {table}", f"DROP TABLE {name}"
        yield f"locks {table}", f"LOCK TABLE {name} IN SHARE MODE"
    yield "silences triggers", "SET LOCAL session_replication_role = replica"
    yield "creates in the schema", f"CREATE TABLE {SCHEMA}.self_test (n int)"
    yield "replaces the append", f"ALTER FUNCTION {SCHEMA}.ledger_append RESET ALL"


def _becoming(role: str) -> tuple[str, str]:
    return f"becomes role {role}", f'SET LOCAL ROLE "{role}"'


async def _must_be_refused(connection: "_Connection", attempts: Mapping[str, str]) -> None:
    """Tries statements by name, each in a savepoint: five hundred round trips would take 0.1 s."""
    told = msgspec.json.encode(attempts).decode()
    await connection.execute("SELECT set_config('pdledger.attempts', $1, true)", told)
    try:
        await connection.execute(_TRY_SQL)
    except asyncpg.RaiseError as allowed:
        raise SelfTestFailed(f"the login {allowed.args[0]}") from None
    except asyncpg.PostgresError as other:
        raise SelfTestFailed(f"attempts cannot be made: {other.sqlstate}") from None
