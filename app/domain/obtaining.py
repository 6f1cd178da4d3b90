"""Data on their way into a person's record: checked, normalised, split by class (Art. 5)."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from app.domain.days import day_of
from app.domain.decider import Circumstances
from app.domain.generations import generation
from app.domain.identities import Lot, claim, identifying_kind
from app.domain.purpose_limitation import admit_held, category_named, purpose_named
from app.domain.values import normalised
from app.events.collections import DataCollected
from app.events.identifiers import Verification
from app.events.recorded import Record, Section
from app.policy.model import Policy, Purpose, Source
from app.policy.vocabulary import IdentifierKind
from app.values import Confidential, Value

if TYPE_CHECKING:
    from app.domain.subject import SubjectState


class Obtained(Confidential, frozen=True, kw_only=True):
    """Values of one person for one purpose."""

    CONFIDENTIAL = ("personal",)

    purpose: str
    personal: Mapping[str, str]
    """Data category -> value, as given."""
    occasion: UUID | None = None


class Provenance(Value, frozen=True, kw_only=True):
    """Where values come from and how to read them."""

    source: Source
    flags: frozenset[str] = frozenset()
    """What the source declares of itself, such as `collects_ip` for a questionnaire (C20)."""
    region: str | None = None
    """ISO 3166 alpha-2: how telephone numbers in national form are read (C8)."""
    occurred_at: datetime | None = None


class Admitted(Confidential, frozen=True):
    """Values that may be kept, in the form in which they are kept."""

    CONFIDENTIAL = ("personal",)

    purpose: Purpose
    personal: Mapping[str, str]
    dropped: int
    occasion: UUID | None


def admitted(obtained: Obtained, provenance: Provenance, given: Circumstances) -> Admitted:
    """The values, checked by the policy; what lacks its source's flag is dropped and counted."""
    purpose = purpose_named(obtained.purpose, given.policy)
    kept = {
        key: value
        for key, value in obtained.personal.items()
        if _flagged(key, provenance.flags, given.policy)
    }
    admit_held(kept, purpose, given)
    personal = normalised(kept, given.policy, region=provenance.region)
    return Admitted(purpose, personal, len(obtained.personal) - len(kept), obtained.occasion)


def _flagged(category: str, flags: Collection[str], policy: Policy) -> bool:
    required = category_named(category, policy).requires_flag
    return required is None or required in flags


def closed(
    purpose: str, suppressed_for: Collection[str], state: "SubjectState", given: Circumstances
) -> bool:
    """Whether nothing is collected for a purpose: it is suppressed and no consent opened it."""
    return any(
        key in suppressed_for
        and (key in state.suppressions.purposes or state.consents.of(key).proof is None)
        for key in given.policy.lineage(purpose)
    )


def collected(values: Admitted, provenance: Provenance, given: Circumstances) -> Record:
    """The record of one collection: one section for each retention class."""
    purpose, policy = values.purpose, given.policy
    held = {category: purpose.retention_class(category) for category in values.personal}
    on = day_of(provenance.occurred_at or given.now, given)
    generations = {
        retention_class: generation(retention_class, policy, on=on, occasion=values.occasion)
        for retention_class in held.values()
    }
    event = DataCollected(
        purpose=purpose.key,
        basis=purpose.legal_basis,
        source=provenance.source.key,
        origin=provenance.source.origin,
        policy=policy.version,
        held=held,
        generations=generations,
        occasion=values.occasion,
        dropped=values.dropped,
    )
    return Record(
        event,
        sections=sections(values.personal, held, generations),
        occurred_at=provenance.occurred_at,
    )


def sections(
    personal: Mapping[str, str], held: Mapping[str, str], generations: Mapping[str, str]
) -> tuple[Section, ...]:
    """The values by retention class; `held` says which class each category has."""
    by_class: dict[str, dict[str, str]] = {}
    for category, retention_class in held.items():
        by_class.setdefault(retention_class, {})[category] = personal[category]
    return tuple(
        Section(retention_class, generations[retention_class], values)
        for retention_class, values in by_class.items()
    )


def claims(
    collections: Iterable[tuple[int, Record]],
    given: Circumstances,
    *,
    known: Collection[str] = (),
    verification: Verification | None = None,
) -> tuple[Record, ...]:
    """One record for each new identifier that collections, with their versions, bring.

    `known` are categories whose value already leads to somebody; `verification` says how the
    source saw that the person controls the values.
    """
    records: dict[tuple[str, str], Record] = {}
    for version, record in collections:
        for section in record.sections:
            lot = _lot(record.event, section)
            for category, value in section.personal.items():
                kind = identifying_kind(category, value, given.policy)
                if kind is not None and category not in known and (kind, value) not in records:
                    records[kind, value] = claim(
                        kind,
                        category,
                        value,
                        lot,
                        value_at=version,
                        verification=verification,
                        occurred_at=record.occurred_at,
                    )
    return tuple(records.values())


def addresses_in(records: Iterable[Record]) -> tuple[str, ...]:
    """The e-mail addresses that the records claim."""
    return tuple(
        one.value for record in records for one in record.claims if one.kind == IdentifierKind.EMAIL
    )


def _lot(event: DataCollected, section: Section) -> Lot:
    return Lot(
        purpose=event.purpose,
        basis=event.basis,
        source=event.source,
        policy=event.policy,
        retention_class=section.retention_class,
        generation=section.generation,
    )
