"""Objections: raised, upheld, overridden on stated grounds, taken back (Art. 21 GDPR)."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Response, Security
from pydantic import BaseModel, Field

from app.api.answers import answer, receipted
from app.api.bodies import Body, MomentField, NameField, ReceiptBody, WordField
from app.api.call import Call, authorised
from app.api.inspections import INSPECTING, inspect
from app.api.operations import operation, router
from app.api.sources import source_of
from app.auth import Scope
from app.clock import random_id
from app.domain.objections import (
    OverrideObjection,
    RaiseObjection,
    UpholdObjection,
    WithdrawObjection,
)
from app.domain.scope import Scope as ObjectionScope
from app.events.objections import ObjectionCause
from app.receipts import Receipt
from app.rights.matters import matter_of
from app.rights.objections import objections_value, standing_objection
from app.rights.person import read_person

ROUTES = router("objections")

PERSON = ("subject-unknown", "subject-erased")
DECIDED = ("objection-unknown", "objection-decided", *PERSON)


class ObjectionBody(Body):
    """What the person objects to: a purpose, a recipient, one for the other, or everything."""

    purpose: WordField | None = Field(default=None, examples=["photo_website"])
    recipient: NameField | None = Field(default=None, examples=["members"])
    source: NameField = Field(examples=["secretariat"])
    cause: ObjectionCause = ObjectionCause.PERSON
    statement: str = Field(
        default="", description="The person's reasons; none are needed. Sealed.", max_length=4000
    )
    occurred_at: MomentField | None = Field(
        default=None, description="When it reached the controller, by whatever channel."
    )
    request: UUID | None = Field(
        default=None,
        description="The open rights request that it came with: then it is due with that. Without "
        "a word it is the only one about an objection that arrived on the same day, if any.",
    )


class GroundsBody(Body):
    """The compelling legitimate grounds of a human decision, sealed beside the event."""

    grounds: str = Field(min_length=1, max_length=4000)


class RaisedBody(ReceiptBody):
    """The receipt, the id of the objection and where it stands."""

    objection: UUID
    state: str | None = Field(examples=["granted"], max_length=20)


class ObjectionsBody(BaseModel):
    """Every objection of the person."""

    subject_id: UUID
    position: int = Field(ge=0)
    objections: list[dict[str, Any]] = Field(max_length=1000)


@operation(
    ROUTES,
    "POST",
    "/v1/subjects/{subject_id}/objections",
    scope=Scope.OBJECTIONS_WRITE,
    answers=RaisedBody,
    status=201,
    summary="Record an objection",
    problems=(
        "not-objectable",
        "purpose-unknown",
        "recipient-not-listed",
        "source-unknown",
        "source-not-yours",
        "occurred-in-future",
        "rights-request-unknown",
        *PERSON,
    ),
    clauses=("C36", "C37", "C38", "C65", "C73"),
    law=("L42", "L43", "L44"),
    writes=True,
)
async def raise_objection(
    subject_id: UUID,
    body: ObjectionBody,
    call: Annotated[Call, Security(authorised, scopes=[Scope.OBJECTIONS_WRITE])],
) -> Response:
    """Records an objection, which stops the use at once.

    Against news it is granted immediately and for good: consents are withdrawn and the person's
    addresses suppressed. Any other is weighed, and the data rest until it is decided.
    """
    command = RaiseObjection(
        objection=random_id(),
        source=await source_of(call, body.source),
        purpose=body.purpose,
        recipient=body.recipient,
        cause=body.cause,
        statement=body.statement,
        addresses=await call.addresses_of(subject_id),
        occurred_at=body.occurred_at,
        request=body.request,
    )
    receipt = await call.service.ledger.execute(subject_id, command, await call.attribution())
    return await _answered(call, receipt, body)


@operation(
    ROUTES,
    "POST",
    "/v1/subjects/{subject_id}/objections/{objection}/upholding",
    scope=Scope.OBJECTIONS_DECIDE,
    answers=ReceiptBody,
    status=201,
    summary="Grant an objection",
    problems=DECIDED,
    clauses=("C37", "C65"),
    law=("L44",),
    writes=True,
)
async def uphold_objection(
    subject_id: UUID,
    objection: UUID,
    call: Annotated[Call, Security(authorised, scopes=[Scope.OBJECTIONS_DECIDE])],
) -> Response:
    """Grants it: the use has stopped for good, and the restriction that it set ends with it."""
    command = UpholdObjection(objection=objection)
    return receipted(
        await call.service.ledger.execute(subject_id, command, await call.attribution())
    )


@operation(
    ROUTES,
    "POST",
    "/v1/subjects/{subject_id}/objections/{objection}/overriding",
    scope=Scope.OBJECTIONS_DECIDE,
    answers=ReceiptBody,
    status=201,
    summary="Override an objection on compelling grounds",
    problems=("grounds-missing", "objection-absolute", "objection-lapsed", *DECIDED),
    clauses=("C65",),
    law=("L44",),
    writes=True,
)
async def override_objection(
    subject_id: UUID,
    objection: UUID,
    body: GroundsBody,
    call: Annotated[Call, Security(authorised, scopes=[Scope.OBJECTIONS_DECIDE])],
) -> Response:
    """Records the compelling legitimate grounds that a human found to weigh more (Art. 21(1)).

    An objection to news cannot be overridden, nor one whose month for an answer is over. The
    restriction stays until the person was told.
    """
    command = OverrideObjection(objection=objection, grounds=body.grounds)
    return receipted(
        await call.service.ledger.execute(subject_id, command, await call.attribution())
    )


@operation(
    ROUTES,
    "POST",
    "/v1/subjects/{subject_id}/objections/{objection}/withdrawal",
    scope=Scope.OBJECTIONS_WRITE,
    answers=ReceiptBody,
    status=201,
    summary="Take an objection back",
    problems=("objection-unknown", *PERSON),
    clauses=("C65",),
    law=("L44",),
    writes=True,
)
async def withdraw_objection(
    subject_id: UUID,
    objection: UUID,
    call: Annotated[Call, Security(authorised, scopes=[Scope.OBJECTIONS_WRITE])],
) -> Response:
    """Records that the person no longer objects; what rests on consent stays closed.

    Data that rested for it do so until a letter has told the person that this ends (Art. 18(3)).
    """
    command = WithdrawObjection(objection=objection)
    return receipted(
        await call.service.ledger.execute(subject_id, command, await call.attribution())
    )


@operation(
    ROUTES,
    "GET",
    "/v1/subjects/{subject_id}/objections",
    scope=Scope.SUBJECTS_READ,
    answers=ObjectionsBody,
    summary="Show every objection and where it stands",
    problems=(*INSPECTING, *PERSON),
    clauses=("C65",),
    law=("L3", "L43", "L44"),
    purpose=True,
)
async def list_objections(
    subject_id: UUID,
    call: Annotated[Call, Security(authorised, scopes=[Scope.SUBJECTS_READ])],
) -> Response:
    """Each objection with its status of today: one without an answer in time counts as granted.

    The reading is recorded under the purpose that the Purpose header names.
    """
    person = await read_person(call.service.store, subject_id)
    await inspect(call, subject_id)
    given = (await call.service.ledger.rules()).at(call.service.ledger.clock())
    return answer(
        {
            "subject_id": subject_id,
            "position": person.position,
            "objections": objections_value(person.state, given),
        }
    )


async def _answered(call: Call, receipt: Receipt, body: ObjectionBody) -> Response:
    """The receipt with the objection that it is about, also when it was raised before."""
    state = await call.service.ledger.state(receipt.stream_id)
    policy = (await call.service.ledger.rules()).policy
    found = None if body.recipient is None else policy.recipient(body.recipient)
    scope = ObjectionScope(purpose=body.purpose, recipient=found.key if found else None)
    objection = await matter_of(call.service.store, receipt, "objection")
    objection = objection or standing_objection(state, scope)
    known = None if objection is None else state.objections.by_id.get(objection)
    return receipted(
        receipt,
        objection=objection,
        state=None if known is None else known.status.value,
    )
