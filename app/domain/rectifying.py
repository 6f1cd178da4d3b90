"""Inaccurate values replaced and incomplete ones completed, wherever they are held (Art. 16)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from app.domain.decider import Circumstances, Refusal
from app.domain.holdings import Held
from app.domain.identities import (
    Identifier,
    Lot,
    claim,
    identifying_kind,
    release,
    with_own_section,
)
from app.domain.purpose_limitation import category_named
from app.domain.suppressions import carried_over
from app.domain.values import normalise
from app.events.collections import DataCompleted, DataRectified
from app.events.identifiers import Verification
from app.events.recorded import Record, Section, Suppression
from app.policy.model import Source
from app.policy.vocabulary import IdentifierKind
from app.values import replace

if TYPE_CHECKING:
    from app.domain.subject import SubjectState

STATEMENT = "correspondence.statement"


class CategoryNotHeld(Refusal):
    """Nothing of this category is held, so nothing of it can be wrong or incomplete."""

    code = "category-not-held"
    rules = ("L6", "L47")


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """One corrected value, and the identifiers whose former value it replaces."""

    category: str
    value: str = field(repr=False)
    """Normalised."""
    former: Mapping[int, str] = field(repr=False)
    """Identifier -> the value that it leads by, normalised, of this category only."""
    source: Source
    verification: Verification | None = None
    occurred_at: datetime | None = None


def rectified(
    correction: Correction, state: "SubjectState", given: Circumstances, *, after: int
) -> tuple[Record, ...]:
    """The records of one correction; `after` is the version that they follow.

    Nothing, when every identifier to be replaced already has the corrected value.
    """
    active = state.identifiers.active
    replaced = {active[name]: value for name, value in correction.former.items() if name in active}
    if replaced and all(value == correction.value for value in replaced.values()):
        return ()
    only_additional = bool(replaced) and all(one.additional for one in replaced)
    held = () if only_additional else state.collections.of_category(correction.category)
    if not held and not replaced:
        raise CategoryNotHeld(category=correction.category)
    records = tuple(_correction(group, correction, given) for group in _groups(held))
    moved = _identifiers(correction, replaced, held, given, value_at=after + 1)
    first, *others = (*records, *moved)
    return (replace(first, suppressions=_carried_over(correction, state, given)), *others)


def completed(
    category: str,
    statement: str,
    *,
    source: Source,
    state: "SubjectState",
    given: Circumstances,
) -> tuple[Record, ...]:
    """The records of one supplementary statement on data of a category."""
    held = state.collections.of_category(category)
    if not held:
        raise CategoryNotHeld(category=category)
    text = normalise(category_named(STATEMENT, given.policy), statement)
    return tuple(
        _supplement(group, text, category=category, source=source, policy=given.policy.version)
        for group in _groups(held)
    )


def _groups(held: Iterable[Held]) -> tuple[tuple[Held, ...], ...]:
    """The values by what one event can carry: one occasion, and one bucket a retention class."""
    groups: list[list[Held]] = []
    for one in held:
        fitting = next((group for group in groups if _fits(one, group)), None)
        if fitting is None:
            groups.append([one])
        else:
            fitting.append(one)
    return tuple(map(tuple, groups))


def _fits(one: Held, group: list[Held]) -> bool:
    return all(
        one.occasion == other.occasion
        and (one.retention_class != other.retention_class or one.generation == other.generation)
        for other in group
    )


def _generations(group: Iterable[Held]) -> dict[str, str]:
    return {one.retention_class: one.generation for one in group}


def _correction(group: tuple[Held, ...], correction: Correction, given: Circumstances) -> Record:
    event = DataRectified(
        category=correction.category,
        source=correction.source.key,
        policy=given.policy.version,
        held={one.purpose: one.retention_class for one in group},
        generations=_generations(group),
        supersedes=tuple(sorted({one.version for one in group})),
        occasion=group[0].occasion,
    )
    sections = _same_in_each(group, {correction.category: correction.value})
    return Record(event, sections=sections, occurred_at=correction.occurred_at)


def _supplement(
    group: tuple[Held, ...], text: str, *, category: str, source: Source, policy: str
) -> Record:
    event = DataCompleted(
        category=category,
        source=source.key,
        policy=policy,
        held={one.purpose: one.retention_class for one in group},
        generations=_generations(group),
        supplements=tuple(sorted({one.version for one in group})),
        occasion=group[0].occasion,
    )
    return Record(event, sections=_same_in_each(group, {STATEMENT: text}))


def _same_in_each(group: Iterable[Held], personal: Mapping[str, str]) -> tuple[Section, ...]:
    return tuple(
        Section(retention_class, generation, personal)
        for retention_class, generation in _generations(group).items()
    )


def _identifiers(
    correction: Correction,
    replaced: Mapping[Identifier, str],
    held: tuple[Held, ...],
    given: Circumstances,
    *,
    value_at: int,
) -> tuple[Record, ...]:
    released = tuple(
        release(one, value, correction.occurred_at)
        for one, value in replaced.items()
        if value != correction.value
    )
    kind = identifying_kind(correction.category, correction.value, given.policy)
    if kind is None or correction.value in replaced.values():
        return released
    taken = _lot(held[0] if held else next(iter(replaced)), correction, given.policy.version)
    record = claim(
        kind,
        correction.category,
        correction.value,
        taken,
        value_at=value_at if held else value_at + len(released),
        verification=correction.verification,
        occurred_at=correction.occurred_at,
    )
    return (*released, record if held else with_own_section(record))


def _lot(like: Held | Identifier, correction: Correction, policy: str) -> Lot:
    return Lot(
        purpose=like.purpose,
        basis=like.basis,
        source=correction.source.key,
        policy=policy,
        retention_class=like.retention_class,
        generation=like.generation,
    )


def _carried_over(
    correction: Correction, state: "SubjectState", given: Circumstances
) -> tuple[Suppression, ...]:
    """What the person's addresses are suppressed for, for the new address too (C7)."""
    category = category_named(correction.category, given.policy)
    if category.identifier_kind is not IdentifierKind.EMAIL:
        return ()
    return carried_over(state.suppressions, correction.value)
