"""The record of processing activities (Art. 30): declared and observed side by side."""

from typing import Annotated

from fastapi import Query, Response, Security
from pydantic import Field

from app.api.call import Call, authorised
from app.api.operations import router
from app.api.registers.activities import ruled_and_observed
from app.api.registers.answering import Asked, Register, answered, offered
from app.auth import Scope
from app.projections import PROFILES, SHARING_REGISTER
from app.registers.belgian_model import COLUMNS, Language, headings
from app.registers.processing_records import records
from app.registers.table import Part, Question, whole

ROUTES = router("registers")

EXAMPLE = {
    "items": [
        {
            "controller_name": "IMPEL, Chemin des deux maisons 73, box 3, 1200 Brussels, Belgium",
            "activity": "07 newsletter",
            "legal_bases": ["Consent, Art. 6(1)(a)"],
            "recipients": ["Mailchimp"],
            "observed_people": 512,
            "drift": ["undeclared category: contact.name"],
        }
    ],
    "next": None,
    "self": "/v1/processing-records",
    "stands_at": 8124,
    "as_of": None,
}


class RecordsAsked(Asked):
    """The record in one of the languages of the authority's model."""

    language: Language = Field(
        Language.EN, description="Of the headings of a spreadsheet, and of the law's own words."
    )


async def _read(call: Call, question: Question) -> Part:
    found, seen = await ruled_and_observed(call.service, question.as_of)
    filters = dict(question.filters)
    language = Language(filters.pop("language"))
    rows = records(found.given, seen.by_activity, language)
    return whole(rows, Question(limit=question.limit, after=question.after), seen.stands_at)


RECORDS = Register(
    name="processing-records",
    path="/v1/processing-records",
    columns=COLUMNS,
    read=_read,
    about_people=False,
    projections=(PROFILES, SHARING_REGISTER),
)


@offered(
    ROUTES,
    RECORDS,
    scope=Scope.REGISTERS_READ,
    summary="Show the record of processing activities",
    clauses=("C3", "C33", "C39", "C40", "C58", "C59", "C60"),
    law=("L48", "L49", "L50", "L51", "L55", "L59"),
    example=EXAMPLE,
)
async def list_processing_records(
    call: Annotated[Call, Security(authorised, scopes=[Scope.REGISTERS_READ])],
    asked: Annotated[RecordsAsked, Query()],
) -> Response:
    """Shows each activity as the policy declares it and as the log shows it, with the drift.

    Drift is a category, recipient or purpose that is not declared, or a transfer without a valid
    mechanism. A spreadsheet has the columns of the Belgian authority's model, in their order.
    """
    return await answered(RECORDS, call, asked, headings=headings(asked.language))
