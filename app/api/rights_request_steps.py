"""A rights request on its way: which right, who asks, more time, what has to be done (Art. 12)."""

from typing import Annotated
from uuid import UUID

from fastapi import Path, Response

from app.api.operations import operation, router
from app.api.rights_request_bodies import (
    Decision,
    DoubtAnswerBody,
    DoubtBody,
    ExtensionBody,
    TaskBody,
    TaskOutcomeBody,
    TriageBody,
    VerificationBody,
)
from app.api.rights_requests import (
    DONE,
    STEP,
    Clerk,
    Desk,
    RightsRequestReceipt,
    stepped,
)
from app.auth import Scope
from app.domain.rights_request_steps import (
    AnswerDoubt,
    ApproveRequest,
    CloseTask,
    DoubtIdentity,
    ExtendRequest,
    OpenTask,
    TriageRequest,
    VerifyRequest,
)

ROUTES = router("rights requests")
ONE = "/v1/rights-requests/{request}"


@operation(
    ROUTES,
    "POST",
    f"{ONE}/triage",
    scope=Scope.RIGHTS_REQUESTS_WRITE,
    answers=RightsRequestReceipt,
    status=201,
    summary="Say which right a request is about",
    problems=("system-missing", "recipient-not-listed", *STEP),
    clauses=("C69", "C72"),
    law=("L20",),
    writes=True,
)
async def triage_rights_request(request: UUID, body: TriageBody, call: Clerk) -> Response:
    """Names the right that is meant; the day of receipt stays, so no time is won by a wrong label.

    One that was approved as another right has to be approved again.
    """
    step = TriageRequest(
        request=request, right=body.right, system=body.system, decided_by=body.decided_by
    )
    return await stepped(call, step)


@operation(
    ROUTES,
    "POST",
    f"{ONE}/doubt",
    scope=Scope.RIGHTS_REQUESTS_WRITE,
    answers=RightsRequestReceipt,
    status=201,
    summary="Ask the person who they are",
    problems=("doubt-groundless", "doubt-too-late", "identity-settled", *DONE),
    clauses=("C80",),
    law=("L24", "L38"),
    writes=True,
)
async def doubt_identity(request: UUID, body: DoubtBody, call: Clerk) -> Response:
    """Records the question and the reasonable doubts behind it: the clock stands until the answer.

    Without written grounds nothing stops; after the last day nothing does either.
    """
    step = DoubtIdentity(
        request=request,
        grounds=body.grounds,
        told_by=body.told_by,
        decided_by=body.decided_by,
        occurred_at=body.occurred_at,
        evidence_note=body.evidence_note,
    )
    return await stepped(call, step)


@operation(
    ROUTES,
    "POST",
    f"{ONE}/answer-doubt",
    scope=Scope.RIGHTS_REQUESTS_WRITE,
    answers=RightsRequestReceipt,
    status=201,
    summary="Record the person's answer to who they are",
    problems=("doubt-unasked", *DONE),
    clauses=("C80",),
    law=("L24", "L28"),
    writes=True,
)
async def answer_doubt(request: UUID, body: DoubtAnswerBody, call: Clerk) -> Response:
    """The clock goes on from where it stood; it never begins again.

    Also for somebody who was told that they cannot be identified, and says more now.
    """
    step = AnswerDoubt(
        request=request,
        text=body.text,
        occurred_at=body.occurred_at,
        evidence_note=body.evidence_note,
    )
    return await stepped(call, step)


@operation(
    ROUTES,
    "POST",
    f"{ONE}/verify",
    scope=Scope.RIGHTS_REQUESTS_WRITE,
    answers=RightsRequestReceipt,
    status=201,
    summary="Record that a request is the person's own",
    problems=DONE,
    clauses=("C80",),
    law=("L24",),
    writes=True,
)
async def verify_rights_request(request: UUID, body: VerificationBody, call: Clerk) -> Response:
    """Records by what the controller is satisfied; an open question to the person is answered."""
    step = VerifyRequest(
        request=request,
        proof=body.proof,
        occurred_at=body.occurred_at,
        evidence_note=body.evidence_note,
    )
    return await stepped(call, step)


@operation(
    ROUTES,
    "POST",
    f"{ONE}/extend",
    scope=Scope.RIGHTS_REQUESTS_DECIDE,
    answers=RightsRequestReceipt,
    status=201,
    summary="Extend the time for the answer",
    problems=(
        "extension-late",
        "extension-repeated",
        "extension-unexplained",
        "extension-untold",
        *DONE,
    ),
    clauses=("C80",),
    law=("L22",),
    writes=True,
)
async def extend_rights_request(request: UUID, body: ExtensionBody, call: Desk) -> Response:
    """Two months more, counted from receipt in one step, once, and only within the first month.

    The person has been told with the reasons when it is recorded (Art. 12(3)).
    """
    step = ExtendRequest(
        request=request,
        ground=body.ground,
        reasons=body.reasons,
        told_by=body.told_by,
        decided_by=body.decided_by,
        occurred_at=body.occurred_at,
        evidence_note=body.evidence_note,
    )
    return await stepped(call, step)


@operation(
    ROUTES,
    "POST",
    f"{ONE}/approve",
    scope=Scope.RIGHTS_REQUESTS_DECIDE,
    answers=RightsRequestReceipt,
    status=201,
    summary="Approve a request",
    problems=("rights-request-unverified", *STEP),
    clauses=("C72", "C80"),
    law=("L36", "L46"),
    writes=True,
)
async def approve_rights_request(request: UUID, body: Decision, call: Desk) -> Response:
    """It will be done. Every recipient that has to be told of it becomes a task (Art. 19)."""
    return await stepped(call, ApproveRequest(request=request, decided_by=body.decided_by))


@operation(
    ROUTES,
    "POST",
    f"{ONE}/tasks",
    scope=Scope.RIGHTS_REQUESTS_WRITE,
    answers=RightsRequestReceipt,
    status=201,
    summary="Open a task on a request",
    problems=("recipient-not-listed", *STEP),
    clauses=("C72",),
    law=("L36",),
    writes=True,
)
async def open_request_task(request: UUID, body: TaskBody, call: Clerk) -> Response:
    """Something that has to be done by hand before the request can be answered."""
    step = OpenTask(request=request, kind=body.kind, recipient=body.recipient, member=body.member)
    return await stepped(call, step)


@operation(
    ROUTES,
    "POST",
    f"{ONE}/tasks/{{task}}/closing",
    scope=Scope.RIGHTS_REQUESTS_WRITE,
    answers=RightsRequestReceipt,
    status=201,
    summary="Close a task on a request",
    problems=("task-unknown", "task-unreasoned", *DONE),
    clauses=("C72",),
    law=("L36",),
    writes=True,
)
async def close_request_task(
    request: UUID,
    task: Annotated[int, Path(ge=1, le=10_000)],
    body: TaskOutcomeBody,
    call: Clerk,
) -> Response:
    """What was done and what shows it, or why it could not be: in words, which are sealed."""
    step = CloseTask(
        request=request,
        task=task,
        outcome=body.outcome,
        note=body.note,
        occurred_at=body.occurred_at,
    )
    return await stepped(call, step)
