"""How a rights request ends: answered, refused, taken back, handed on (Arts. 11(2), 12(3)-(5))."""

from uuid import UUID

from fastapi import Response

from app.api.operations import operation, router
from app.api.rights_request_bodies import (
    DuplicateBody,
    FulfilmentBody,
    IdentificationBody,
    RefusalBody,
    UnidentifiedBody,
    WithdrawalBody,
)
from app.api.rights_requests import (
    DONE,
    STEP,
    Clerk,
    Desk,
    RightsRequestReceipt,
    receipt_of,
    stepped,
)
from app.auth import Scope
from app.clock import random_id
from app.domain.rights_request_steps import (
    CloseUnidentified,
    FulfilRequest,
    JoinRequest,
    MoveRequest,
    ReceiveRequest,
    RefuseRequest,
    WithdrawRequest,
)
from app.rights.rights_requests import letters_of, read_request

ROUTES = router("rights requests")
ONE = "/v1/rights-requests/{request}"


@operation(
    ROUTES,
    "POST",
    f"{ONE}/fulfil",
    scope=Scope.RIGHTS_REQUESTS_DECIDE,
    answers=RightsRequestReceipt,
    status=201,
    summary="Record the answer to a request",
    problems=(
        "rights-request-unverified",
        "rights-request-unapproved",
        "answer-missing",
        "objection-stands",
        "tasks-open",
        "data-held",
        "ground-inapplicable",
        "refusal-incomplete",
        *DONE,
    ),
    clauses=("C63", "C72", "C80"),
    law=("L9", "L25", "L28", "L36"),
    writes=True,
)
async def fulfil_rights_request(request: UUID, body: FulfilmentBody, call: Desk) -> Response:
    """Records that the person has the answer, and what on record it is.

    Not while a task is open, nor a recipient of what was erased untold (Art. 19). For a part that
    was not done, everything is told that is told with a refusal. To a stranger, that nothing is
    held is an answer too.
    """
    step = FulfilRequest(
        request=request,
        outcome=body.outcome,
        answers=tuple(body.answers),
        ground=body.ground,
        refused=None if body.refused is None else body.refused.remedies(),
        note=body.note,
        told_by=body.told_by,
        letter=body.letter,
        decided_by=body.decided_by,
        occurred_at=body.occurred_at,
        evidence_note=body.evidence_note,
    )
    return await stepped(call, step)


@operation(
    ROUTES,
    "POST",
    f"{ONE}/refuse",
    scope=Scope.RIGHTS_REQUESTS_DECIDE,
    answers=RightsRequestReceipt,
    status=201,
    summary="Refuse a request",
    problems=(
        "refusal-incomplete",
        "ground-inapplicable",
        "excess-unproven",
        "objection-stands",
        *DONE,
    ),
    clauses=("C63", "C80"),
    law=("L25", "L26", "L38", "L46"),
    writes=True,
)
async def refuse_rights_request(request: UUID, body: RefusalBody, call: Desk) -> Response:
    """Records that it is not acted on: the ground, the reasons, the complaint and the remedy.

    That a request is unfounded or excessive is shown by evidence, and approved by a second human.
    An objection that came with it is decided first: silence grants what nobody overrode (L44).
    """
    step = RefuseRequest(
        request=request,
        ground=body.ground,
        refused=body.remedies(),
        evidence=tuple(body.evidence),
        approved_by=body.approved_by,
        told_by=body.told_by,
        letter=body.letter,
        decided_by=body.decided_by,
        occurred_at=body.occurred_at,
        evidence_note=body.evidence_note,
    )
    return await stepped(call, step)


@operation(
    ROUTES,
    "POST",
    f"{ONE}/withdraw",
    scope=Scope.RIGHTS_REQUESTS_WRITE,
    answers=RightsRequestReceipt,
    status=201,
    summary="Record that the person took a request back",
    problems=DONE,
    clauses=("C65", "C80"),
    law=("L20", "L42", "L44"),
    writes=True,
)
async def withdraw_rights_request(request: UUID, body: WithdrawalBody, call: Clerk) -> Response:
    """Nobody waits any more; what was done in the meantime stays done.

    An objection that came with it and was not decided yet is taken back with it, and what rested
    for that rests until a letter has told the person that it ends (Art. 18(3)).
    """
    step = WithdrawRequest(
        request=request,
        channel=body.channel,
        occurred_at=body.occurred_at,
        evidence_note=body.evidence_note,
    )
    return await stepped(call, step)


@operation(
    ROUTES,
    "POST",
    f"{ONE}/cannot-identify",
    scope=Scope.RIGHTS_REQUESTS_DECIDE,
    answers=RightsRequestReceipt,
    status=201,
    summary="Record that the person cannot be identified",
    problems=("identity-settled", "refusal-incomplete", *DONE),
    clauses=("C80",),
    law=("L28",),
    writes=True,
)
async def close_unidentified(request: UUID, body: UnidentifiedBody, call: Desk) -> Response:
    """Closes it with a letter that says what would help (Art. 11(2)); an answer reopens it."""
    step = CloseUnidentified(
        request=request,
        reasons=body.reasons,
        told_by=body.told_by,
        letter=body.letter,
        decided_by=body.decided_by,
        occurred_at=body.occurred_at,
        evidence_note=body.evidence_note,
    )
    return await stepped(call, step)


@operation(
    ROUTES,
    "POST",
    f"{ONE}/duplicate",
    scope=Scope.RIGHTS_REQUESTS_DECIDE,
    answers=RightsRequestReceipt,
    status=201,
    summary="Let a request go on in an earlier one",
    problems=("not-a-duplicate", *STEP),
    clauses=("C80",),
    law=("L20", "L38"),
    writes=True,
)
async def join_rights_request(request: UUID, body: DuplicateBody, call: Desk) -> Response:
    """Only where both are known to be the person's own: an unverified one takes nobody's place."""
    step = JoinRequest(request=request, into=body.into, decided_by=body.decided_by)
    return await stepped(call, step)


@operation(
    ROUTES,
    "POST",
    f"{ONE}/identify",
    scope=Scope.RIGHTS_REQUESTS_DECIDE,
    answers=RightsRequestReceipt,
    status=201,
    summary="Record who a stranger turned out to be",
    problems=("requester-known", "subject-unknown", *DONE),
    clauses=("C80",),
    law=("L20", "L24", "L28"),
    writes=True,
)
async def identify_requester(request: UUID, body: IdentificationBody, call: Desk) -> Response:
    """The request goes on in the person's own stream, with its day of receipt and its pauses.

    The answer names the request as it goes on; the letters are sealed anew there.
    """
    service = call.service
    stranger, known = await read_request(service.store, service.pool, request)
    texts = {one["category"]: one["text"] for one in letters_of(stranger, request)}
    law = service.rulebook.law
    received = ReceiveRequest(
        file=random_id(),
        right=known.right,
        channel=known.channel,
        trigger=known.trigger,
        language=known.language,
        system=known.system,
        text=texts.get("correspondence.request") or "",
        reply_address=texts.get("correspondence.reply_address") or "",
        proof=body.proof,
        occurred_at=known.received_at,
        origin=request,
        paused_days=known.paused_by(service.ledger.clock(), law),
        extended=known.extended,
    )
    moved = MoveRequest(request=request, subject=body.subject_id, decided_by=body.decided_by)
    group = [(body.subject_id, received), (stranger.subject_id, moved)]
    receipts = await service.ledger.execute_group(group, await call.attribution())
    return await receipt_of(call, receipts[0], receipts[0].lines[0].event_id)
