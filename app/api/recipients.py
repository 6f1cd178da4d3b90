"""The desk's arrangements with recipients: paper, mechanism, and what is necessary at all."""

from typing import Annotated

from fastapi import Response, Security
from pydantic import Field

from app.api.answers import receipted
from app.api.bodies import Body, DayField, NameField, ReceiptBody, WordField
from app.api.call import Call, authorised
from app.api.operations import operation, router
from app.auth import Scope
from app.domain.arrangements import LapseTransferMechanism, SetTransferMechanism
from app.domain.control import Command, DecideNecessity, EndContract, RegisterContract
from app.events.policies import NecessityOutcome
from app.policy.vocabulary import AgreementKind

ROUTES = router("recipients")

Desk = Annotated[Call, Security(authorised, scopes=[Scope.POLICY_PUBLISH])]


class ContractBody(Body):
    """The paper on which data may go to a recipient (Art. 28; C38)."""

    kind: AgreementKind
    since: DayField
    until: DayField | None = None


class ContractEndBody(Body):
    """The last day of the paper."""

    on: DayField


class MechanismBody(Body):
    """On what a transfer to the recipient rests, with the day it was last looked up (L58)."""

    mechanism: WordField = Field(examples=["scc_2021"])
    since: DayField
    evidence_on: DayField


class LapseBody(Body):
    """A mechanism carries nothing any more: for one recipient, or for all."""

    mechanism: WordField
    on: DayField
    recipient: NameField | None = None


class NecessityBody(Body):
    """The desk's decision on a category that is off by default (L5)."""

    outcome: NecessityOutcome


async def _decide(call: Call, command: Command) -> Response:
    return receipted(await call.service.control.execute(command, await call.attribution()))


@operation(
    ROUTES,
    "POST",
    "/v1/recipients/{recipient}/contracts",
    scope=Scope.POLICY_PUBLISH,
    answers=ReceiptBody,
    status=201,
    summary="Register a contract",
    problems=("recipient-not-listed",),
    clauses=("C38", "C40"),
    law=("L50",),
    writes=True,
)
async def register_contract(recipient: WordField, body: ContractBody, call: Desk) -> Response:
    """Registers a processor contract or memorandum; disclosures without one are refused."""
    command = RegisterContract(
        recipient=recipient, kind=body.kind, since=body.since, until=body.until
    )
    return await _decide(call, command)


@operation(
    ROUTES,
    "POST",
    "/v1/recipients/{recipient}/contracts/end",
    scope=Scope.POLICY_PUBLISH,
    answers=ReceiptBody,
    status=201,
    summary="End a contract",
    problems=("recipient-not-listed",),
    clauses=("C38",),
    law=("L50",),
    writes=True,
)
async def end_contract(recipient: WordField, body: ContractEndBody, call: Desk) -> Response:
    """Records the last day of a contract; from the next day on nothing may be shared."""
    return await _decide(call, EndContract(recipient=recipient, on=body.on))


@operation(
    ROUTES,
    "POST",
    "/v1/recipients/{recipient}/transfer-mechanisms",
    scope=Scope.POLICY_PUBLISH,
    answers=ReceiptBody,
    status=201,
    summary="Set a transfer mechanism",
    problems=("recipient-not-listed", "mechanism-not-in-force", "evidence-in-future"),
    clauses=("C30",),
    law=("L55", "L56", "L57", "L58"),
    writes=True,
)
async def set_mechanism(recipient: WordField, body: MechanismBody, call: Desk) -> Response:
    """Records on which mechanism of Chapter V transfers to the recipient rest from now on."""
    command = SetTransferMechanism(
        recipient=recipient,
        mechanism=body.mechanism,
        since=body.since,
        evidence_on=body.evidence_on,
    )
    return await _decide(call, command)


@operation(
    ROUTES,
    "POST",
    "/v1/transfer-mechanisms/lapses",
    scope=Scope.POLICY_PUBLISH,
    answers=ReceiptBody,
    status=201,
    summary="Record that a mechanism lapsed",
    problems=("recipient-not-listed", "mechanism-not-in-force"),
    clauses=("C30",),
    law=("L56", "L57"),
    writes=True,
)
async def lapse_mechanism(body: LapseBody, call: Desk) -> Response:
    """Records that a mechanism carries nothing any more: for one recipient, or for all."""
    command = LapseTransferMechanism(mechanism=body.mechanism, on=body.on, recipient=body.recipient)
    return await _decide(call, command)


@operation(
    ROUTES,
    "POST",
    "/v1/categories/{category}/necessity",
    scope=Scope.POLICY_PUBLISH,
    answers=ReceiptBody,
    status=201,
    summary="Decide whether a category is necessary",
    problems=("category-unknown", "necessity-not-in-question"),
    clauses=("C10",),
    law=("L5",),
    writes=True,
)
async def decide_necessity(category: WordField, body: NecessityBody, call: Desk) -> Response:
    """Switches a category that is off by default on or off; both are decisions on record."""
    return await _decide(call, DecideNecessity(category=category, outcome=body.outcome))
