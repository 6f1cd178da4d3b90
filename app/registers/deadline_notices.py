"""Whom the notice of Art. 14 is owed, the longest waiting first; after an import many (L29).

The table says who may be: one row a person, in one question. The rows of a page are asked of the
people's own streams, as the decision is (`app/domain/notices.py`).
"""

from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import asyncpg
from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    DateTime,
    Integer,
    and_,
    bindparam,
    exists,
    func,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import distinct_on

from app.domain.decider import Circumstances
from app.domain.notices import due_of, notice_due
from app.domain.subject import SubjectState
from app.projections.notices import NOTICES, notices, notices_owed
from app.projections.statements import Query
from app.rights.as_of import AsOf
from app.store.tables import events, positions
from app.values import Value

EVERYBODY: Final = 2**31 - 1


class Owed(Value, frozen=True, kw_only=True):
    """Somebody who may not have been told."""

    subject_id: UUID
    matter: UUID
    """The event id of the first collection from somebody else."""
    obtained_at: datetime
    last_day: date


async def owed(
    pool: "asyncpg.Pool[Any]", cut: AsOf | None, given: Circumstances, *, size_max: int
) -> tuple[int, list[Owed]]:
    """The first of them, and the position that the table stands at."""
    if cut is None:
        rows = await _NOW.fetch(pool, size_max=size_max)
    elif cut.position is not None:
        rows = await _BY_POSITION.fetch(pool, size_max=size_max, cut=cut.position)
    else:
        rows = await _BY_TIME.fetch(pool, size_max=size_max, cut=cut.moment)
    found = [
        Owed(
            subject_id=row["subject_id"],
            matter=row["event_id"],
            obtained_at=row["obtained_at"],
            last_day=due_of(row["obtained_at"], given),
        )
        for row in rows
        if row["subject_id"] is not None
    ]
    return (rows[0]["stands_at"] if rows else -1), found


def waits(state: SubjectState, given: Circumstances) -> bool:
    """Whether the person's own stream says so too."""
    return not state.erased and notice_due(state, given) is not None


def _query(
    opened: ColumnElement[bool],
    closed: ColumnElement[bool],
    told: ColumnElement[bool],
    returned: ColumnElement[bool],
) -> Query:
    """Whoever has a row that was opened and not closed, and was never told of any version."""
    obtained = func.coalesce(notices_owed.c.occurred_at, notices_owed.c.since)
    reached = or_(notices.c.returned.is_(None), ~returned)
    informed = exists().where(notices.c.subject_id == notices_owed.c.subject_id, told, reached)
    first = (
        select(notices_owed.c.subject_id, notices_owed.c.version, obtained.label("obtained_at"))
        .where(opened, or_(notices_owed.c.until_position.is_(None), ~closed), ~informed)
        .ext(distinct_on(notices_owed.c.subject_id))
        .order_by(notices_owed.c.subject_id, obtained, notices_owed.c.version)
        .subquery("first")
    )
    page = (
        select(first.c.subject_id, first.c.obtained_at, events.c.event_id)
        .join(
            events,
            and_(
                events.c.stream_id == first.c.subject_id,
                events.c.version == first.c.version,
            ),
        )
        .order_by(first.c.obtained_at, events.c.event_id)
        .limit(bindparam("size_max", type_=Integer))
        .subquery("page")
    )
    return Query(
        select(positions.c.position.label("stands_at"), page)
        .select_from(positions.outerjoin(page, true()))
        .where(NOTICES.standing)
        .order_by(page.c.obtained_at, page.c.event_id)
    )


def _known_by(opened: str, closed: str, cut: BindParameter[Any]) -> Query:
    """The same as of a cut: what came after it is not told."""
    began, ended = notices_owed.c[opened], notices_owed.c[closed]
    told, returned = notices.c[opened] <= cut, notices.c[closed] <= cut
    return _query(began <= cut, ended <= cut, told, returned)


_NOW: Final = _query(true(), true(), true(), true())
_BY_POSITION: Final = _known_by("position", "until_position", bindparam("cut", type_=BigInteger))
_BY_TIME: Final = _known_by("since", "until", bindparam("cut", type_=DateTime(timezone=True)))
