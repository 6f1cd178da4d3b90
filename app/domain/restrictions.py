"""Restriction of processing, and the notice without which it is not lifted (Art. 18 GDPR; L42)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, TypeAlias, assert_never
from uuid import UUID

from app.domain.concern import Concern
from app.domain.days import day_of
from app.domain.decider import Circumstances, Refusal
from app.domain.letters import DECISION, STATEMENT, letters
from app.domain.objections import Status
from app.domain.purpose_limitation import category_named, purpose_named
from app.domain.scope import Scope
from app.events.objections import (
    ObjectionGranted,
    ObjectionGround,
    ObjectionRaised,
    ObjectionWithdrawn,
)
from app.events.recorded import Record, Recorded
from app.events.restrictions import (
    AccuracyDisputed,
    RestrictionGround,
    RestrictionLiftAnnounced,
    RestrictionLifted,
    RestrictionSet,
)
from app.values import replace

if TYPE_CHECKING:
    from app.domain.subject import SubjectState


class SubjectRestricted(Refusal):
    """The processing of the person's data is restricted (Art. 18(2))."""

    code = "subject-restricted"
    rules = ("L42",)


class RestrictionUnknown(Refusal):
    """There is no such restriction."""

    code = "restriction-unknown"
    rules = ("L42",)


class RestrictionLiftUnannounced(Refusal):
    """The person must be told before a restriction ends (Art. 18(3))."""

    code = "restriction-lift-unannounced"
    rules = ("L42",)


class ObjectionPending(Refusal):
    """The restriction lasts until the objection behind it is decided (Art. 18(1)(d))."""

    code = "objection-pending"
    rules = ("L42", "L44")


@dataclass(frozen=True, slots=True, kw_only=True)
class Restriction:
    """One restriction that is on."""

    ground: RestrictionGround
    scope: Scope
    since: datetime
    announced_at: datetime | None = None
    """When the person was told that it will end."""
    announced_by: UUID | None = None
    """The event of it, which names its letter."""
    ends_on: date | None = None
    """Not before that day."""


@dataclass(frozen=True, slots=True)
class Restrictions:
    """Every restriction of a person; one set by an objection bears the objection's id."""

    active: Mapping[UUID, Restriction] = field(default_factory=dict)
    ended: Mapping[UUID, datetime] = field(default_factory=dict)
    """Those that are over -> since when each had been on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restrict:
    """Stop every use but storage, for one purpose or for all (Art. 18(2))."""

    restriction: UUID
    ground: RestrictionGround
    source: str
    purpose: str | None = None
    statement: str = field(default="", repr=False)
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeAccuracy:
    """The person contests data: they rest from now on, without a decision (Art. 18(1)(a))."""

    restriction: UUID
    categories: frozenset[str]
    """Empty: everything."""
    source: str
    statement: str = field(default="", repr=False)
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnounceLift:
    """The person was told that the restriction will end, or is told now by a letter of ours."""

    restriction: UUID
    channel: str
    ends_on: date | None = None
    """Not before that day; with it the ledger writes the letter."""
    reasons: str = field(default="", repr=False)
    """Why it ends, in the person's language; a standing text without."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiftRestriction:
    """The reason for the restriction is gone."""

    restriction: UUID


Command: TypeAlias = Restrict | DisputeAccuracy | AnnounceLift | LiftRestriction


def decide(command: Command, state: "SubjectState", given: Circumstances) -> tuple[Record, ...]:
    """The records that a command about a restriction makes."""
    match command:
        case Restrict() | DisputeAccuracy():
            return _restrict(command, state, given)
        case AnnounceLift():
            return _announce(command, state, given)
        case LiftRestriction(restriction=key):
            restriction = _liftable(key, state)
            if restriction is None:
                return ()
            _check_told(restriction, state, given)
            return (Record(RestrictionLifted(restriction=key)),)
        case _:
            assert_never(command)


def _restrict(
    command: Restrict | DisputeAccuracy, state: "SubjectState", given: Circumstances
) -> tuple[Record, ...]:
    event = _event(command, given)
    ground, scope = _ground(event), _scope(event)
    known = state.restrictions
    if command.restriction in known.active or command.restriction in known.ended:
        return ()
    if any(
        (one.ground, one.scope) == (ground, scope)
        for key, one in known.active.items()
        if key not in state.objections.by_id  # narrower: it spares what Art. 21 does not reach
    ):
        return ()
    sections = letters({STATEMENT: command.statement}, command.restriction, given)
    return (Record(event, sections=sections, occurred_at=command.occurred_at),)


def _announce(
    command: AnnounceLift, state: "SubjectState", given: Circumstances
) -> tuple[Record, ...]:
    restriction = _liftable(command.restriction, state)
    if restriction is None or restriction.announced_at is not None:
        return ()
    if command.ends_on is not None and command.ends_on < day_of(given.now, given):
        raise RestrictionLiftUnannounced(until=command.ends_on)
    event = RestrictionLiftAnnounced(
        restriction=command.restriction, channel=command.channel, ends_on=command.ends_on
    )
    sections = letters({DECISION: command.reasons}, command.restriction, given)
    return (Record(event, sections=sections),)


def _check_told(restriction: Restriction, state: "SubjectState", given: Circumstances) -> None:
    """Told means that the letter has left, and that the day which it names has come."""
    if restriction.announced_at is None:
        raise RestrictionLiftUnannounced
    if restriction.ends_on is None:
        return
    letter = None
    if restriction.announced_by is not None:
        letter = state.mails.by_id.get(restriction.announced_by)
    early = day_of(given.now, given) < restriction.ends_on
    if early or letter is None or not letter.left:
        raise RestrictionLiftUnannounced(until=restriction.ends_on)


def lifts_by_itself(key: UUID, state: "SubjectState", given: Circumstances) -> bool:
    """Whether it may end without a decision: the person took the objection back and was told."""
    restriction, objection = state.restrictions.active.get(key), state.objections.by_id.get(key)
    if restriction is None or objection is None or objection.status is not Status.WITHDRAWN:
        return False
    try:
        _check_told(restriction, state, given)
    except RestrictionLiftUnannounced:
        return False
    return restriction.ends_on is not None


def _event(
    command: Restrict | DisputeAccuracy, given: Circumstances
) -> RestrictionSet | AccuracyDisputed:
    if isinstance(command, DisputeAccuracy):
        named = (category_named(key, given.policy).key for key in command.categories)
        return AccuracyDisputed(
            restriction=command.restriction, categories=tuple(sorted(named)), source=command.source
        )
    purpose = command.purpose
    return RestrictionSet(
        restriction=command.restriction,
        ground=command.ground,
        purpose=None if purpose is None else purpose_named(purpose, given.policy).key,
        source=command.source,
    )


def _liftable(key: UUID, state: "SubjectState") -> Restriction | None:
    """The restriction, None when it has ended; refuses while its objection waits for a decision."""
    if key in state.restrictions.ended:
        return None
    restriction = state.restrictions.active.get(key)
    if restriction is None:
        raise RestrictionUnknown
    objection = state.objections.by_id.get(key)
    if objection is not None and objection.status is Status.PENDING:
        raise ObjectionPending
    return restriction


def evolve(slice_: Restrictions, recorded: Recorded[Any]) -> Restrictions:
    """The restrictions after one more event; a pending objection is one by itself."""
    match recorded.event:
        case RestrictionSet() | AccuracyDisputed() as event:
            restriction = Restriction(
                ground=_ground(event), scope=_scope(event), since=recorded.happened_at
            )
            return _with(slice_, event.restriction, restriction)
        case ObjectionRaised(ground=ObjectionGround.OWN_SITUATION) as event:
            restriction = Restriction(
                ground=RestrictionGround.OBJECTION,
                scope=Scope(purpose=event.purpose, recipient=event.recipient),
                since=recorded.happened_at,
            )
            return _with(slice_, event.objection, restriction)
        case RestrictionLiftAnnounced(restriction=key):
            announced = replace(
                slice_.active[key],
                announced_at=recorded.recorded_at,
                announced_by=recorded.event_id,
                ends_on=recorded.event.ends_on,
            )
            return _with(slice_, key, announced)
        case RestrictionLifted(restriction=key):
            return _without(slice_, key)
        case (
            ObjectionGranted(objection=key)
            | ObjectionWithdrawn(objection=key, restriction_lasts=False)
        ):
            # Granted, the objection itself stops the use for good.
            return _without(slice_, key)
        case _:
            return slice_


def _ground(event: RestrictionSet | AccuracyDisputed) -> RestrictionGround:
    return event.ground if isinstance(event, RestrictionSet) else RestrictionGround.ACCURACY


def _scope(event: RestrictionSet | AccuracyDisputed) -> Scope:
    if isinstance(event, RestrictionSet):
        return Scope(purpose=event.purpose)
    return Scope(categories=frozenset(event.categories))


def _with(slice_: Restrictions, key: UUID, restriction: Restriction) -> Restrictions:
    return replace(slice_, active={**slice_.active, key: restriction})


def _without(slice_: Restrictions, key: UUID) -> Restrictions:
    if key not in slice_.active:
        return slice_
    active = {other: one for other, one in slice_.active.items() if other != key}
    return Restrictions(active, {**slice_.ended, key: slice_.active[key].since})


RESTRICTIONS = Concern(
    "restrictions",
    commands=(Restrict, DisputeAccuracy, AnnounceLift, LiftRestriction),
    folds=(
        RestrictionSet,
        AccuracyDisputed,
        RestrictionLiftAnnounced,
        RestrictionLifted,
        ObjectionRaised,
        ObjectionGranted,
        ObjectionWithdrawn,
    ),
    initial=Restrictions(),
    decide=decide,
    evolve=evolve,
)
