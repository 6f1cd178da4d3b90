"""Every verb that would change a table or take hold of it, and who must not succeed with one."""

import asyncpg

from tests.store.doors import Connection

RUNTIME = (
    "ledger_app",
    "ledger_eraser",
    "ledger_projector",
    "ledger_integrator",
    "ledger_auditor",
)
VERBS = {
    "update": "UPDATE ledger.{table} SET {column} = NULL",
    "delete": "DELETE FROM ledger.{table}",
    "truncate": "TRUNCATE ledger.{table}",
    "truncate cascade": "TRUNCATE ledger.{table} CASCADE",
    "insert": "INSERT INTO ledger.{table} SELECT * FROM ledger.{table}",
    "insert defaults": "INSERT INTO ledger.{table} DEFAULT VALUES",
    "copy": "COPY ledger.{table} FROM STDIN",
    "merge": "MERGE INTO ledger.{table} t USING (SELECT 1) s ON true WHEN MATCHED THEN DELETE",
    "lock": "LOCK TABLE ledger.{table} IN EXCLUSIVE MODE",
    "lock against writers": "LOCK TABLE ledger.{table} IN SHARE MODE",
    "select for update": "SELECT 1 FROM ledger.{table} FOR UPDATE",
    "disable triggers": "ALTER TABLE ledger.{table} DISABLE TRIGGER ALL",
    "drop trigger": "DROP TRIGGER no_change ON ledger.{table}",
    "make a trigger": (
        "CREATE TRIGGER mine BEFORE INSERT ON ledger.{table} EXECUTE FUNCTION"
        " ledger.refuse_change()"
    ),
    "make a rule": "CREATE RULE mine AS ON INSERT TO ledger.{table} DO INSTEAD NOTHING",
    "drop": "DROP TABLE ledger.{table}",
    "rename": "ALTER TABLE ledger.{table} RENAME TO other",
    "own": "ALTER TABLE ledger.{table} OWNER TO CURRENT_USER",
    "index": "CREATE UNIQUE INDEX ON ledger.{table} ((1))",
}
REFUSED = (asyncpg.InsufficientPrivilegeError, asyncpg.UndefinedObjectError)


async def attempt(connection: Connection, statement: str) -> None:
    """Runs the statement, or starts to: COPY FROM STDIN is refused before any row."""
    async with connection.transaction():
        if statement.startswith("COPY ledger."):
            table = statement.split()[1].removeprefix("ledger.")
            await connection.copy_records_to_table(table, schema_name="ledger", records=[])
        else:
            await connection.execute(statement)
