"""What has to be done by law until when, the nearest first: one register of every clock (U2).

Requests, their tasks, objections, ends of restrictions, erasures, breaches, notices. Reckoned on
each stream by the functions that the decisions use. Whoever waits for an answer are few; to whom a
notice is owed can be everybody of an import: they are counted by day, and only those of a page are
read.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import asyncpg
from sqlalchemy import literal_column

from app.domain.breaches import due_at, subjects_due_at
from app.domain.days import day_of
from app.domain.decider import Circumstances
from app.domain.notices import due_of
from app.domain.objections import Status
from app.domain.subject import SubjectState
from app.events.objections import ObjectionGround
from app.projections.breaches import BREACHES
from app.projections.erasures import ERASURES, erasures
from app.projections.notices import NOTICES
from app.projections.objections import OBJECTIONS, objections, restrictions
from app.projections.rights_requests import RIGHTS_REQUESTS, rights_requests
from app.registers.breaches import LISTING as _BREACHES
from app.registers.breaches import Breach, read_breach
from app.registers.deadline_days import fixed, moved_over, reckoned
from app.registers.deadline_erasures import of_erasures
from app.registers.deadline_notices import Owed, days_of, due_by_day, owed, waits
from app.registers.deadline_restrictions import of_restrictions
from app.registers.listing import IN_FORCE, Listing
from app.registers.people import People
from app.registers.table import Part, Question, Row, columns, matches, whole
from app.rights.rights_requests import (
    days_left,
    deadline_value,
    identity_value,
    urgency,
)
from app.store.event_store import EventStore
from app.values import replace

COLUMNS = columns(
    due_on="The last day.",
    due_at="The first moment that is too late; of a breach, to the second.",
    days_left="Days to it; negative when it is over.",
    urgency="`green`, `amber`, `red` or `overdue`.",
    kind="`rights_request`, `task` of one, `objection`, `restriction` (to be lifted), `erasure`,"
    " `breach` or `notice`.",
    matter="The id of the request, objection, restriction, erasure or breach; of a notice, of what"
    " began it;"
    " of a child that was discovered, of the event that says so.",
    task="The number of the task.",
    subject_id="Whose matter; a random id. None of a breach.",
    right="What is asked for.",
    what="Status of a request, kind of a task; `lift` of a restriction whose end was announced;"
    " stage of an erasure, or `inform_recipient`, or"
    " `discovered` of a child's that nobody began;"
    " who is to be told of a breach; Art. of a notice.",
    recipient="Whom a task is about; who is to be told of an erasure.",
    received_on="When it arrived, became known, or was obtained.",
    calendar_day="Where the calendar alone would end it.",
    moved_over="The weekend and holidays that moved it.",
    extended="Whether it was extended.",
    paused="Whether a question to the person is open: then the day moves on.",
    warning="Whether such a question has been open for more than a month.",
)
PROJECTIONS = (RIGHTS_REQUESTS, OBJECTIONS, ERASURES, BREACHES, NOTICES)
KINDS: Final = (
    *("rights_request", "task", "objection", "restriction", "erasure", "breach", "notice"),
)
PAGE = 1000

_REQUESTS = Listing(RIGHTS_REQUESTS, rights_requests, IN_FORCE)
_WEIGHED = objections.c.ground == literal_column(f"'{ObjectionGround.OWN_SITUATION.value}'")
_OBJECTIONS = Listing(OBJECTIONS, objections, IN_FORCE, (_WEIGHED,))
_ERASURES = Listing(ERASURES, erasures, IN_FORCE)
_PENDING = Listing(OBJECTIONS, objections, IN_FORCE, (_WEIGHED, objections.c.decision.is_(None)))
"""Of today: at an earlier cut, one that was decided since may have waited."""
_ANNOUNCED = Listing(
    OBJECTIONS, restrictions, IN_FORCE, (restrictions.c.announced_position.is_not(None),)
)


@dataclass(frozen=True, slots=True)
class Waiting:
    """How much of one kind is to be done."""

    running: int
    overdue: int


async def part(
    pool: "asyncpg.Pool[Any]",
    store: EventStore,
    people: People,
    *,
    question: Question,
    given: Circumstances,
) -> Part:
    """One page, the nearest day first."""
    stands_at, rows = await _few(pool, store, people, question=question, given=given)
    kind = question.filters.get("kind")
    if kind in (None, "notice"):
        known_at, found = await _notices(pool, question, given)
        stands_at = min(stands_at, known_at)
        rows += found
    rows.sort(key=_nearest)
    page = whole(rows, question, stands_at)
    notices = [row["subject_id"] for row in page.rows if row["kind"] == "notice"]
    owing = {
        one
        for one, state in (await people.states(notices, question.as_of)).items()
        if waits(state, given)
    }
    return replace(
        page,
        rows=tuple(
            row for row in page.rows if row["kind"] != "notice" or row["subject_id"] in owing
        ),
    )


async def tally(
    pool: "asyncpg.Pool[Any]", store: EventStore, people: People, given: Circumstances
) -> Mapping[str, Waiting]:
    """How much of each kind is to be done now."""
    _, rows = await _few(pool, store, people, question=Question(limit=PAGE), given=given)
    counted = Counter((_kind(row), row["urgency"] == "overdue") for row in rows)
    today = day_of(given.now, given)
    for last_day, notices in (await due_by_day(pool, given)).items():
        counted["notice", last_day < today] += notices
    kinds = (*(kind for kind in KINDS if kind != "breach"), *_OF_BREACHES.values())
    return {kind: Waiting(counted[kind, False], counted[kind, True]) for kind in kinds}


async def entries(
    pool: "asyncpg.Pool[Any]", store: EventStore, people: People, given: Circumstances
) -> tuple[list[Row], Mapping[date, int]]:
    """What a calendar shows: the rows of everything but notices, and those by their last day."""
    _, rows = await _few(pool, store, people, question=Question(limit=PAGE), given=given)
    rows.sort(key=_nearest)
    return rows, await due_by_day(pool, given)


def _nearest(row: Row) -> tuple[Any, ...]:
    return row["due_at"], str(row["matter"]), row["task"] or 0, row["what"]


def _kind(row: Row) -> str:
    return _OF_BREACHES[row["what"]] if row["kind"] == "breach" else str(row["kind"])


_OF_BREACHES: Final = {"authority": "breach_notification", "subjects": "breach_communication"}


async def _few(
    pool: "asyncpg.Pool[Any]",
    store: EventStore,
    people: People,
    *,
    question: Question,
    given: Circumstances,
) -> tuple[int, list[Row]]:
    """Everything but notices: of all who wait, and the position that is known of all of them."""
    weighed = _PENDING if question.as_of is None else _OBJECTIONS
    asking, stood = await _listed(pool, _REQUESTS, question)
    objecting, stood_too = await _listed(pool, weighed, question)
    resting, _ = await _listed(pool, _ANNOUNCED, question)
    erasing, stood_last = await _listed(pool, _ERASURES, question)
    states = await people.states([*asking, *objecting, *resting, *erasing], question.as_of)
    rows = [row for key, state in states.items() for row in _rows(key, state, given)]
    found, known_at = await _listed(pool, _BREACHES, question)
    for breach in found:
        rows += _of_breach(await read_breach(store, breach, given.now, question.as_of), given)
    return min(stood, stood_too, stood_last, known_at), rows


async def _listed(
    pool: "asyncpg.Pool[Any]", listing: Listing, question: Question
) -> tuple[list[UUID], int]:
    """The streams that are on a list at the cut, and where the list stands."""
    streams: list[UUID] = []
    asked = replace(question, filters={}, after=None, limit=PAGE)
    while True:
        found = await listing.part(pool, asked)
        streams += (row["subject_id"] for row in found.rows)
        if found.following is None:
            return streams, found.stands_at
        asked = replace(asked, after=found.following)


def _rows(subject: UUID, state: SubjectState, given: Circumstances) -> Iterator[Row]:
    for key, request in state.rights_requests.by_id.items():
        if not request.status.open:
            continue
        deadline = deadline_value(request, given)
        common = {
            **dict.fromkeys(COLUMNS.names),
            "due_on": deadline["due_on"],
            "due_at": deadline["due_at"],
            "days_left": deadline["days_left"],
            "urgency": deadline["urgency"],
            "matter": key,
            "subject_id": subject,
            "right": request.right.value,
            "received_on": deadline["received_on"],
            "calendar_day": deadline["calendar_day"],
            "moved_over": moved_over(deadline["moved_over"]),
            "extended": request.extended,
            "paused": deadline["paused"],
            "warning": identity_value(request, given)["warning"],
        }
        yield {**common, "kind": "rights_request", "what": request.status.value}
        for number in request.open_tasks:
            task = request.tasks[number]
            told = {"task": number, "what": task.kind.value, "recipient": task.recipient}
            yield {**common, "kind": "task", **told}
    yield from _pending(subject, state, given)
    yield from of_restrictions(subject, state, given, dict.fromkeys(COLUMNS.names))
    yield from of_erasures(subject, state, given, dict.fromkeys(COLUMNS.names))


def _pending(subject: UUID, state: SubjectState, given: Circumstances) -> Iterator[Row]:
    """Objections that nobody decided: silence past the day grants them (L44)."""
    for key, objection in state.objections.by_id.items():
        if objection.status is not Status.PENDING or objection.ground is not _OWN:
            continue
        due = objection.due(state.rights_requests, given.law, given.now)
        request = state.rights_requests.survivor(objection.request)
        yield {
            **dict.fromkeys(COLUMNS.names),
            **reckoned(due, request, given),
            "kind": "objection",
            "matter": key,
            "subject_id": subject,
            "right": "objection",
            "what": objection.status.value,
        }


_OWN: Final = ObjectionGround.OWN_SITUATION


def _of_breach(breach: Breach, given: Circumstances) -> Iterator[Row]:
    """Hours to the authority's notification, which nothing moves; then the people (Art. 33, 34)."""
    state = breach.state
    assert state.detected is not None, "whatever was read was detected"
    known = state.detected.aware_at
    told_until: dict[str, datetime | None] = {
        "authority": due_at(known, given.law) if state.authority_due else None,
        "subjects": subjects_due_at(state, given.law),
    }
    for audience, until in told_until.items():
        if until is None:
            continue
        on = day_of(until, given)
        left = days_left(on, given.now, given.law)
        yield {
            **dict.fromkeys(COLUMNS.names),
            "due_on": on,
            "due_at": until,
            "days_left": left,
            "urgency": "overdue" if given.now > until else urgency(max(left, 0)),
            "kind": "breach",
            "matter": breach.breach,
            "what": audience,
            "received_on": day_of(known, given),
            "moved_over": [],
            "extended": False,
            "paused": False,
            "warning": False,
        }


async def _notices(
    pool: "asyncpg.Pool[Any]", question: Question, given: Circumstances
) -> tuple[int, list[Row]]:
    """No more of them than the page can show, of the days that its filters leave."""
    stands_at, counted = await days_of(pool, question.as_of, given)
    found = await owed(
        pool,
        question.as_of,
        given,
        due={
            day: last_day
            for day in counted
            for last_day in [due_of(day, given)]
            if matches(_month(last_day, given), question)
        },
        size_max=int(question.after or 0) + question.limit + 1,
    )
    return stands_at, [_notice(one, given) for one in found]


def _notice(one: Owed, given: Circumstances) -> Row:
    return {
        **dict.fromkeys(COLUMNS.names),
        **_month(one.last_day, given),
        "matter": one.matter,
        "subject_id": one.subject_id,
        "received_on": one.obtained_on,
    }


def _month(last_day: date, given: Circumstances) -> Row:
    """That of Art. 14(3)(a): an outer limit, which no weekend moves in the person's favour."""
    return {**fixed(last_day, given), "kind": "notice", "what": "art_14"}
