"""The sharing register: every disclosure, by recipient, purpose, category or mechanism (L59)."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response, Security
from pydantic import Field

from app.api.bodies import WordField
from app.api.call import Call, authorised
from app.api.operations import router
from app.api.registers.answering import AskedOverTime, Register, answered, offered
from app.api.registers.words import CategoryWord, MechanismWord, PurposeWord, RecipientWord
from app.auth import Scope
from app.projections import SHARING_REGISTER
from app.registers import sharing
from app.registers.table import Part, Question

ROUTES = router("registers")

EXAMPLE = {
    "items": [
        {
            "position": 8123,
            "subject_id": "7f3c1f52-9c3e-4a52-8f1f-2f6b3a1c7d10",
            "recipient": "mailchimp",
            "country": "us",
            "mechanism": "dpf",
            "purpose": "newsletter",
            "categories": ["contact.email"],
            "disclosed_at": "2026-11-22T10:00:00Z",
        }
    ],
    "next": None,
    "self": "/v1/disclosures?recipient=mailchimp",
    "stands_at": 8124,
    "as_of": None,
}


class SharingAsked(AskedOverTime):
    """The register narrowed by what was shared with whom, never by whose data."""

    recipient: RecipientWord = None
    purpose: PurposeWord = None
    mechanism: MechanismWord = None
    country: WordField | None = Field(None, description="ISO 3166 alpha-2 in lower case.")
    categories: CategoryWord = Field(None, description="Disclosures of this category.")
    occasion: UUID | None = None


async def _read(call: Call, question: Question) -> Part:
    return await sharing.part(call.service.pool, question)


SHARING = Register(
    name="disclosures",
    path="/v1/disclosures",
    columns=sharing.COLUMNS,
    read=_read,
    about_people=True,
    projections=(SHARING_REGISTER,),
)


@offered(
    ROUTES,
    SHARING,
    scope=Scope.REGISTERS_READ,
    summary="List the disclosures",
    clauses=("C23", "C35", "C36", "C38"),
    law=("L3", "L32", "L48", "L59"),
    example=EXAMPLE,
)
async def list_disclosures_register(
    call: Annotated[Call, Security(authorised, scopes=[Scope.REGISTERS_READ])],
    asked: Annotated[SharingAsked, Query()],
) -> Response:
    """Lists who got which categories of whom, when, for what and under which mechanism.

    Whose data they are is a random id; who somebody is, is asked of the profile, for a purpose.
    """
    return await answered(SHARING, call, asked)
