"""Which purposes rest on an interest, and whether it was weighed lately (Art. 6(1)(f); L9)."""

from collections.abc import Iterator, Mapping
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING
from uuid import UUID

from app.domain.days import day_of
from app.domain.decider import Circumstances, Refusal
from app.domain.purpose_limitation import purpose_named
from app.events.interests import AssessmentOutcome, LegitimateInterestAssessed
from app.events.recorded import Record
from app.policy.durations import Duration
from app.policy.vocabulary import LegalBasis
from app.values import Value

if TYPE_CHECKING:
    from app.domain.control import ControlState


class NoInterestToAssess(Refusal):
    """The purpose rests on another basis: there is no interest to weigh."""

    code = "no-interest-to-assess"
    rules = ("L9",)


class AssessedLater(Refusal):
    """An assessment has been made: its day is not in the future."""

    code = "assessed-in-future"
    rules = ("L9",)


class AssessInterest(Value, frozen=True, kw_only=True):
    """Put the assessment of an interest on record."""

    assessment: UUID
    purpose: str
    document: str
    """SHA-256 in hex."""
    assessed_on: date
    outcome: AssessmentOutcome


class InterestState(StrEnum):
    """How it stands with the interest in a purpose."""

    ASSESSED = "assessed"
    MISSING = "missing"
    OVERDUE = "overdue"
    FAILED = "failed"


class Interest(Value, frozen=True, kw_only=True):
    """One purpose that rests on an interest, with the assessment that stands."""

    purpose: str
    state: InterestState
    standing: LegitimateInterestAssessed | None
    review_on: date | None


def assessed(
    command: AssessInterest, state: "ControlState", given: Circumstances
) -> tuple[Record, ...]:
    """The record of an assessment; the one that stands again makes none."""
    purpose = purpose_named(command.purpose, given.policy)
    if purpose.legal_basis is not LegalBasis.LEGITIMATE_INTEREST:
        raise NoInterestToAssess(purpose=purpose.key)
    if command.assessed_on > day_of(given.now, given):
        raise AssessedLater
    event = LegitimateInterestAssessed(
        assessment=command.assessment,
        purpose=purpose.key,
        document=command.document,
        assessed_on=command.assessed_on,
        outcome=command.outcome,
        policy=given.policy.version,
    )
    known = state.assessments.get(purpose.key)
    if known is not None and _same(known, event):
        return ()
    return (Record(event),)


def _same(known: LegitimateInterestAssessed, event: LegitimateInterestAssessed) -> bool:
    return (known.document, known.assessed_on, known.outcome) == (
        event.document,
        event.assessed_on,
        event.outcome,
    )


def assessments_after(
    known: Mapping[str, LegitimateInterestAssessed], event: LegitimateInterestAssessed
) -> Mapping[str, LegitimateInterestAssessed]:
    """The assessment that stands for each purpose: the one made last, whenever it was told."""
    before = known.get(event.purpose)
    if before is not None and before.assessed_on > event.assessed_on:
        return known
    return {**known, event.purpose: event}


def interests(given: Circumstances, on: date) -> Iterator[Interest]:
    """Every purpose and use that rests on an interest, in the order of the policy."""
    for purpose in given.policy.all_purposes():
        if purpose.legal_basis is LegalBasis.LEGITIMATE_INTEREST:
            yield _interest(purpose.key, given, on)


def _interest(purpose: str, given: Circumstances, on: date) -> Interest:
    """A use of a purpose is covered by the assessment of the purpose that it narrows."""
    known = given.control.assessments
    standing = next((known[key] for key in given.policy.lineage(purpose) if key in known), None)
    if standing is None:
        return Interest(purpose=purpose, state=InterestState.MISSING, standing=None, review_on=None)
    months = given.law.term("legitimate_interest.review_months", standing.assessed_on)
    review_on = Duration(months=months).after(standing.assessed_on)
    if standing.outcome is AssessmentOutcome.FAILS:
        state = InterestState.FAILED
    else:
        state = InterestState.OVERDUE if on >= review_on else InterestState.ASSESSED
    return Interest(purpose=purpose, state=state, standing=standing, review_on=review_on)
