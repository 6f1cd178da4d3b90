"""SQLAlchemy Core turned into text for asyncpg once, at import: what a projection writes and reads.

A statement executed through SQLAlchemy costs more than the database takes for it (DESIGN 5); here
only its values travel at run time, many rows a message.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import Executable
from sqlalchemy.dialects.postgresql import asyncpg as asyncpg_dialect
from sqlalchemy.sql import ClauseElement

SUBJECT = "subject_id"
"""The parameter that every written statement has: a row belongs to one person."""


@dataclass(frozen=True, slots=True)
class Write:
    """One statement with its values: what a handler answers. Nothing here does I/O."""

    statement: "Statement"
    values: tuple[Any, ...]  # Any: what the columns hold

    @property
    def subject_id(self) -> UUID:
        """The person whose rows it touches, and no others."""
        found: UUID = self.values[self.statement.subject_index]
        return found


class Statement:
    """An INSERT, UPDATE or DELETE on the rows of one subject; calling it gives a Write."""

    __slots__ = ("names", "sql", "subject_index")

    def __init__(self, core: Executable) -> None:
        self.sql, self.names = compiled(core)
        self.subject_index = self.names.index(SUBJECT)

    def __call__(self, **values: Any) -> Write:
        """The statement with its values; TypeError when they are not exactly its parameters."""
        if values.keys() != set(self.names):
            raise TypeError(f"expected {', '.join(sorted(self.names))}")
        return Write(self, tuple(values[name] for name in self.names))


class Query:
    """A SELECT, compiled once."""

    __slots__ = ("_names", "_sql")

    def __init__(self, core: Executable) -> None:
        self._sql, self._names = compiled(core)

    async def fetch(self, pool: "asyncpg.Pool[Any]", **values: Any) -> "list[asyncpg.Record]":
        """Its rows, of one snapshot."""
        return await pool.fetch(self._sql, *(values[name] for name in self._names))


def batches(writes: Iterable[Write]) -> list[tuple[Statement, list[tuple[Any, ...]]]]:
    """The same writes with equal statements side by side, so that each group is one message.

    The writes of one subject keep their order; those of two subjects touch different rows, so
    theirs does not matter.
    """
    groups: list[tuple[Statement, list[tuple[Any, ...]]]] = []
    newest: dict[Statement, int] = {}
    reached: dict[UUID, int] = {}
    for write in writes:
        subject_id, statement = write.subject_id, write.statement
        index = newest.get(statement, -1)
        if index < reached.get(subject_id, 0):
            index = newest[statement] = len(groups)
            groups.append((statement, []))
        reached[subject_id] = index
        groups[index][1].append(write.values)
    return groups


def compiled(core: Executable) -> tuple[str, tuple[str, ...]]:
    """The statement as asyncpg takes it, and its parameters in the order of $1, $2 ..."""
    assert isinstance(core, ClauseElement), "a statement is an element of SQL"
    done = core.compile(dialect=_DIALECT)
    return str(done), tuple(getattr(done, "positiontup", None) or ())


_DIALECT = asyncpg_dialect.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it bare
