"""What is held about a person, now or earlier, field by field, for one purpose (L3, L6)."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from app.domain.consultations import readable
from app.domain.decider import Circumstances
from app.domain.holdings import Held
from app.domain.subject import SubjectState
from app.policy.vocabulary import FieldClass
from app.rights.lost_sections import LostSections, lost_sections_of
from app.rights.person import Person, Place
from app.vault.sealing import Erased, Opened, Sealed


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileField:
    """One value with why it may be held. ``value`` is None when it cannot be shown."""

    category: str
    field_class: FieldClass
    value: str | None = field(repr=False)
    state: str
    """`held`, `erased`, `lost` (its key was given up) or `unavailable`."""
    purpose: str
    basis: str
    source: str
    origin: str
    since: datetime
    retention_class: str
    occasion: UUID | None
    policy: str
    rectified: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The fields that a purpose may see, and the state they come from."""

    state: SubjectState
    fields: tuple[ProfileField, ...]

    @property
    def categories(self) -> frozenset[str]:
        """The categories whose values are shown."""
        return frozenset(one.category for one in self.fields if one.value is not None)


def profile(person: Person, purpose: str, given: Circumstances) -> Profile:
    """The value of every category that may be read for the purpose, at the person's cut."""
    state = person.state
    allowed = readable(state, purpose, given)
    lineage = given.policy.lineage(purpose)
    lost = lost_sections_of(person)
    fields = tuple(
        _field(person, held, lost, given)
        for held in state.collections.current()
        if held.category in allowed and held.purpose in lineage
    )
    return Profile(state=state, fields=fields)


def _field(person: Person, held: Held, lost: LostSections, given: Circumstances) -> ProfileField:
    category = given.policy.categories[held.category]
    place = (held.version, held.retention_class)
    opened = person.open(*place)
    value = opened.personal.get(held.category) if isinstance(opened, Sealed) else None
    return ProfileField(
        category=held.category,
        field_class=category.field_class,
        value=value,
        state=_state(opened, place, lost),
        purpose=held.purpose,
        basis=held.basis.value,
        source=held.source,
        origin=held.origin.value,
        since=held.since,
        retention_class=held.retention_class,
        occasion=held.occasion,
        policy=held.policy,
        rectified=held.rectified,
    )


def _state(opened: Opened, place: Place, lost: LostSections) -> str:
    match opened:
        case Sealed():
            return "held"
        case Erased():
            return "lost" if place in lost() else "erased"
        case _:
            return "unavailable"
