"""Restriction of processing, its announcement and its end (Art. 18 GDPR)."""

from datetime import date
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from fastapi import Response, Security
from pydantic import BaseModel, Field, model_validator

from app.api.answers import answer, receipted
from app.api.bodies import Body, MomentField, NameField, ReceiptBody, WordField
from app.api.call import Call, authorised
from app.api.inspections import INSPECTING, inspect
from app.api.operations import operation, router
from app.api.sources import source_of
from app.auth import Scope
from app.clock import random_id
from app.domain.restrictions import AnnounceLift, DisputeAccuracy, LiftRestriction, Restrict
from app.events.restrictions import RestrictionGround
from app.rights.matters import matter_of
from app.rights.objections import restrictions_value
from app.rights.person import read_person

ROUTES = router("restrictions")

PERSON = ("subject-unknown", "subject-erased")
LIFTING = ("restriction-unknown", "objection-pending", *PERSON)


class RestrictionBody(Body):
    """Why, and how much rests: one purpose, or, for disputed accuracy, some categories."""

    ground: Literal["accuracy", "unlawful", "legal_claims"] = Field(
        description="Art. 18(1)(a) to (c); an objection restricts by itself."
    )
    source: NameField = Field(examples=["secretariat"])
    purpose: WordField | None = Field(
        default=None, description="The one purpose concerned; without one every use rests."
    )
    categories: list[WordField] = Field(
        default=[],
        description="The disputed categories; only with the ground `accuracy`.",
        max_length=100,
    )
    statement: str = Field(
        default="", description="What the person says about it; sealed.", max_length=4000
    )
    occurred_at: MomentField | None = None

    @model_validator(mode="after")
    def _one_scope(self) -> Self:
        disputed = self.ground == "accuracy"
        if self.purpose if disputed else self.categories:
            raise ValueError("accuracy is disputed by category, every other ground by purpose")
        return self


class AnnouncementBody(Body):
    """The person was told that a restriction will end, or is told by this (Art. 18(3))."""

    restriction: UUID
    channel: WordField = Field(description="How the person is told.", examples=["email"])
    ends_on: date | None = Field(
        default=None,
        description="The day on which it ends: with it a letter of the ledger's own goes out, and"
        " nothing is lifted before that day, nor before the letter has left. Without it, the desk"
        " has told the person by its own means.",
        examples=["2027-01-15"],
    )
    reasons: str = Field(
        default="", description="Why it ends, for the letter. Sealed.", max_length=4000
    )


class LiftBody(Body):
    """The restriction that ends."""

    restriction: UUID


class RestrictedBody(ReceiptBody):
    """The receipt and the id of the restriction; null when the same one was on already."""

    restriction: UUID | None


class RestrictionsBody(BaseModel):
    """The restrictions of the person."""

    subject_id: UUID
    position: int = Field(ge=0)
    active: list[dict[str, Any]] = Field(max_length=1000)
    ended: list[dict[str, Any]] = Field(max_length=1000)


@operation(
    ROUTES,
    "POST",
    "/v1/subjects/{subject_id}/restrictions",
    scope=Scope.RESTRICTIONS_WRITE,
    answers=RestrictedBody,
    status=201,
    summary="Restrict the use of a person's data",
    problems=(
        "purpose-unknown",
        "category-unknown",
        "value-invalid",
        "source-unknown",
        "source-not-yours",
        "occurred-in-future",
        *PERSON,
    ),
    law=("L42",),
    writes=True,
)
async def restrict(
    subject_id: UUID,
    body: RestrictionBody,
    call: Annotated[Call, Security(authorised, scopes=[Scope.RESTRICTIONS_WRITE])],
) -> Response:
    """From now on the data are stored and not used; every share of them is refused.

    Disputed accuracy needs no decision: the data rest from the moment on which it is said.
    """
    source = await source_of(call, body.source)
    command: Restrict | DisputeAccuracy
    if body.ground == "accuracy":
        command = DisputeAccuracy(
            restriction=random_id(),
            categories=frozenset(body.categories),
            source=source,
            statement=body.statement,
            occurred_at=body.occurred_at,
        )
    else:
        command = Restrict(
            restriction=random_id(),
            ground=RestrictionGround(body.ground),
            source=source,
            purpose=body.purpose,
            statement=body.statement,
            occurred_at=body.occurred_at,
        )
    receipt = await call.service.ledger.execute(subject_id, command, await call.attribution())
    restriction = await matter_of(call.service.store, receipt, "restriction")
    return receipted(receipt, restriction=restriction)


@operation(
    ROUTES,
    "POST",
    "/v1/subjects/{subject_id}/restrictions/lift/announcement",
    scope=Scope.RESTRICTIONS_WRITE,
    answers=ReceiptBody,
    status=201,
    summary="Tell the person of the end of a restriction, or record that they were told",
    problems=("restriction-lift-unannounced", *LIFTING),
    law=("L42",),
    writes=True,
)
async def announce_lift(
    subject_id: UUID,
    body: AnnouncementBody,
    call: Annotated[Call, Security(authorised, scopes=[Scope.RESTRICTIONS_WRITE])],
) -> Response:
    """Without it no restriction is lifted (Art. 18(3))."""
    command = AnnounceLift(
        restriction=body.restriction,
        channel=body.channel,
        ends_on=body.ends_on,
        reasons=body.reasons,
    )
    return receipted(
        await call.service.ledger.execute(subject_id, command, await call.attribution())
    )


@operation(
    ROUTES,
    "POST",
    "/v1/subjects/{subject_id}/restrictions/lift",
    scope=Scope.RESTRICTIONS_WRITE,
    answers=ReceiptBody,
    status=201,
    summary="Lift a restriction",
    problems=("restriction-lift-unannounced", *LIFTING),
    law=("L42",),
    writes=True,
)
async def lift_restriction(
    subject_id: UUID,
    body: LiftBody,
    call: Annotated[Call, Security(authorised, scopes=[Scope.RESTRICTIONS_WRITE])],
) -> Response:
    """Ends a restriction of which the person was told that it would end; 409 otherwise."""
    command = LiftRestriction(restriction=body.restriction)
    return receipted(
        await call.service.ledger.execute(subject_id, command, await call.attribution())
    )


@operation(
    ROUTES,
    "GET",
    "/v1/subjects/{subject_id}/restrictions",
    scope=Scope.SUBJECTS_READ,
    answers=RestrictionsBody,
    summary="Show the restrictions of a person",
    problems=(*INSPECTING, *PERSON),
    law=("L3", "L42"),
    purpose=True,
)
async def list_restrictions(
    subject_id: UUID,
    call: Annotated[Call, Security(authorised, scopes=[Scope.SUBJECTS_READ])],
) -> Response:
    """The restrictions that are on, each with its ground and whether its end was announced.

    The reading is recorded under the purpose that the Purpose header names.
    """
    person = await read_person(call.service.store, subject_id)
    await inspect(call, subject_id)
    return answer(
        {
            "subject_id": subject_id,
            "position": person.position,
            **restrictions_value(person.state),
        }
    )
