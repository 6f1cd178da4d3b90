"""Conflicts that only a human can decide, and the decision on them (X1 to X13, PL01 to PL27).

A finding about the mechanism of transfers is cleared by a mechanism and by nothing else (C30):
while one of the recipients that it is about has none, a decision on it is refused.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from app.domain.days import day_of
from app.domain.decider import Circumstances, Refusal
from app.domain.recipients import transfer_ground
from app.events.policies import StandingFindingDecided, StandingOutcome
from app.events.recorded import Record, Recorded
from app.policy.model import StandingFinding

if TYPE_CHECKING:
    from app.domain.control import ControlState

_OF_THE_TEXT: Final = re.compile(r"pl(0[1-9]|1[0-9]|2[0-7])")
_TRANSFERS: Final = "C30"


class StandingFindingUnknown(Refusal):
    """Neither a conflict of the policy nor a rule of the linter has this code."""

    code = "standing-finding-unknown"
    rules = ("L9",)


class FindingStands(Refusal):
    """What was found is still so: it is put right, not decided away."""

    code = "finding-stands"
    rules = ("C30", "L56")


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideStandingFinding:
    """Decide a conflict, or open it again."""

    finding: str
    """Its code in any case, such as X1 or pl02."""
    outcome: StandingOutcome


@dataclass(frozen=True, slots=True)
class Decided:
    """The last decision on one finding."""

    outcome: StandingOutcome
    by: str
    at: datetime


def decide_standing(
    command: DecideStandingFinding, state: "ControlState", given: Circumstances
) -> tuple[Record, ...]:
    """The record of a decision; the same one again makes none."""
    key = command.finding.lower()
    finding = given.policy.standing_findings.get(key.upper())
    if finding is None and not _OF_THE_TEXT.fullmatch(key):
        raise StandingFindingUnknown
    closing = command.outcome is not StandingOutcome.REOPENED
    if finding is not None and closing and (left := ungrounded(finding, given)):
        raise FindingStands(recipients=left)
    known = state.decisions.get(key)
    if known is None and not closing:
        return ()
    if known is not None and known.outcome is command.outcome:
        return ()
    return (Record(StandingFindingDecided(finding=key, outcome=command.outcome)),)


def ungrounded(finding: StandingFinding, given: Circumstances) -> tuple[str, ...]:
    """The recipients of a finding about transfers to whom nothing may go today (L55 to L57)."""
    if _TRANSFERS not in finding.clauses:
        return ()
    on = day_of(given.now, given)
    concerned = (given.policy.recipients.get(key) for key in sorted(finding.subject_of))
    return tuple(
        one.key for one in concerned if one and transfer_ground(one, None, on, given) is None
    )


def decided(
    decisions: Mapping[str, Decided], recorded: Recorded[StandingFindingDecided]
) -> Mapping[str, Decided]:
    """The decisions after one more."""
    event = recorded.event
    one = Decided(event.outcome, recorded.by, recorded.recorded_at)
    return {**decisions, event.finding: one}
