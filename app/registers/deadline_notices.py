"""Whom the notice of Art. 14 is owed, the longest waiting first; after an import many (L29).

The table says who may be: one row a person. Everybody is counted by the database, by the day from
which their month runs; read are the people of a page, who are asked of their own streams then, as
the decision is (`app/domain/notices.py`).
"""

from collections import Counter
from collections.abc import Mapping
from datetime import date
from typing import Any, Final
from uuid import UUID

import asyncpg
from sqlalchemy import (
    ARRAY,
    BigInteger,
    BindParameter,
    ColumnElement,
    Date,
    DateTime,
    Integer,
    Subquery,
    Text,
    and_,
    bindparam,
    cast,
    column,
    exists,
    func,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import distinct_on

from app.domain.days import zone_of
from app.domain.decider import Circumstances
from app.domain.notices import due_of, first_day, notice_due
from app.domain.subject import SubjectState
from app.projections.notices import NOTICES, notices, notices_owed
from app.projections.statements import Query
from app.rights.as_of import AsOf
from app.store.tables import events, positions
from app.values import Value


class Owed(Value, frozen=True, kw_only=True):
    """Somebody who may not have been told."""

    subject_id: UUID
    matter: UUID
    """The event id of the first collection from somebody else."""
    obtained_on: date
    """When they came, which may be before the law."""
    last_day: date


async def owed(
    pool: "asyncpg.Pool[Any]",
    cut: AsOf | None,
    given: Circumstances,
    *,
    due: Mapping[date, date],
    size_max: int,
) -> list[Owed]:
    """The first of those whose month runs from one of the days, by its last day and the matter."""
    rows = await _of(cut).page.fetch(
        pool,
        **_asked(cut, given),
        days=list(due),
        last_days=list(due.values()),
        size_max=size_max,
    )
    return [
        Owed(
            subject_id=row["subject_id"],
            matter=row["event_id"],
            obtained_on=row["obtained_on"],
            last_day=row["last_day"],
        )
        for row in rows
    ]


async def days_of(
    pool: "asyncpg.Pool[Any]", cut: AsOf | None, given: Circumstances
) -> tuple[int, dict[date, int]]:
    """Where the table stands; and by the day from which their month runs, how many people."""
    rows = await _of(cut).days.fetch(pool, **_asked(cut, given))
    counted = {row["counted_from"]: row["people"] for row in rows if row["people"] is not None}
    return (rows[0]["stands_at"] if rows else -1), counted


async def due_by_day(pool: "asyncpg.Pool[Any]", given: Circumstances) -> dict[date, int]:
    """Last days of the month -> how many people may be owed a notice by then, as the table says."""
    _, counted = await days_of(pool, None, given)
    due = Counter[date]()
    for day, people in counted.items():
        due[due_of(day, given)] += people
    return due


def waits(state: SubjectState, given: Circumstances) -> bool:
    """Whether the person's own stream says so too."""
    return not state.erased and notice_due(state, given) is not None


class _Queries(Value, frozen=True):
    """As of one kind of cut."""

    page: Query
    days: Query


def _queries(
    opened: ColumnElement[bool],
    closed: ColumnElement[bool],
    told: ColumnElement[bool],
    returned: ColumnElement[bool],
) -> _Queries:
    """Whoever has a row that was opened and not closed, and was never told of any version."""
    obtained = func.coalesce(notices_owed.c.occurred_at, notices_owed.c.since)
    reached = or_(notices.c.returned.is_(None), ~returned)
    informed = exists().where(notices.c.subject_id == notices_owed.c.subject_id, told, reached)
    day = cast(func.timezone(bindparam("zone", type_=Text), obtained), Date)
    first_day = bindparam("first_day", type_=Date)
    first = (
        select(
            notices_owed.c.subject_id,
            notices_owed.c.version,
            day.label("obtained_on"),
            func.greatest(day, first_day).label("counted_from"),
        )
        .where(opened, or_(notices_owed.c.until_position.is_(None), ~closed), ~informed)
        .ext(distinct_on(notices_owed.c.subject_id))
        .order_by(notices_owed.c.subject_id, obtained, notices_owed.c.version)
        .subquery("first")
    )
    return _Queries(page=_page(first), days=_days(first))


def _page(first: Subquery) -> Query:
    given = (cast(bindparam(name), ARRAY(Date)) for name in ("days", "last_days"))
    wanted = (
        func.unnest(*given)
        .table_valued("day", column("last_day", Date), name="wanted")
        .render_derived()
    )
    return Query(
        select(first.c.subject_id, first.c.obtained_on, wanted.c.last_day, events.c.event_id)
        .join(wanted, wanted.c.day == first.c.counted_from)
        .join(
            events,
            and_(
                events.c.stream_id == first.c.subject_id,
                events.c.version == first.c.version,
            ),
        )
        .order_by(wanted.c.last_day, events.c.event_id)
        .limit(bindparam("size_max", type_=Integer))
    )


def _days(first: Subquery) -> Query:
    counted = (
        select(first.c.counted_from, func.count().label("people"))
        .group_by(first.c.counted_from)
        .subquery("counted")
    )
    return Query(
        select(positions.c.position.label("stands_at"), counted)
        .select_from(positions.outerjoin(counted, true()))
        .where(NOTICES.standing)
    )


def _known_by(opened: str, closed: str, cut: BindParameter[Any]) -> _Queries:
    """The same as of a cut: what came after it is not told."""
    began, ended = notices_owed.c[opened], notices_owed.c[closed]
    told, returned = notices.c[opened] <= cut, notices.c[closed] <= cut
    return _queries(began <= cut, ended <= cut, told, returned)


_NOW: Final = _queries(true(), true(), true(), true())
_BY_POSITION: Final = _known_by("position", "until_position", bindparam("cut", type_=BigInteger))
_BY_TIME: Final = _known_by("since", "until", bindparam("cut", type_=DateTime(timezone=True)))


def _of(cut: AsOf | None) -> _Queries:
    if cut is None:
        return _NOW
    return _BY_TIME if cut.position is None else _BY_POSITION


def _asked(cut: AsOf | None, given: Circumstances) -> dict[str, Any]:
    asked = {"zone": zone_of(given).key, "first_day": first_day(given)}
    if cut is None:
        return asked
    return {**asked, "cut": cut.moment if cut.position is None else cut.position}
