"""Rights requests: received by any channel, shown with their clock and letters (Arts. 11, 12)."""

from datetime import date, datetime
from typing import Annotated, Any, TypeAlias
from uuid import UUID

from fastapi import Response, Security
from pydantic import BaseModel, Field

from app.api.answers import answer, receipted
from app.api.bodies import Body, LanguageField, MomentField, NameField, ReceiptBody
from app.api.call import Call, authorised, etag
from app.api.operations import operation, router
from app.auth import Scope
from app.clock import random_id
from app.domain.consultations import PurposeNotAllowed
from app.domain.purpose_limitation import purpose_named
from app.domain.rights_request_steps import ReadRequest, ReceiveFromStranger, ReceiveRequest, Step
from app.events.rights_requests import (
    IdentityProof,
    RequestChannel,
    RequestedRight,
    RequestTrigger,
)
from app.policy.own_names import RIGHTS
from app.receipts import Receipt
from app.rights.request_evidence import evidence_value
from app.rights.rights_requests import letters_of, read_request, request_value, stream_of
from app.store.answer_proofs import AnswerProofs

ROUTES = router("rights requests")

Reader: TypeAlias = Annotated[Call, Security(authorised, scopes=[Scope.RIGHTS_REQUESTS_READ])]
Clerk: TypeAlias = Annotated[Call, Security(authorised, scopes=[Scope.RIGHTS_REQUESTS_WRITE])]
Desk: TypeAlias = Annotated[Call, Security(authorised, scopes=[Scope.RIGHTS_REQUESTS_DECIDE])]

TextField: TypeAlias = Annotated[str, Field(max_length=4000)]

STEP = ("rights-request-unknown", "rights-request-closed", "step-before-receipt")
"""What every step of a request can be refused with."""
DONE = (*STEP, "step-unevidenced", "occurred-in-future", "value-invalid", "subject-erased")

EXAMPLE_REQUEST = "8b0f9a52-3c59-4f43-9a06-0c6d3b7a1f20"


class RightsRequestBody(Body):
    """What somebody asks for, how, and when it reached the controller."""

    right: RequestedRight = Field(
        description="`other` until somebody finds out which right is meant."
    )
    subject_id: UUID | None = Field(
        None, description="Who asks; without it, somebody whom no identifier leads to."
    )
    channel: RequestChannel
    received_at: MomentField | None = Field(
        None, description="When it reached the controller: the clock runs from then. Now without."
    )
    evidence: UUID | None = Field(
        None, description="Where the desk keeps what shows an earlier day of receipt."
    )
    evidence_note: TextField = Field(
        "", description="Or what shows it, in words: a stamp, a mail header. Sealed."
    )
    trigger: RequestTrigger = RequestTrigger.PERSON
    system: NameField | None = Field(
        None, description="For `deactivate_account`: the system of the policy."
    )
    language: LanguageField | None = Field(None, description="In which the person is answered.")
    text: str = Field("", description="What the person wrote. Sealed.", max_length=20_000)
    reply_address: str = Field("", description="Where the answer goes. Sealed.", max_length=400)
    proof: IdentityProof | None = Field(
        None, description="By what whoever records it is satisfied of the identity."
    )

    def command(self) -> ReceiveRequest:
        """The receipt of the request."""
        return ReceiveRequest(
            file=random_id(),
            right=self.right,
            channel=self.channel,
            trigger=self.trigger,
            language=self.language,
            system=self.system,
            text=self.text,
            reply_address=self.reply_address,
            evidence=self.evidence,
            evidence_note=self.evidence_note,
            proof=self.proof,
            occurred_at=self.received_at,
        )


class DeadlineBody(BaseModel):
    """When the answer is due, and how that was found (Reg. 1182/71)."""

    received_on: date
    calendar_day: date = Field(description="Where the calendar alone would end it.")
    due_on: date
    due_at: datetime = Field(description="The first moment that is too late.")
    months: int = Field(ge=1)
    extended: bool
    target_on: date | None = Field(description="After an extension: the day to aim at.")
    extendable: bool
    paused_days: int = Field(ge=0)
    paused: bool
    moved_over: list[dict[str, Any]] = Field(max_length=20)
    days_left: int | None
    urgency: str | None = Field(examples=["green"], max_length=10)
    overdue: bool


class RightsRequestValue(BaseModel):
    """One rights request, without its letters."""

    request: UUID
    subject_id: UUID | None = Field(description="Null for somebody who is not known.")
    right: RequestedRight
    asked_as: RequestedRight
    rule: dict[str, Any] | None = Field(description="What the person is told of it (C63).")
    channel: RequestChannel
    trigger: RequestTrigger
    language: str | None = Field(max_length=16)
    system: str | None = Field(max_length=64)
    answer_form: str = Field(examples=["electronic"], max_length=20)
    received_at: datetime
    recorded_at: datetime
    origin: UUID | None
    status: str = Field(examples=["received"], max_length=30)
    exchange: dict[str, str | None] = Field(description="In the Data Rights Protocol's words.")
    next: str | None = Field(description="The one thing to do next.", max_length=30)
    identity: dict[str, Any]
    deadline: DeadlineBody
    tasks: list[dict[str, Any]] = Field(max_length=1000)
    outcome: str | None = Field(max_length=30)
    ground: str | None = Field(max_length=64)
    ground_iri: str | None = Field(max_length=200)
    answers: list[UUID] = Field(max_length=1000)
    into: UUID | None
    closed_at: datetime | None
    late: bool


class RightsRequestReceipt(ReceiptBody):
    """The receipt, and the request as it stands after it."""

    rights_request: RightsRequestValue


class RightsRequestShown(RightsRequestValue):
    """One rights request with what was written in it."""

    letters: list[dict[str, Any]] = Field(max_length=1000)
    position: int = Field(ge=0)


class EvidenceBody(BaseModel):
    """The stored entries of the stream that the request is in: no personal data."""

    request: UUID
    stream: UUID
    how: str = Field(description="How the chain is verified.", max_length=600)
    policies: list[dict[str, str]] = Field(max_length=20)
    laws: list[str] = Field(max_length=20)
    law_in_force: dict[str, str]
    checkpoint: str | None = Field(
        description="The signed note that the path leads to (c2sp.org/tlog-checkpoint).",
        max_length=20_000,
    )
    receipt: dict[str, Any] | None = Field(
        description="A signed receipt of the last entry, where it is too young for a checkpoint."
    )
    entries: list[dict[str, Any]] = Field(max_length=100_000)


@operation(
    ROUTES,
    "POST",
    "/v1/rights-requests",
    scope=Scope.RIGHTS_REQUESTS_WRITE,
    answers=RightsRequestReceipt,
    status=201,
    summary="Record a rights request",
    problems=(
        "subject-unknown",
        "subject-erased",
        "recipient-not-listed",
        "system-missing",
        "receipt-unevidenced",
        "receipt-too-old",
        "occurred-in-future",
        "value-invalid",
    ),
    clauses=("C63", "C69", "C72", "C79", "C80"),
    law=("L20", "L21", "L23", "L27", "L28"),
    writes=True,
)
async def receive_rights_request(body: RightsRequestBody, call: Clerk) -> Response:
    """Records a request, by whatever channel it came: the clock runs from `received_at`.

    No form and no reason is needed. Whoever asks for the same again has another request; nothing
    is refused as a duplicate. Somebody who is not known gets a stream of their own and an answer.
    """
    ledger, command = call.service.ledger, body.command()
    if body.subject_id is None:
        stranger = ReceiveFromStranger(asked=command)
        receipt = await ledger.execute(random_id(), stranger, await call.attribution(), new=True)
    else:
        receipt = await ledger.execute(body.subject_id, command, await call.attribution())
    made = receipt.lines[0].event_id
    return await receipt_of(call, receipt, made, location=f"/v1/rights-requests/{made}")


@operation(
    ROUTES,
    "GET",
    "/v1/rights-requests/{request}",
    scope=Scope.RIGHTS_REQUESTS_READ,
    answers=RightsRequestShown,
    summary="Show a rights request",
    problems=("rights-request-unknown", "purpose-unknown", "purpose-not-allowed", "ledger-busy"),
    clauses=("C63", "C80"),
    law=("L3", "L9", "L22", "L23", "L24"),
    purpose=True,
)
async def show_rights_request(request: UUID, call: Reader) -> Response:
    """Shows where it stands, when the answer is due and why then, and everything that was written.

    It is read for the purpose `rights_requests`, and the reading is recorded.
    """
    service = call.service
    await stream_of(service.pool, request)
    await _read_for_rights(call, request)
    person, found = await read_request(service.store, service.pool, request)
    given = (await service.ledger.rules()).at(service.ledger.clock())
    value = {
        **request_value(request, found, person.subject_id, given),
        "letters": letters_of(person, request),
        "position": person.position,
    }
    return answer(value, headers={"etag": etag(person.state.content_version)})


@operation(
    ROUTES,
    "GET",
    "/v1/rights-requests/{request}/evidence",
    scope=Scope.RIGHTS_REQUESTS_READ,
    answers=EvidenceBody,
    summary="Hand out how a rights request was handled",
    problems=("rights-request-unknown",),
    law=("L9",),
)
async def show_request_evidence(request: UUID, call: Reader) -> Response:
    """The stored entries, byte for byte: who decided what, when, under which policy and law.

    They name nobody. Whoever has them verifies chain, path and checkpoint offline, by `pdledger log
    verify-answer`. What is younger than the newest checkpoint is promised by a signed receipt.
    """
    service = call.service
    proofs = AnswerProofs(service.pool, service.attestation.policy)
    return answer(await evidence_value(service.ledger, service.pool, request, proofs=proofs))


async def _read_for_rights(call: Call, request: UUID) -> None:
    """Letters are read to handle the request, and for nothing else (L3)."""
    ledger = call.service.ledger
    purpose = purpose_named(call.purpose(), (await ledger.rules()).policy).key
    if purpose != RIGHTS:
        raise PurposeNotAllowed(purpose=purpose)
    stream = await stream_of(call.service.pool, request)
    await ledger.execute(stream, ReadRequest(request=request), call.reading())


async def stepped(call: Call, step: Step) -> Response:
    """A step carried out in whoever's stream the request is."""
    stream = await stream_of(call.service.pool, step.request)
    receipt = await call.service.ledger.execute(stream, step, await call.attribution())
    return await receipt_of(call, receipt, step.request)


async def receipt_of(
    call: Call, receipt: Receipt, request: UUID, *, location: str | None = None
) -> Response:
    """The receipt with the request as it stands."""
    ledger = call.service.ledger
    state = await ledger.state(receipt.stream_id)
    found = state.rights_requests.by_id[request]
    given = (await ledger.rules()).at(ledger.clock())
    value = request_value(request, found, receipt.stream_id, given)
    return receipted(receipt, location=location, rights_request=value)
