"""The registers of notices over HTTP: shown, and due (Arts. 13, 14; L29)."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response, Security

from app.api.bodies import WordField
from app.api.call import Call, authorised
from app.api.operations import router
from app.api.registers.answering import Asked, AskedOverTime, Register, answered, offered
from app.api.registers.words import PolicyWord
from app.auth import Scope
from app.events.notices import NoticeChannel
from app.projections import NOTICES
from app.registers.notices import COLUMNS, DUE_COLUMNS, due, shown
from app.registers.table import Part, Question

ROUTES = router("registers")

SHOWN_EXAMPLE = {
    "items": [
        {
            "position": 4711,
            "subject_id": "7f3c1f52-9c3e-4a52-8f1f-2f6b3a1c7d10",
            "policy": "impel-1",
            "language": "sv",
            "channel": "form",
            "since": "2026-11-22T10:00:00Z",
        }
    ],
    "next": None,
    "self": "/v1/notices?policy=impel-1",
    "stands_at": 8124,
    "as_of": None,
}
DUE_EXAMPLE = {
    "items": [
        {
            "subject_id": "7f3c1f52-9c3e-4a52-8f1f-2f6b3a1c7d10",
            "since": "2026-11-22T10:00:00Z",
            "due": "2026-12-22",
            "overdue": False,
            "sources": ["member_organisation"],
        }
    ],
    "next": None,
    "self": "/v1/notices-due",
    "stands_at": 8124,
    "as_of": None,
}


class NoticesAsked(AskedOverTime):
    """The register narrowed by what was shown, and to whom."""

    policy: PolicyWord = None
    language: WordField | None = None
    channel: NoticeChannel | None = None
    subject_id: UUID | None = None


async def _shown(call: Call, question: Question) -> Part:
    return await shown(call.service.pool, question)


async def _due(call: Call, question: Question) -> Part:
    service = call.service
    given = (await service.ledger.rules()).at(service.ledger.clock())
    return await due(
        service.pool, service.store, service.kept.people, question=question, given=given
    )


SHOWN = Register(
    name="notices",
    path="/v1/notices",
    columns=COLUMNS,
    read=_shown,
    about_people=True,
    projections=(NOTICES,),
)
DUE = Register(
    name="notices-due",
    path="/v1/notices-due",
    columns=DUE_COLUMNS,
    read=_due,
    about_people=True,
    projections=(NOTICES,),
)


@offered(
    ROUTES,
    SHOWN,
    scope=Scope.REGISTERS_READ,
    summary="List the notices that were shown",
    clauses=("C5", "C77", "C83"),
    law=("L3", "L29", "L77"),
    example=SHOWN_EXAMPLE,
)
async def list_notices(
    call: Annotated[Call, Security(authorised, scopes=[Scope.REGISTERS_READ])],
    asked: Annotated[NoticesAsked, Query()],
) -> Response:
    """Lists who was shown which version of the policy, in which language, by which way and when.

    Being shown a notice is consent to nothing. A row outlives an erasure: it names nobody.
    """
    return await answered(SHOWN, call, asked)


@offered(
    ROUTES,
    DUE,
    scope=Scope.REGISTERS_READ,
    summary="List the notices that are due",
    clauses=("C15", "C38"),
    law=("L3", "L29", "L45"),
    example=DUE_EXAMPLE,
)
async def list_notices_due(
    call: Annotated[Call, Security(authorised, scopes=[Scope.REGISTERS_READ])],
    asked: Annotated[Asked, Query()],
) -> Response:
    """Lists whose data came from somebody else and who has not been told, with the last day.

    A disclosure before the notice is refused whatever the day (Art. 14(3)(c)).
    """
    return await answered(DUE, call, asked)
