"""Counts of the suppression register, by purpose and cause (L41)."""

from typing import Annotated

from fastapi import Query, Response, Security

from app.api.call import Call, authorised
from app.api.operations import router
from app.api.registers.answering import Asked, Register, answered, offered
from app.api.registers.words import PurposeWord
from app.auth import Scope
from app.projections import SUPPRESSIONS
from app.projections.positions import position_of
from app.registers import suppressions
from app.registers.table import Part, Question, whole

ROUTES = router("registers")

EXAMPLE = {
    "items": [{"purpose": "newsletter", "cause": None, "recorded": 17, "lifted": 1}],
    "next": None,
    "self": "/v1/suppressions",
    "stands_at": 8124,
    "as_of": None,
}


class SuppressionsAsked(Asked):
    """The counts of one purpose."""

    purpose: PurposeWord = None


async def _read(call: Call, question: Question) -> Part:
    service = call.service
    found = await suppressions.rows(service.pool, question.as_of, service.ledger.clock())
    return whole(found, question, await position_of(service.pool, SUPPRESSIONS))


REGISTER = Register(
    name="suppressions",
    path="/v1/suppressions",
    columns=suppressions.COLUMNS,
    read=_read,
    about_people=False,
    projections=(SUPPRESSIONS,),
)


@offered(
    ROUTES,
    REGISTER,
    scope=Scope.REGISTERS_READ,
    summary="Count the suppressions",
    clauses=("C25", "C73"),
    law=("L41",),
    example=EXAMPLE,
)
async def count_suppressions(
    call: Annotated[Call, Security(authorised, scopes=[Scope.REGISTERS_READ])],
    asked: Annotated[SuppressionsAsked, Query()],
) -> Response:
    """Counts the addresses that are closed to each purpose, and why, never whose."""
    return await answered(REGISTER, call, asked)
