"""The access report of one person (Art. 15 GDPR)."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Response, Security
from pydantic import BaseModel, Field

from app.api.answers import answer
from app.api.call import Call, authorised
from app.api.operations import operation, router
from app.auth import Scope
from app.rights.access import access_report
from app.rights.as_of import parse_as_of

ROUTES = router("rights")


class AccessPartsBody(BaseModel):
    """The six topics of the policy (C1), each filled from what the ledger holds."""

    data: dict[str, Any]
    purposes: dict[str, Any]
    sharing: dict[str, Any]
    storage: dict[str, Any]
    choices: dict[str, Any]
    contact: dict[str, Any]


class AccessReportBody(BaseModel):
    """Everything that Art. 15 wants told; `articles` says where each of its letters is answered."""

    report: str = Field(examples=["access"], max_length=16)
    article: str = Field(max_length=64)
    subject_id: UUID
    generated_at: datetime
    position: int = Field(ge=0)
    version: int = Field(ge=0)
    as_of: dict[str, Any] | None
    policy: str = Field(max_length=64)
    confirmation: str = Field(max_length=200)
    parts: AccessPartsBody
    consultations: list[dict[str, Any]] = Field(max_length=1_000_000)
    timeline: list[dict[str, Any]] = Field(max_length=1_000_000)
    articles: dict[str, str]


@operation(
    ROUTES,
    "GET",
    "/v1/subjects/{subject_id}/access-report",
    scope=Scope.REPORTS_READ,
    answers=AccessReportBody,
    summary="Answer a person's request for access",
    problems=("subject-unknown", "subject-erased", "as-of-malformed", "ledger-busy"),
    clauses=("C43", "C49", "C64"),
    law=("L31", "L32", "L41"),
)
async def get_access_report(
    subject_id: UUID,
    call: Annotated[Call, Security(authorised, scopes=[Scope.REPORTS_READ])],
    as_of: Annotated[str | None, Query(max_length=40)] = None,
) -> Response:
    """Everything held about the person, why, from whom, shared with whom by name, and for how long.

    It has the copy of the data, every consent, objection and restriction with its history, when
    the data were consulted and for what, and every event of the person's stream. `as_of` (a
    position or an RFC 3339 time) answers what was held on that day; what was erased since stays
    erased. The answer is recorded as a consultation for handling the person's rights.
    """
    cut = parse_as_of(as_of)
    return answer(await access_report(call.service.ledger, subject_id, call.reading(), cut))
