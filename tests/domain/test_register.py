"""Suppressions of people whom nobody knows."""

import pytest

from app.domain.purpose_limitation import PurposeUnknown
from app.domain.register import (
    REGISTER,
    RecordRegisterReading,
    RegisterState,
    SuppressUnknown,
)
from app.events.policies import LawPublished
from app.events.recorded import Record, Suppression
from app.events.registers import RegisterConsulted, RegisterForm
from app.events.suppressions import SuppressionCause, SuppressionRecorded
from app.values import replace
from tests.spec import NOW, circumstances, stored

LEAVE = SuppressUnknown(
    purpose="newsletter", source="mailchimp", addresses=("gone@stad.example", "g@stad.example")
)
LEFT = SuppressionRecorded(
    purpose="newsletter", cause=SuppressionCause.UNSUBSCRIBE, source="mailchimp"
)


@pytest.mark.clause("C73", "L41")
def test_an_unknown_person_who_leaves_is_suppressed_and_not_registered() -> None:
    """The only trace is a token of the address, under a key of the register's own."""
    [record] = REGISTER.decide(replace(LEAVE, occurred_at=NOW), RegisterState(), circumstances())

    assert record == Record(
        LEFT,
        suppressions=(
            Suppression("newsletter", "gone@stad.example"),
            Suppression("newsletter", "g@stad.example"),
        ),
        occurred_at=NOW,
    )


def test_a_complaint_of_an_unknown_person_keeps_its_cause() -> None:
    """So that the desk can count complaints."""
    complaint = replace(LEAVE, cause=SuppressionCause.COMPLAINT)
    [record] = REGISTER.decide(complaint, RegisterState(), circumstances())

    assert record.event == replace(LEFT, cause=SuppressionCause.COMPLAINT)


def test_without_an_address_there_is_nothing_to_suppress() -> None:
    """And an unknown purpose is refused as everywhere."""
    nobody = replace(LEAVE, addresses=())

    assert REGISTER.decide(nobody, RegisterState(), circumstances()) == ()
    with pytest.raises(PurposeUnknown):
        REGISTER.decide(replace(LEAVE, purpose="astrology"), RegisterState(), circumstances())


def test_the_register_counts_by_purpose_and_knows_nobody() -> None:
    """The fold holds numbers, and where the stream stands."""
    state = REGISTER.initial
    for version, purpose in enumerate(("newsletter", "information", "newsletter"), 1):
        state = REGISTER.evolve(state, stored(Record(replace(LEFT, purpose=purpose)), version))

    assert state == RegisterState(
        version=3,
        leaf_hash=(3).to_bytes(32),
        last_at=NOW,
        recorded={"newsletter": 2, "information": 1},
    )


def test_other_events_of_the_stream_are_counted_over() -> None:
    """The version follows every event."""
    event = Record(LawPublished(law="law-2027", digest="0a" * 32))
    state = REGISTER.evolve(REGISTER.initial, stored(event, 1))

    assert (state.version, state.recorded) == (1, {})


def test_no_address_shows_in_a_command() -> None:
    """What is printed by accident must say nothing."""
    assert "gone@" not in repr(LEAVE)


@pytest.mark.clause("L3")
def test_a_reading_of_a_register_is_on_record() -> None:
    """Who read it stands in the entry; for which purpose, how and how far, in the event."""
    reading = RecordRegisterReading(
        register="sharing",
        purpose="rights_requests",
        form=RegisterForm.CSV,
        filters=("recipient",),
        stands_at=41,
    )

    assert REGISTER.decide(reading, RegisterState(), circumstances()) == (
        Record(
            RegisterConsulted(
                register="sharing",
                purpose="rights_requests",
                form=RegisterForm.CSV,
                filters=("recipient",),
                stands_at=41,
            )
        ),
    )
    with pytest.raises(PurposeUnknown):
        REGISTER.decide(replace(reading, purpose="curiosity"), RegisterState(), circumstances())
