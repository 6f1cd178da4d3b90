"""Brings a database to the newest schema with Alembic, and says where the two differ."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from alembic import command
from app.store.tables import METADATA, SCHEMA

ROOT = Path(__file__).parents[2]
FUNCTIONS = Path(__file__).parent / "sql"
"""The functions of the ledger as they are now, one a file, named like the function."""

_T = TypeVar("_T")
_FUNCTIONS_SQL = """
SELECT p.proname, p.prosrc FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
 WHERE n.nspname = 'ledger'
"""

# A table that is written anew has a copy beside it, which the database itself compares with it.
_TWINS_SQL = "SELECT relation || '_next' FROM ledger.rewrites WHERE phase <> 'idle'"


async def upgrade(url: str) -> str:
    """Runs every pending migration, in one transaction; answers the revision reached.

    ``url`` logs in as a member of ledger_owner (`postgresql://…`). Safe to repeat.
    """

    def run(connection: Connection) -> str:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        return head()

    return await _run(url, run)


async def current(url: str) -> str | None:
    """The revision the database is at; None before the first migration."""
    return await _run(url, _revision)


async def drift(url: str, metadata: MetaData = METADATA) -> list[str]:
    """Every difference between the database and ``metadata`` or the functions of this program.

    Projections add their tables to the metadata when `app.projections` is imported.
    """

    def run(connection: Connection) -> list[str]:
        twins = set(connection.execute(text(_TWINS_SQL)).scalars())
        context = MigrationContext.configure(
            connection,
            opts={
                "include_schemas": True,
                "include_name": lambda name, kind, _: (
                    name == SCHEMA if kind == "schema" else kind != "table" or name not in twins
                ),
                "version_table_schema": SCHEMA,
                "compare_server_default": True,
            },
        )
        tables = [_described(difference) for difference in compare_metadata(context, metadata)]
        return tables + _function_drift(connection)

    return await _run(url, run)


def head() -> str:
    """The newest revision that this program has."""
    revision = ScriptDirectory.from_config(_config()).get_current_head()
    assert revision is not None
    return revision


def own(connection: Connection) -> None:
    """What this connection makes from here on belongs to ledger_owner."""
    connection.execute(text("SET ROLE ledger_owner"))


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[AsyncConnection]:
    """One connection to ``url``, closed for good afterwards."""
    engine = create_async_engine(
        make_url(url).set(drivername="postgresql+asyncpg"),
        poolclass=NullPool,
        # With `ledger` in the path Alembic would take its tables for those of no schema.
        connect_args={"server_settings": {"search_path": "pg_catalog"}},
    )
    try:
        async with engine.connect() as connection:
            yield connection
    finally:
        await engine.dispose()


def function_body(source: str) -> str:
    """The text between the dollar quotes of a `CREATE FUNCTION`, as PostgreSQL keeps it."""
    return source.split("$function$")[1]


async def _run(url: str, work: Callable[[Connection], _T]) -> _T:
    async with connected(url) as connection:
        return await connection.run_sync(work)


def _config() -> Config:
    return Config(str(ROOT / "alembic.ini"))


def _revision(connection: Connection) -> str | None:
    opts = {"version_table_schema": SCHEMA}
    return MigrationContext.configure(connection, opts=opts).get_current_revision()


def _described(difference: Any) -> str:
    """What Alembic found, as its operation and the names of what it is about."""
    while isinstance(difference, list):  # the changes of one column come as a list
        difference = difference[0]
    operation, *subjects = difference
    return f"{operation} " + ".".join(
        str(getattr(subject, "name", subject)) for subject in subjects if subject is not None
    )


def _function_drift(connection: Connection) -> list[str]:
    stored: dict[str, str] = {
        row.proname: row.prosrc for row in connection.execute(text(_FUNCTIONS_SQL))
    }
    ours = {
        path.stem: function_body(path.read_text(encoding="utf-8"))
        for path in FUNCTIONS.glob("*.sql")
    }
    missing = [f"add_function {name}" for name in sorted(ours.keys() - stored.keys())]
    foreign = [f"remove_function {name}" for name in sorted(stored.keys() - ours.keys())]
    changed = [
        f"modify_function {name}"
        for name in sorted(ours.keys() & stored.keys())
        if ours[name] != stored[name]
    ]
    return missing + foreign + changed
