"""What has to be answered until when: requests, their tasks, objections; the nearest first (U2).

Reckoned on each person's own stream by the functions that the decisions use. A register of
everybody who waits is small; whoever has answered is not looked at.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
from icalendar import Alarm, Calendar, Event

from app.domain.days import day_of
from app.domain.decider import Circumstances
from app.domain.objections import Status
from app.domain.subject import SubjectState
from app.projections.objections import OBJECTIONS, objections
from app.projections.rights_requests import RIGHTS_REQUESTS, rights_requests
from app.registers.listing import IN_FORCE, Listing
from app.registers.rights_requests import folded
from app.registers.table import Part, Question, Row, columns, whole
from app.rights.rights_requests import days_left, deadline_value, identity_value, urgency
from app.store.event_store import EventStore
from app.values import replace

COLUMNS = columns(
    due_on="The last day.",
    days_left="Days to it; negative when it is over.",
    urgency="`green`, `amber`, `red` or `overdue`.",
    kind="`rights_request`, `task` of one, or `objection`.",
    matter="The id of the request or objection.",
    task="The number of the task.",
    subject_id="Whose matter; a random id.",
    right="What is asked for.",
    what="Status of a request, kind of a task.",
    recipient="Whom a task is about.",
    received_on="When it arrived.",
    calendar_day="Where the calendar alone would end it.",
    moved_over="The weekend and holidays that moved it.",
    extended="Whether it was extended.",
    paused="Whether a question to the person is open: then the day moves on.",
    warning="Whether such a question has been open for more than a month.",
)
PROJECTIONS = (RIGHTS_REQUESTS, OBJECTIONS)
PAGE = 1000
ALARM_DAYS = (14, 5, 1)

_REQUESTS = Listing(RIGHTS_REQUESTS, rights_requests, IN_FORCE)
_OBJECTIONS = Listing(OBJECTIONS, objections, IN_FORCE)


async def part(
    pool: "asyncpg.Pool[Any]", store: EventStore, question: Question, given: Circumstances
) -> Part:
    """One page, the nearest day first."""
    stands_at, subjects = await _concerned(pool, question)
    states = await folded(store, subjects, question.as_of)
    rows = [row for key, state in states.items() for row in _rows(key, state, given)]
    rows.sort(key=lambda row: (row["due_on"], str(row["matter"]), row["task"] or 0))
    return whole(rows, question, stands_at)


async def _concerned(pool: "asyncpg.Pool[Any]", question: Question) -> tuple[int, list[UUID]]:
    """Whose matters are open at the cut, and the position that is known of all of them."""
    subjects: list[UUID] = []
    stands: list[int] = []
    for listing in (_REQUESTS, _OBJECTIONS):
        asked = replace(question, filters={}, after=None, limit=PAGE)
        while True:
            found = await listing.part(pool, asked)
            subjects += (row["subject_id"] for row in found.rows)
            stands.append(found.stands_at)
            if found.following is None:
                break
            asked = replace(asked, after=found.following)
    return min(stands), subjects


def _rows(subject: UUID, state: SubjectState, given: Circumstances) -> Iterator[Row]:
    for key, request in state.rights_requests.by_id.items():
        if not request.status.open:
            continue
        deadline = deadline_value(request, given)
        common = {
            **dict.fromkeys(COLUMNS.names),
            "due_on": deadline["due_on"],
            "days_left": deadline["days_left"],
            "urgency": deadline["urgency"],
            "matter": key,
            "subject_id": subject,
            "right": request.right.value,
            "received_on": deadline["received_on"],
            "calendar_day": deadline["calendar_day"],
            "moved_over": [f"{rest['on']} {rest['why']}" for rest in deadline["moved_over"]],
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


def _pending(subject: UUID, state: SubjectState, given: Circumstances) -> Iterator[Row]:
    """Objections that nobody decided: silence past the day grants them (L44)."""
    for key, objection in state.objections.by_id.items():
        if objection.status is not Status.PENDING:
            continue
        due_on = objection.due(given.law)
        left = days_left(due_on, given.now, given.law)
        yield {
            **dict.fromkeys(COLUMNS.names),
            "due_on": due_on,
            "days_left": left,
            "urgency": urgency(left),
            "kind": "objection",
            "matter": key,
            "subject_id": subject,
            "right": "objection",
            "what": objection.status.value,
            "received_on": day_of(objection.since, given),
            "moved_over": [],
            "extended": False,
            "paused": False,
            "warning": False,
        }


def calendar(rows: tuple[Row, ...], given: Circumstances) -> bytes:
    """RFC 5545, one entry a deadline: rights, ids of matters and days, and nobody's name or id."""
    feed = Calendar()
    feed.add("prodid", "-//Personal data ledger//Deadlines//EN")
    feed.add("version", "2.0")
    feed.add("method", "PUBLISH")
    feed.add("x-wr-calname", "Data protection deadlines")
    for row in rows:
        feed.add_component(_entry(row, given))
    made: bytes = feed.to_ical()
    return made


def _entry(row: Row, given: Circumstances) -> Event:
    entry, task = Event(), row["task"]
    named = str(row["matter"]) if task is None else f"{row['matter']}-{task}"
    kind = str(row["kind"]).replace("_", " ").capitalize()
    right = str(row["right"]).replace("_", " ")
    entry.add("uid", f"{named}@deadlines")
    entry.add("dtstamp", given.now)
    entry.add("dtstart", row["due_on"])
    entry.add("summary", f"{kind} due: {right}")
    entry.add("description", f"Matter {row['matter']}. Status: {row['what']}.")
    entry.add("categories", [row["urgency"]])
    entry.add("transp", "TRANSPARENT")
    for days in ALARM_DAYS:
        entry.add_component(_alarm(days))
    return entry


def _alarm(days: int) -> Alarm:
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", f"Due in {days} days")
    alarm.add("trigger", timedelta(days=-days))
    return alarm
