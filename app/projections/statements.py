"""What projections write and read: SQLAlchemy Core, turned into text for asyncpg once, at import.

A statement takes many rows at once, as one JSON text. Against one execution a row, the database
spends a fifth of the time on it, and the requests of the same machine have the rest.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg
import msgspec
from sqlalchemy import JSON, Column, Executable, Table, bindparam, column, func
from sqlalchemy.dialects.postgresql import asyncpg as asyncpg_dialect
from sqlalchemy.sql import ClauseElement, TableValuedAlias

from app.projections.in_memory import Apply, NotInMemory, in_memory
from app.store.tables import READ_MODELS

Given: TypeAlias = tuple[Any, ...]  # what the columns hold, in the order of the statement
Write: TypeAlias = "tuple[Statement, Given]"
"""One row given to a statement: what a handler answers. Nothing here does I/O."""
SCHEMA = str(READ_MODELS.schema)
SUBJECT = "subject_id"
"""The column that all given rows have: what is written belongs to one person."""


def given(*columns: Column[Any]) -> TableValuedAlias:
    """The rows that a statement is given, as a relation with columns of these names and types."""
    named = (column(one.name, one.type) for one in columns)
    rows = func.json_to_recordset(bindparam("rows", type_=JSON))
    return rows.table_valued(*named).render_derived(name="given", with_types=True)


class Statement:
    """An INSERT, UPDATE or DELETE of what `given` rows say.

    No two rows that one event gives may touch the same row of a table.
    """

    __slots__ = ("_of_builds", "apply", "columns", "sql", "table", "write")

    def __init__(self, rows: TableValuedAlias, core: Executable) -> None:
        names = rows.c.keys()
        assert SUBJECT in names, "what is written belongs to one person"
        self.columns = (SUBJECT, *(name for name in names if name != SUBJECT))
        """Of a given row, in its order: the person comes first."""
        self.write = _writing(self)
        """One more row, a value by the name of each column; TypeError when one lacks or is new."""
        self._of_builds: dict[int, str] = {}
        self.sql, parameters = compiled(core)
        self.table: Table = core.table  # type: ignore[attr-defined]  # an INSERT, UPDATE or DELETE
        """The table that it changes."""
        assert parameters == ("rows",), "a statement takes given rows and nothing else"
        try:
            self.apply: Apply | None = in_memory(core, self.columns)
        except NotInMemory:
            self.apply = None
        _OF_TABLE.setdefault(self.table, []).append(self)

    def write_each(self, alike: dict[str, Any], column: str, values: Iterable[Any]) -> list[Write]:
        """Rows that differ in one column alone, one for each of its values."""
        _, row = self.write(**alike, **{column: None})
        at = self.columns.index(column)
        before, after = row[:at], row[at + 1 :]
        return [(self, (*before, value, *after)) for value in values]

    def sql_of(self, build: int) -> str:
        """The statement on the tables of one build."""
        if build not in self._of_builds:
            self._of_builds[build] = of_build(self.sql, build)
        return self._of_builds[build]


class AnswerTooSlow(Exception):
    """A question took longer than it may: asked for less, or later, it is answered."""


class Query:
    """A SELECT, compiled once. It reads through the views: whatever serves at that moment."""

    __slots__ = ("_names", "_sql")

    def __init__(self, core: Executable) -> None:
        self._sql, self._names = compiled(core)

    async def fetch(self, pool: "asyncpg.Pool[Any]", **values: Any) -> "list[asyncpg.Record]":
        """Its rows, of one snapshot; none where the projection never ran. AnswerTooSlow."""
        try:
            return await pool.fetch(self._sql, *(values[name] for name in self._names))
        except asyncpg.UndefinedTableError:
            return []
        except _CUT_SHORT:
            raise AnswerTooSlow from None


def _writing(statement: Statement) -> Callable[..., Write]:
    """A function from the columns by their names to a Write.

    It is written out for the statement: a dictionary of any names, looked at and taken apart again,
    would take four times as long, and a rebuild makes a row for almost every event.
    """
    names = ", ".join(statement.columns)
    text = f"def write(*, {names}):\n    return statement, ({names},)"
    made: dict[str, Any] = {"statement": statement}
    exec(text, made)  # noqa: S102  # written above from declared columns, at import
    write: Callable[..., Write] = made["write"]
    return write


def in_memory_alone(tables: Iterable[Table]) -> bool:
    """Whether every statement on these tables can be carried out in memory."""
    return all(
        statement.apply is not None for table in tables for statement in _OF_TABLE.get(table, ())
    )


def batches(events: Iterable[tuple[Write, ...]]) -> list[tuple[Statement, list[Given]]]:
    """The writes of some events with equal statements together: each group is one execution.

    The writes of one person keep their order, and those of two events of one person never share a
    group: within one execution a row changes once. Two people have no row in common.
    """
    groups: list[tuple[Statement, list[Given]]] = []
    newest: dict[Statement, int] = {}
    reached: dict[UUID, int] = {}
    for writes in events:
        for statement, row in writes:
            index = newest.get(statement, -1)
            if index < reached.get(row[0], 0):
                index = newest[statement] = len(groups)
                groups.append((statement, []))
            groups[index][1].append(row)
            reached[row[0]] = index
        if writes:
            reached[row[0]] += 1
    return groups


def as_json(statement: Statement, rows: Iterable[Given]) -> str:
    """The rows as `given` reads them: UUIDs and moments as text, nothing lost."""
    named = [dict(zip(statement.columns, row, strict=True)) for row in rows]
    return msgspec.json.encode(named).decode()


def of_build(sql: str, build: int) -> str:
    """A statement on the tables of one build instead of on the views."""
    return _READ_MODEL.sub(rf"{SCHEMA}.\g<1>_b{build}", sql)


def compiled(core: Executable) -> tuple[str, tuple[str, ...]]:
    """The statement as asyncpg takes it, and its parameters in the order of $1, $2 ..."""
    assert isinstance(core, ClauseElement), "a statement is an element of SQL"
    done = core.compile(dialect=_DIALECT)
    return str(done), tuple(getattr(done, "positiontup", None) or ())


_CUT_SHORT = (TimeoutError, asyncpg.QueryCanceledError, asyncpg.TransactionTimeoutError)
"""By the pool, or by a limit of the server."""
_READ_MODEL = re.compile(rf"\b{SCHEMA}\.(\w+)")
_OF_TABLE: dict[Table, list[Statement]] = {}
_DIALECT = asyncpg_dialect.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it bare
