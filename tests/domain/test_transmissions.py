"""Data sent straight to another controller: asked for by the person, to an approved host (L35)."""

from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

import pytest

from app.domain.receivers import Receiver, ReceiverStatus
from app.domain.rights_request_refusals import (
    RightsRequestClosed,
    RightsRequestUnknown,
    RightsRequestUnverified,
)
from app.domain.rights_request_steps import ReceiveRequest, WithdrawRequest
from app.domain.transmissions import (
    ReceiverUnapproved,
    RecordRefusedTransmission,
    RecordTransmissionDelivered,
    RecordTransmissionFailed,
    RequestTransmission,
    TransmissionSettled,
    TransmissionStatus,
    TransmissionUnknown,
    TransmissionUnrequested,
    WithdrawTransmission,
)
from app.events.rights_requests import IdentityProof, RequestChannel, RequestedRight
from app.events.transmissions import (
    Profile,
    TransmissionBar,
    TransmissionDelivered,
    TransmissionFailed,
    TransmissionFailure,
    TransmissionRefused,
    TransmissionRequested,
    TransmissionWithdrawn,
)
from app.values import replace
from tests.spec import CONTRACTED, NOW, given, registration

POD = UUID("c1d4c8a4-2f7e-4df1-9c55-0b7f0c6f0a11")
STRANGE = UUID("c1d4c8a4-2f7e-4df1-9c55-0b7f0c6f0a12")
ID = UUID("7a0e7d6e-52cf-4b8e-9d1c-51fd7a6a2c01")
APPROVED = replace(
    CONTRACTED,
    receivers={
        POD: Receiver(binding="ab" * 32, registered_by="desk", status=ReceiverStatus.APPROVED),
        STRANGE: Receiver(binding="cd" * 32, registered_by="desk", status=ReceiverStatus.PROVEN),
    },
)


def asked(
    right: RequestedRight = RequestedRight.PORTABILITY,
    proof: IdentityProof | None = IdentityProof.LOGIN,
) -> ReceiveRequest:
    """A rights request, whose identity whoever recorded it vouched for."""
    return ReceiveRequest(
        file=UUID(int=9), right=right, channel=RequestChannel.WEB, proof=proof, text="Please."
    )


def person(*history: object) -> Any:
    """A registered person, with what came after; each record has the id of its version."""
    return given(registration(), *history, control=APPROVED)


def request_of(someone: Any) -> UUID:
    """The id of the person's only request."""
    [key] = someone.state.rights_requests.by_id
    return UUID(str(key))


def wanted(someone: Any, receiver: UUID | None = POD) -> RequestTransmission:
    """What the person asks for."""
    return RequestTransmission(
        transmission=ID,
        receiver=receiver,
        request=request_of(someone),
        profile=Profile.PROMISED,
        source="self_service",
    )


def requested(someone: Any) -> TransmissionRequested:
    """What follows when it is granted."""
    return TransmissionRequested(
        transmission=ID,
        receiver=POD,
        request=request_of(someone),
        profile=Profile.PROMISED,
        source="self_service",
        policy="impel-1",
    )


@pytest.mark.clause("L35", "C68")
def test_what_the_person_asked_for_goes_to_an_approved_receiver() -> None:
    someone = person(asked())

    someone.when(wanted(someone)).then(requested(someone))


@pytest.mark.clause("L35")
@pytest.mark.parametrize(
    ("receiver", "reason"),
    [(None, "unknown"), (uuid5(NAMESPACE_OID, "nobody"), "unknown"), (STRANGE, "unapproved")],
)
def test_nothing_goes_to_any_other_host_and_the_attempt_is_on_record(
    receiver: UUID | None, reason: str
) -> None:
    someone = person(asked())
    known = receiver if receiver == STRANGE else None
    attempt = RecordRefusedTransmission(receiver=receiver, request=request_of(someone))

    someone.when(wanted(someone, receiver)).then_refused(ReceiverUnapproved, reason=reason)
    someone.when(attempt).then(
        TransmissionRefused(
            receiver=known, request=request_of(someone), reason=TransmissionBar(reason)
        )
    )


@pytest.mark.clause("L35")
def test_without_the_persons_own_request_nothing_is_sent() -> None:
    """Art. 20(2): at the person's wish; and only when it is known to be theirs (Art. 12(6))."""
    nobody = person()
    access = person(asked(RequestedRight.ACCESS))
    doubtful = person(asked(proof=None))
    proven = person(asked())
    called_off = proven.when(
        WithdrawRequest(request=request_of(proven), channel=RequestChannel.WEB)
    ).after

    nobody.when(
        RequestTransmission(
            transmission=ID, receiver=POD, request=ID, profile=Profile.LEGAL, source="self_service"
        )
    ).then_refused(RightsRequestUnknown)
    access.when(wanted(access)).then_refused(TransmissionUnrequested, right="access")
    doubtful.when(wanted(doubtful)).then_refused(RightsRequestUnverified)
    called_off.when(wanted(called_off)).then_refused(RightsRequestClosed)


def test_the_same_wish_twice_is_one_transmission() -> None:
    someone = person(asked())
    waiting = someone.when(wanted(someone)).after

    waiting.when(replace(wanted(someone), transmission=UUID(int=5))).then_nothing()


@pytest.mark.clause("L35")
def test_a_transmission_ends_once() -> None:
    someone = person(asked())
    waiting = someone.when(wanted(someone)).after
    delivered = RecordTransmissionDelivered(transmission=ID, sent="ef" * 32, size=7, attempts=2)
    failed = RecordTransmissionFailed(
        transmission=ID, reason=TransmissionFailure.STATUS, status=500, attempts=10
    )
    withdrawn = WithdrawTransmission(transmission=ID, source="self_service")

    waiting.when(delivered).then(
        TransmissionDelivered(transmission=ID, receiver=POD, sent="ef" * 32, size=7, attempts=2)
    )
    waiting.when(failed).then(
        TransmissionFailed(
            transmission=ID,
            receiver=POD,
            reason=TransmissionFailure.STATUS,
            status=500,
            attempts=10,
        )
    )
    waiting.when(withdrawn).then(TransmissionWithdrawn(transmission=ID, source="self_service"))
    for end in (delivered, failed, withdrawn):
        someone.when(end).then_refused(TransmissionUnknown)
        for later in (delivered, failed, withdrawn):
            waiting.when(end).after.when(later).then_refused(TransmissionSettled)
    ended = waiting.when(failed).after.state.transmissions.by_id[ID]
    assert (ended.status, ended.reason) == (TransmissionStatus.FAILED, TransmissionFailure.STATUS)
    assert ended.attempts == 10


@pytest.mark.clause("L35")
def test_what_did_not_arrive_is_asked_for_again_and_what_waits_is_one() -> None:
    """When it was settled is told, for whoever asks what became of it."""
    someone = person(asked())
    waiting = someone.when(wanted(someone)).after
    failed = RecordTransmissionFailed(
        transmission=ID, reason=TransmissionFailure.STATUS, status=500, attempts=10
    )
    ended = waiting.when(failed).after
    again = replace(wanted(someone), transmission=UUID(int=5))

    assert [one.settled_at for one in waiting.state.transmissions.waiting()] == [None]
    assert list(ended.state.transmissions.waiting()) == []
    assert ended.state.transmissions.by_id[ID].settled_at == NOW
    ended.when(again).then(replace(requested(someone), transmission=UUID(int=5)))


def test_another_form_of_the_same_data_is_a_wish_of_its_own() -> None:
    someone = person(asked())
    waiting = someone.when(wanted(someone)).after
    legal = replace(wanted(someone), transmission=UUID(int=5), profile=Profile.LEGAL)

    waiting.when(legal).then(
        replace(requested(someone), transmission=UUID(int=5), profile=Profile.LEGAL)
    )


@pytest.mark.clause("L35")
def test_no_refusal_is_recorded_of_a_receiver_that_is_approved() -> None:
    someone = person(asked())
    attempt = RecordRefusedTransmission(receiver=POD, request=request_of(someone))
    strange = replace(attempt, receiver=STRANGE)

    someone.when(attempt).then_nothing()
    refused = someone.when(strange).after.when(strange).after
    assert refused.state.transmissions.refused == 2
