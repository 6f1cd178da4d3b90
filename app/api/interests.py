"""Assessments of legitimate interests: recorded by the digest of the document, listed (Art. 6)."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Response, Security
from pydantic import BaseModel, Field

from app.api.answers import answer, receipted
from app.api.bodies import Body, DayField, DigestField, ReceiptBody, WordField
from app.api.call import Call, authorised
from app.api.operations import operation, router
from app.auth import Scope
from app.domain.days import day_of
from app.domain.interests import AssessInterest, Interest, interests
from app.events.interests import AssessmentOutcome

ROUTES = router("legitimate-interests")


class AssessmentBody(Body):
    """One assessment; the document itself stays with the desk."""

    assessment: UUID = Field(description="An id of yours for the document.")
    purpose: WordField = Field(examples=["photos"])
    document_sha256: DigestField = Field(description="SHA-256 of the document, in hex.")
    assessed_on: DayField
    outcome: AssessmentOutcome = Field(examples=["prevails_with_safeguards"])


class InterestsBody(BaseModel):
    """Every purpose and use that rests on an interest, with the assessment that stands."""

    items: list[dict[str, Any]] = Field(max_length=1000)


@operation(
    ROUTES,
    "POST",
    "/v1/legitimate-interest-assessments",
    scope=Scope.POLICY_PUBLISH,
    answers=ReceiptBody,
    status=201,
    summary="Record the assessment of a legitimate interest",
    problems=("purpose-unknown", "no-interest-to-assess", "assessed-in-future"),
    clauses=("C31", "C37", "C62"),
    law=("L9", "L44"),
    writes=True,
)
async def assess_interest(
    body: AssessmentBody,
    call: Annotated[Call, Security(authorised, scopes=[Scope.POLICY_PUBLISH])],
) -> Response:
    """Records that the interest in a purpose was weighed, when, and what came of it.

    It covers the uses of the purpose as well, unless one of them has an assessment of its own.
    """
    command = AssessInterest(
        assessment=body.assessment,
        purpose=body.purpose,
        document=body.document_sha256,
        assessed_on=body.assessed_on,
        outcome=body.outcome,
    )
    return receipted(await call.service.control.execute(command, await call.attribution()))


@operation(
    ROUTES,
    "GET",
    "/v1/legitimate-interest-assessments",
    scope=Scope.REGISTERS_READ,
    answers=InterestsBody,
    summary="List the interests and how they were assessed",
    clauses=("C31", "C37"),
    law=("L9", "L44"),
)
async def list_interests(
    call: Annotated[Call, Security(authorised, scopes=[Scope.REGISTERS_READ])],
) -> Response:
    """Each with the assessment that stands, missing or overdue ones too; these are findings."""
    given = (await call.service.ledger.rules()).at(call.service.ledger.clock())
    return answer({"items": [_value(one) for one in interests(given, day_of(given.now, given))]})


def _value(one: Interest) -> dict[str, Any]:
    standing = one.standing
    return {
        "purpose": one.purpose,
        "state": one.state.value,
        "assessment": None if standing is None else standing.assessment,
        "assessed_purpose": None if standing is None else standing.purpose,
        "document_sha256": None if standing is None else standing.document,
        "assessed_on": None if standing is None else standing.assessed_on,
        "outcome": None if standing is None else standing.outcome.value,
        "review_on": one.review_on,
    }
