"""The register of what falls due: data whose period ends by a day (Art. 5(1)(e))."""

from datetime import date, timedelta
from typing import Annotated, Final

from fastapi import Query, Response, Security
from pydantic import Field

from app.api.bodies import DayField
from app.api.call import Call, authorised
from app.api.operations import router
from app.api.registers.answering import Asked, Register, answered, offered
from app.api.registers.words import RetentionClassWord
from app.auth import Scope
from app.registers.moments import moment_of
from app.registers.retention_due import COLUMNS, on_day, part
from app.registers.rules import ruled
from app.registers.table import Part, Question

ROUTES = router("registers")

FIRST_DAY: Final = date(2018, 5, 25)
"""Before it there is no law by which a period could be counted."""
LAST_DAY: Final = date(2100, 1, 1)

EXAMPLE = {
    "items": [
        {
            "subject_id": "7f3c1f52-9c3e-4a52-8f1f-2f6b3a1c7d10",
            "retention_class": "participation",
            "until": "2026-11-22",
            "categories": ["contact.email", "contact.name"],
            "keep": "P7Y",
            "counted_from": "participation_end",
        }
    ],
    "next": None,
    "self": "/v1/retention-due?by=2026-12-31",
    "stands_at": 8124,
    "as_of": None,
}


class DueAsked(Asked):
    """What ends by a day, in one class or in all."""

    by: DayField | None = Field(
        default=None,
        ge=FIRST_DAY,
        le=LAST_DAY,
        description="Kept until this day at the latest; today when not named.",
    )
    retention_class: RetentionClassWord = None


async def _read(call: Call, question: Question) -> Part:
    service = call.service
    moment = await moment_of(question.as_of, service.pool, service.ledger.clock())
    found = await ruled(service.rulebook, service.store, question.as_of, moment)
    by = question.filters.get("by") or found.on
    given = on_day(found.given, by + timedelta(days=1))
    return await part(
        service.pool, service.store, service.kept.people, question=question, given=given
    )


REGISTER = Register(
    name="retention-due",
    path="/v1/retention-due",
    columns=COLUMNS,
    read=_read,
    about_people=True,
)


@offered(
    ROUTES,
    REGISTER,
    scope=Scope.REGISTERS_READ,
    summary="List what falls due",
    clauses=("C32", "C60"),
    law=("L3", "L7", "L40", "L48", "L67"),
    example=EXAMPLE,
)
async def list_retention_due(
    call: Annotated[Call, Security(authorised, scopes=[Scope.REGISTERS_READ])],
    asked: Annotated[DueAsked, Query()],
) -> Response:
    """Lists whose data are kept until the day `by` at the latest, decided as the execution does.

    What a restriction or an open erasure holds back is not due. A page may have fewer rows than
    asked for and still a next one.
    """
    return await answered(REGISTER, call, asked)
