"""The register of consents, with history and evidence (Art. 7(1))."""

from typing import Annotated, Literal

from fastapi import Query, Response, Security
from pydantic import Field

from app.api.call import Call, authorised
from app.api.operations import router
from app.api.registers.answering import AskedOverTime, Register, answered, offered, without
from app.api.registers.words import PolicyWord, PurposeWord
from app.auth import Scope
from app.policy.vocabulary import ConsentMethod
from app.projections import CONSENTS
from app.registers import consents
from app.registers.table import Part, Question

ROUTES = router("registers")

EXAMPLE = {
    "items": [
        {
            "position": 4711,
            "subject_id": "7f3c1f52-9c3e-4a52-8f1f-2f6b3a1c7d10",
            "purpose": "newsletter",
            "kind": "consent",
            "act": "given",
            "in_force": True,
            "method": "form",
            "evidence": "sealed",
            "since": "2026-11-22T10:00:00Z",
        }
    ],
    "next": None,
    "self": "/v1/consents?purpose=newsletter",
    "stands_at": 8124,
    "as_of": None,
}


class ConsentsAsked(AskedOverTime):
    """The register narrowed by what was agreed to, and how."""

    purpose: PurposeWord = None
    kind: Literal["consent", "request", "transfer", "claim"] | None = None
    act: Literal["requested", "given", "confirmed", "withdrawn", "expired", "unproven"] | None = (
        None
    )
    method: ConsentMethod | None = None
    policy: PolicyWord = None
    evidence: Literal["sealed", "none", "erased", "lost"] | None = None
    in_force: bool = Field(default=False, description="Only what carries something at the cut.")


async def _read(call: Call, question: Question) -> Part:
    in_force, narrowed = without(question, "in_force")
    return await consents.part(call.service.pool, narrowed, in_force=in_force)


REGISTER = Register(
    name="consents",
    path="/v1/consents",
    columns=consents.COLUMNS,
    read=_read,
    about_people=True,
    projections=(CONSENTS,),
)


@offered(
    ROUTES,
    REGISTER,
    scope=Scope.CONSENTS_READ,
    summary="List the consents",
    clauses=("C25", "C29", "C55", "C82"),
    law=("L3", "L12", "L14", "L16", "L60"),
    example=EXAMPLE,
)
async def list_consents_register(
    call: Annotated[Call, Security(authorised, scopes=[Scope.CONSENTS_READ])],
    asked: Annotated[ConsentsAsked, Query()],
) -> Response:
    """Lists every act of consent in order: asked for, given, confirmed, withdrawn, unproven.

    Each with its wording, method and time, whether it is in force, and whether its evidence is
    still there. An act outlives an erasure of the person; its evidence goes with its key.
    """
    return await answered(REGISTER, call, asked)
