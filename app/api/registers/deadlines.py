"""What is due until when, as a register and as a calendar (Art. 12(3); U2)."""

from datetime import date
from typing import Annotated, Literal

import anyio.to_thread
from fastapi import HTTPException, Path, Query, Request, Response, Security
from pydantic import Field

from app.api.call import Call, authorised
from app.api.operations import operation, router
from app.api.registers.answering import Asked, Register, answered, offered
from app.api.standing import MinPositionQuery, caught_up
from app.auth import NotAuthenticated, Scope
from app.registers.deadline_calendar import calendar
from app.registers.deadlines import COLUMNS, PROJECTIONS, entries, part
from app.registers.moments import moment_of
from app.registers.rules import ruled
from app.registers.table import Part, Question
from app.service import Service

ROUTES = router("rights requests")
ICS = "text/calendar"
TokenPath = Annotated[
    str,
    Path(
        description="A key with the scope `calendar:read` alone.",
        max_length=100,
        pattern=r"^[0-9A-Za-z_-]+$",
    ),
]

EXAMPLE = {
    "items": [
        {
            "due_on": "2026-12-21",
            "due_at": "2026-12-21T23:00:00Z",
            "days_left": 29,
            "urgency": "green",
            "kind": "rights_request",
            "matter": "8b0f9a52-3c59-4f43-9a06-0c6d3b7a1f20",
            "subject_id": "7f3c1f52-9c3e-4a52-8f1f-2f6b3a1c7d10",
            "right": "access",
            "what": "identity_confirmed",
            "received_on": "2026-11-20",
            "calendar_day": "2026-12-20",
            "moved_over": ["2026-12-20 sunday"],
        }
    ],
    "next": None,
    "self": "/v1/deadlines",
    "stands_at": 8124,
    "as_of": None,
}


class DeadlinesAsked(Asked):
    """The register narrowed by what is due."""

    kind: (
        Literal["rights_request", "task", "objection", "restriction", "erasure", "breach", "notice"]
        | None
    ) = None
    urgency: Literal["green", "amber", "red", "overdue"] | None = None
    due_on: date | None = Field(None, description="Only what is due on this day.")


async def _read(call: Call, question: Question) -> Part:
    service = call.service
    moment = await moment_of(question.as_of, service.pool, service.ledger.clock())
    given = (await ruled(service.rulebook, service.store, question.as_of, moment)).given
    return await part(
        service.pool, service.store, service.kept.people, question=question, given=given
    )


REGISTER = Register(
    name="deadlines",
    path="/v1/deadlines",
    columns=COLUMNS,
    read=_read,
    about_people=True,
    projections=PROJECTIONS,
)


@offered(
    ROUTES,
    REGISTER,
    scope=Scope.RIGHTS_REQUESTS_READ,
    summary="List what is due",
    clauses=("C72", "C80"),
    law=("L3", "L21", "L22", "L23", "L24", "L29", "L44", "L52", "L53"),
    example=EXAMPLE,
)
async def list_deadlines(
    call: Annotated[Call, Security(authorised, scopes=[Scope.RIGHTS_REQUESTS_READ])],
    asked: Annotated[DeadlinesAsked, Query()],
) -> Response:
    """Lists what waits for an answer, the nearest day first, with the days that are left and why.

    Requests, the tasks on them, objections that nobody has decided; erasures that are not carried
    out, or of which a recipient is not told; breaches of which the
    authority or the people are to be told, by the hour; and people who are owed a notice because
    what is held of them came from somebody else.
    """
    return await answered(REGISTER, call, asked)


@operation(
    ROUTES,
    "GET",
    "/v1/deadlines/calendar",
    scope=Scope.RIGHTS_REQUESTS_READ,
    answers=None,
    summary="Show what is due as a calendar",
    problems=("position-ahead", "projection-lagging"),
    clauses=("C80",),
    law=("L23",),
    media_type=ICS,
    example="BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n",
)
async def show_deadlines_calendar(
    call: Annotated[Call, Security(authorised, scopes=[Scope.RIGHTS_REQUESTS_READ])],
    min_position: MinPositionQuery = None,
) -> Response:
    """RFC 5545: one entry a deadline, with the right, the matter's id and the day or the hour.

    Notices that are due on one day are one entry with their number. It names no person, not even
    by an id, so it may lie in a calendar of the desk's own.
    """
    await caught_up(call, PROJECTIONS, min_position)
    return await _calendar(call.service)


@operation(
    ROUTES,
    "GET",
    "/calendars/{token}",
    scope=None,
    answers=None,
    summary="Show what is due to a calendar that sends no headers",
    problems=("not-found",),
    clauses=("C80",),
    law=("L23",),
    media_type=ICS,
    example="BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n",
)
async def show_subscribed_calendar(request: Request, token: TokenPath) -> Response:
    """The same calendar, for programs that subscribe to an address and can send no key.

    The address holds a key whose only scope is `calendar:read` (`pdledger client add`): it opens
    nothing else, lasts at most a year, and is revoked like any key. Every other text, a key that
    may do more included, is 404: such a key has no place in an address.
    """
    service: Service = request.app.state.service
    try:
        caller = await service.callers.caller(token)
    except NotAuthenticated:
        raise HTTPException(404) from None
    if caller.scopes != {Scope.CALENDAR_READ}:
        raise HTTPException(404)
    found = await _calendar(service)
    found.headers["cache-control"] = "private, no-store"
    return found


async def _calendar(service: Service) -> Response:
    given = (await service.ledger.rules()).at(service.ledger.clock())
    due, notices = await entries(service.pool, service.store, service.kept.people, given)
    # A millisecond an entry: others are served meanwhile.
    made = await anyio.to_thread.run_sync(calendar, due, notices, given)
    return Response(made, media_type=ICS)
