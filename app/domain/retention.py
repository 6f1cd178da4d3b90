"""Whose period is over, and the record of its execution: never early, held back by rights (L7).

What is destroyed is a data key: what shares one (a person's class and expiry bucket) goes on one
day. Nothing goes while a restriction, an erasure or a confirmed wish for a copy is open (Art. 15,
18(2), 20; L67), nothing that a legal hold names, and what the desk keeps under Art. 17(3) stays to
the day that it named (L37).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from uuid import UUID

from app.domain.concern import Concern
from app.domain.days import day_of
from app.domain.decider import Circumstances
from app.domain.epochs import leaving
from app.domain.erasure_progress import Stage
from app.domain.erasure_steps import Destruction
from app.domain.holds import holding
from app.domain.key_losses import may_give_up
from app.domain.periods import SealedValue, clock_start, erased_at, last_day, sealed_values
from app.domain.rights_request_progress import ACTS, CLOSING
from app.events.erasures import ErasureExecuted, ErasureRequested, ErasureStep, ErasureWithdrawn
from app.events.mails import MailQueued
from app.events.objections import (
    ObjectionGranted,
    ObjectionOverridden,
    ObjectionRaised,
    ObjectionWithdrawn,
)
from app.events.recorded import Record, Recorded
from app.events.restrictions import (
    AccuracyDisputed,
    RestrictionLiftAnnounced,
    RestrictionLifted,
    RestrictionSet,
)
from app.events.retention import RetentionCause, RetentionExecuted
from app.events.rights_requests import RightsRequestDoubtAnswered, RightsRequestReceived
from app.identifiers import KeyId
from app.policy.model import RetentionClass
from app.policy.vocabulary import ClockEvent

if TYPE_CHECKING:
    from app.domain.subject import SubjectState

_RUNNING: Final = frozenset({Stage.REQUESTED, Stage.PREPARED})
_DONE: Final = frozenset({Stage.EXECUTED, Stage.CLOSED})
_CLOSING = (
    ErasureExecuted,
    ErasureWithdrawn,
    ObjectionGranted,
    ObjectionOverridden,
    ObjectionWithdrawn,
    RestrictionLifted,
    *CLOSING,
)
"""Events that close a matter of rights."""
_OPENING = (
    ErasureRequested,
    ObjectionRaised,
    RestrictionSet,
    AccuracyDisputed,
    RestrictionLiftAnnounced,
    RightsRequestReceived,
    *ACTS,
)
"""Events beside which letters of such a matter may be sealed; a decision is one, too."""

_MATTERS = ("erasure", "objection", "restriction", "request")
"""Fields that name the matter of such an event."""


@dataclass(frozen=True, slots=True)
class Matters:
    """The letters of a person by their data key, and when each matter was closed."""

    letters: Mapping[KeyId, frozenset[UUID]] = field(default_factory=dict)
    closed: Mapping[UUID, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expired:
    """A data key whose period is over."""

    key_id: KeyId
    retention_class: str
    until: date
    """The last day on which it was to be kept."""
    values: tuple[SealedValue, ...]
    """What lies under it, as far as it was collected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecuteRetention:
    """Destroy one data key whose period is over."""

    key_id: KeyId
    generation: str
    destruction: Destruction


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgetKey:
    """Destroy one data key, by no rule of retention: it is destroyed elsewhere, or lost."""

    cause: RetentionCause
    """A newer keyring, or the loss of the key."""
    key_id: KeyId
    retention_class: str
    generation: str
    on: date
    """When the keyring was written, or when it was found that nothing opens the key."""
    destruction: Destruction
    fences: tuple[str, ...] = ()
    """What was closed to the person for good: retention classes, and `identifiers`."""


Command: TypeAlias = ExecuteRetention | ForgetKey


def expired(state: "SubjectState", given: Circumstances) -> Mapping[KeyId, Expired]:
    """The data keys to be destroyed today: one for each whose last day is over."""
    if _held_back(state):
        return {}
    return {one.key_id: one for one in _expired(state, given)}


def closing_due(state: "SubjectState", given: Circumstances) -> tuple[UUID, ...]:
    """The erasures to be closed today: told or not, their last day is over (Art. 19).

    One that was withdrawn has nobody to tell: what it had set aside is due at once.
    """
    last_days = (kind for kind in given.policy.retention_classes.values() if _of_execution(kind))
    execution = next(last_days)
    return tuple(
        key
        for key, one in state.erasures.by_id.items()
        if one.set_aside & state.data_keys.keys()
        and (
            one.stage is Stage.WITHDRAWN
            or (
                one.telling
                and one.executed_at is not None
                and day_of(given.now, given) > execution.until(day_of(one.executed_at, given))
            )
        )
    )


def _of_execution(kind: RetentionClass) -> bool:
    return kind.clock is ClockEvent.ERASURE


def _held_back(state: "SubjectState") -> bool:
    """Whether the person asked that the data stay, or a right is being answered by them."""
    if any(one.stage in _RUNNING for one in state.erasures.by_id.values()):
        return True
    if any(one.asks_for_copy for one in state.rights_requests.by_id.values()):
        return True
    return bool(state.restrictions.active) and not state.erased


def _expired(state: "SubjectState", given: Circumstances) -> Iterator[Expired]:
    by_key: dict[KeyId, list[SealedValue]] = {}
    for value in sealed_values(state):
        if value.key_id is not None:
            by_key.setdefault(value.key_id, []).append(value)
    for key_id, retention_class in state.data_keys.items():
        kind = given.policy.retention_classes.get(retention_class)
        values = tuple(by_key.get(key_id, ()))
        until = None if kind is None else _last_day(kind, key_id, values, state, given)
        if until is None or day_of(given.now, given) <= until:
            continue
        occasions = {value.occasion for value in values}
        if next(holding(retention_class, occasions, state, given), None) is None:
            yield Expired(
                key_id=key_id, retention_class=retention_class, until=until, values=values
            )


def _last_day(  # noqa: PLR0917  # what lies under which key, and the rules it is counted by
    kind: RetentionClass,
    key_id: KeyId,
    values: tuple[SealedValue, ...],
    state: "SubjectState",
    given: Circumstances,
) -> date | None:
    """The last day of what lies under a key; None while nothing says so."""
    if kind.clock is ClockEvent.REQUEST_CLOSED:
        start = _matters_closed(key_id, state, given)
    else:
        start = clock_start(kind, values, state, given)
    regular = None if start is None else last_day(kind, start, values, given)
    named = [
        (one.until[kind.key], one.extent.of_everything)
        for one in state.erasures.by_id.values()
        if one.stage in _DONE and kind.key in one.grounds and kind.key in one.until
    ]
    if not named:
        return regular
    kept = max(until for until, _ in named)
    if any(whole for _, whole in named):
        return kept  # all else about the person is gone: the named day alone holds this
    return None if regular is None else max(regular, kept)


def _matters_closed(key_id: KeyId, state: "SubjectState", given: Circumstances) -> date | None:
    """When the last matter was closed whose letters lie under the key."""
    slice_ = state.retention
    ended = erased_at(state)
    ends = [slice_.closed.get(one, ended) for one in slice_.letters.get(key_id, ())]
    known = [day_of(end, given) for end in ends if end is not None]
    return max(known) if known and len(known) == len(ends) else None


def decide(command: Command, state: "SubjectState", given: Circumstances) -> tuple[Record, ...]:
    """The record of a destruction; none when it is not, or no longer, due."""
    if isinstance(command, ForgetKey):
        lost = command.cause is RetentionCause.KEY_LOST
        stays = lost and not _may_be_given_up(command, state, given)
        return () if stays else (Record(_forgotten(command, given)),)
    due = expired(state, given).get(command.key_id)
    if due is None or command.destruction.keys != (command.key_id,):
        return ()
    event = RetentionExecuted(
        cause=RetentionCause.PERIOD_OVER,
        retention_class=due.retention_class,
        generation=command.generation,
        until=due.until,
        policy=given.policy.version,
        keys=command.destruction.keys,
        classes=(),
        blobs=command.destruction.blobs,
        identifiers=False,
        root=command.destruction.root,
    )
    return (Record(event),)


def _may_be_given_up(command: ForgetKey, state: "SubjectState", given: Circumstances) -> bool:
    epochs = given.control.epochs
    drains = leaving(epochs)
    if drains is None or not may_give_up(epochs[drains].loss, given):
        return False
    return not key_on_hold(command.key_id, state, given)


def key_on_hold(key_id: KeyId, state: "SubjectState", given: Circumstances) -> bool:
    """Whether a legal hold names what lies under a key (Art. 17(3); L63)."""
    retention_class = state.data_keys.get(key_id)
    occasions = {value.occasion for value in sealed_values(state) if value.key_id == key_id}
    return (
        retention_class is not None
        and next(holding(retention_class, occasions, state, given), None) is not None
    )


def _forgotten(command: ForgetKey, given: Circumstances) -> RetentionExecuted:
    """What is destroyed in another state of this ledger, whatever speaks for it, or is lost."""
    return RetentionExecuted(
        cause=command.cause,
        retention_class=command.retention_class,
        generation=command.generation,
        until=command.on,
        policy=given.policy.version,
        keys=command.destruction.keys,
        classes=tuple(one for one in command.fences if one != "identifiers"),
        blobs=command.destruction.blobs,
        identifiers="identifiers" in command.fences,
        root=command.destruction.root,
    )


def evolve(slice_: Matters, recorded: Recorded[Any]) -> Matters:
    """The matters after one more event."""
    event = recorded.event
    if isinstance(event, RetentionExecuted):
        kept = {key: one for key, one in slice_.letters.items() if key not in event.keys}
        return Matters(kept, slice_.closed)
    matter = _matter(recorded)
    if matter is None:
        return slice_
    letters, closed = dict(slice_.letters), slice_.closed
    for seal in recorded.seals:
        letters[seal.key_id] = letters.get(seal.key_id, frozenset()) | {matter}
    if isinstance(event, _CLOSING) and getattr(event, "step", None) is not ErasureStep.SUBJECT:
        closed = {**closed, matter: recorded.happened_at}
    if isinstance(event, RightsRequestDoubtAnswered):  # taken up again
        closed = {key: at for key, at in closed.items() if key != matter}
    return Matters(letters, closed)


def _matter(recorded: Recorded[Any]) -> UUID | None:
    """The matter of an event; None of a mail that is about none."""
    event = recorded.event
    if isinstance(event, MailQueued):
        return event.matter
    named: Iterator[UUID] = (getattr(event, name) for name in _MATTERS if hasattr(event, name))
    return next(named, recorded.event_id)  # the receipt of a request is named by its own id


RETENTION = Concern(
    "retention",
    commands=(ExecuteRetention, ForgetKey),
    folds=(*_OPENING, *_CLOSING, MailQueued, RetentionExecuted),
    initial=Matters(),
    decide=decide,
    evolve=evolve,
)
