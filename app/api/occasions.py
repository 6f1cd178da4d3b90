"""Occasions and grants: their end, their payment, their holds; own safeguards (L64, L9)."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import Response, Security
from pydantic import BaseModel, Field

from app.api.answers import answer, receipted
from app.api.bodies import Body, DayField, NameField, ReceiptBody, WordField
from app.api.call import Call, authorised
from app.api.operations import operation, router
from app.api.sources import source_of
from app.auth import Scope
from app.clock import random_id
from app.domain.control import Command
from app.domain.occasions import EndOccasion, HoldOccasion, ReleaseOccasion, SettleGrant
from app.domain.safeguards import SwitchSafeguard
from app.events.holds import HoldGround
from app.events.policies import Safeguard
from app.rights.holds import occasions_value
from app.rights.matters import matter_of

ROUTES = router("occasions")

FIRST_DAY, LAST_DAY = date(1995, 10, 24), date(2100, 1, 1)
Holder = Annotated[Call, Security(authorised, scopes=[Scope.RETENTION_WRITE])]
Reader = Annotated[Call, Security(authorised, scopes=[Scope.REGISTERS_READ])]


class EndBody(Body):
    """The day on which the occasion was over."""

    on: DayField = Field(ge=FIRST_DAY, le=LAST_DAY)


class PaymentBody(Body):
    """The payment of the balance, and what was granted in all."""

    on: DayField = Field(ge=FIRST_DAY, le=LAST_DAY)
    amount_cents: int = Field(
        description="Up to and including 6000000 (60,000.00 EUR) the grant is a small one.",
        ge=0,
        le=2**53 - 1,
        examples=[6000000],
    )


class OccasionHoldBody(Body):
    """What stays of an occasion or grant, and why: an open audit, for one."""

    ground: HoldGround
    source: NameField = Field(examples=["secretariat"])
    retention_classes: list[WordField] = Field(
        default=[], description="Without any every class is held.", max_length=100
    )


class OccasionHeldBody(ReceiptBody):
    """The receipt and the id of the hold."""

    hold: UUID | None


class OccasionsBody(BaseModel):
    """What was said of occasions and grants."""

    version: int = Field(description="Of the control stream.", ge=0)
    ended: list[dict[str, Any]] = Field(max_length=100000)
    paid: list[dict[str, Any]] = Field(max_length=100000)
    holds: list[dict[str, Any]] = Field(max_length=100000)


class SafeguardBody(Body):
    """Whether the measure holds from now on."""

    on: bool


class SafeguardsBody(BaseModel):
    """Every measure, and whether it holds."""

    safeguards: list[dict[str, Any]] = Field(max_length=100)


async def _decided(call: Call, command: Command) -> Response:
    return receipted(await call.service.control.execute(command, await call.attribution()))


@operation(
    ROUTES,
    "POST",
    "/v1/occasions/{occasion}/end",
    scope=Scope.RETENTION_WRITE,
    answers=ReceiptBody,
    status=201,
    summary="Record that an occasion is over",
    problems=("end-in-future",),
    clauses=("C13", "C32", "C56"),
    law=("L7", "L65"),
    writes=True,
)
async def end_occasion(occasion: UUID, body: EndBody, call: Holder) -> Response:
    """Sets the clocks going that are counted from the end of a meeting, trip, survey or chat.

    It is said once, for everybody who took part. Another day corrects it.
    """
    return await _decided(call, EndOccasion(occasion=occasion, on=body.on))


@operation(
    ROUTES,
    "POST",
    "/v1/occasions/{occasion}/payment",
    scope=Scope.RETENTION_WRITE,
    answers=ReceiptBody,
    status=201,
    summary="Record that the balance of a grant was paid",
    problems=("end-in-future",),
    clauses=("C71",),
    law=("L64",),
    writes=True,
)
async def settle_grant(occasion: UUID, body: PaymentBody, call: Holder) -> Response:
    """Sets the clock of a grant's records going: five years, three where the grant was small."""
    command = SettleGrant(grant=occasion, on=body.on, amount_cents=body.amount_cents)
    return await _decided(call, command)


@operation(
    ROUTES,
    "POST",
    "/v1/occasions/{occasion}/legal-holds",
    scope=Scope.RETENTION_WRITE,
    answers=OccasionHeldBody,
    status=201,
    summary="Hold everything of an occasion or grant",
    problems=("retention-class-unknown", "source-unknown", "source-not-yours"),
    clauses=("C71",),
    law=("L63", "L64"),
    writes=True,
)
async def hold_occasion(occasion: UUID, body: OccasionHoldBody, call: Holder) -> Response:
    """Freezes retention and erasure for everybody's data of an occasion: an audit is open."""
    command = HoldOccasion(
        hold=random_id(),
        occasion=occasion,
        ground=body.ground,
        source=await source_of(call, body.source),
        retention_classes=frozenset(body.retention_classes),
    )
    receipt = await call.service.control.execute(command, await call.attribution())
    return receipted(receipt, hold=await matter_of(call.service.store, receipt, "hold"))


@operation(
    ROUTES,
    "POST",
    "/v1/legal-holds/{hold}/release",
    scope=Scope.RETENTION_WRITE,
    answers=ReceiptBody,
    status=201,
    summary="Release a hold on an occasion or grant",
    problems=("legal-hold-unknown",),
    clauses=("C71",),
    law=("L63", "L64"),
    writes=True,
)
async def release_occasion(hold: UUID, call: Holder) -> Response:
    """The audit is closed: what is overdue goes with the next run of retention."""
    return await _decided(call, ReleaseOccasion(hold=hold))


@operation(
    ROUTES,
    "GET",
    "/v1/occasions",
    scope=Scope.REGISTERS_READ,
    answers=OccasionsBody,
    summary="Show which occasions ended, which grants were paid, and what is held",
    clauses=("C71",),
    law=("L63", "L64"),
)
async def list_occasions(call: Reader) -> Response:
    """Ids and days; people are nowhere in it."""
    control = await call.service.rulebook.refresh_control()
    return answer({"version": control.version, **occasions_value(control.occasions)})


@operation(
    ROUTES,
    "POST",
    "/v1/safeguards/{safeguard}",
    scope=Scope.POLICY_PUBLISH,
    answers=ReceiptBody,
    status=201,
    summary="Switch a safeguard on or off",
    clauses=("C66",),
    law=("L9",),
    writes=True,
)
async def switch_safeguard(
    safeguard: Safeguard,
    body: SafeguardBody,
    call: Annotated[Call, Security(authorised, scopes=[Scope.POLICY_PUBLISH])],
) -> Response:
    """`two_person_erasure`: one key asks for an erasure, and another one approves it.

    The switch is an event of the control stream, so that it shows since when the measure holds.
    """
    return await _decided(call, SwitchSafeguard(safeguard=safeguard, on=body.on))


@operation(
    ROUTES,
    "GET",
    "/v1/safeguards",
    scope=Scope.REGISTERS_READ,
    answers=SafeguardsBody,
    summary="Show which safeguards are on",
    clauses=("C66",),
    law=("L9",),
)
async def list_safeguards(call: Reader) -> Response:
    """Every measure that can be switched, and whether it holds."""
    on = (await call.service.rulebook.refresh_control()).safeguards
    return answer({"safeguards": [{"safeguard": one.value, "on": one in on} for one in Safeguard]})
