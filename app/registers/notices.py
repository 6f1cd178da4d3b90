"""Notices: who was shown which version when, and who is owed one by which day (L29, L77)."""

from typing import Any, Final
from uuid import UUID

import asyncpg
from sqlalchemy import Integer, Uuid, bindparam, select

from app.domain.days import day_of
from app.domain.decider import Circumstances
from app.domain.notices import notice_due
from app.domain.subject import SubjectState
from app.projections.notices import NOTICES, notices, notices_owed
from app.projections.statements import Query
from app.registers.listing import EVERYTHING, Listing, ending
from app.registers.people import LOOKED_AT_MAX, People, looked_at
from app.registers.table import Part, Question, Row, columns
from app.store.event_store import EventStore
from app.values import replace

COLUMNS = columns(
    position="Position of the event.",
    subject_id="Who was shown it; a random id.",
    policy="The policy version.",
    language="In which language.",
    channel="By which way: `form`, `email`, `post`, `desk` or `web`.",
    occurred_at="When it was shown, where that is not when it was recorded.",
    since="When it was recorded.",
    since_by="Who recorded it: a caller id.",
    until="When a later notice took its place, or its mail came back.",
    returned="Whether its mail came back: then nobody was told by it.",
)

DUE_COLUMNS = columns(
    subject_id="Who has not been told; a random id.",
    since="When the first data came from somebody else.",
    due="The last day of the month of Art. 14(3)(a).",
    overdue="Whether that day is over.",
    sources="From where, by the keys of the policy.",
)

LISTING: Final = Listing(NOTICES, notices, EVERYTHING)

_OWED: Final = Query(
    select(notices_owed.c.subject_id)
    .distinct()
    .where(
        notices_owed.c.until_position.is_(None),
        notices_owed.c.subject_id > bindparam("after", type_=Uuid),
    )
    .order_by(notices_owed.c.subject_id)
    .limit(bindparam("size_max", type_=Integer))
)


async def shown(pool: "asyncpg.Pool[Any]", question: Question) -> Part:
    """One page of what was shown."""
    found = await LISTING.part(pool, question)
    return replace(found, rows=tuple(ending(row, question.as_of) for row in found.rows))


async def due(
    pool: "asyncpg.Pool[Any]",
    store: EventStore,
    people: People,
    *,
    question: Question,
    given: Circumstances,
) -> Part:
    """The next people who are owed a notice, decided on each person's own stream."""
    head = await store.head_position()
    after = UUID(question.after) if question.after else UUID(int=0)
    found = await _OWED.fetch(pool, after=after, size_max=LOOKED_AT_MAX)
    return await looked_at(
        people,
        [one["subject_id"] for one in found],
        lambda one, state: _owed(one, state, given),
        question=question,
        stands_at=head,
    )


def _owed(subject_id: UUID, state: SubjectState, given: Circumstances) -> list[Row]:
    last_day = None if state.erased else notice_due(state, given)
    if last_day is None:
        return []
    since = state.collections.third_party_since
    sources = {one.source for one in state.collections.current()}
    return [
        {
            "subject_id": subject_id,
            "since": since,
            "due": last_day,
            "overdue": day_of(given.now, given) > last_day,
            "sources": sorted(sources),
        }
    ]
