"""The register of relationships and of taking part (C2, C3)."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response, Security
from pydantic import Field

from app.api.call import Call, authorised
from app.api.operations import router
from app.api.registers.answering import AskedOverTime, Register, answered, offered, without
from app.api.registers.words import RelationshipWord
from app.auth import Scope
from app.projections import RELATIONSHIPS
from app.registers import relationships
from app.registers.table import Part, Question

ROUTES = router("registers")

EXAMPLE = {
    "items": [
        {
            "position": 812,
            "subject_id": "7f3c1f52-9c3e-4a52-8f1f-2f6b3a1c7d10",
            "kind": "project_participant",
            "since": "2026-11-22T10:00:00Z",
            "until": None,
        }
    ],
    "next": None,
    "self": "/v1/relationships?kind=project_participant",
    "stands_at": 8124,
    "as_of": None,
}


class RelationshipsAsked(AskedOverTime):
    """The register narrowed by kind, organisation or occasion."""

    kind: RelationshipWord = None
    organisation: UUID | None = None
    occasion: UUID | None = None
    history: bool = Field(default=False, description="Those that ended as well.")


async def _read(call: Call, question: Question) -> Part:
    history, narrowed = without(question, "history")
    return await relationships.part(call.service.pool, narrowed, history=history)


REGISTER = Register(
    name="relationships",
    path="/v1/relationships",
    columns=relationships.COLUMNS,
    read=_read,
    about_people=True,
    projections=(RELATIONSHIPS,),
)


@offered(
    ROUTES,
    REGISTER,
    scope=Scope.REGISTERS_READ,
    summary="List the relationships",
    clauses=("C2", "C3", "C26", "C32"),
    law=("L3", "L40", "L48"),
    example=EXAMPLE,
)
async def list_relationships(
    call: Annotated[Call, Security(authorised, scopes=[Scope.REGISTERS_READ])],
    asked: Annotated[RelationshipsAsked, Query()],
) -> Response:
    """Lists who takes part in what, since when, and with `history` until when."""
    return await answered(REGISTER, call, asked)
