"""What the ledger noticed about one person."""

from uuid import UUID

import pytest

from app.domain.findings import ClearFinding, Finding, FindingUnknown, RaiseFinding
from app.events.findings import FindingCleared, FindingCode, FindingRaised, FindingResolution
from app.values import replace
from tests.spec import NOW, OCCASION, At, given, registration

FINDING = UUID("1d7f6a0e-3f56-4a5c-8b7e-2c9a52f0c711")
OTHER = UUID("1d7f6a0e-3f56-4a5c-8b7e-2c9a52f0c712")
RAISE = RaiseFinding(
    finding=FINDING,
    code=FindingCode.IDENTITY_COLLISION,
    source="mailchimp",
    occasion=OCCASION,
)
RAISED = FindingRaised(
    finding=FINDING,
    code=FindingCode.IDENTITY_COLLISION,
    source="mailchimp",
    occasion=OCCASION,
)
CLEAR = ClearFinding(finding=FINDING, resolution=FindingResolution.UNFOUNDED)
CLEARED = FindingCleared(finding=FINDING, resolution=FindingResolution.UNFOUNDED)


@pytest.mark.clause("C7", "C45")
def test_a_collision_of_identities_waits_for_a_human() -> None:
    """A system that moves one person onto another's address moves nothing here."""
    person = given(registration())
    when = person.when(RAISE)

    when.then(RAISED)
    assert when.after.state.findings.open == {
        FINDING: Finding(
            code=FindingCode.IDENTITY_COLLISION, source="mailchimp", occasion=OCCASION, since=NOW
        )
    }
    assert when.after.state.identifiers == person.state.identifiers


@pytest.mark.parametrize(
    ("again", "new"),
    [
        (RAISE, False),
        (replace(RAISE, finding=OTHER), False),
        (replace(RAISE, code=FindingCode.CHILD_DATA), False),
        (replace(RAISE, finding=OTHER, code=FindingCode.CHILD_DATA), True),
        (replace(RAISE, finding=OTHER, source="azavista"), True),
        (replace(RAISE, finding=OTHER, occasion=None), True),
    ],
)
def test_the_same_thing_is_noticed_once(again: RaiseFinding, new: bool) -> None:
    """A webhook that is delivered twice opens one case."""
    assert bool(given(registration(), RAISE).when(again).records) is new


def test_a_cleared_finding_stays_cleared() -> None:
    """The same finding does not come back; a new one of its kind may."""
    when = given(registration(), RAISE).when(CLEAR)

    when.then(CLEARED)
    assert when.after.state.findings.open == {}
    assert when.after.state.findings.cleared == {FINDING}
    when.after.when(CLEAR).then_nothing()
    when.after.when(RAISE).then_nothing()
    when.after.when(replace(RAISE, finding=OTHER)).then(replace(RAISED, finding=OTHER))


def test_clearing_one_finding_leaves_the_others() -> None:
    """Each is judged by itself."""
    other = replace(RAISE, finding=OTHER, code=FindingCode.POSSIBLE_DUPLICATE)
    state = given(registration(), RAISE, other, At(NOW, CLEAR)).state

    assert set(state.findings.open) == {OTHER}


def test_what_was_not_noticed_cannot_be_cleared() -> None:
    """An id that nobody knows."""
    given(registration()).when(CLEAR).then_refused(FindingUnknown)


def test_every_cleared_finding_stays_cleared() -> None:
    other = replace(RAISE, finding=OTHER, code=FindingCode.POSSIBLE_DUPLICATE)
    state = given(registration(), RAISE, other, CLEAR, replace(CLEAR, finding=OTHER)).state

    assert state.findings.cleared == {FINDING, OTHER}
