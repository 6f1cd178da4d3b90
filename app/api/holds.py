"""Legal holds on one person: placed, released, shown (Art. 17(3) GDPR; L63)."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Response, Security
from pydantic import BaseModel, Field

from app.api.answers import answer, receipted
from app.api.bodies import Body, NameField, ReceiptBody, WordField
from app.api.call import Call, authorised
from app.api.operations import operation, router
from app.api.sources import source_of
from app.auth import Scope
from app.clock import random_id
from app.domain.holds import PlaceHold
from app.domain.subjects import SubjectUnknown
from app.events.holds import HoldGround
from app.rights.holding import place_hold as place_hold_on
from app.rights.holding import release_hold as release_hold_on
from app.rights.holds import holds_value
from app.rights.matters import matter_of

ROUTES = router("holds")

Holder = Annotated[Call, Security(authorised, scopes=[Scope.RETENTION_WRITE])]
Reader = Annotated[Call, Security(authorised, scopes=[Scope.SUBJECTS_READ])]


class HoldBody(Body):
    """What stays, and why; nothing personal."""

    ground: HoldGround
    source: NameField = Field(examples=["secretariat"])
    retention_classes: list[WordField] = Field(
        default=[], description="Without any every class is held.", max_length=100
    )
    occasion: UUID | None = Field(
        default=None, description="Only what was obtained at this occasion."
    )


class HeldBody(ReceiptBody):
    """The receipt and the id of the hold."""

    hold: UUID | None


class HoldsBody(BaseModel):
    """The holds in force on the person, those on whole occasions not among them."""

    subject_id: UUID
    holds: list[dict[str, Any]] = Field(max_length=1000)


@operation(
    ROUTES,
    "POST",
    "/v1/subjects/{subject_id}/legal-holds",
    scope=Scope.RETENTION_WRITE,
    answers=HeldBody,
    status=201,
    summary="Hold a person's data for a claim or an obligation",
    problems=("retention-class-unknown", "source-unknown", "source-not-yours", "subject-unknown"),
    clauses=("C71",),
    law=("L37", "L63", "L67"),
    writes=True,
)
async def place_hold(subject_id: UUID, body: HoldBody, call: Holder) -> Response:
    """Nothing that the hold names is erased or expires until it is released.

    It stands on every record of the person, those included that another one stands for.

    An erasure that would reach it is refused, and the attempt is on record. What an earlier
    erasure left can be held as well.
    """
    command = PlaceHold(
        hold=random_id(),
        ground=body.ground,
        source=await source_of(call, body.source),
        retention_classes=frozenset(body.retention_classes),
        occasion=body.occasion,
    )
    by = await call.attribution()
    receipt = await place_hold_on(call.service.ledger, subject_id, command, by)
    return receipted(receipt, hold=await matter_of(call.service.store, receipt, "hold"))


@operation(
    ROUTES,
    "POST",
    "/v1/subjects/{subject_id}/legal-holds/{hold}/release",
    scope=Scope.RETENTION_WRITE,
    answers=ReceiptBody,
    status=201,
    summary="Release a hold on a person's data",
    problems=("legal-hold-unknown", "subject-unknown"),
    clauses=("C71",),
    law=("L63", "L67"),
    writes=True,
)
async def release_hold(subject_id: UUID, hold: UUID, call: Holder) -> Response:
    """What was held is counted as if it had not been: what is overdue goes with the next run."""
    ledger, by = call.service.ledger, await call.attribution()
    return receipted(await release_hold_on(ledger, subject_id, hold, by))


@operation(
    ROUTES,
    "GET",
    "/v1/subjects/{subject_id}/legal-holds",
    scope=Scope.SUBJECTS_READ,
    answers=HoldsBody,
    summary="Show the holds on a person's data",
    problems=("subject-unknown",),
    clauses=("C71",),
    law=("L63",),
)
async def list_holds(subject_id: UUID, call: Reader) -> Response:
    """The holds in force; it is answered after an erasure too, and holds no personal data."""
    ledger = call.service.ledger
    _, _, states = await ledger.current_states((subject_id,))
    state = states[subject_id]
    if not state.registered:
        raise SubjectUnknown
    return answer({"subject_id": subject_id, "holds": holds_value(state.holds.active)})
