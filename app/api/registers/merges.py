"""The register of merges: what waits for a second pair of eyes, which records belong together."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response, Security
from pydantic import Field

from app.api.call import Call, authorised
from app.api.operations import router
from app.api.registers.answering import AskedOverTime, Register, answered, offered, without
from app.auth import Scope
from app.projections import MERGES
from app.registers import merges
from app.registers.table import Part, Question

ROUTES = router("registers")

EXAMPLE = {
    "items": [
        {
            "position": 912,
            "merge": "5a0f1c1e-2f0e-4b58-9a58-0d8f4f6f2a11",
            "subject_id": "7f3c1f52-9c3e-4a52-8f1f-2f6b3a1c7d10",
            "other": "0f8c5a52-1c3e-4a52-8f1f-2f6b3a1c7d11",
            "ground": "control",
            "approved_at": None,
        }
    ],
    "next": None,
    "self": "/v1/merges",
    "stands_at": 8124,
    "as_of": None,
}


class MergesAsked(AskedOverTime):
    """The register narrowed to one merge or one record."""

    merge: UUID | None = None
    other: UUID | None = None
    history: bool = Field(default=False, description="Those rejected or reverted as well.")


async def _read(call: Call, question: Question) -> Part:
    history, narrowed = without(question, "history")
    return await merges.part(call.service.pool, narrowed, history=history)


REGISTER = Register(
    name="merges",
    path="/v1/merges",
    columns=merges.COLUMNS,
    read=_read,
    about_people=True,
    projections=(MERGES,),
)


@offered(
    ROUTES,
    REGISTER,
    scope=Scope.REGISTERS_READ,
    summary="List the merges",
    clauses=(),
    law=("L6", "L9", "L33"),
    example=EXAMPLE,
)
async def list_merged_records(
    call: Annotated[Call, Security(authorised, scopes=[Scope.REGISTERS_READ])],
    asked: Annotated[MergesAsked, Query()],
) -> Response:
    """Lists the merges that wait for somebody else and those in force, each under its survivor."""
    return await answered(REGISTER, call, asked)
