"""What falls due by a day: whose data, in which retention class, kept until when (L7, L40, L67).

Decided on each person's own stream by the functions that the execution itself uses, so the register
says neither more nor less than will happen. A page looks at a bounded number of people.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID

import asyncpg

from app.domain.decider import Circumstances
from app.domain.retention import Expired, expired
from app.domain.subject import SubjectState
from app.registers.people import LOOKED_AT_MAX, People, looked_at
from app.registers.table import Part, Question, Row, columns
from app.rights.retention import CALENDAR, CANDIDATES_SQL, ENDINGS
from app.store.event_store import EventStore

COLUMNS = columns(
    subject_id="Whose data; a random id.",
    retention_class="In which class of the policy.",
    until="The last day on which they are kept.",
    categories="The categories that lie there, as far as they were collected.",
    purposes="What they were held for.",
    keep="The period of the class.",
    counted_from="What the period is counted from.",
    norm="The norm behind it.",
)


def on_day(given: Circumstances, by: date) -> Circumstances:
    """The circumstances when a day has just begun, under the rules of now."""
    moment = datetime.combine(by, time(), UTC)
    return Circumstances(given.policy, given.law, given.control, moment)


async def part(
    pool: "asyncpg.Pool[Any]",
    store: EventStore,
    people: People,
    *,
    question: Question,
    given: Circumstances,
) -> Part:
    """The next people of whom anything is to be destroyed on the day of the circumstances."""
    head = await store.head_position()
    classes = given.policy.retention_classes
    calendar = [key for key, one in classes.items() if one.clock in CALENDAR]
    after = UUID(question.after) if question.after else UUID(int=0)
    found = await pool.fetch(CANDIDATES_SQL, after, calendar, ENDINGS, LOOKED_AT_MAX)
    return await looked_at(
        people,
        [one["subject_id"] for one in found],
        lambda one, state: _due(one, state, question, given),
        question=question,
        stands_at=head,
    )


def _due(
    subject_id: UUID, state: SubjectState, question: Question, given: Circumstances
) -> list[Row]:
    wanted = question.filters.get("retention_class")
    return [
        row
        for row in _rows(subject_id, state, given)
        if wanted is None or row["retention_class"] == wanted
    ]


def _rows(subject_id: UUID, state: SubjectState, given: Circumstances) -> Iterator[Row]:
    for one in expired(state, given).values():
        yield _row(subject_id, one, given)


def _row(subject_id: UUID, one: Expired, given: Circumstances) -> Row:
    kind = given.policy.retention_classes[one.retention_class]
    return {
        "subject_id": subject_id,
        "retention_class": one.retention_class,
        "until": one.until,
        "categories": sorted({value.category for value in one.values}),
        "purposes": sorted({value.purpose for value in one.values}),
        "keep": str(kind.keep),
        "counted_from": kind.clock.value,
        "norm": kind.norm,
    }
