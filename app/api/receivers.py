"""Other controllers that may get a person's data when the person asks (Art. 20(2); S20, S21)."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Response, Security
from pydantic import BaseModel, Field

from app.api.answers import answer, receipted
from app.api.bodies import Body, ReceiptBody
from app.api.call import Call, authorised
from app.api.operations import operation, router
from app.auth import Scope
from app.clock import random_id
from app.domain.control import Command
from app.domain.decider import Refusal
from app.domain.receivers import (
    ApproveReceiver,
    ProveReceiver,
    ReceiverStatus,
    ReceiverUnknown,
    ReceiverUnproven,
    RegisterReceiver,
    WithdrawReceiver,
)
from app.propagation.destinations import URL_LENGTH_MAX
from app.propagation.outbound import Outcome
from app.propagation.receivers import (
    answers_challenge,
    challenge_path,
    challenged,
    sealed_challenge,
)
from app.rights.matters import matter_of
from app.store.receivers import Address, FoundReceiver

ROUTES = router("transmissions")

PATH = "/v1/receivers"
ONE = f"{PATH}/{{receiver}}"
STEP = ("receiver-unknown", "receiver-withdrawn")
Manages = Annotated[Call, Security(authorised, scopes=[Scope.RECEIVERS_MANAGE])]
Approves = Annotated[Call, Security(authorised, scopes=[Scope.RECEIVERS_APPROVE])]


class ReceiverUnreadable(Refusal):
    """Its address went with the key epoch that sealed it."""

    code = "receiver-unreadable"
    rules = ("S21",)


class NewReceiverBody(Body):
    """Where packages would go, and the key that they would be encrypted to."""

    url: str = Field(
        min_length=12,
        max_length=URL_LENGTH_MAX,
        examples=["https://data.other.example.org/inbox"],
        description="https, a public name, port 443. It is kept sealed.",
    )
    key: str = Field(
        pattern=r"^age1[0-9a-z]{58}$",
        max_length=62,
        examples=["age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"],
        description="The receiver's X25519 recipient of age.",
    )


class ChallengedBody(ReceiptBody):
    """The receipt, and what the receiver has to show."""

    receiver: UUID
    host: str = Field(max_length=253)
    challenge: str = Field(
        description="Encrypted to the receiver's key; open it with `age --decrypt`.",
        max_length=2_000,
    )
    challenge_path: str = Field(
        description="Where the host serves the opened challenge as text.", max_length=200
    )


class ReceiverBody(BaseModel):
    """One receiver."""

    receiver: UUID
    status: ReceiverStatus
    url: str | None = Field(
        description="None when the key that sealed it was destroyed.", max_length=URL_LENGTH_MAX
    )
    host: str | None = Field(max_length=253)
    key: str | None = Field(max_length=62)
    challenge_path: str = Field(max_length=200)
    created_at: datetime


class ReceiversBody(BaseModel):
    """Every receiver, oldest first."""

    items: list[ReceiverBody] = Field(max_length=1_000)


@operation(
    ROUTES,
    "POST",
    PATH,
    scope=Scope.RECEIVERS_MANAGE,
    answers=ChallengedBody,
    status=201,
    summary="Put a receiver forward",
    problems=("destination-refused", "receiver-key-invalid"),
    clauses=("C68",),
    law=("L35",),
    writes=True,
)
async def register_receiver(body: NewReceiverBody, call: Manages) -> Response:
    """Registers another controller and hands out its challenge; nothing may be sent there yet.

    The challenge is encrypted to the receiver's key. Served in the clear at `challenge_path` it
    shows that the receiver controls the host, and can open what will be sent to it.
    """
    service = call.service
    address = await challenged(service.destinations, body.url, body.key)
    receiver = random_id()
    binding = await service.receivers.add(receiver, address)
    command = RegisterReceiver(receiver=receiver, binding=binding)
    receipt = await service.control.execute(command, await call.attribution())
    # Of a repeated request the first one's: the row that was just added leads nowhere.
    receiver = await matter_of(service.store, receipt, "receiver") or receiver
    address = await _address_of(call, receiver)
    return receipted(
        receipt,
        receiver=receiver,
        host=address.host,
        challenge=sealed_challenge(address),
        challenge_path=challenge_path(receiver),
    )


@operation(
    ROUTES,
    "GET",
    PATH,
    scope=Scope.RECEIVERS_MANAGE,
    answers=ReceiversBody,
    summary="List the receivers",
    clauses=("C68",),
    law=("L35",),
)
async def list_receivers(call: Manages) -> Response:
    """Shows where each receiver is, and whether anything may be sent there."""
    known = call.service.rulebook.control.receivers
    found = await call.service.receivers.every()
    return answer(
        {
            "items": [
                _value(one, known[one.receiver_id].status)
                for one in found
                if one.receiver_id in known
            ]
        }
    )


@operation(
    ROUTES,
    "POST",
    f"{ONE}/proof",
    scope=Scope.RECEIVERS_MANAGE,
    answers=ReceiptBody,
    status=201,
    summary="Ask a receiver's host for its proof",
    problems=(*STEP, "receiver-unproven", "receiver-unreadable"),
    clauses=("C68",),
    law=("L35",),
    writes=True,
)
async def prove_receiver(receiver: UUID, call: Manages) -> Response:
    """Asks the host for the opened challenge; what it answers is compared and kept nowhere."""
    attribution = await call.attribution()
    service = call.service
    if receiver not in (await service.rulebook.refresh_control()).receivers:
        raise ReceiverUnknown
    address = await _address_of(call, receiver)
    now = service.ledger.clock()
    outcome = await answers_challenge(service.outbound, receiver, address, now)
    if outcome is not Outcome.DELIVERED:
        raise ReceiverUnproven(reason=outcome.value)
    return receipted(await service.control.execute(ProveReceiver(receiver=receiver), attribution))


@operation(
    ROUTES,
    "POST",
    f"{ONE}/approval",
    scope=Scope.RECEIVERS_APPROVE,
    answers=ReceiptBody,
    status=201,
    summary="Approve a receiver",
    problems=(*STEP, "receiver-unproven", "approver-is-proposer"),
    clauses=("C68",),
    law=("L35",),
    writes=True,
)
async def approve_receiver(receiver: UUID, call: Approves) -> Response:
    """From now on packages go there when a person asks and names the host.

    The approver is another client than the one that registered it, whatever scopes either holds.
    """
    return await _step(call, ApproveReceiver(receiver=receiver, by=call.caller.client_id))


@operation(
    ROUTES,
    "POST",
    f"{ONE}/withdrawal",
    scope=Scope.RECEIVERS_MANAGE,
    answers=ReceiptBody,
    status=201,
    summary="Withdraw a receiver",
    problems=("receiver-unknown",),
    clauses=("C68",),
    law=("L35",),
    writes=True,
)
async def withdraw_receiver(receiver: UUID, call: Manages) -> Response:
    """Nothing goes there any more; what waits for it fails and is told."""
    return await _step(call, WithdrawReceiver(receiver=receiver))


async def _step(call: Call, command: Command) -> Response:
    return receipted(await call.service.control.execute(command, await call.attribution()))


async def _address_of(call: Call, receiver: UUID) -> Address:
    found = await call.service.receivers.one(receiver)
    if found is None or found.address is None:
        raise ReceiverUnreadable
    return found.address


def _value(one: FoundReceiver, status: ReceiverStatus) -> dict[str, Any]:  # Any: JSON values
    address = one.address
    return {
        "receiver": one.receiver_id,
        "status": status.value,
        "url": address and address.url,
        "host": address and address.host,
        "key": address and address.key,
        "challenge_path": challenge_path(one.receiver_id),
        "created_at": one.created_at,
    }
