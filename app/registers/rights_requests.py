"""The register of rights requests: who waits for what, since when and until when (Art. 12; U1)."""

from dataclasses import replace
from typing import Any

import asyncpg

from app.domain.decider import Circumstances
from app.domain.rights_request_progress import RightsRequest
from app.projections.rights_requests import RIGHTS_REQUESTS, rights_requests
from app.registers.listing import EVERYTHING, IN_FORCE, Listing
from app.registers.people import People
from app.registers.table import Part, Question, Row, columns
from app.rights.rights_requests import deadline_value, next_step

COLUMNS = columns(
    position="Position of the receipt in the log.",
    request="Its id.",
    subject_id="Who asks; a random id.",
    stranger="Whether nobody of that name was known.",
    right="What is asked for.",
    channel="How it arrived.",
    trigger="Why it was asked.",
    system="The system whose account is to be stopped.",
    status="Where it stands.",
    verified="Whether it is known to be the person's own.",
    next="The one thing to do next.",
    received_at="When it reached the controller.",
    due_on="The last day for the answer; while a question is open, as if it were answered now.",
    days_left="Days to it; negative when it is over, empty when nobody waits.",
    urgency="`green`, `amber`, `red` or `overdue`.",
    extended="Whether it was extended.",
    paused="Whether a question to the person is open.",
    open_tasks="How many tasks are open.",
    outcome="How much of it was done.",
    closed_at="When it was answered or taken back.",
    late="Whether it was answered after its day.",
)

_COLUMNS = {"right": "requested_right"}
"""Of the register -> of the table, where `right` is a word of SQL."""

_EVERY = Listing(RIGHTS_REQUESTS, rights_requests, EVERYTHING)
_OPEN = Listing(RIGHTS_REQUESTS, rights_requests, IN_FORCE)


async def part(
    pool: "asyncpg.Pool[Any]",
    people: People,
    question: Question,
    given: Circumstances,
    *,
    waiting: bool,
) -> Part:
    """One page of all the requests, or of those that wait for an answer."""
    filters = {_COLUMNS.get(name, name): value for name, value in question.filters.items()}
    found = await (_OPEN if waiting else _EVERY).part(pool, replace(question, filters=filters))
    states = await people.states((row["subject_id"] for row in found.rows), question.as_of)
    rows = (
        _row(row, request, given)
        for row in found.rows
        for request in [states[row["subject_id"]].rights_requests.by_id.get(row["request"])]
        if request is not None
    )
    return replace(found, rows=tuple(rows))


def _row(indexed: Row, request: RightsRequest, given: Circumstances) -> Row:
    """One request: where it is as the index says, how it stands as its stream does."""
    deadline = deadline_value(request, given)
    return {
        "position": indexed["position"],
        "request": indexed["request"],
        "subject_id": indexed["subject_id"],
        "stranger": request.stranger,
        "right": request.right.value,
        "channel": request.channel.value,
        "trigger": request.trigger.value,
        "system": request.system,
        "status": request.status.value,
        "verified": request.verified,
        "next": next_step(request),
        "received_at": request.received_at,
        "due_on": deadline["due_on"],
        "days_left": deadline["days_left"],
        "urgency": deadline["urgency"],
        "extended": request.extended,
        "paused": deadline["paused"],
        "open_tasks": len(request.open_tasks),
        "outcome": request.outcome and request.outcome.value,
        "closed_at": request.closed_at,
        "late": request.late,
    }
