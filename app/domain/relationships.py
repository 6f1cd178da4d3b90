"""How a person deals with the controller; retention waits while they take part (C2, C32)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias, assert_never
from uuid import UUID

from app.domain.concern import Concern
from app.domain.decider import Circumstances, Refusal
from app.events.recorded import Record, Recorded
from app.events.relationships import RelationshipEnded, RelationshipStarted

if TYPE_CHECKING:
    from app.domain.subject import SubjectState

Bond: TypeAlias = tuple[str, UUID | None, UUID | None]
"""Kind, organisation, occasion: what tells two relationships of one person apart."""


@dataclass(frozen=True, slots=True)
class Relationships:
    """The relationships of a person, and when each began or ended."""

    ongoing: Mapping[Bond, datetime] = field(default_factory=dict)
    """Bond -> since when."""
    ended: Mapping[Bond, datetime] = field(default_factory=dict)
    """Bond -> when it ended last; one that began anew is not here."""

    @property
    def participating(self) -> bool:
        """Whether any relationship lasts: the retention clock stands still (L40)."""
        return bool(self.ongoing)

    @property
    def participation_ended_at(self) -> datetime | None:
        """From when the period of the policy is counted; None while taking part, or never (L40)."""
        return None if self.ongoing else max(self.ended.values(), default=None)

    @property
    def last_ended_at(self) -> datetime | None:
        """When the latest ended relationship ended, whatever still lasts."""
        return max(self.ended.values(), default=None)

    def kinds(self) -> frozenset[str]:
        """The kinds of the relationships that last."""
        return frozenset(kind for kind, _, _ in self.ongoing)


@dataclass(frozen=True, slots=True, kw_only=True)
class StartRelationship:
    """A person becomes a member, a participant, an attendee ..."""

    kind: str
    organisation: UUID | None = None
    """The organisation through which; a random id of it, no name (C3, C11)."""
    occasion: UUID | None = None
    """The project, meeting or trip (C26)."""
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndRelationship:
    """A person takes part no longer."""

    kind: str
    organisation: UUID | None = None
    occasion: UUID | None = None
    occurred_at: datetime | None = None


Command: TypeAlias = StartRelationship | EndRelationship


class RelationshipUnknown(Refusal):
    """The policy names no such kind of relationship, or the person never had it."""

    code = "relationship-unknown"
    rules = ("C2",)


def decide(command: Command, state: "SubjectState", given: Circumstances) -> tuple[Record, ...]:
    """The records that a beginning or an end makes; none when it is on record already."""
    bond = (command.kind, command.organisation, command.occasion)
    known = state.relationships
    match command:
        case StartRelationship():
            return () if bond in known.ongoing else (started(command, given),)
        case EndRelationship() if bond in known.ongoing:
            return (_ended(command),)
        case EndRelationship() if bond in known.ended:
            return ()
        case EndRelationship():
            raise RelationshipUnknown
        case _:
            assert_never(command)


def started(command: StartRelationship, given: Circumstances) -> Record:
    """The record of a beginning."""
    if command.kind not in given.policy.relationships:
        raise RelationshipUnknown
    event = RelationshipStarted(
        kind=command.kind,
        organisation=command.organisation,
        occasion=command.occasion,
        policy=given.policy.version,
    )
    return Record(event, occurred_at=command.occurred_at)


def _ended(command: EndRelationship) -> Record:
    event = RelationshipEnded(
        kind=command.kind, organisation=command.organisation, occasion=command.occasion
    )
    return Record(event, occurred_at=command.occurred_at)


def evolve(slice_: Relationships, recorded: Recorded[Any]) -> Relationships:
    """The relationships after one more event."""
    event: RelationshipStarted | RelationshipEnded = recorded.event
    bond = (event.kind, event.organisation, event.occasion)
    if isinstance(event, RelationshipStarted):
        ended = {other: at for other, at in slice_.ended.items() if other != bond}
        return Relationships({**slice_.ongoing, bond: recorded.happened_at}, ended)
    ongoing = {other: at for other, at in slice_.ongoing.items() if other != bond}
    return Relationships(ongoing, {**slice_.ended, bond: recorded.happened_at})


RELATIONSHIPS = Concern(
    "relationships",
    commands=(StartRelationship, EndRelationship),
    folds=(RelationshipStarted, RelationshipEnded),
    initial=Relationships(),
    decide=decide,
    evolve=evolve,
)
