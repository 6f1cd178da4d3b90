"""The register of rights requests (Art. 12), and the one of what is due."""

from typing import Annotated

from fastapi import Query, Response, Security
from pydantic import Field

from app.api.bodies import WordField
from app.api.call import Call, authorised
from app.api.operations import router
from app.api.registers.answering import AskedOverTime, Register, answered, offered, without
from app.auth import Scope
from app.events.rights_requests import RequestChannel, RequestedRight, RequestTrigger
from app.projections import RIGHTS_REQUESTS
from app.registers.moments import moment_of
from app.registers.rights_requests import COLUMNS, part
from app.registers.rules import ruled
from app.registers.table import Part, Question

ROUTES = router("rights requests")

EXAMPLE = {
    "items": [
        {
            "position": 4711,
            "request": "8b0f9a52-3c59-4f43-9a06-0c6d3b7a1f20",
            "subject_id": "7f3c1f52-9c3e-4a52-8f1f-2f6b3a1c7d10",
            "stranger": False,
            "right": "access",
            "channel": "email",
            "status": "identity_confirmed",
            "next": "approve",
            "received_at": "2026-11-20T09:00:00Z",
            "due_on": "2026-12-21",
            "days_left": 29,
            "urgency": "green",
        }
    ],
    "next": None,
    "self": "/v1/rights-requests?open=true",
    "stands_at": 8124,
    "as_of": None,
}


class RightsRequestsAsked(AskedOverTime):
    """The register narrowed by what was asked for, and how."""

    right: RequestedRight | None = None
    channel: RequestChannel | None = None
    trigger: RequestTrigger | None = None
    system: WordField | None = None
    open: bool = Field(default=False, description="Only those that wait for an answer.")


async def _read(call: Call, question: Question) -> Part:
    service = call.service
    moment = await moment_of(question.as_of, service.pool, service.ledger.clock())
    given = (await ruled(service.rulebook, service.store, question.as_of, moment)).given
    waiting, narrowed = without(question, "open")
    return await part(service.pool, service.kept.people, narrowed, given, waiting=waiting)


REGISTER = Register(
    name="rights-requests",
    path="/v1/rights-requests",
    columns=COLUMNS,
    read=_read,
    about_people=True,
    projections=(RIGHTS_REQUESTS,),
)


@offered(
    ROUTES,
    REGISTER,
    scope=Scope.RIGHTS_REQUESTS_READ,
    summary="List the rights requests",
    clauses=("C63", "C80"),
    law=("L3", "L9", "L20", "L23"),
    example=EXAMPLE,
)
async def list_rights_requests(
    call: Annotated[Call, Security(authorised, scopes=[Scope.RIGHTS_REQUESTS_READ])],
    asked: Annotated[RightsRequestsAsked, Query()],
) -> Response:
    """Lists the requests in the order of their receipt in the log, each with its clock of today.

    Where each stands is read from the person's own stream, so it is never behind the log.
    """
    return await answered(REGISTER, call, asked)
