"""Which links of a person still work: revoking raises the serial that they must carry (C73)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from app.domain.concern import Concern
from app.domain.decider import Circumstances
from app.events.links import LinksRevoked
from app.events.recorded import Record, Recorded

if TYPE_CHECKING:
    from app.domain.subject import SubjectState


@dataclass(frozen=True, slots=True)
class Links:
    """The serial that a link must carry at least."""

    serial: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeLinks:
    """Links got into wrong hands, or the person wants them to end."""


Command: TypeAlias = RevokeLinks


def decide(_command: Command, state: "SubjectState", _given: Circumstances) -> tuple[Record, ...]:
    """The record that ends every link given so far."""
    return (Record(LinksRevoked(serial=state.links.serial + 1)),)


def evolve(_slice: Links, recorded: Recorded[Any]) -> Links:
    """The lowest serial after one more event."""
    event: LinksRevoked = recorded.event
    return Links(event.serial)


LINKS = Concern(
    "links",
    commands=(RevokeLinks,),
    folds=(LinksRevoked,),
    initial=Links(),
    decide=decide,
    evolve=evolve,
)
