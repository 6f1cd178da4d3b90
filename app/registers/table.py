"""The shape of a register: named columns, rows, and the position of the log that it is true at."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.domain.decider import Refusal
from app.rights.as_of import AsOf

Row = Mapping[str, Any]  # Any: what a cell holds: text, number, moment, date, UUID, a list of words


class ColumnUnknown(Refusal):
    """A column was asked for that the register does not have."""

    code = "column-unknown"
    rules = ("A12",)


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name is the member of a JSON row and the heading of a table."""

    name: str
    description: str


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a register in their order."""

    every: tuple[Column, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The headings."""
        return tuple(column.name for column in self.every)

    def chosen(self, wanted: Iterable[str]) -> tuple[str, ...]:
        """The wanted columns in the register's own order, all without a wish; ColumnUnknown."""
        names = frozenset(wanted)
        if not names:
            return self.names
        if not names.issubset(self.names):
            raise ColumnUnknown(columns=self.names)
        return tuple(name for name in self.names if name in names)


def columns(**described: str) -> Columns:
    """Columns by name and description, in the order written."""
    return Columns(tuple(Column(name, text) for name, text in described.items()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a page of a register is asked with. Nothing in it says anything of a person."""

    limit: int
    after: str | None = None
    """Where the page before ended, in the register's own words."""
    as_of: AsOf | None = None
    filters: Mapping[str, Any] = field(default_factory=dict)
    """Column -> the value that it must have."""
    shown: frozenset[str] = frozenset()
    """The columns that are wanted: what is not shown is not opened."""


@dataclass(frozen=True, slots=True)
class Part:
    """Some rows of a register."""

    stands_at: int
    """The last position of the log that the rows know of."""
    rows: tuple[Row, ...]
    following: str | None
    """Where the next page begins; None when there is none."""


def whole(rows: Iterable[Row], question: Question, stands_at: int) -> Part:
    """One page of a register that is small enough to be made as a whole: places are counted."""
    wanted = [row for row in rows if matches(row, question)]
    start = int(question.after or 0)
    end = start + question.limit
    return Part(stands_at, tuple(wanted[start:end]), str(end) if len(wanted) > end else None)


def matches(row: Row, question: Question) -> bool:
    """Whether a row has what the filters ask for."""
    return all(_matches(row.get(name), value) for name, value in question.filters.items())


def _matches(found: Any, value: Any) -> bool:
    return value in found if isinstance(found, (list, tuple)) else found == value
