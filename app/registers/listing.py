"""Pages of a projection's table by position, filtered and cut, with the position they are true at.

One query a set of filters, compiled once: a query for all of them could not use an index.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import asyncpg
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    ColumnElement,
    DateTime,
    Integer,
    Table,
    Text,
    and_,
    any_,
    bindparam,
    or_,
    select,
    true,
)

from app.projections.projection import Projection
from app.projections.statements import Query
from app.registers.table import Part, Question, Row
from app.rights.as_of import AsOf
from app.store.tables import positions

FROM, TO = "recorded_from", "recorded_before"
"""Filters of every such register: a span of recorded time, the end excluded."""


@dataclass(frozen=True, slots=True)
class Lasting:
    """The columns that say from when, and until when, a row holds; without an end it always does.

    A closed row stays, so that the past can be asked for. An erasure deletes it: it redacts that.
    """

    since_position: str
    since: str
    until_position: str | None = None
    until: str | None = None


IN_FORCE = Lasting("position", "since", "until_position", "until")
"""Of a table of `app.projections.lasting`: what holds at the cut."""

EVERYTHING = Lasting("position", "since")
"""Of the same: what had been recorded by the cut, whether or not it still held."""


@dataclass(slots=True)
class Listing:
    """Every page of one table; no two of its rows have the same position."""

    projection: Projection
    table: Table
    lasting: Lasting
    always: Sequence[ColumnElement[bool]] = ()
    """What every row must fulfil."""
    _queries: dict[tuple[str, ...], Query] = field(default_factory=dict)

    async def part(self, pool: "asyncpg.Pool[Any]", question: Question) -> Part:
        """One page; where there is no cut, of what holds now."""
        named = tuple(sorted(question.filters))
        cut = _cut(question.as_of)
        shape = (*named, *sorted(cut))
        if shape not in self._queries:
            self._queries[shape] = self._compiled(named, frozenset(cut))
        found = await self._queries[shape].fetch(
            pool,
            after=int(question.after or -1),
            size_max=question.limit + 1,
            **question.filters,
            **cut,
        )
        place = self.lasting.since_position
        rows: list[Row] = [dict(row) for row in found if row[place] is not None]
        shown = rows[: question.limit]
        following = str(shown[-1][place]) if len(rows) > question.limit else None
        return Part(found[0]["stands_at"] if found else -1, tuple(shown), following)

    def _compiled(self, named: tuple[str, ...], cut: frozenset[str]) -> Query:
        place = self.table.c[self.lasting.since_position]
        conditions = [place > bindparam("after", type_=BigInteger), *self.always]
        conditions += [self._filter(name) for name in named]
        conditions.append(self._holds(cut))
        part = (
            select(self.table)
            .where(*conditions)
            .order_by(place)
            .limit(bindparam("size_max", type_=Integer))
            .subquery()
        )
        return Query(
            select(positions.c.position.label("stands_at"), part)
            .select_from(positions.outerjoin(part, true()))
            .where(self.projection.standing)
            .order_by(part.c[place.name])
        )

    def _filter(self, name: str) -> ColumnElement[bool]:
        since: Column[Any] = self.table.c[self.lasting.since]
        if name == FROM:
            return since >= bindparam(FROM, type_=DateTime(timezone=True))
        if name == TO:
            return since < bindparam(TO, type_=DateTime(timezone=True))
        column = self.table.c[name]
        if isinstance(column.type, ARRAY):
            return bindparam(name, type_=Text) == any_(column)
        return column == bindparam(name, type_=column.type)

    def _holds(self, cut: frozenset[str]) -> ColumnElement[bool]:
        ends = self.lasting.until_position
        if not cut:
            return true() if ends is None else self.table.c[ends].is_(None)
        by_position = "cut_position" in cut
        began = self.lasting.since_position if by_position else self.lasting.since
        ended = ends if by_position else self.lasting.until
        at = (
            bindparam("cut_position", type_=BigInteger)
            if by_position
            else bindparam("cut_moment", type_=DateTime(timezone=True))
        )
        holds = self.table.c[began] <= at
        if ended is None:
            return holds
        return and_(holds, or_(self.table.c[ended].is_(None), self.table.c[ended] > at))


def _cut(as_of: AsOf | None) -> dict[str, int | datetime]:
    if as_of is None:
        return {}
    if as_of.position is not None:
        return {"cut_position": as_of.position}
    assert as_of.moment is not None, "a cut is a position or a time"
    return {"cut_moment": as_of.moment}


def known_by(cut: AsOf | None, position: int | None, moment: datetime | None) -> bool:
    """Whether something that was recorded there, if anywhere, had been by the cut."""
    if position is None or moment is None:
        return False
    if cut is None:
        return True
    if cut.position is not None:
        return position <= cut.position
    return cut.moment is not None and moment <= cut.moment


def ending(row: Row, cut: AsOf | None) -> Row:
    """The row as it was known at the cut: an end that came later is not told."""
    if row["until_position"] is None or known_by(cut, row["until_position"], row["until"]):
        return row
    return {**row, "until_position": None, "until": None, "until_by": None}
