"""Assessments of the impact on data protection, filled in as far as the ledger knows (Art. 35)."""

from typing import Annotated, Literal

from fastapi import Query, Response, Security
from pydantic import Field

from app.api.call import Call, authorised
from app.api.operations import router
from app.api.registers.activities import ruled_and_observed
from app.api.registers.answering import Asked, Register, answered, offered
from app.api.registers.findings import findings_of_the_text
from app.api.registers.words import ActivityWord
from app.auth import Scope
from app.projections import PROFILES, SHARING_REGISTER
from app.registers.belgian_model import Language
from app.registers.findings import of_the_policy
from app.registers.impact_assessments import COLUMNS, impact_assessments
from app.registers.table import Part, Question, whole

ROUTES = router("registers")

EXAMPLE = {
    "items": [
        {
            "activity": "newsletter",
            "element": "description",
            "provision": "Art. 35(7)(a)",
            "question": "Categories of recipients",
            "answer": ["Mailchimp"],
            "origin": "declared",
        },
        {
            "activity": "newsletter",
            "element": "risks",
            "provision": "Art. 35(7)(c)",
            "question": "Likelihood and severity of each risk for the people concerned",
            "answer": [],
            "origin": "open",
        },
    ],
    "next": None,
    "self": "/v1/impact-assessments?activity=newsletter",
    "stands_at": 8124,
    "as_of": None,
}


class AssessmentsAsked(Asked):
    """The questions of one activity, of one element, or those that are still to be answered."""

    activity: ActivityWord = None
    element: Literal["description", "necessity", "risks", "measures", "consultation"] | None = None
    origin: Literal["declared", "observed", "open"] | None = None
    language: Language = Field(Language.EN, description="Of the questions and of the law's words.")


async def _read(call: Call, question: Question) -> Part:
    found, seen = await ruled_and_observed(call.service, question.as_of)
    findings = of_the_policy(found, await findings_of_the_text(call, found), seen.by_activity)
    filters = dict(question.filters)
    language = Language(filters.pop("language"))
    rows = impact_assessments(found, seen.by_activity, findings, language)
    asked = Question(limit=question.limit, after=question.after, filters=filters)
    return whole(rows, asked, seen.stands_at)


ASSESSMENTS = Register(
    name="impact-assessments",
    path="/v1/impact-assessments",
    columns=COLUMNS,
    read=_read,
    about_people=False,
    projections=(PROFILES, SHARING_REGISTER),
)


@offered(
    ROUTES,
    ASSESSMENTS,
    scope=Scope.REGISTERS_READ,
    summary="Fill in what is known for an impact assessment",
    clauses=("C33",),
    law=("L54",),
    example=EXAMPLE,
)
async def list_impact_assessments(
    call: Annotated[Call, Security(authorised, scopes=[Scope.REGISTERS_READ])],
    asked: Annotated[AssessmentsAsked, Query()],
) -> Response:
    """Lists what Art. 35(7) asks of every activity, with what the policy and the log know of it.

    To be taken over into the form that the authority offers. `open` is what only the controller can
    say; whether an assessment is needed, and what it concludes, is decided by people.
    """
    return await answered(ASSESSMENTS, call, asked)
