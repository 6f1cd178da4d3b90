"""The registers of objections and of restrictions in force (Arts. 18, 21)."""

from typing import Annotated

from fastapi import Query, Response, Security
from pydantic import Field

from app.api.call import Call, authorised
from app.api.operations import router
from app.api.registers.answering import AskedOverTime, Register, answered, offered, without
from app.api.registers.words import PurposeWord, RecipientWord
from app.auth import Scope
from app.events.objections import ObjectionGround
from app.events.restrictions import RestrictionGround
from app.projections import OBJECTIONS
from app.registers import objections
from app.registers.table import Part, Question

ROUTES = router("registers")

Reader = Annotated[Call, Security(authorised, scopes=[Scope.REGISTERS_READ])]


def _example(path: str, **row: object) -> dict[str, object]:
    told = {"position": 512, "subject_id": "7f3c1f52-9c3e-4a52-8f1f-2f6b3a1c7d10", **row}
    items = [told | {"since": "2026-11-22T10:00:00Z", "until": None}]
    return {"items": items, "next": None, "self": path, "stands_at": 8124, "as_of": None}


class ObjectionsAsked(AskedOverTime):
    """The register narrowed by what is objected to."""

    ground: ObjectionGround | None = None
    purpose: PurposeWord = None
    recipient: RecipientWord = None
    history: bool = Field(default=False, description="Those overridden or withdrawn as well.")


class RestrictionsAsked(AskedOverTime):
    """The register narrowed by ground and purpose."""

    ground: RestrictionGround | None = None
    purpose: PurposeWord = None
    history: bool = Field(default=False, description="Those lifted as well.")


async def _read_objections(call: Call, question: Question) -> Part:
    history, narrowed = without(question, "history")
    return await objections.objections_part(call.service.pool, narrowed, history=history)


async def _read_restrictions(call: Call, question: Question) -> Part:
    history, narrowed = without(question, "history")
    return await objections.restrictions_part(call.service.pool, narrowed, history=history)


OBJECTION_REGISTER = Register(
    name="objections",
    path="/v1/objections",
    columns=objections.OBJECTION_COLUMNS,
    read=_read_objections,
    about_people=True,
    projections=(OBJECTIONS,),
)
RESTRICTION_REGISTER = Register(
    name="restrictions",
    path="/v1/restrictions",
    columns=objections.RESTRICTION_COLUMNS,
    read=_read_restrictions,
    about_people=True,
    projections=(OBJECTIONS,),
)


@offered(
    ROUTES,
    OBJECTION_REGISTER,
    scope=Scope.REGISTERS_READ,
    summary="List the objections in force",
    clauses=("C37", "C65", "C73"),
    law=("L3", "L43", "L44"),
    example=_example("/v1/objections", ground="direct_marketing", state="granted"),
)
async def list_objections_register(
    call: Reader, asked: Annotated[ObjectionsAsked, Query()]
) -> Response:
    """Lists who objects to what, and what was decided; with `history` what no longer counts."""
    return await answered(OBJECTION_REGISTER, call, asked)


@offered(
    ROUTES,
    RESTRICTION_REGISTER,
    scope=Scope.REGISTERS_READ,
    summary="List the restrictions in force",
    clauses=("C67",),
    law=("L3", "L42"),
    example=_example("/v1/restrictions", ground="accuracy"),
)
async def list_restrictions_register(
    call: Reader, asked: Annotated[RestrictionsAsked, Query()]
) -> Response:
    """Lists whose data rest, why, and whether the person was told of the end."""
    return await answered(RESTRICTION_REGISTER, call, asked)
