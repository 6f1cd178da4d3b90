"""Two streams that are one person: one stands for both until it is taken back (decision 0011)."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias, assert_never
from uuid import UUID

from app.domain.concern import Concern
from app.domain.decider import Circumstances, Refusal
from app.domain.inheritance import Inherited, Matter, inherited
from app.events.findings import FindingCleared, FindingResolution
from app.events.merges import (
    ConsentInherited,
    MatterInherited,
    MattersRenewed,
    MergeApproved,
    MergeGround,
    MergeProposed,
    MergeRejected,
    MergeReverted,
    MergeSide,
)
from app.events.recorded import Record, Recorded
from app.values import Value, field, replace

if TYPE_CHECKING:
    from app.domain.subject import SubjectState


class Proposal(Value, frozen=True, kw_only=True):
    """A merge that waits for somebody else."""

    side: MergeSide
    other: UUID
    ground: MergeGround
    finding: UUID | None
    by: str
    since: datetime


class Bond(Value, frozen=True, kw_only=True):
    """A merge in force."""

    merge: UUID
    side: MergeSide
    other: UUID
    version: int
    """Of the event that approved it on this stream."""
    since: datetime


class Merges(Value, frozen=True):
    """Which streams stand for the person, and what this one inherited."""

    proposed: Mapping[UUID, Proposal] = field(default_factory=dict)
    bonds: Mapping[UUID, Bond] = field(default_factory=dict)
    settled: frozenset[UUID] = frozenset()
    """Merges that were rejected or reverted."""
    inherited: Mapping[UUID, Inherited] = field(default_factory=dict)
    """By the merge or split that it came by."""

    @property
    def absorbed(self) -> Bond | None:
        """The merge by which another stream stands for this one."""
        found = (one for one in self.bonds.values() if one.side is MergeSide.ABSORBED)
        return next(found, None)

    @property
    def others(self) -> tuple[Bond, ...]:
        """The merges by which this stream stands for others, oldest first."""
        return tuple(one for one in self.bonds.values() if one.side is MergeSide.SURVIVOR)


class MergeCommand(Value, frozen=True, kw_only=True):
    """What every command about a merge says: which one, of whom, and which of them this is."""

    merge: UUID
    survivor: UUID
    absorbed: UUID
    side: MergeSide

    @property
    def other(self) -> UUID:
        """The stream that this command is not about."""
        return self.absorbed if self.side is MergeSide.SURVIVOR else self.survivor


class ProposeMerge(MergeCommand, frozen=True, kw_only=True):
    """The two seem to be one person."""

    ground: MergeGround
    finding: UUID | None = None


class ApproveMerge(MergeCommand, frozen=True, kw_only=True):
    """Somebody else agrees."""

    by: str
    """Caller id of whoever approves."""
    read_at: int | None = None
    """The version at which this stream was read: for what the survivor inherits, or holds."""
    matters: tuple[Matter, ...] = ()
    """On the survivor's side: what it inherits."""


class RejectMerge(MergeCommand, frozen=True, kw_only=True):
    """They are two people, or nobody can tell."""


class RevertMerge(MergeCommand, frozen=True, kw_only=True):
    """They were two people after all."""

    read_at: int | None = None
    """On the survivor's side: the version at which it was read for what the other inherits."""
    matters: tuple[Matter, ...] = ()
    """On the absorbed side: what was said no to on the survivor since."""


class RenewMatters(Value, frozen=True, kw_only=True):
    """What was inherited by a merge in force is replaced: the other stream was read again."""

    merge: UUID
    matters: tuple[Matter, ...] = ()


class ReleaseMatters(Value, frozen=True, kw_only=True):
    """The person says that what was inherited by a merge or split that is over is not theirs."""

    merge: UUID


Command: TypeAlias = (
    ProposeMerge | ApproveMerge | RejectMerge | RevertMerge | RenewMatters | ReleaseMatters
)


class SubjectAbsorbed(Refusal):
    """Another record stands for this person: repeat the request there."""

    code = "subject-absorbed"
    rules = ("L6", "L33")


class MergeUnknown(Refusal):
    """No such merge of these two records was proposed."""

    code = "merge-unknown"
    rules = ("L9",)


class MergeOpen(Refusal):
    """A merge of these two records waits for a decision, or is in force."""

    code = "merge-open"
    rules = ("L9",)


class MergeSettled(Refusal):
    """The merge was rejected or reverted; a new one has to be proposed."""

    code = "merge-settled"
    rules = ("L9",)


class MergeWithItself(Refusal):
    """A record is one person already."""

    code = "merge-with-itself"
    rules = ("L6",)


class ApproverIsProposer(Refusal):
    """Whoever puts forward what takes two clients does not approve it as well."""

    code = "approver-is-proposer"
    rules = ("L6", "L8")


class ReadOvertaken(Refusal):
    """The other record changed while it was read; nothing was recorded."""

    code = "read-overtaken"
    rules = ("L6",)


def decide(command: Command, state: "SubjectState", _given: Circumstances) -> tuple[Record, ...]:
    """The records that a command about a merge makes on one of its two streams."""
    match command:
        case ProposeMerge():
            return _propose(command, state.merges)
        case ApproveMerge():
            return _approve(command, state)
        case RejectMerge():
            if command.merge in state.merges.settled:
                return ()
            _proposal(command, state.merges)
            return (Record(MergeRejected(merge=command.merge)),)
        case RevertMerge():
            return _revert(command, state)
        case RenewMatters():
            return _renew(command, state.merges)
        case ReleaseMatters():
            return _release(command, state.merges)
        case _:
            assert_never(command)


def _propose(command: ProposeMerge, merges: Merges) -> tuple[Record, ...]:
    if command.survivor == command.absorbed:
        raise MergeWithItself
    if command.merge in {*merges.proposed, *merges.bonds, *merges.settled}:
        return ()
    proposed = ((key, one.other) for key, one in merges.proposed.items())
    bonds = ((key, one.other) for key, one in merges.bonds.items())
    for key, other in (*proposed, *bonds):
        if other == command.other:
            raise MergeOpen(merge=key)
    event = MergeProposed(
        merge=command.merge,
        side=command.side,
        other=command.other,
        ground=command.ground,
        finding=command.finding,
    )
    return (Record(event),)


def _approve(command: ApproveMerge, state: "SubjectState") -> tuple[Record, ...]:
    if command.merge in state.merges.bonds:
        return ()
    proposal = _proposal(command, state.merges)
    if proposal.by == command.by:
        raise ApproverIsProposer
    _check_read(command.read_at, state)
    approved = MergeApproved(merge=command.merge, side=command.side, other=command.other)
    cleared: tuple[Record, ...] = ()
    if proposal.finding in state.findings.open:
        assert proposal.finding is not None, "nothing is open under no id"
        confirmed = FindingResolution.CONFIRMED
        cleared = (Record(FindingCleared(finding=proposal.finding, resolution=confirmed)),)
    return (Record(approved), *map(Record, command.matters), *cleared)


def _proposal(command: MergeCommand, merges: Merges) -> Proposal:
    """The proposal that is meant, of exactly these two records."""
    if command.merge in merges.settled:
        raise MergeSettled
    proposal = merges.proposed.get(command.merge)
    if proposal is None or (proposal.side, proposal.other) != (command.side, command.other):
        raise MergeUnknown
    return proposal


def _check_read(read_at: int | None, state: "SubjectState") -> None:
    """Refuses what was prepared from an older version of this stream."""
    if read_at is not None and read_at != state.version:
        raise ReadOvertaken


def _revert(command: RevertMerge, state: "SubjectState") -> tuple[Record, ...]:
    if command.merge in state.merges.settled:
        return ()
    bond = state.merges.bonds.get(command.merge)
    if bond is None or (bond.side, bond.other) != (command.side, command.other):
        raise MergeUnknown
    absorbed = state.merges.absorbed
    if absorbed is not None and absorbed.merge != command.merge:
        raise SubjectAbsorbed(survivor=absorbed.other, merge=absorbed.merge)
    _check_read(command.read_at, state)
    reverted = MergeReverted(merge=command.merge, side=command.side, other=command.other)
    return (Record(reverted), *map(Record, command.matters))


def _renew(command: RenewMatters, merges: Merges) -> tuple[Record, ...]:
    bond = merges.bonds.get(command.merge)
    if bond is None or bond.side is not MergeSide.SURVIVOR:
        raise MergeUnknown
    if command.merge not in merges.inherited and not command.matters:
        return ()
    renewed = Record(MattersRenewed(merge=command.merge))
    return (renewed, *map(Record, command.matters))


def _release(command: ReleaseMatters, merges: Merges) -> tuple[Record, ...]:
    """Never while the merge is in force: what the other record forbids is ended there."""
    if command.merge in merges.bonds:
        raise MergeOpen(merge=command.merge)
    if command.merge not in merges.inherited:
        return ()
    return (Record(MattersRenewed(merge=command.merge)),)


def evolve(slice_: Merges, recorded: Recorded[Any]) -> Merges:
    """The merges after one more event."""
    match recorded.event:
        case MergeProposed() as event:
            proposal = Proposal(
                side=event.side,
                other=event.other,
                ground=event.ground,
                finding=event.finding,
                by=recorded.by,
                since=recorded.recorded_at,
            )
            return replace(slice_, proposed={**slice_.proposed, event.merge: proposal})
        case MergeApproved() as event:
            bond = Bond(
                merge=event.merge,
                side=event.side,
                other=event.other,
                version=recorded.version,
                since=recorded.recorded_at,
            )
            proposed = _without(slice_.proposed, event.merge)
            return replace(slice_, proposed=proposed, bonds={**slice_.bonds, event.merge: bond})
        case MergeRejected(merge=merge):
            proposed = _without(slice_.proposed, merge)
            return replace(slice_, proposed=proposed, settled=slice_.settled | {merge})
        case MergeReverted(merge=merge):
            return replace(
                slice_,
                bonds=_without(slice_.bonds, merge),
                settled=slice_.settled | {merge},
                inherited=_without(slice_.inherited, merge),
            )
        case MattersRenewed(merge=merge):
            return replace(slice_, inherited=_without(slice_.inherited, merge))
        case MatterInherited() | ConsentInherited() as event:
            more = inherited(slice_.inherited.get(event.merge, Inherited()), recorded)
            return replace(slice_, inherited={**slice_.inherited, event.merge: more})
        case _:
            return slice_


def _without(mapping: Mapping[UUID, Any], key: UUID) -> dict[UUID, Any]:
    return {one: value for one, value in mapping.items() if one != key}


MERGES = Concern(
    "merges",
    commands=(
        ProposeMerge,
        ApproveMerge,
        RejectMerge,
        RevertMerge,
        RenewMatters,
        ReleaseMatters,
    ),
    folds=(
        MergeProposed,
        MergeApproved,
        MergeRejected,
        MergeReverted,
        MatterInherited,
        ConsentInherited,
        MattersRenewed,
    ),
    initial=Merges(),
    decide=decide,
    evolve=evolve,
)
