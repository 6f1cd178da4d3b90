"""What projections write and read: SQLAlchemy Core, turned into text for asyncpg once, at import.

A statement takes many rows at once, as one JSON text. Against one execution a row, the database
spends a fifth of the time on it, and the requests of the same machine have the rest.
"""

import re
from collections.abc import Iterable
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from sqlalchemy import JSON, Column, Executable, Table, bindparam, column, func
from sqlalchemy.dialects.postgresql import asyncpg as asyncpg_dialect
from sqlalchemy.sql import ClauseElement, TableValuedAlias

from app.projections.in_memory import Apply, NotInMemory, in_memory
from app.store.tables import READ_MODELS

SCHEMA = str(READ_MODELS.schema)
SUBJECT = "subject_id"
"""The column that all given rows have: what is written belongs to one person."""


def given(*columns: Column[Any]) -> TableValuedAlias:
    """The rows that a statement is given, as a relation with columns of these names and types."""
    named = (column(one.name, one.type) for one in columns)
    rows = func.json_to_recordset(bindparam("rows", type_=JSON))
    return rows.table_valued(*named).render_derived(name="given", with_types=True)


class Write:
    """One row given to a statement: what a handler answers. Nothing here does I/O."""

    __slots__ = ("row", "statement")

    def __init__(self, statement: "Statement", row: dict[str, Any]) -> None:
        self.statement = statement
        self.row = row  # Any: what the column holds

    @property
    def subject_id(self) -> UUID:
        """The person whose rows it touches, and no others."""
        subject_id: UUID = self.row[SUBJECT]
        return subject_id


class Statement:
    """An INSERT, UPDATE or DELETE of what `given` rows say; calling it gives a Write.

    No two rows that one event gives may touch the same row of a table.
    """

    __slots__ = ("_called", "_names", "_of_builds", "apply", "sql", "table")

    def __init__(self, rows: TableValuedAlias, core: Executable) -> None:
        self._names = frozenset(rows.c.keys())
        self._called: set[tuple[str, ...]] = set()
        """Names as callers have given them so far: each caller's are looked at once."""
        self._of_builds: dict[int, str] = {}
        self.sql, parameters = compiled(core)
        self.table: Table = core.table  # type: ignore[attr-defined]  # an INSERT, UPDATE or DELETE
        """The table that it changes."""
        assert SUBJECT in self._names, "what is written belongs to one person"
        assert parameters == ("rows",), "a statement takes given rows and nothing else"
        try:
            self.apply: Apply | None = in_memory(core, SUBJECT)
        except NotInMemory:
            self.apply = None
        _OF_TABLE.setdefault(self.table, []).append(self)

    def __call__(self, **row: Any) -> Write:
        """One more row; TypeError when its names are not exactly those of the given columns."""
        self._check(tuple(row))
        return Write(self, row)

    def each(self, alike: dict[str, Any], column: str, values: Iterable[Any]) -> list[Write]:
        """Rows that differ in one column alone, one for each of its values."""
        self._check((*alike, column))
        return [Write(self, {**alike, column: value}) for value in values]

    def _check(self, names: tuple[str, ...]) -> None:
        if names not in self._called:
            if set(names) != self._names:
                raise TypeError(f"expected {', '.join(sorted(self._names))}")
            self._called.add(names)

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


def in_memory_alone(tables: Iterable[Table]) -> bool:
    """Whether every statement on these tables can be carried out in memory."""
    return all(
        statement.apply is not None for table in tables for statement in _OF_TABLE.get(table, ())
    )


def batches(events: Iterable[tuple[Write, ...]]) -> list[tuple[Statement, list[dict[str, Any]]]]:
    """The writes of some events with equal statements together: each group is one execution.

    The writes of one person keep their order, and those of two events of one person never share a
    group: within one execution a row changes once. Two people have no row in common.
    """
    groups: list[tuple[Statement, list[dict[str, Any]]]] = []
    newest: dict[Statement, int] = {}
    reached: dict[UUID, int] = {}
    for writes in events:
        for write in writes:
            index = newest.get(write.statement, -1)
            if index < reached.get(write.subject_id, 0):
                index = newest[write.statement] = len(groups)
                groups.append((write.statement, []))
            groups[index][1].append(write.row)
            reached[write.subject_id] = index
        if writes:
            reached[writes[-1].subject_id] += 1
    return groups


def as_json(rows: list[dict[str, Any]]) -> str:
    """The rows as `given` reads them: UUIDs and moments as text, nothing lost."""
    return msgspec.json.encode(rows).decode()


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
