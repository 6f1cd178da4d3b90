"""The tables of one build of a projection, and the views through which whichever serves is read.

Tables are named `<table>_b<build>`, the view `<table>`: cutting over replaces the views, within the
transaction that also moves the mark in `positions`. ledger_projector makes and owns all of it in a
schema that holds nothing else; the schema of the ledger stays closed to it.
"""

from typing import Any, TypeAlias

import asyncpg
from sqlalchemy import (
    CheckConstraint,
    Index,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateColumn, CreateIndex
from sqlalchemy.sql.elements import quoted_name

from app.projections.projection import Projection
from app.projections.statements import SCHEMA

READERS = ("ledger_app", "ledger_eraser", "ledger_auditor")

Connection: TypeAlias = "asyncpg.Connection[Any]"  # generic in its stubs only

MISSING_SQL = """
SELECT name FROM unnest($1::text[]) AS name WHERE to_regclass(name) IS NULL LIMIT 1
"""
LOCK_SQL = "SELECT pg_advisory_xact_lock(hashtextextended($1, $2))"

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it bare


def build_table(table: Table, build: int) -> str:
    """The name of a table in one build."""
    return f"{table.name}_b{build}"


async def lock(connection: Connection, projection: Projection) -> None:
    """Until the transaction ends, nobody else makes tables of this projection."""
    await connection.execute(LOCK_SQL, f"projection {projection.name}", projection.version)


async def make_tables(connection: Connection, projection: Projection, build: int) -> None:
    """Makes the empty tables of a build, still without keys and indexes."""
    for table in projection.tables:
        named = f"{SCHEMA}.{build_table(table, build)}"
        parts = [_text(CreateColumn(column)) for column in table.columns]
        parts += [
            f"CHECK ({one.sqltext})"
            for one in table.constraints
            if isinstance(one, CheckConstraint)
        ]
        await connection.execute(f"CREATE TABLE {named} ({', '.join(parts)})")


async def make_keys(connection: Connection, projection: Projection, build: int) -> None:
    """Adds primary keys to the tables of a build that has none yet."""
    for table in projection.tables:
        name = build_table(table, build)
        for number, constraint in enumerate(_unique(table)):
            kind = "PRIMARY KEY" if isinstance(constraint, PrimaryKeyConstraint) else "UNIQUE"
            columns = ", ".join(column.name for column in constraint.columns)
            await connection.execute(
                f"ALTER TABLE {SCHEMA}.{name}"
                f" ADD CONSTRAINT {name}_key{number or ''} {kind} ({columns})"
            )


async def make_indexes(connection: Connection, projection: Projection, build: int) -> None:
    """Adds the other indexes, and looks at what the tables hold, for the planner."""
    for table in projection.tables:
        name = build_table(table, build)
        copy = table.to_metadata(MetaData(), schema=SCHEMA, name=name)
        for number, index in enumerate(sorted(copy.indexes, key=_columns)):
            index.name = quoted_name(f"{name}_{number}", quote=False)
            await connection.execute(_text(CreateIndex(index)))
        await connection.execute(f"ANALYZE {SCHEMA}.{name}")


async def show(connection: Connection, projection: Projection, build: int) -> None:
    """Has the views show this build; part of the transaction that says it serves."""
    for table in projection.tables:
        columns = ", ".join(column.name for column in table.columns)
        await connection.execute(
            f"CREATE OR REPLACE VIEW {SCHEMA}.{table.name} AS"  # noqa: S608  # declared names
            f" SELECT {columns} FROM {SCHEMA}.{build_table(table, build)}"
        )
        await connection.execute(f"GRANT SELECT ON {SCHEMA}.{table.name} TO {', '.join(READERS)}")


async def drop_views(connection: Connection, projection: Projection) -> None:
    """Takes the views away; until they come back, readers find nothing."""
    for table in projection.tables:
        await connection.execute(f"DROP VIEW IF EXISTS {SCHEMA}.{table.name}")


async def drop_tables(connection: Connection, projection: Projection, build: int) -> None:
    """Drops the tables of a build that no view shows."""
    for table in projection.tables:
        await connection.execute(f"DROP TABLE IF EXISTS {SCHEMA}.{build_table(table, build)}")


async def complete(connection: Connection, projection: Projection, build: int) -> bool:
    """Whether every table and view of the build is there: somebody may have dropped one."""
    names = [
        f"{SCHEMA}.{name}"
        for table in projection.tables
        for name in (table.name, build_table(table, build))
    ]
    return await connection.fetchval(MISSING_SQL, names) is None


def _unique(table: Table) -> list[PrimaryKeyConstraint | UniqueConstraint]:
    further = (one for one in table.constraints if isinstance(one, UniqueConstraint))
    return [table.primary_key, *sorted(further, key=lambda one: str(one.columns.keys()))]


def _columns(index: Index) -> list[str]:
    return [str(one) for one in index.expressions]


def _text(element: CreateColumn | CreateIndex) -> str:
    return str(element.compile(dialect=_DIALECT))
