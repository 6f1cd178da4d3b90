"""A log that lost signed entries goes on under another origin, and says so once."""

import pytest

from app.domain.control import CONTROL, ControlState
from app.domain.log_origins import ReopenLog
from app.events.log_origins import LogReopened
from app.events.recorded import Record
from app.values import replace
from tests.spec import circumstances, stored

FORMER, ORIGIN, ROOT = "aa" * 32, "bb" * 32, "cc" * 32
REOPEN = ReopenLog(
    former_origin=FORMER, origin=ORIGIN, lost_size=300, lost_root=ROOT, kept_size=120
)
REOPENED = LogReopened(
    former_origin=FORMER, origin=ORIGIN, lost_size=300, lost_root=ROOT, kept_size=120
)


@pytest.mark.clause("L9")
def test_what_is_given_up_is_named() -> None:
    assert CONTROL.decide(REOPEN, CONTROL.initial, circumstances()) == (Record(REOPENED),)


def test_a_witness_tells_a_size_alone() -> None:
    [record] = CONTROL.decide(replace(REOPEN, lost_root=None), CONTROL.initial, circumstances())

    assert isinstance(record.event, LogReopened)
    assert (record.event.lost_size, record.event.lost_root) == (300, None)


def test_it_is_said_once() -> None:
    state = CONTROL.evolve(ControlState(), stored(Record(REOPENED), 1))
    again = replace(REOPEN, origin=FORMER, former_origin=ORIGIN)

    assert state.reopening == REOPENED
    assert CONTROL.decide(REOPEN, state, circumstances()) == ()
    assert len(CONTROL.decide(again, state, circumstances())) == 1
