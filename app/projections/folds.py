"""One person's rows from all of their events, in memory: what a rebuild does instead of SQL."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from operator import itemgetter
from typing import Any

import asyncpg
from sqlalchemy import Table

from app.projections.in_memory import Row, Rows
from app.projections.parking import Poison
from app.projections.projection import LogLine, Projection
from app.projections.statements import SUBJECT


@dataclass(frozen=True, slots=True)
class Shape:
    """What is to be known of a table to hold its rows in memory."""

    name: str
    key: Callable[[Row], Any] | None
    """What tells the rows of one person apart; None where a person has one row at the most."""


def fold_person(projection: Projection, lines: Sequence[LogLine]) -> tuple[Rows, Poison | None]:
    """A person's rows after their events, or after those before the first that is poison."""
    try:
        return _folded(projection, lines), None
    except Exception:  # noqa: BLE001  # looked for below, recorded, the person parked
        good, bad = 0, len(lines)
    while bad - good > 1:
        middle = (good + bad) // 2
        try:
            _folded(projection, lines[:middle])
            good = middle
        except Exception:  # noqa: BLE001  # as above
            bad = middle
    try:
        _folded(projection, lines[:bad])
    except Exception as fault:  # noqa: BLE001  # as above
        poison = Poison(lines[good], type(fault).__name__)
        return _folded(projection, lines[:good]), poison
    raise AssertionError("what failed before fails again: handlers are pure")


def _folded(projection: Projection, lines: Sequence[LogLine]) -> Rows:
    rows: Rows = {table.name: [] for table in projection.tables}
    for statement, row in (*projection.fold_all(lines), *projection.fold_page(tuple(lines))):
        statement.apply(rows, row)  # type: ignore[misc]  # asked for before: in_memory_alone
    for table in projection.tables:
        shape = _shape(table)
        mine = rows[shape.name]
        if len(mine) > 1 and (shape.key is None or len(set(map(shape.key, mine))) < len(mine)):
            raise asyncpg.UniqueViolationError(f"two rows of {shape.name} have one key")
    return rows


@cache
def _shape(table: Table) -> Shape:
    names = [column.name for column in table.columns]
    key = [names.index(one.name) for one in table.primary_key.columns if one.name != SUBJECT]
    return Shape(table.name, itemgetter(*key) if key else None)
