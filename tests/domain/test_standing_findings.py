"""Conflicts of the policy that a human decides, and the one that only a mechanism decides."""

import pytest

from app.domain.control import CONTROL, ControlState
from app.domain.decider import Circumstances, Refusal
from app.domain.recipients import transfer_ground
from app.domain.standing_findings import (
    DecideStandingFinding,
    FindingStands,
    StandingFindingUnknown,
    ungrounded,
)
from app.events.policies import StandingFindingDecided, StandingOutcome
from app.events.recorded import Record
from app.values import replace
from tests.spec import CONTRACTED, NOTHING_ARRANGED, NOW, POLICY, circumstances, stored

REMEDIED, ACCEPTED, REOPENED = StandingOutcome
TRANSFERS = POLICY.standing_findings["X1"]
ARRANGED = sorted(TRANSFERS.subject_of)


def decide(
    finding: str, outcome: StandingOutcome, *before: DecideStandingFinding, **more: ControlState
) -> tuple[Record, ...]:
    """What a decision makes after others."""
    state = more.get("control", CONTRACTED)
    for version, command in enumerate(before, 1):
        [record] = CONTROL.decide(command, state, circumstances(control=state))
        state = CONTROL.evolve(state, stored(record, version))
    command = DecideStandingFinding(finding=finding, outcome=outcome)
    return CONTROL.decide(command, state, circumstances(control=state))


def refused(finding: str, outcome: StandingOutcome, control: ControlState = CONTRACTED) -> Refusal:
    """The refusal that a decision meets."""
    with pytest.raises(Refusal) as found:
        decide(finding, outcome, control=control)
    return found.value


@pytest.mark.clause("L9")
@pytest.mark.parametrize(("named", "kept"), [("X4", "x4"), ("x4", "x4"), ("PL02", "pl02")])
def test_a_decision_on_a_conflict_is_recorded_under_one_name(named: str, kept: str) -> None:
    """One of the policy, or one that the linter finds in its text."""
    [record] = decide(named, ACCEPTED)

    assert record == Record(StandingFindingDecided(finding=kept, outcome=ACCEPTED))


@pytest.mark.clause("L9")
@pytest.mark.parametrize("name", ["X99", "pl00", "pl28", "pl2", "pl021", "", "C30"])
def test_nobody_decides_what_was_not_found(name: str) -> None:
    assert type(refused(name, ACCEPTED)) is StandingFindingUnknown
    assert type(refused(name, REOPENED)) is StandingFindingUnknown


@pytest.mark.clause("L9")
def test_the_same_decision_again_records_nothing_and_another_one_does() -> None:
    accepted = DecideStandingFinding(finding="X4", outcome=ACCEPTED)
    reopened = replace(accepted, outcome=REOPENED)

    assert decide("x4", ACCEPTED, accepted) == ()
    assert len(decide("x4", REMEDIED, accepted)) == 1
    assert len(decide("x4", REOPENED, accepted)) == 1
    assert len(decide("x5", ACCEPTED, accepted)) == 1
    assert decide("x4", REOPENED) == (), "it was open"
    assert decide("x4", REOPENED, accepted, reopened) == ()
    assert len(decide("x4", ACCEPTED, accepted, reopened)) == 1


@pytest.mark.clause("L9")
def test_the_state_holds_the_last_decision_with_who_and_when() -> None:
    state = ControlState()
    for version, (finding, outcome) in enumerate(
        (("X4", ACCEPTED), ("pl02", REMEDIED), ("X4", REOPENED)), 1
    ):
        command = DecideStandingFinding(finding=finding, outcome=outcome)
        [record] = CONTROL.decide(command, state, circumstances(control=state))
        state = CONTROL.evolve(state, stored(record, version))

    assert {key: one.outcome for key, one in state.decisions.items()} == {
        "x4": REOPENED,
        "pl02": REMEDIED,
    }
    assert {(one.by, one.at) for one in state.decisions.values()} == {("test", NOW)}


@pytest.mark.clause("C30", "L56")
@pytest.mark.parametrize("outcome", [REMEDIED, ACCEPTED])
def test_transfers_without_a_ground_cannot_be_decided_away(outcome: StandingOutcome) -> None:
    """C-311/18: a mechanism puts it right, and nothing else does."""
    found = refused("X1", outcome, NOTHING_ARRANGED)

    assert type(found) is FindingStands
    assert found.facts == {"recipients": tuple(ARRANGED)}
    assert decide("X1", REOPENED, control=NOTHING_ARRANGED) == ()
    assert decide("X4", outcome, control=NOTHING_ARRANGED), "a conflict about something else"


def all_but(*keys: str) -> ControlState:
    """The desk arranged a mechanism for every recipient but some."""
    arrangements = {
        (key, "dpf"): CONTRACTED.arrangements["mailchimp", "dpf"]
        for key in ARRANGED
        if key not in keys
    }
    return replace(CONTRACTED, arrangements=arrangements)


@pytest.mark.clause("C30", "L56", "L57")
def test_the_conflict_about_transfers_is_decided_once_each_recipient_has_a_mechanism() -> None:
    """Those that have one are not named among those that have none."""
    others = tuple(key for key in ARRANGED if not grounded(key, all_but("mailchimp")))

    assert "mailchimp" in others
    assert refused("X1", REMEDIED, all_but("mailchimp")).facts == {"recipients": others}
    without = [key for key in ARRANGED if not grounded(key, all_but())]
    smaller = replace(TRANSFERS, subject_of=TRANSFERS.subject_of - set(without))
    assert ungrounded(smaller, circumstances(control=all_but())) == ()
    assert ungrounded(smaller, circumstances(control=NOTHING_ARRANGED)) == tuple(
        sorted(smaller.subject_of)
    )


def grounded(key: str, control: ControlState) -> bool:
    """Whether data may go to a recipient today."""
    given: Circumstances = circumstances(control=control)
    return transfer_ground(POLICY.recipients[key], None, NOW.date(), given) is not None


@pytest.mark.clause("C30")
def test_what_a_conflict_names_beside_recipients_needs_no_mechanism() -> None:
    """A category or a purpose, or a recipient that the policy has dropped."""
    wider = replace(TRANSFERS, subject_of=frozenset({"contact.name", "azavista", "mailchimp"}))

    assert ungrounded(wider, circumstances(control=NOTHING_ARRANGED)) == ("mailchimp",)


@pytest.mark.clause("C30")
def test_a_conflict_about_something_else_needs_no_mechanism_though_it_names_vendors() -> None:
    """Only that about transfers is put right by one."""
    other = replace(TRANSFERS, clauses=("C54",))

    assert ungrounded(other, circumstances(control=NOTHING_ARRANGED)) == ()
