"""The registry of problem types (RFC 9457): which refusal, fault or bad input is which status."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec
from starlette.responses import Response

from app.domain.decider import Refusal

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class ProblemType:
    """One registered type. ``title`` never varies; ``advice`` says what to do about it."""

    status: int
    title: str
    advice: str


PROBLEMS: Mapping[str, ProblemType] = {
    # Requests that cannot be read
    "malformed-json": ProblemType(
        400, "The body is not acceptable JSON", "Send one UTF-8 JSON value: no duplicate keys, no NUL, no lone surrogates, no NaN."
    ),
    "validation": ProblemType(
        422, "The request does not fit its schema", "Mend the members that `errors` points at; the schema is in /docs."
    ),
    "unsupported-media-type": ProblemType(
        415, "The body has another media type than the operation reads", "Send the Content-Type that /docs names for it."
    ),
    "body-too-large": ProblemType(413, "The body is too large", "Send less at once; many records go through POST /v1/imports."),
    "line-too-long": ProblemType(422, "A line of the import is too long", "Keep each line under the limit that /docs names."),
    "idempotency-key-missing": ProblemType(
        400, "The operation needs an Idempotency-Key", "Send a fresh UUID as Idempotency-Key, and the same one when you repeat the request."
    ),
    "idempotency-key-invalid": ProblemType(400, "The Idempotency-Key is malformed", "Send 1 to 255 visible ASCII characters, quoted or bare."),
    "purpose-header-missing": ProblemType(
        400, "Reading personal data needs a purpose", "Send the purpose of the policy you read for in the Purpose header (L3)."
    ),
    "precondition-malformed": ProblemType(400, "If-Match is malformed", "Send the ETag of the record, quotes included."),
    "cursor-invalid": ProblemType(400, "The cursor is not one of this list", "Start the list again without a cursor."),
    "not-authenticated": ProblemType(401, "No valid API key", "Send `Authorization: Bearer pl_live_…`; ask the desk for a key."),
    "webhook-signature-invalid": ProblemType(401, "The webhook's signature does not hold", "Check the signing secret and the clock (300 s)."),
    "insufficient-scope": ProblemType(403, "The key lacks the scope of this operation", "Ask the desk for a key with the scope that is named."),
    "source-not-yours": ProblemType(403, "The key is bound to another system", "Record only data that your own system collected (S7)."),
    "not-found": ProblemType(404, "There is nothing here", "Check the path; identifiers of people are looked up with POST /v1/subjects:lookup."),
    "subject-unknown": ProblemType(404, "No such person", "Check the subject id, or look the person up."),
    "method-not-allowed": ProblemType(405, "The method is not allowed here", "Use one of the methods in the Allow header."),
    "policy-text-not-supplied": ProblemType(
        404, "The policy's text has not been supplied", "Supply it once: pdledger policy publish VERSION --text LANGUAGE=FILE."
    ),
    "policy-unpublished": ProblemType(503, "No policy is published", "Run `pdledger policy publish` first: nothing is recorded without a policy."),
    # State and time
    "version-mismatch": ProblemType(412, "The record has changed since you read it", "Read it again and decide anew; `current_version` is its ETag."),
    "idempotency-key-reused": ProblemType(422, "The Idempotency-Key was used for another body", "Use a fresh key for a new request."),
    "identifier-taken": ProblemType(409, "The identifier cannot be given to this person", "The desk looks into possible duplicates; nothing was moved."),
    "ledger-busy": ProblemType(503, "The ledger is busy", "Repeat the request with the same Idempotency-Key after Retry-After seconds."),
    "ledger-unavailable": ProblemType(
        503, "The database cannot be reached", "Repeat the request with the same Idempotency-Key: it is recorded at most once."
    ),
    "eraser-unavailable": ProblemType(503, "This service has no eraser login", "Configure LEDGER_ERASER_URL, or erase with `pdledger erase`."),
    "projection-lagging": ProblemType(503, "The read model has not reached that position yet", "Repeat after Retry-After seconds."),
    "internal": ProblemType(500, "Something went wrong here", "Repeat the request; if it stays, tell the operator the `instance`."),
    # The law, the policy or the person's state says no
    "category-unknown": ProblemType(422, "The policy names no such category of data", "Collect only what the policy names (/v1/policies/current)."),
    "category-disabled": ProblemType(422, "The category is switched off", "The data-protection desk must record why it is necessary first (L5)."),
    "purpose-unknown": ProblemType(422, "The policy names no such purpose", "Name a purpose of /v1/policies/current."),
    "purpose-missing": ProblemType(422, "A datum came without purpose", "Say for which purpose of the policy each datum is collected (L2)."),
    "category-not-allowed-for-purpose": ProblemType(422, "The purpose does not need that category", "Send only what the purpose's list allows (L4)."),
    "purpose-not-allowed": ProblemType(403, "The data may not be read for that purpose", "Read for a purpose that the data was collected for (L3)."),
    "linking-forbidden": ProblemType(422, "That data must not be linked to a person", "Keep statistics apart from people (C19)."),
    "value-invalid": ProblemType(422, "A value is not of its category's form", "Mend the value that `category` names; the value is not shown here."),
    "source-unknown": ProblemType(422, "The policy names no such source", "Name a system of /v1/policies/current."),
    "under-age": ProblemType(422, "The person is younger than the policy allows", "Keep nothing; tell the desk if data is already held (C74, C75)."),
    "recipient-not-listed": ProblemType(409, "The policy lists no such recipient", "Share only with the recipients of /v1/recipients (C35)."),
    "disclosure-prohibited": ProblemType(409, "The policy promises never to make that share", "Do not share it."),
    "category-not-shareable": ProblemType(422, "That category may not go to this recipient", "Share only the categories that /v1/recipients lists for it."),
    "agreement-expired": ProblemType(409, "The agreement with the recipient has ended", "Renew the agreement and register it first (C38)."),
    "contract-missing": ProblemType(409, "No processor contract is registered", "Register the contract first (Art. 28, L50)."),
    "transfer-no-basis": ProblemType(409, "No valid ground for the transfer", "Set a transfer mechanism that is valid today (L55)."),
    "transfer-consent-missing": ProblemType(409, "Explicit consent to the transfer is missing", "Ask for it separately, or do not share (C29, L60)."),
    "notice-missing": ProblemType(409, "The person has not been shown a notice", "Show the notice and record it first (Art. 14, L29)."),
    "consent-missing": ProblemType(409, "There is no consent to this purpose", "Ask for consent and record it with its evidence."),
    "consent-evidence-invalid": ProblemType(422, "That is not evidence of consent", "Send method, wording, language, policy version, source and evidence (L12, L13)."),
    "never-consented": ProblemType(409, "The person never consented to that purpose", "There is nothing to withdraw; object instead."),
    "objected": ProblemType(409, "The person objected", "Do not use or share it for that purpose (Art. 21)."),
    "subject-restricted": ProblemType(409, "Use of the person's data is restricted", "Store it only (Art. 18)."),
    "subject-suppressed": ProblemType(409, "The address is suppressed for that purpose", "Do not send; a new consent with evidence lifts it."),
    "subject-erased": ProblemType(410, "The person was erased", "Nothing can be recorded or read; a new registration gets a new id."),
}


def problem(
    slug: str,
    request_id: UUID | None,
    *,
    headers: Mapping[str, str] | None = None,
    **extensions: Any,  # Any: JSON values of our own making, never input
) -> Response:
    """The answer for one registered type. ``extensions`` must hold nothing that came in."""
    kind = PROBLEMS[slug]
    body = {
        "type": f"/problems/{slug}",
        "title": kind.title,
        "status": kind.status,
        "detail": kind.advice,
        "instance": None if request_id is None else f"urn:uuid:{request_id}",
        **extensions,
    }
    return Response(
        msgspec.json.encode(body), kind.status, media_type=MEDIA_TYPE, headers=dict(headers or {})
    )


def refusal_members(refusal: Refusal) -> dict[str, Any]:  # Any: JSON values
    """What a refusal adds to its problem: the rules it enforces and non-personal facts."""
    facts = {name: _fact(value) for name, value in refusal.facts.items() if value is not None}
    return {"rules": list(refusal.rules), **facts}


def _fact(value: object) -> object:
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, (tuple, frozenset, set)):
        return sorted(str(one) for one in value)
    return value
