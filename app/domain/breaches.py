"""Breaches of personal data: detected, assessed, notified; a stream of its own each (Arts. 33, 34).

The clock is one of hours, counted from awareness without a break: neither a night nor a weekend nor
a holiday moves its end (Reg. 1182/71 Art. 3(2)(a), and Art. 3(4) for periods in hours; L52).
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias, assert_never
from uuid import UUID

from app.domain.decider import Circumstances, Decider, Refusal
from app.domain.legal_clock import day_of
from app.domain.purpose_limitation import category_named, source_named
from app.domain.recipients import recipient_named
from app.domain.subject import OccurredLater
from app.events.breaches import (
    BreachAssessed,
    BreachAudience,
    BreachCause,
    BreachConsequence,
    BreachDetected,
    BreachExemption,
    BreachExposure,
    BreachMeasure,
    BreachNature,
    BreachNotified,
    BreachReporter,
    BreachRisk,
    DelayReason,
)
from app.events.recorded import Record, Recorded
from app.policy.model import Law
from app.values import Value, replace

FIRST_MOMENT = datetime(1970, 1, 1, tzinfo=UTC)
"""A span that begins earlier is a slip of the pen."""


class BreachUnknown(Refusal):
    """There is no breach of that id."""

    code = "breach-unknown"
    rules = ("L52",)


class BreachSpanReversed(Refusal):
    """It ended before it began, or the controller was aware of it before that."""

    code = "breach-span-reversed"
    rules = ("L52",)


class NotifiedBeforeAwareness(Refusal):
    """Nobody can be told of what nobody knew yet."""

    code = "notification-before-awareness"
    rules = ("L52",)


class DelayUnexplained(Refusal):
    """A notification to the authority after the deadline gives the reasons for it."""

    code = "delay-unexplained"
    rules = ("L52",)


class BreachUnassessed(Refusal):
    """A complete notification has the content of Art. 33(3), which an assessment records."""

    code = "breach-unassessed"
    rules = ("L52", "L53")


class DetectBreach(Value, frozen=True, kw_only=True):
    """The controller became aware of a breach."""

    nature: tuple[BreachNature, ...]
    cause: BreachCause
    reporter: BreachReporter
    recipient: str | None = None
    member: UUID | None = None
    source: str | None = None
    exposure: BreachExposure = BreachExposure.HELD
    categories: tuple[str, ...] = ()
    began_at: datetime
    ended_at: datetime | None = None
    aware_at: datetime
    file: UUID | None = None


class Span(Value, frozen=True, kw_only=True):
    """Where a breach was, when, and which categories it reaches: what is asked of the registers."""

    recipient: str | None
    member: UUID | None
    source: str | None
    exposure: BreachExposure
    categories: tuple[str, ...]
    began_at: datetime
    ended_at: datetime | None


class Radius(Value, frozen=True, kw_only=True):
    """Whom and what a breach reaches, as the ledger counts it at one position."""

    people: int
    erased: int
    records: int
    by_category: Mapping[str, int]
    stands_at: int


class AssessBreach(Value, frozen=True, kw_only=True):
    """The reach was counted and the risk weighed."""

    risk: BreachRisk
    span: Span
    radius: Radius
    consequences: tuple[BreachConsequence, ...] = ()
    measures: tuple[BreachMeasure, ...] = ()
    exemptions: tuple[BreachExemption, ...] = ()
    file: UUID | None = None


class NotifyBreach(Value, frozen=True, kw_only=True):
    """The authority or the people concerned were told."""

    audience: BreachAudience
    complete: bool
    reasons: tuple[DelayReason, ...] = ()
    people: int | None = None
    file: UUID | None = None
    occurred_at: datetime | None = None


Command: TypeAlias = DetectBreach | AssessBreach | NotifyBreach


class Told(Value, frozen=True):
    """A notification that was made."""

    event: BreachNotified
    at: datetime


class BreachState(Value, frozen=True, kw_only=True):
    """One breach as its stream tells it."""

    version: int = 0
    leaf_hash: bytes | None = None
    last_at: datetime | None = None
    detected: BreachDetected | None = None
    detected_at: datetime | None = None
    """When it was recorded."""
    assessed: BreachAssessed | None = None
    """The last assessment."""
    assessed_at: datetime | None = None
    told: tuple[Told, ...] = ()

    @property
    def span(self) -> Span:
        """The breach's reach as it is known now; BreachUnknown where there is none."""
        found = self.detected
        if found is None:
            raise BreachUnknown
        known = self.assessed or found
        return Span(
            recipient=found.recipient,
            member=found.member,
            source=found.source,
            exposure=found.exposure,
            categories=known.categories,
            began_at=known.began_at,
            ended_at=known.ended_at,
        )

    def first(self, *audiences: BreachAudience) -> datetime | None:
        """When one of them was first told."""
        return min((one.at for one in self.told if one.event.audience in audiences), default=None)

    def complete(self, *audiences: BreachAudience) -> bool:
        """Whether one of them was told all of it."""
        return any(one.event.complete for one in self.told if one.event.audience in audiences)

    @property
    def settled(self) -> bool:
        """Whether nobody is left to be told by what is known of the risk."""
        if self.assessed is None or self.assessed.risk is BreachRisk.UNLIKELY:
            return self.assessed is not None
        by_letter_or_in_public = (BreachAudience.SUBJECTS, BreachAudience.PUBLIC)
        return self.complete(BreachAudience.AUTHORITY) and (
            not self.subjects_due or self.complete(*by_letter_or_in_public)
        )

    @property
    def authority_due(self) -> bool:
        """Whether the authority is still to be told, however late (Art. 33(1))."""
        needless = self.assessed is not None and self.assessed.risk is BreachRisk.UNLIKELY
        return self.first(BreachAudience.AUTHORITY) is None and not needless

    @property
    def subjects_due(self) -> bool:
        """Whether the people concerned are to be told (Art. 34(1), (3)).

        Disproportionate effort is no way out: a public communication takes the letters' place.
        """
        found = self.assessed
        if found is None or found.risk is not BreachRisk.HIGH:
            return False
        freed = {BreachExemption.UNINTELLIGIBLE, BreachExemption.RISK_REMOVED}
        return freed.isdisjoint(found.exemptions)


def due_at(aware_at: datetime, law: Law) -> datetime:
    """When the authority must have been told: so many hours after awareness, to the second."""
    hours = law.term("breach.notification_hours", day_of(aware_at, law))
    return aware_at.astimezone(UTC) + timedelta(hours=hours)


def subjects_due_at(state: BreachState, law: Law) -> datetime | None:
    """By when the people are to be told; None where nobody has to be, or they were (Art. 34).

    The law counts no hours: "without undue delay". So they are due with the authority, or at once
    where the high risk was found later than that.
    """
    told = state.first(BreachAudience.SUBJECTS, BreachAudience.PUBLIC)
    if not state.subjects_due or told is not None:
        return None
    assert state.detected is not None, "what was assessed was detected"
    assert state.assessed_at is not None, "whoever is to be told was found by an assessment"
    return max(due_at(state.detected.aware_at, law), state.assessed_at)


def decide(command: Command, state: BreachState, given: Circumstances) -> tuple[Record, ...]:
    """The record of what became known of a breach, or was done about it."""
    match command:
        case DetectBreach():
            return _detected(command, given)
        case AssessBreach():
            return _assessed(command, state, given)
        case NotifyBreach():
            return _notified(command, state, given)
        case _:
            assert_never(command)


def _detected(command: DetectBreach, given: Circumstances) -> tuple[Record, ...]:
    if command.aware_at > given.now:
        raise OccurredLater
    span = span_named(command, given)
    if command.aware_at < span.began_at:
        raise BreachSpanReversed
    detected = BreachDetected(
        nature=tuple(sorted(set(command.nature))),
        cause=command.cause,
        reporter=command.reporter,
        recipient=span.recipient,
        member=span.member,
        source=span.source,
        exposure=span.exposure,
        categories=span.categories,
        began_at=span.began_at,
        ended_at=span.ended_at,
        aware_at=command.aware_at,
        file=command.file,
        policy=given.policy.version,
    )
    return (Record(detected, occurred_at=command.aware_at),)


def span_named(asked: DetectBreach | Span, given: Circumstances) -> Span:
    """The span in the policy's own words; refused when it names what the policy does not know."""
    recipient = None
    if asked.recipient is not None:
        recipient = recipient_named(asked.recipient, given.policy)
    source = None if asked.source is None else source_named(asked.source, given.policy).key
    categories = {category_named(key, given.policy).key for key in asked.categories}
    check_span(asked.began_at, asked.ended_at, given.now)
    return Span(
        recipient=None if recipient is None else recipient.key,
        member=asked.member if recipient is not None and recipient.group else None,
        source=source,
        exposure=asked.exposure,
        categories=tuple(sorted(categories)),
        began_at=asked.began_at,
        ended_at=asked.ended_at,
    )


def check_span(began_at: datetime, ended_at: datetime | None, now: datetime) -> None:
    """Refuses a span that ends before it begins, or that is not over yet."""
    if began_at > now or (ended_at is not None and ended_at > now):
        raise OccurredLater
    if began_at < FIRST_MOMENT or (ended_at is not None and ended_at < began_at):
        raise BreachSpanReversed


def _assessed(
    command: AssessBreach, state: BreachState, given: Circumstances
) -> tuple[Record, ...]:
    if state.detected is None:
        raise BreachUnknown
    span, radius = span_named(command.span, given), command.radius
    if state.detected.aware_at < span.began_at:
        raise BreachSpanReversed
    assessed = BreachAssessed(
        risk=command.risk,
        categories=span.categories,
        began_at=span.began_at,
        ended_at=span.ended_at,
        people=radius.people,
        erased=radius.erased,
        records=radius.records,
        by_category=dict(radius.by_category),
        stands_at=radius.stands_at,
        consequences=tuple(sorted(set(command.consequences))),
        measures=tuple(sorted(set(command.measures))),
        exemptions=tuple(sorted(set(command.exemptions))),
        file=command.file,
    )
    # Counted again with the same result, it says nothing new.
    if state.assessed and replace(state.assessed, stands_at=radius.stands_at) == assessed:
        return ()
    return (Record(assessed),)


def _notified(
    command: NotifyBreach, state: BreachState, given: Circumstances
) -> tuple[Record, ...]:
    if state.detected is None:
        raise BreachUnknown
    at, deadline = command.occurred_at or given.now, due_at(state.detected.aware_at, given.law)
    if at > given.now:
        raise OccurredLater
    if at < state.detected.aware_at:
        raise NotifiedBeforeAwareness(aware_at=state.detected.aware_at)
    if command.complete and state.assessed is None:
        raise BreachUnassessed
    if command.audience is BreachAudience.AUTHORITY and not command.reasons:
        first = state.first(BreachAudience.AUTHORITY)
        if min(at, first or at) > deadline and not _explained(state):
            raise DelayUnexplained(due_at=deadline)
    notified = BreachNotified(
        audience=command.audience,
        complete=command.complete,
        due_at=deadline,
        reasons=tuple(sorted(set(command.reasons))),
        people=command.people,
        file=command.file,
    )
    return (Record(notified, occurred_at=command.occurred_at),)


def _explained(state: BreachState) -> bool:
    """Whether reasons for the delay were given with an earlier notification."""
    return any(one.event.reasons for one in state.told)


def evolve(state: BreachState, recorded: Recorded[Any]) -> BreachState:
    """The breach after one more event."""
    return replace(
        _folded(state, recorded),
        version=recorded.version,
        leaf_hash=recorded.leaf_hash,
        last_at=recorded.recorded_at,
    )


def _folded(state: BreachState, recorded: Recorded[Any]) -> BreachState:
    match recorded.event:
        case BreachDetected() as event:
            return replace(state, detected=event, detected_at=recorded.recorded_at)
        case BreachAssessed() as event:
            return replace(state, assessed=event, assessed_at=recorded.recorded_at)
        case BreachNotified() as event:
            return replace(state, told=(*state.told, Told(event, recorded.happened_at)))
        case _:
            return state


BREACH: Decider[Command, BreachState] = Decider(BreachState(), decide, evolve)
