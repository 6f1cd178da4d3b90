"""Legal holds on a person: nothing that they name is erased or expires (Art. 17(3); L63)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias, assert_never
from uuid import UUID

from app.domain.concern import Concern
from app.domain.decider import Circumstances
from app.domain.occasions import Hold, classes_named, hold_of, released
from app.domain.purpose_limitation import source_named
from app.events.holds import HoldGround, LegalHoldPlaced, LegalHoldReleased
from app.events.recorded import Record, Recorded

if TYPE_CHECKING:
    from app.domain.subject import SubjectState


@dataclass(frozen=True, slots=True)
class Holds:
    """The holds on one person alone."""

    active: Mapping[UUID, Hold] = field(default_factory=dict)
    released: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceHold:
    """Keep material of a person until further notice."""

    hold: UUID
    ground: HoldGround
    source: str
    retention_classes: frozenset[str] = frozenset()
    """Empty: every one."""
    occasion: UUID | None = None
    """Only what was obtained at this occasion."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseHold:
    """End a hold."""

    hold: UUID


Command: TypeAlias = PlaceHold | ReleaseHold


def decide(command: Command, state: "SubjectState", given: Circumstances) -> tuple[Record, ...]:
    """The record of a hold or of its end; the same again makes none."""
    known = state.holds
    match command:
        case PlaceHold():
            if command.hold in known.active or command.hold in known.released:
                return ()
            event = LegalHoldPlaced(
                hold=command.hold,
                ground=command.ground,
                retention_classes=classes_named(command.retention_classes, given.policy),
                occasion=command.occasion,
                source=source_named(command.source, given.policy).key,
            )
            return (Record(event),)
        case ReleaseHold(hold=hold):
            return released(hold, known.active, known.released)
        case _:
            assert_never(command)


def holding(
    retention_class: str,
    occasions: Iterable[UUID | None],
    state: "SubjectState",
    given: Circumstances,
) -> Iterator[UUID]:
    """The holds in force on material of a class, of the person and of the occasions (L63, L64)."""
    every = {**given.control.occasions.holds, **state.holds.active}
    named = tuple(occasions) or (None,)
    return (
        key for key, one in every.items() if any(one.holds(retention_class, at) for at in named)
    )


def evolve(slice_: Holds, recorded: Recorded[Any]) -> Holds:
    """The holds after one more event."""
    event: LegalHoldPlaced | LegalHoldReleased = recorded.event
    if isinstance(event, LegalHoldPlaced):
        return Holds({**slice_.active, event.hold: hold_of(event)}, slice_.released)
    left = {key: one for key, one in slice_.active.items() if key != event.hold}
    return Holds(left, slice_.released | {event.hold})


HOLDS = Concern(
    "holds",
    commands=(PlaceHold, ReleaseHold),
    folds=(LegalHoldPlaced, LegalHoldReleased),
    initial=Holds(),
    decide=decide,
    evolve=evolve,
)
