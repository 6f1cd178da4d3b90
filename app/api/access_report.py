"""The access report of one person (Art. 15 GDPR), as JSON, as a page and on paper."""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import anyio.to_thread
from fastapi import Query, Response, Security
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import StreamingResponse

from app.api.bodies import AnswerProofBody
from app.api.call import Call, authorised
from app.api.operations import operation, router
from app.auth import Scope
from app.documents.access_document import access_document
from app.documents.page import content_security_policy, pieces
from app.documents.pdf import pdf
from app.rights.access import AccessReport, access_report, read_report
from app.rights.as_of import parse_as_of
from app.store.answer_proofs import AnswerProofs

ROUTES = router("rights")


class ReportForm(StrEnum):
    """The forms of one report: they tell the same."""

    JSON = "json"
    HTML = "html"
    PDF = "pdf"


MEDIA_TYPES = {
    ReportForm.JSON: "application/json",
    ReportForm.HTML: "text/html",
    ReportForm.PDF: "application/pdf",
}


class Asked(BaseModel):
    """Which day, which form, which language."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    as_of: str | None = Field(default=None, max_length=40)
    format: ReportForm | None = None
    language: str | None = Field(
        default=None,
        max_length=35,
        pattern="^[A-Za-z]{2,3}([-_][A-Za-z0-9]{1,8})*$",
        examples=["sv"],
    )


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
    language: dict[str, Any]
    generated_at: datetime
    position: int = Field(ge=0)
    version: int = Field(ge=0)
    as_of: dict[str, Any] | None
    policy: str = Field(max_length=64)
    confirmation: str = Field(max_length=200)
    summary: dict[str, Any]
    parts: AccessPartsBody
    policy_texts: list[dict[str, Any]] = Field(max_length=1_000)
    consultations: list[dict[str, Any]] = Field(max_length=1_000_000)
    chain: dict[str, Any]
    timeline: list[dict[str, Any]] = Field(max_length=1_000_000)
    glossary: list[dict[str, str]] = Field(max_length=100)
    articles: dict[str, str]
    other_records: list[dict[str, Any]] = Field(
        description="Other records of the same person, each with a report of its own.",
        max_length=100,
    )
    proof: AnswerProofBody = Field(
        description="Every entry of the stream: that none was left out is checked offline (L9)."
    )


@operation(
    ROUTES,
    "GET",
    "/v1/subjects/{subject_id}/access-report",
    scope=Scope.REPORTS_READ,
    answers=AccessReportBody,
    summary="Answer a person's request for access",
    problems=(
        "subject-unknown",
        "subject-erased",
        "as-of-malformed",
        "ledger-busy",
        "log-damaged",
    ),
    clauses=("C43", "C49", "C63", "C64", "C83"),
    law=("L9", "L27", "L31", "L32", "L33", "L41"),
    forms=("text/html", "application/pdf"),
)
async def get_access_report(
    subject_id: UUID,
    call: Annotated[Call, Security(authorised, scopes=[Scope.REPORTS_READ])],
    asked: Annotated[Asked, Query()],
) -> Response:
    """Everything held about the person, why, from whom, shared with whom by name, and for how long.

    It has the copy of the data, every consent, objection and restriction with its history, when
    the data were consulted and for what, and every event of the person's stream with its hash, so
    that the chain shows that none is missing. `as_of` (a position or an RFC 3339 time) answers
    what was held on that day; what was erased since stays erased. `format` or the `Accept` header
    chooses JSON, an HTML page or PDF/UA-1; all three tell the same. `language` is a BCP 47 tag
    (en, sv, fr, nl); without it the person's own language is taken, then `Accept-Language`. The
    answer is recorded as a consultation for handling the person's rights.

    The JSON carries the `proof` that its history is whole: every entry, chained, up to the one that
    this answer made; one of them with its path to a checkpoint, the younger ones under a signed
    receipt. `pdledger log verify-answer` checks it offline.
    """
    cut = parse_as_of(asked.as_of)
    chosen = asked.format or _accepted(call.request.headers.get("accept", ""))
    service = call.service
    report = await access_report(
        service.ledger,
        subject_id,
        call.reading(),
        proofs=AnswerProofs(service.pool, service.attestation.policy)
        if chosen is ReportForm.JSON
        else None,
        as_of=cut,
        wanted=asked.language,
        accepted=_preferred(call.request.headers.get("accept-language", "")),
    )
    headers = {"content-language": report.language.code, "vary": "accept, accept-language"}
    match chosen:
        case ReportForm.JSON:
            return Response(report.json, headers=headers, media_type=MEDIA_TYPES[chosen])
        case ReportForm.HTML:
            headers["content-security-policy"] = content_security_policy()
            return StreamingResponse(_html(report), headers=headers, media_type=MEDIA_TYPES[chosen])
        case ReportForm.PDF:
            made = await anyio.to_thread.run_sync(_pdf, report)
            headers["content-disposition"] = 'attachment; filename="access-report.pdf"'
            return Response(made, headers=headers, media_type=MEDIA_TYPES[chosen])


def _html(report: AccessReport) -> Iterator[bytes]:
    """Piece by piece; an iterator that is not asynchronous is run off the event loop."""
    document = access_document(read_report(report), report.language)
    for piece in pieces(document):
        yield piece.encode()


def _pdf(report: AccessReport) -> bytes:
    return pdf(access_document(read_report(report), report.language))


def _accepted(header: str) -> ReportForm:
    """The form that an Accept header names first; JSON where it names none of them."""
    for part in header.split(","):
        named = part.partition(";")[0].strip().lower()
        for form, media_type in MEDIA_TYPES.items():
            if named == media_type:
                return form
    return ReportForm.JSON


def _preferred(header: str) -> str | None:
    """The first language of an Accept-Language header; None for any."""
    tag = header.partition(",")[0].partition(";")[0].strip()
    return tag if tag and tag != "*" else None
