"""A person's data sent straight to another controller, at the person's request (Art. 20(2))."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Response, Security
from pydantic import BaseModel, Field

from app.api.answers import answer, receipted
from app.api.bodies import Body, NameField, ReceiptBody
from app.api.call import Call, authorised
from app.api.inspections import INSPECTING, inspect
from app.api.operations import operation, router
from app.api.sources import source_of
from app.auth import Scope
from app.clock import random_id
from app.domain.receivers import ReceiverStatus
from app.domain.transmissions import (
    ReceiverUnapproved,
    RecordRefusedTransmission,
    RequestTransmission,
    TransmissionStatus,
    WithdrawTransmission,
)
from app.events.transmissions import Profile, TransmissionFailure
from app.rights.matters import matter_of
from app.rights.person import read_person

ROUTES = router("transmissions")

PATH = "/v1/subjects/{subject_id}/transmissions"
PERSON = ("subject-unknown", "subject-erased")
Writes = Annotated[Call, Security(authorised, scopes=[Scope.TRANSMISSIONS_WRITE])]


class TransmissionBody(Body):
    """To whom the person wants the data to go."""

    host: str = Field(
        pattern=r"^[A-Za-z0-9.-]{1,253}$",
        max_length=253,
        examples=["data.other.example.org"],
        description="The host that the person confirmed, letter by letter.",
    )
    request: UUID = Field(description="The rights request by which the person asked.")
    profile: Profile = Profile.PROMISED
    source: NameField = Field(examples=["self_service"])


class WithdrawalBody(Body):
    """Where the person called it off."""

    source: NameField = Field(examples=["self_service"])


class RequestedBody(ReceiptBody):
    """The receipt, and the id of the transmission."""

    transmission: UUID


class TransmissionStateBody(BaseModel):
    """One transmission and where it stands."""

    transmission: UUID
    receiver: UUID
    host: str | None = Field(max_length=253)
    request: UUID
    profile: Profile
    status: TransmissionStatus
    reason: TransmissionFailure | None
    attempts: int = Field(ge=0)
    requested_at: datetime
    settled_at: datetime | None


class TransmissionsBody(BaseModel):
    """Every transmission of the person, oldest first."""

    subject_id: UUID
    position: int = Field(ge=0)
    refused: int = Field(description="Attempts to send to a host that is not approved.", ge=0)
    transmissions: list[TransmissionStateBody] = Field(max_length=1000)


@operation(
    ROUTES,
    "POST",
    PATH,
    scope=Scope.TRANSMISSIONS_WRITE,
    answers=RequestedBody,
    status=202,
    summary="Send a person's data to another controller",
    problems=(
        *("receiver-unapproved", "transmission-unrequested", "rights-request-unknown"),
        *("rights-request-unverified", "rights-request-closed"),
        *("source-unknown", "source-not-yours", "under-age", *PERSON),
    ),
    clauses=("C68",),
    law=("L35",),
    writes=True,
)
async def request_transmission(subject_id: UUID, body: TransmissionBody, call: Writes) -> Response:
    """Sends the package that the person would get to the approved receiver of that host.

    It is made when it is sent, encrypted to the receiver's key, and tried for three days; what came
    of it is an event of the person's stream. A host that is not approved gets nothing, and the
    attempt is recorded.
    """
    attribution = await call.attribution()
    receiver = await _receiver_of(call, body.host.lower())
    command = RequestTransmission(
        transmission=random_id(),
        receiver=receiver,
        request=body.request,
        profile=body.profile,
        source=await source_of(call, body.source),
    )
    ledger = call.service.ledger
    try:
        receipt = await ledger.execute(subject_id, command, attribution)
    except ReceiverUnapproved:
        refused = RecordRefusedTransmission(receiver=receiver, request=body.request)
        await ledger.execute(subject_id, refused, call.reading())
        raise
    found = await matter_of(call.service.store, receipt, "transmission")
    transmission = found or await _waiting(call, subject_id, command)
    return receipted(receipt, 202, transmission=transmission)


@operation(
    ROUTES,
    "GET",
    PATH,
    scope=Scope.REPORTS_READ,
    answers=TransmissionsBody,
    summary="List a person's transmissions",
    problems=(*INSPECTING, *PERSON),
    clauses=("C68",),
    law=("L32", "L35"),
    purpose=True,
)
async def list_transmissions(
    subject_id: UUID,
    call: Annotated[Call, Security(authorised, scopes=[Scope.REPORTS_READ])],
) -> Response:
    """Shows to whom the person's data were sent at their request, and what came of each."""
    person = await read_person(call.service.store, subject_id)
    await inspect(call, subject_id)
    found = await call.service.receivers.every()
    hosts = {one.receiver_id: one.address.host for one in found if one.address is not None}
    state = person.state.transmissions
    return answer(
        {
            "subject_id": subject_id,
            "position": person.position,
            "refused": state.refused,
            "transmissions": [
                {
                    "transmission": key,
                    "receiver": one.receiver,
                    "host": hosts.get(one.receiver),
                    "request": one.request,
                    "profile": one.profile.value,
                    "status": one.status.value,
                    "reason": one.reason and one.reason.value,
                    "attempts": one.attempts,
                    "requested_at": one.requested_at,
                    "settled_at": one.settled_at,
                }
                for key, one in state.by_id.items()
            ],
        }
    )


@operation(
    ROUTES,
    "POST",
    f"{PATH}/{{transmission}}/withdrawal",
    scope=Scope.TRANSMISSIONS_WRITE,
    answers=ReceiptBody,
    status=201,
    summary="Call a transmission off",
    problems=(
        *("transmission-unknown", "transmission-settled", "source-unknown", "source-not-yours"),
        *PERSON,
    ),
    clauses=("C68",),
    law=("L35",),
    writes=True,
)
async def withdraw_transmission(
    subject_id: UUID, transmission: UUID, body: WithdrawalBody, call: Writes
) -> Response:
    """Nothing is sent any more; an attempt that is under way may still arrive."""
    source = await source_of(call, body.source)
    command = WithdrawTransmission(transmission=transmission, source=source)
    return receipted(
        await call.service.ledger.execute(subject_id, command, await call.attribution())
    )


async def _receiver_of(call: Call, host: str) -> UUID | None:
    """Whom a host belongs to: the approved receiver before every other one that is known."""
    known = (await call.service.rulebook.refresh_control()).receivers
    at_host = [one for one in await call.service.receivers.of_host(host) if one in known]
    at_host.sort(key=lambda one: known[one].status is not ReceiverStatus.APPROVED)
    return next(iter(at_host), None)


async def _waiting(call: Call, subject_id: UUID, command: RequestTransmission) -> UUID:
    """The transmission that waits already: the same wish twice is one."""
    state = await call.service.ledger.state(subject_id)
    wanted = (command.receiver, command.request, command.profile)
    waiting = (
        key
        for key, one in state.transmissions.by_id.items()
        if (one.receiver, one.request, one.profile) == wanted
    )
    return next(reversed(list(waiting)), command.transmission)
