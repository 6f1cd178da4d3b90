"""Who may receive data, on which paper and mechanism; and the desk's arrangements with them."""

from datetime import date
from typing import Annotated, Any

from fastapi import Response, Security
from pydantic import BaseModel, Field

from app.api.answers import answer, receipted
from app.api.bodies import Body, NameField, ReceiptBody, WordField
from app.api.call import Call, authorised
from app.api.operations import operation, router
from app.api.policies import plain
from app.auth import Scope
from app.domain.control import (
    Command,
    DecideNecessity,
    EndContract,
    LapseTransferMechanism,
    RegisterContract,
    SetTransferMechanism,
)
from app.domain.recipients import transfer_ground
from app.events.policies import NecessityOutcome
from app.policy.model import Recipient
from app.policy.vocabulary import AgreementKind
from app.store.rulebook import Rules

ROUTES = router("recipients")

Reader = Annotated[Call, Security(authorised, scopes=[Scope.REGISTERS_READ])]
Desk = Annotated[Call, Security(authorised, scopes=[Scope.POLICY_PUBLISH])]


class RecipientBody(BaseModel):
    """A recipient of the policy, with what may go there today."""

    key: str = Field(examples=["mailchimp"], max_length=64)
    transfer_ground: str | None = Field(
        description="`eea`, the mechanism that holds today, or null: nothing may go there.",
        max_length=64,
    )
    contract: dict[str, Any] | None
    declared: dict[str, Any] = Field(description="What the policy says of the recipient.")


class RecipientsBody(BaseModel):
    """Every recipient of the policy in force."""

    items: list[RecipientBody] = Field(max_length=500)


class ContractBody(Body):
    """The paper on which data may go to a recipient (Art. 28; C38)."""

    kind: AgreementKind
    since: date
    until: date | None = None


class ContractEndBody(Body):
    """The last day of the paper."""

    on: date


class MechanismBody(Body):
    """On what a transfer to the recipient rests, with the day it was last looked up (L58)."""

    mechanism: WordField = Field(examples=["scc_2021"])
    since: date
    evidence_on: date


class LapseBody(Body):
    """A mechanism carries nothing any more: for one recipient, or for all."""

    mechanism: WordField
    on: date
    recipient: NameField | None = None


class NecessityBody(Body):
    """The desk's decision on a category that is off by default (L5)."""

    outcome: NecessityOutcome


def _value(recipient: Recipient, rules: Rules, today: date, call: Call) -> dict[str, Any]:
    given = rules.at(call.service.ledger.clock())
    contract = rules.control.contracts.get(recipient.key)
    return {
        "key": recipient.key,
        "transfer_ground": transfer_ground(recipient, None, today, given),
        "contract": plain(contract) if contract else None,
        "declared": plain(recipient),
    }


@operation(
    ROUTES,
    "GET",
    "/v1/recipients",
    scope=Scope.REGISTERS_READ,
    answers=RecipientsBody,
    summary="List the recipients",
    clauses=("C35", "C36", "C38", "C39", "C41", "C42", "C43", "C44", "C45", "C46", "C47"),
    law=("L32", "L50", "L55"),
)
async def list_recipients(call: Reader) -> Response:
    """Lists every recipient that the policy names, and whether data may go there today."""
    rules = await call.service.rulebook.refresh()
    today = call.service.ledger.clock().date()
    items = [_value(one, rules, today, call) for one in rules.policy.recipients.values()]
    return answer({"items": items})


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
    problems=("recipient-not-listed", "mechanism-not-in-force"),
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
