"""One stream that holds two people: values of some events begin another stream (decision 0011)."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias, assert_never
from uuid import UUID

from app.domain.concern import Concern
from app.domain.decider import Circumstances, Refusal
from app.domain.holdings import Held
from app.domain.identities import Identifier, Lot, claim, with_own_section
from app.domain.inheritance import Matter
from app.domain.merges import ApproverIsProposer, ReadOvertaken
from app.domain.obtaining import sections
from app.events.collections import DataCollected
from app.events.identifiers import IdentifierReleased, Verification
from app.events.recorded import Claim, Record, Recorded
from app.events.splits import SplitApproved, SplitProposed, SplitRejected, SplitSide
from app.events.subjects import SubjectRegistered
from app.policy.vocabulary import IdentifierKind, LegalBasis, SourceOrigin
from app.values import Confidential, Value, field, replace

if TYPE_CHECKING:
    from app.domain.subject import SubjectState


class Separation(Value, frozen=True, kw_only=True):
    """A split that waits for somebody else."""

    versions: tuple[int, ...]
    by: str
    since: datetime


class Splits(Value, frozen=True):
    """What was, or may be, another person's on this stream."""

    proposed: Mapping[UUID, Separation] = field(default_factory=dict)
    offshoots: Mapping[UUID, UUID] = field(default_factory=dict)
    """Split -> the stream that its values began."""
    begun_by: UUID | None = None
    """The split by which this stream began."""
    settled: frozenset[UUID] = frozenset()


class Part(Confidential, frozen=True, kw_only=True):
    """Values that were collected together, to be collected anew exactly as they were."""

    CONFIDENTIAL = ("personal",)

    purpose: str
    basis: LegalBasis
    source: str
    origin: SourceOrigin
    policy: str
    occasion: UUID | None
    since: datetime
    held: Mapping[str, str]
    """Category -> retention class."""
    generations: Mapping[str, str]
    personal: Mapping[str, str]


class Found(Confidential, frozen=True, kw_only=True):
    """An identifier that rests on values which go."""

    CONFIDENTIAL = ("value",)

    version: int
    kind: IdentifierKind
    category: str
    value: str
    lot: Lot
    verification: Verification | None
    occasion: UUID | None = None
    additional: bool = False
    """It has a section of its own."""


class ProposeSplit(Value, frozen=True, kw_only=True):
    """The values of these events seem to be another person's."""

    split: UUID
    versions: tuple[int, ...]


class ApproveSplit(Value, frozen=True, kw_only=True):
    """Somebody else agrees; on the stream that the values leave."""

    split: UUID
    offshoot: UUID
    by: str
    read_at: int
    """The version at which the values were read."""
    restored: tuple[Part, ...] = ()
    """What the values that leave had superseded: in use again."""


class ReceiveSplit(Value, frozen=True, kw_only=True):
    """The other person's stream begins."""

    split: UUID
    origin: UUID
    versions: tuple[int, ...]
    parts: tuple[Part, ...]
    matters: tuple[Matter, ...] = ()


class RejectSplit(Value, frozen=True, kw_only=True):
    """The values stay where they are."""

    split: UUID


class HandOver(Value, frozen=True, kw_only=True):
    """Identifiers whose value has gone lead here no longer."""

    split: UUID
    found: tuple[Found, ...]


class TakeOver(Value, frozen=True, kw_only=True):
    """Identifiers whose value has come lead here from now on."""

    split: UUID
    found: tuple[Found, ...]


Command: TypeAlias = ProposeSplit | ApproveSplit | ReceiveSplit | RejectSplit | HandOver | TakeOver


class SplitUnknown(Refusal):
    """No such split of this record was proposed."""

    code = "split-unknown"
    rules = ("L9",)


class SplitSettled(Refusal):
    """The split was rejected or is done; to undo it, merge the two records."""

    code = "split-settled"
    rules = ("L9",)


class SplitIndivisible(Refusal):
    """An event that is named holds no value of the person, or not any more."""

    code = "split-indivisible"
    rules = ("L6",)


def decide(command: Command, state: "SubjectState", _given: Circumstances) -> tuple[Record, ...]:
    """The records that a command about a split makes."""
    match command:
        case ProposeSplit():
            return _propose(command, state)
        case ApproveSplit():
            return _approve(command, state)
        case ReceiveSplit():
            return _receive(command, state)
        case RejectSplit(split=split):
            if split in state.splits.settled:
                return ()
            _separation(split, state.splits)
            return (Record(SplitRejected(split=split)),)
        case HandOver():
            _done(command.split, state.splits)
            return tuple(_released(one) for one in command.found)
        case TakeOver():
            return tuple(_claims(command, state))
        case _:
            assert_never(command)


def _propose(command: ProposeSplit, state: "SubjectState") -> tuple[Record, ...]:
    if command.split in {*state.splits.proposed, *state.splits.offshoots, *state.splits.settled}:
        return ()
    versions = tuple(sorted(set(command.versions)))
    if not versions or not set(versions) <= divisible(state):
        raise SplitIndivisible(versions=tuple(map(str, sorted(set(versions) - divisible(state)))))
    return (Record(SplitProposed(split=command.split, versions=versions)),)


def divisible(state: "SubjectState") -> frozenset[int]:
    """The versions of the events that hold a value of the person."""
    held = (one.version for newest in state.collections.held.values() for one in newest.history())
    own = (one.version for one in state.identifiers.active.values() if one.additional)
    return frozenset((*held, *own))


def going(state: "SubjectState", versions: Iterable[int]) -> tuple[Held, ...]:
    """The values of some events, oldest first."""
    named = frozenset(versions)
    found = [
        one
        for newest in state.collections.held.values()
        for one in newest.history()
        if one.version in named
    ]
    return tuple(sorted(found, key=lambda one: (one.version, one.category)))


def coming_back(state: "SubjectState", versions: Iterable[int]) -> tuple[Held, ...]:
    """The values that are in use again once the ones that superseded them leave."""
    named = frozenset(versions)
    leaving = (
        newest
        for newest in state.collections.held.values()
        if newest.version in named and newest.superseded_at is None
    )
    found = (
        next((one for one in newest.history() if one.version not in named), None)
        for newest in leaving
    )
    return tuple(one for one in found if one is not None)


def resting_on(state: "SubjectState", versions: Iterable[int]) -> tuple[Identifier, ...]:
    """The identifiers whose value lies in some events."""
    named = frozenset(versions)
    return tuple(one for one in state.identifiers.active.values() if one.value_at in named)


def _approve(command: ApproveSplit, state: "SubjectState") -> tuple[Record, ...]:
    if command.split in state.splits.offshoots:
        return ()
    separation = _separation(command.split, state.splits)
    if separation.by == command.by:
        raise ApproverIsProposer
    if command.read_at != state.version:
        raise ReadOvertaken
    if not set(separation.versions) <= divisible(state):
        raise SplitIndivisible
    approved = SplitApproved(
        split=command.split,
        side=SplitSide.ORIGIN,
        other=command.offshoot,
        versions=separation.versions,
    )
    return (Record(approved), *map(_collected, command.restored))


def _separation(split: UUID, splits: Splits) -> Separation:
    if split in splits.settled or split in splits.offshoots:
        raise SplitSettled
    separation = splits.proposed.get(split)
    if separation is None:
        raise SplitUnknown
    return separation


def _done(split: UUID, splits: Splits) -> None:
    if split not in splits.offshoots and split != splits.begun_by:
        raise SplitUnknown


def _receive(command: ReceiveSplit, state: "SubjectState") -> tuple[Record, ...]:
    if state.splits.begun_by == command.split:
        return ()
    first = command.parts[0]
    registered = SubjectRegistered(source=first.source, origin=first.origin, policy=first.policy)
    approved = SplitApproved(
        split=command.split,
        side=SplitSide.OFFSHOOT,
        other=command.origin,
        versions=command.versions,
    )
    return (
        Record(registered, occurred_at=first.since),
        Record(approved),
        *map(_collected, command.parts),
        *map(Record, command.matters),
    )


def _collected(part: Part) -> Record:
    event = DataCollected(
        purpose=part.purpose,
        basis=part.basis,
        source=part.source,
        origin=part.origin,
        policy=part.policy,
        held=part.held,
        generations=part.generations,
        occasion=part.occasion,
        dropped=0,
    )
    values = sections(part.personal, part.held, part.generations)
    return Record(event, sections=values, occurred_at=part.since)


def _released(one: Found) -> Record:
    event = IdentifierReleased(identifier=one.version, kind=one.kind)
    return Record(event, claims=(Claim(one.kind.value, one.value, release=True),))


def _claims(command: TakeOver, state: "SubjectState") -> Iterator[Record]:
    """Claims of what nobody took in the meantime; a claim made already is none."""
    _done(command.split, state.splits)
    version = state.version
    known = {(one.category, one.purpose) for one in state.identifiers.active.values()}
    for one in command.found:
        if (one.category, one.lot.purpose) in known:
            continue
        version += 1
        slot = (one.category, one.lot.purpose, one.occasion)
        held = None if one.additional else state.collections.held.get(slot)
        record = claim(
            one.kind,
            one.category,
            one.value,
            one.lot,
            value_at=version if held is None else held.version,
            verification=one.verification,
        )
        yield with_own_section(record) if held is None else record


def evolve(slice_: Splits, recorded: Recorded[Any]) -> Splits:
    """The splits after one more event."""
    match recorded.event:
        case SplitProposed(split=split, versions=versions):
            separation = Separation(versions=versions, by=recorded.by, since=recorded.recorded_at)
            return replace(slice_, proposed={**slice_.proposed, split: separation})
        case SplitApproved(split=split, side=SplitSide.OFFSHOOT):
            return replace(slice_, begun_by=split)
        case SplitApproved(split=split, other=other):
            offshoots = {**slice_.offshoots, split: other}
            return replace(slice_, proposed=_without(slice_, split), offshoots=offshoots)
        case SplitRejected(split=split):
            settled = slice_.settled | {split}
            return replace(slice_, proposed=_without(slice_, split), settled=settled)
        case _:
            return slice_


def _without(slice_: Splits, split: UUID) -> dict[UUID, Separation]:
    return {key: one for key, one in slice_.proposed.items() if key != split}


SPLITS = Concern(
    "splits",
    commands=(ProposeSplit, ApproveSplit, ReceiveSplit, RejectSplit, HandOver, TakeOver),
    folds=(SplitProposed, SplitApproved, SplitRejected),
    initial=Splits(),
    decide=decide,
    evolve=evolve,
)
