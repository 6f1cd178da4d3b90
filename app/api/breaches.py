"""Breaches: detected, assessed, notified; how far each reaches, and its clock (Arts. 33, 34)."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from fastapi import Query, Response, Security
from pydantic import BaseModel, Field, model_validator
from pydantic_core import PydanticCustomError

from app.api.answers import answer, receipted
from app.api.bodies import Body, MomentField, NameField, ReceiptBody, WordField
from app.api.call import Call, authorised, etag
from app.api.operations import operation, router
from app.api.standing import MinPositionQuery, caught_up
from app.auth import Scope
from app.clock import random_id
from app.domain.breaches import (
    AssessBreach,
    Command,
    DetectBreach,
    NotifyBreach,
    Radius,
    Span,
    span_named,
)
from app.events.breaches import (
    BreachAudience,
    BreachCause,
    BreachConsequence,
    BreachExemption,
    BreachExposure,
    BreachMeasure,
    BreachNature,
    BreachReporter,
    BreachRisk,
    DelayReason,
)
from app.receipts import Receipt
from app.registers.breach_radius import PROJECTIONS, radius
from app.registers.breaches import breach_value, moment_of, radius_value, read_breach
from app.registers.moments import checked
from app.rights.as_of import parse_as_of

ROUTES = router("breaches")

Reader = Annotated[Call, Security(authorised, scopes=[Scope.BREACHES_READ])]
Desk = Annotated[Call, Security(authorised, scopes=[Scope.BREACHES_WRITE])]

NAMING = (
    "recipient-not-listed",
    "source-unknown",
    "category-unknown",
    "breach-span-reversed",
    "occurred-in-future",
)
FILE = "Opaque id of the desk's own file, which holds what has to be told in sentences."
CATEGORIES = "Those concerned; without any, all that were there."


class SpanBody(Body):
    """Where a breach was, when, and which data it reaches."""

    recipient: NameField | None = Field(
        None, description="Whose systems were breached.", examples=["mailchimp"]
    )
    member: UUID | None = Field(None, description="Which one, where the recipient is a group.")
    source: NameField | None = Field(
        None, description="Or the source whose systems were; with neither, the controller's own."
    )
    exposure: BreachExposure = Field(
        BreachExposure.HELD,
        description="`held`: all that was there at any time of the span, since whenever;"
        " `transmitted`: only what went there within it.",
    )
    categories: list[WordField] = Field(
        default_factory=list, description=CATEGORIES, max_length=100, examples=[["contact.email"]]
    )
    began_at: MomentField = Field(alias="from", description="From when.")
    ended_at: MomentField | None = Field(
        None, alias="to", description="Until when; null while it goes on."
    )

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if self.recipient is not None and self.source is not None:
            raise PydanticCustomError("one_place", "a breach is at one place")
        return self

    def span(self) -> Span:
        """What is asked of the registers."""
        return Span(
            recipient=self.recipient,
            member=self.member,
            source=self.source,
            exposure=self.exposure,
            categories=tuple(self.categories),
            began_at=self.began_at,
            ended_at=self.ended_at,
        )


class BreachBody(SpanBody):
    """What is known when the controller becomes aware of a breach."""

    nature: list[BreachNature] = Field(min_length=1, max_length=3)
    cause: BreachCause = BreachCause.UNKNOWN
    reporter: BreachReporter = BreachReporter.CONTROLLER
    aware_at: MomentField = Field(description="The 72 hours run from this moment (Art. 33(1)).")
    file: UUID | None = Field(None, description=FILE)


class AssessmentBody(Body):
    """The risk, with what follows and what is done; the ledger counts the people itself.

    The span and the categories may be told anew, as they are known now.
    """

    risk: BreachRisk
    consequences: list[BreachConsequence] = Field(default_factory=list, max_length=20)
    measures: list[BreachMeasure] = Field(default_factory=list, max_length=20)
    exemptions: list[BreachExemption] = Field(
        default_factory=list,
        description="Why the people need not be told one by one (Art. 34(3)).",
        max_length=3,
    )
    categories: list[WordField] | None = Field(None, description=CATEGORIES, max_length=100)
    began_at: MomentField | None = Field(None, alias="from")
    ended_at: MomentField | None = Field(None, alias="to")
    file: UUID | None = Field(None, description=FILE)


class NotificationBody(Body):
    """Who was told, and whether that was all; the authority may be told in phases (Art. 33(4))."""

    audience: BreachAudience
    complete: bool = Field(description="False: more will follow.")
    reasons: list[DelayReason] = Field(
        default_factory=list,
        description="Why later than the deadline; the first notification to the authority.",
        max_length=10,
    )
    people: int | None = Field(None, description="How many were told.", ge=0, le=10**10)
    file: UUID | None = Field(None, description=FILE)
    occurred_at: MomentField | None = Field(None, description="When; now without it.")


class BreachReceiptBody(ReceiptBody):
    """The receipt, and the id of the breach."""

    breach: UUID


class CategoryCount(BaseModel):
    """How many people a category of data is of."""

    category: str = Field(max_length=64)
    people: int = Field(ge=0)


class RadiusBody(BaseModel):
    """The numbers of Art. 33(3)(a)."""

    people: int = Field(description="Data subjects, those erased since included.", ge=0)
    erased: int = Field(description="Of them: nothing can be sent to them.", ge=0)
    reachable: int = Field(description="The others: the list of Art. 34.", ge=0)
    records: int = Field(description="Data concerned: one a person and category.", ge=0)
    categories: list[CategoryCount] = Field(max_length=500)
    stands_at: int = Field(description="The position of the log that it is true at.", ge=-1)


class BreachShownBody(BaseModel):
    """One breach with its clock, its last assessment and every notification."""

    breach: UUID
    version: int = Field(ge=1)
    recorded_at: datetime
    aware_at: datetime
    due_at: datetime = Field(description="When the authority must have been told.")
    nature: list[str] = Field(max_length=3)
    cause: str | None = Field(max_length=64)
    reporter: str | None = Field(max_length=64)
    recipient: str | None = Field(max_length=64)
    member: UUID | None
    source: str | None = Field(max_length=64)
    exposure: str = Field(max_length=64)
    categories: list[str] = Field(max_length=500, description="None named: all.")
    began_at: datetime
    ended_at: datetime | None
    risk: str | None = Field(max_length=64, description="Until it was assessed: null.")
    people: int | None = Field(description="Data subjects, by the last assessment.")
    erased: int | None = Field(description="How many of them were erased since.")
    records: int | None = Field(description="Data concerned: one a person and category.")
    authority_told_at: datetime | None
    subjects_told_at: datetime | None
    subjects_due: bool = Field(description="Whether the people are to be told (Art. 34).")
    late: bool
    overdue: bool
    settled: bool = Field(description="Whether nobody is left to be told.")
    file: UUID | None = Field(description="The desk's own file.")
    assessment: dict[str, Any] | None
    notifications: list[dict[str, Any]] = Field(max_length=1000)


async def _done(call: Call, breach: UUID, command: Command) -> Receipt:
    return await call.service.control.breach(breach, command, await call.attribution())


@operation(
    ROUTES,
    "POST",
    "/v1/breaches",
    scope=Scope.BREACHES_WRITE,
    answers=BreachReceiptBody,
    status=201,
    summary="Record a breach",
    problems=NAMING,
    law=("L52",),
    writes=True,
)
async def detect_breach(body: BreachBody, call: Desk) -> Response:
    """Records that the controller became aware of a breach: the clock runs from `aware_at`.

    Nothing about it is told in sentences here: those lie in the desk's own file.
    """
    span = body.span()
    command = DetectBreach(
        nature=tuple(body.nature),
        cause=body.cause,
        reporter=body.reporter,
        recipient=span.recipient,
        member=span.member,
        source=span.source,
        exposure=span.exposure,
        categories=span.categories,
        began_at=span.began_at,
        ended_at=span.ended_at,
        aware_at=body.aware_at,
        file=body.file,
    )
    receipt = await _done(call, random_id(), command)
    breach = receipt.stream_id  # a repeated detection names the breach of its first execution
    return receipted(receipt, location=f"/v1/breaches/{breach}", breach=breach)


@operation(
    ROUTES,
    "GET",
    "/v1/breaches/{breach}",
    scope=Scope.BREACHES_READ,
    answers=BreachShownBody,
    summary="Show a breach",
    problems=(
        "breach-unknown",
        "as-of-malformed",
        "as-of-in-future",
        "as-of-before-first-event",
    ),
    law=("L52", "L53"),
)
async def show_breach(
    breach: UUID, call: Reader, as_of: Annotated[str | None, Query(max_length=40)] = None
) -> Response:
    """Shows a breach as it is known now or was on an earlier day, with its clock."""
    service, cut = call.service, parse_as_of(as_of)
    now = service.ledger.clock()
    await checked(cut, service.store, service.pool, now)
    asked_at = await moment_of(service.pool, cut) or now
    found = await read_breach(service.store, breach, asked_at, cut)
    value = breach_value(found, service.rulebook.law)
    return answer(value, headers={"etag": etag(found.state.version)})


@operation(
    ROUTES,
    "POST",
    "/v1/breaches/{breach}/assessments",
    scope=Scope.BREACHES_WRITE,
    answers=BreachReceiptBody,
    status=201,
    summary="Assess a breach",
    problems=("breach-unknown", "projection-lagging", *NAMING),
    law=("L52", "L53"),
    writes=True,
)
async def assess_breach(breach: UUID, body: AssessmentBody, call: Desk) -> Response:
    """Counts whom the breach reaches and records it with the risk (Art. 33(3))."""
    service = call.service
    known = (await read_breach(service.store, breach, service.ledger.clock())).state.span
    span = Span(
        recipient=known.recipient,
        member=known.member,
        source=known.source,
        exposure=known.exposure,
        categories=known.categories if body.categories is None else tuple(body.categories),
        began_at=body.began_at or known.began_at,
        ended_at=body.ended_at or known.ended_at,
    )
    command = AssessBreach(
        risk=body.risk,
        span=span,
        radius=await _counted(call, span, await service.store.head_position()),
        consequences=tuple(body.consequences),
        measures=tuple(body.measures),
        exemptions=tuple(body.exemptions),
        file=body.file,
    )
    return receipted(await _done(call, breach, command), breach=breach)


@operation(
    ROUTES,
    "POST",
    "/v1/breaches/{breach}/notifications",
    scope=Scope.BREACHES_WRITE,
    answers=BreachReceiptBody,
    status=201,
    summary="Record a notification of a breach",
    problems=(
        "breach-unknown",
        "breach-unassessed",
        "delay-unexplained",
        "notification-before-awareness",
        "occurred-in-future",
    ),
    law=("L52", "L53"),
    writes=True,
)
async def notify_breach(breach: UUID, body: NotificationBody, call: Desk) -> Response:
    """Records that the authority or the people concerned were told, in one piece or in phases.

    After the deadline the first notification to the authority gives the reasons for the delay.
    """
    command = NotifyBreach(
        audience=body.audience,
        complete=body.complete,
        reasons=tuple(body.reasons),
        people=body.people,
        file=body.file,
        occurred_at=body.occurred_at,
    )
    return receipted(await _done(call, breach, command), breach=breach)


@operation(
    ROUTES,
    "POST",
    "/v1/breaches:radius",
    scope=Scope.BREACHES_READ,
    answers=RadiusBody,
    summary="Count whom a breach would reach",
    problems=("position-ahead", "projection-lagging", *NAMING),
    law=("L52",),
)
async def count_breach_radius(
    body: SpanBody, call: Reader, min_position: MinPositionQuery = None
) -> Response:
    """Counts the people and data of a place, categories and a span, and records nothing."""
    return answer(radius_value(await _counted(call, body.span(), min_position)))


async def _counted(call: Call, asked: Span, position: int | None) -> Radius:
    """The numbers, once the registers have read as far as ``position``."""
    service = call.service
    rules, now = await service.rulebook.current(), service.ledger.clock()
    span = span_named(asked, rules.at(now))
    await caught_up(call, PROJECTIONS, position)
    return await radius(service.pool, span, rules.policy, now)
