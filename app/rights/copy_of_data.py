"""The copy of everything that the ledger holds about a person, value by value (Art. 15(3); L33)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias

from app.domain.holdings import Held
from app.events.erasures import SectionsResealed
from app.events.recorded import Recorded
from app.rights.lost_sections import lost_sections
from app.rights.person import Person, Place
from app.values import Confidential
from app.vault.sealing import Erased, NeverSealed, Sealed

Slot: TypeAlias = tuple[int, str, str]
"""Version, retention class, category: where one value lies."""


class CopiedValue(Confidential, frozen=True, kw_only=True):
    """One value with the event that recorded it."""

    CONFIDENTIAL = ("value",)

    category: str
    value: str
    place: Place
    """The section in which it lies now."""
    recorded: Recorded[Any]
    """The event by which it came in, also where it was sealed anew since."""
    uses: tuple[Held, ...] = ()
    """Why it is, or was, held: current and superseded uses. None for letters and proofs."""
    completes: tuple[str, ...] = ()
    """The categories that a supplementary statement completes (L47)."""

    @property
    def retention_class(self) -> str:
        """How long it is kept, by key of the policy."""
        return self.place[1]

    @property
    def status(self) -> str:
        """`in_use`, `superseded` (kept as history, used for nothing: L6) or `on_record`."""
        for one in self.uses:
            if one.superseded_at is None:
                return "in_use"
        return "superseded" if self.uses else "on_record"


@dataclass(frozen=True, slots=True)
class Copy:
    """Every value that can be opened, and each section that cannot."""

    values: tuple[CopiedValue, ...]
    erased: tuple[Place, ...]
    lost: Mapping[Place, date]
    """What nobody can read any more though no rule erased it, and since when that is known."""
    unreadable: tuple[Place, ...]
    """Not erased, yet not to be opened now: the copy is incomplete, and says so."""

    @property
    def categories(self) -> frozenset[str]:
        """The categories that the copy shows."""
        return frozenset(one.category for one in self.values)


def copy_of(person: Person) -> Copy:
    """The copy as of the person's cut; what was erased since is not in it."""
    uses, statements = _uses(person), _statements(person)
    moved = {
        (event.origin, event.retention_class): frozenset(event.categories)
        for event in (recorded.event for recorded in person.of(SectionsResealed))
    }
    values: list[CopiedValue] = []
    lost = lost_sections(person)
    erased: list[Place] = []
    unreadable: list[Place] = []
    for recorded in person.events:
        for seal in recorded.seals:
            place = (recorded.version, seal.retention_class)
            match person.open(*place):
                case Sealed(personal=personal):
                    first, completes = _first(recorded, person), statements.get(place, ())
                    for category in sorted(personal.keys() - moved.get(place, frozenset())):
                        value = CopiedValue(
                            category=category,
                            value=personal[category],
                            place=place,
                            recorded=first,
                            uses=uses.get((*place, category), ()),
                            completes=completes,
                        )
                        values.append(value)
                case Erased() | NeverSealed():
                    if place not in lost:
                        erased.append(place)
                case _:
                    unreadable.append(place)
    return Copy(tuple(values), tuple(erased), lost, tuple(unreadable))


def _uses(person: Person) -> Mapping[Slot, tuple[Held, ...]]:
    found: dict[Slot, tuple[Held, ...]] = {}
    for held in _held(person):
        slot = (held.version, held.retention_class, held.category)
        found[slot] = (*found[slot], held) if slot in found else (held,)
    return found


def _statements(person: Person) -> Mapping[Place, tuple[str, ...]]:
    found: dict[Place, tuple[str, ...]] = {}
    for held in _held(person):
        for statement in held.statements:
            place = (statement.version, statement.retention_class)
            if held.category not in found.get(place, ()):
                found[place] = (*found.get(place, ()), held.category)
    return found


def _held(person: Person) -> Iterator[Held]:
    for held in person.state.collections.held.values():
        yield from held.history()


def _first(recorded: Recorded[Any], person: Person) -> Recorded[Any]:
    """The event whose section was sealed anew, however often."""
    while isinstance(recorded.event, SectionsResealed):
        recorded = person.stream.events[recorded.event.origin - person.stream.events[0].version]
    return recorded
