"""Receivers of data at a person's request: no step is left out, no end is taken back (S20, S21)."""

from uuid import UUID

import pytest

from app.domain.decider import Refusal
from app.domain.merges import ApproverIsProposer
from app.domain.receivers import (
    ApproveReceiver,
    ProveReceiver,
    ReceiverCommand,
    ReceiverEnded,
    Receivers,
    ReceiverUnknown,
    ReceiverUnproven,
    RegisterReceiver,
    WithdrawReceiver,
    decide_receiver,
    receivers_after,
)
from app.events.declare import type_of
from app.events.transmissions import TransmissionBar

POD = UUID("c1d4c8a4-2f7e-4df1-9c55-0b7f0c6f0a11")
REGISTER = RegisterReceiver(receiver=POD, binding="ab" * 32)
PROVE, APPROVE = ProveReceiver(receiver=POD), ApproveReceiver(receiver=POD, by="officer")
ALONE = ApproveReceiver(receiver=POD, by="desk")
WITHDRAW = WithdrawReceiver(receiver=POD)


def after(*steps: ReceiverCommand) -> Receivers:
    """The receivers when some steps were taken."""
    known: Receivers = {}
    for step in steps:
        for record in decide_receiver(step, known):
            known = receivers_after(known, record.event, by="desk")
    return known


@pytest.mark.clause("L35")
@pytest.mark.parametrize(
    ("steps", "bar"),
    [
        ((REGISTER,), TransmissionBar.UNPROVEN),
        ((REGISTER, PROVE), TransmissionBar.UNAPPROVED),
        ((REGISTER, PROVE, APPROVE), None),
        ((REGISTER, PROVE, APPROVE, WITHDRAW), TransmissionBar.WITHDRAWN),
        ((REGISTER, WITHDRAW), TransmissionBar.WITHDRAWN),
    ],
)
def test_only_an_approved_receiver_gets_anything(
    steps: tuple[ReceiverCommand, ...], bar: TransmissionBar | None
) -> None:
    assert after(*steps)[POD].bar is bar


@pytest.mark.parametrize(
    ("steps", "step", "refusal"),
    [
        ((), PROVE, ReceiverUnknown),
        ((), APPROVE, ReceiverUnknown),
        ((), WITHDRAW, ReceiverUnknown),
        ((REGISTER,), APPROVE, ReceiverUnproven),
        ((REGISTER, WITHDRAW), PROVE, ReceiverEnded),
        ((REGISTER, PROVE, WITHDRAW), APPROVE, ReceiverEnded),
        ((REGISTER, PROVE), ALONE, ApproverIsProposer),
        ((REGISTER, PROVE, APPROVE), ALONE, ApproverIsProposer),
    ],
)
def test_no_step_is_left_out(
    steps: tuple[ReceiverCommand, ...], step: ReceiverCommand, refusal: type[Refusal]
) -> None:
    with pytest.raises(refusal):
        decide_receiver(step, after(*steps))


def test_a_step_taken_twice_is_one_step() -> None:
    whole = (REGISTER, PROVE, APPROVE)

    assert [decide_receiver(step, after(*whole)) for step in whole] == [(), (), ()]
    assert decide_receiver(WITHDRAW, after(*whole, WITHDRAW)) == ()
    assert [type_of(one.event).name for one in decide_receiver(WITHDRAW, after(*whole))] == [
        "receiver.withdrawn"
    ]
