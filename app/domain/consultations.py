"""What may be read for which purpose, and the record of who read it (Art. 5(1)(b) and (2); L3).

Every reading about one person names a purpose of the register, and leaves an event:

- values that were sealed are shown only for a purpose that they are held for (`RecordConsultation`;
  `RecordRefusedConsultation` when they are not);
- what the record says without a value (which events, consents, disclosures, objections and
  restrictions there are) is kept to show that the law was kept, which every purpose of the register
  is bound by: it may be read for any of them (`RecordInspection`), for nothing else;
- what answers a right of the person is read for that alone, and the operation itself says so
  (`RecordRightsAnswer`), and so it is with the address to which a breach is told
  (`RecordBreachAddress`): neither an objection nor a restriction stands in the way (Art. 34; L53).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias, assert_never

from app.domain.concern import Concern
from app.domain.decider import Circumstances, Refusal
from app.domain.inheritance import as_one
from app.domain.purpose_limitation import category_named, purpose_named
from app.domain.restrictions import SubjectRestricted
from app.events.consultations import ConsultationRecorded, ConsultationRefused
from app.events.recorded import Record, Recorded
from app.policy.own_names import BREACHES, RIGHTS
from app.policy.vocabulary import FieldClass
from app.values import Value

if TYPE_CHECKING:
    from app.domain.subject import SubjectState


class Consultations(Value, frozen=True):
    """How often a person's data were read; the entries themselves say by whom and for what."""

    recorded: int = 0
    refused: int = 0
    last_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordConsultation:
    """Somebody reads categories of a person's data for a purpose; who it is stands in the entry."""

    purpose: str
    categories: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRefusedConsultation:
    """Somebody asked to read for a purpose that does not allow it, and was refused."""

    purpose: str
    categories: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordInspection:
    """Somebody reads what the record says about a person, and no value of theirs."""

    purpose: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRightsAnswer:
    """The person is given what is held about them: a right reaches every purpose (Arts. 15, 20)."""

    categories: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordBreachAddress:
    """The addresses of a person are read to tell them of a breach (Art. 34(1))."""

    categories: frozenset[str]


Command: TypeAlias = (
    RecordConsultation
    | RecordRefusedConsultation
    | RecordInspection
    | RecordRightsAnswer
    | RecordBreachAddress
)


class PurposeNotAllowed(Refusal):
    """The data are held for other purposes than the one named (Art. 5(1)(b))."""

    code = "purpose-not-allowed"
    rules = ("L3", "C12")


def readable(state: "SubjectState", purpose: str, given: Circumstances) -> frozenset[str]:
    """The categories of this person's data that may be read for a purpose.

    They must be held for it, or for the purpose that it narrows, and be on its allow-list.
    """
    named = purpose_named(purpose, given.policy)
    lineage = given.policy.lineage(purpose)
    held = {one.category for one in state.collections.current() if one.purpose in lineage}
    files = {one.category for one in state.files.references.values() if one.purpose in lineage}
    identifying = {
        one.category for one in state.identifiers.active.values() if one.purpose in lineage
    }
    return named.categories & (held | files | identifying)


def check_readable(
    state: "SubjectState", purpose: str, categories: Iterable[str], given: Circumstances
) -> None:
    """Refuses a reading of which any category is not held for the purpose."""
    allowed = readable(state, purpose, given)
    if not allowed.issuperset(categories):
        raise PurposeNotAllowed(purpose=purpose)


def check_unrestricted(state: "SubjectState", purpose: str, given: Circumstances) -> None:
    """Refuses to read restricted data for a purpose of the controller's own (Art. 18(2), L42).

    What the law itself demands, such as answering a request, goes on. A restriction of one record
    of a merged person is one of each.
    """
    if purpose in given.policy.statutory:
        return
    lineage = given.policy.lineage(purpose)
    for restriction in as_one(state).restrictions.active.values():
        if restriction.scope.covers(lineage, None, frozenset()):
            raise SubjectRestricted(ground=restriction.ground.value)


def consulted(purpose: str, categories: Iterable[str], given: Circumstances) -> Record:
    """The record of a reading that was found to be allowed: for pages of many people."""
    named = purpose_named(purpose, given.policy)
    event = ConsultationRecorded(
        purpose=named.key,
        field_classes=_field_classes(categories, given),
        categories=tuple(sorted(categories)),
    )
    return Record(event)


def decide(command: Command, state: "SubjectState", given: Circumstances) -> tuple[Record, ...]:
    """The record of a reading, or of the refusal of one."""
    named = purpose_named(_purpose(command), given.policy)
    if isinstance(command, RecordInspection):
        return (Record(ConsultationRecorded(purpose=named.key, field_classes=(), categories=())),)
    match command:
        case RecordConsultation() if not command.categories:
            return ()
        case RecordConsultation():
            check_readable(state, named.key, command.categories, given)
            return (consulted(named.key, command.categories, given),)
        case RecordRightsAnswer() | RecordBreachAddress():
            return (consulted(named.key, command.categories, given),)
        case RecordRefusedConsultation():
            refused = ConsultationRefused(
                purpose=named.key,
                field_classes=_field_classes(command.categories, given),
                categories=tuple(sorted(command.categories)),
            )
            return (Record(refused),)
        case _:
            assert_never(command)


def _purpose(command: Command) -> str:
    match command:
        case RecordRightsAnswer():
            return RIGHTS
        case RecordBreachAddress():
            return BREACHES
        case _:
            return command.purpose


def _field_classes(categories: Iterable[str], given: Circumstances) -> tuple[FieldClass, ...]:
    named = {category_named(category, given.policy).field_class for category in categories}
    return tuple(sorted(named))


def evolve(slice_: Consultations, recorded: Recorded[Any]) -> Consultations:
    """The consultations after one more event."""
    refused = isinstance(recorded.event, ConsultationRefused)
    return Consultations(
        recorded=slice_.recorded + (not refused),
        refused=slice_.refused + refused,
        last_at=recorded.recorded_at,
    )


CONSULTATIONS = Concern(
    "consultations",
    commands=(
        RecordConsultation,
        RecordRefusedConsultation,
        RecordInspection,
        RecordRightsAnswer,
        RecordBreachAddress,
    ),
    folds=(ConsultationRecorded, ConsultationRefused),
    initial=Consultations(),
    decide=decide,
    evolve=evolve,
)
