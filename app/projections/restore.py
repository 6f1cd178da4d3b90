"""Makes dropped projection tables again; the engines then fill them from the log.

The migrations make the tables once. Since they hold nothing that the log does not say, losing one
is no loss, and no history of the schema has to be run again for it.
"""

from collections.abc import Iterable

from sqlalchemy import Connection, delete, inspect, update

from app.projections.projection import Projection
from app.store.migrate import connected, own
from app.store.tables import METADATA, SCHEMA, positions

READERS = ("ledger_app", "ledger_eraser", "ledger_auditor")
WRITER = "ledger_projector"


async def restore(url: str, projections: Iterable[Projection]) -> tuple[str, ...]:
    """Makes the tables that are missing and sets their projections back to the start; their names.

    ``url`` logs in as a member of ledger_owner, as for a migration.
    """
    async with connected(url) as connection:
        restored = await connection.run_sync(_restore, tuple(projections))
        await connection.commit()
    return restored


def _restore(connection: Connection, projections: tuple[Projection, ...]) -> tuple[str, ...]:
    own(connection)
    present = set(inspect(connection).get_table_names(schema=SCHEMA))
    restored: list[str] = []
    for projection in projections:
        missing = [table for table in projection.tables if table.name not in present]
        if not missing:
            continue
        METADATA.create_all(connection, tables=missing)
        for table in missing:
            connection.exec_driver_sql(f"GRANT SELECT ON {table.fullname} TO {', '.join(READERS)}")
            connection.exec_driver_sql(
                f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table.fullname} TO {WRITER}"
            )
            restored.append(table.name)
        for table in projection.tables:
            connection.execute(delete(table))
        here = update(positions).where(positions.c.projection == projection.name)
        connection.execute(here.values(position=-1))
    return tuple(restored)
