"""Runs the migrations as the owner of the ledger, over asyncpg."""

import asyncio
import os
from importlib import import_module

from alembic.util import CommandError
from sqlalchemy import Connection, text

from alembic import context
from app.store.migrate import connected, own
from app.store.tables import METADATA, SCHEMA


def run(connection: Connection) -> None:
    """All pending revisions in one transaction; what they make belongs to ledger_owner."""
    own(connection)
    connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
    connection.commit()
    context.configure(
        connection=connection,
        target_metadata=METADATA,
        include_schemas=True,
        include_name=lambda name, kind, _: kind != "schema" or name == SCHEMA,
        version_table_schema=SCHEMA,
    )
    with context.begin_transaction():
        context.run_migrations()


async def run_from_the_command_line() -> None:
    """`alembic upgrade head`: the address comes from the environment of this one command."""
    url = os.environ.get("LEDGER_MIGRATION_URL")
    if not url:
        raise CommandError("LEDGER_MIGRATION_URL is not set")
    async with connected(url) as connection:
        await connection.run_sync(run)


if getattr(context.config.cmd_opts, "autogenerate", False):
    import_module("app.projections")  # its tables join the metadata
if context.is_offline_mode():
    raise CommandError("the ledger is migrated on a live database only")
given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    asyncio.run(run_from_the_command_line())
