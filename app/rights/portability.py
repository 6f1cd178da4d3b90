"""The data that a person takes along, structured and with its provenance (Art. 20; L35, C68).

Two profiles: `legal` is what Art. 20 itself grants, data that the person provided on consent or
contract; `promised` is what the policy promises, everything in use (X10). What a package holds
follows from the state alone: whoever gets it, and whenever, gets the same.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias
from uuid import UUID

import msgspec

from app.domain.consultations import RecordRightsAnswer
from app.domain.decider import Circumstances
from app.domain.evidence import EVIDENCE
from app.domain.files import TITLE
from app.domain.holdings import Held
from app.domain.objections import Status
from app.events.collections import DataCollected, DataCompleted, DataRectified
from app.events.erasures import ErasureExecuted
from app.events.files import FileReferenced
from app.events.merges import MergeApproved, MergeReverted
from app.events.objections import (
    ObjectionGranted,
    ObjectionOverridden,
    ObjectionRaised,
    ObjectionWithdrawn,
)
from app.events.recorded import Recorded
from app.events.relationships import RelationshipEnded, RelationshipStarted
from app.events.restrictions import AccuracyDisputed, RestrictionLifted, RestrictionSet
from app.events.retention import RetentionExecuted
from app.events.subjects import SubjectRegistered
from app.events.transmissions import Profile
from app.ledger import Ledger
from app.policy.vocabulary import PORTABLE_BASES, LegalBasis, SourceOrigin
from app.receipts import Attribution
from app.rights.consent_history import CONSENT_EVENTS, consents_value
from app.rights.copy_of_data import CopiedValue, Copy, copy_of
from app.rights.merged import other_packages
from app.rights.person import Person, read_person
from app.rights.portability_schema import SCHEMA, SCHEMA_PATH

Value: TypeAlias = dict[str, Any]  # Any: a JSON value

CANONICAL: Final = msgspec.json.Encoder(order="sorted", uuid_format="canonical")
"""RFC 8785 for what a package holds: strings, whole numbers, null, keys in ASCII."""

_TELLING = (
    *(SubjectRegistered, DataCollected, DataRectified, DataCompleted, FileReferenced),
    *(*CONSENT_EVENTS, ErasureExecuted, RetentionExecuted),
    *(RelationshipStarted, RelationshipEnded, MergeApproved, MergeReverted),
    *(ObjectionRaised, ObjectionGranted, ObjectionOverridden, ObjectionWithdrawn),
    *(RestrictionSet, AccuracyDisputed, RestrictionLifted),
)
"""Whatever can change a package: who read the data, or asked for them, does not."""


def granted(basis: LegalBasis, origin: SourceOrigin) -> bool:
    """Whether Art. 20(1) itself reaches a value: on consent or contract, from the person."""
    return basis in PORTABLE_BASES and origin is SourceOrigin.SUBJECT


@dataclass(frozen=True, slots=True)
class Portable:
    """What a package is made of."""

    person: Person
    given: Circumstances
    profile: Profile
    value: Value = field(repr=False)
    """The package as JSON values, as its schema says."""


async def portable(
    ledger: Ledger, subject_id: UUID, profile: Profile, attribution: Attribution
) -> Portable:
    """What the person takes along, after recording that it was made ready.

    Raises SubjectUnknown, SubjectErased.
    """
    person = await read_person(ledger.store, subject_id)
    rules = await ledger.rules()
    copy = copy_of(person)
    given = rules.at(ledger.clock())
    shown = {key for part in parts(person, copy, profile).values() for key in _categories(part)}
    known = frozenset(shown & rules.policy.categories.keys())
    await ledger.execute(subject_id, RecordRightsAnswer(categories=known), attribution)
    return Portable(person, given, profile, package_of(person, copy, profile, given))


def package_of(person: Person, copy: Copy, profile: Profile, given: Circumstances) -> Value:
    """The package as JSON values; the manifest has the SHA-256 of each part in canonical JSON."""
    controller, last = given.policy.controller, _last_telling(person)
    told = {
        **parts(person, copy, profile),
        **_consents(person, copy, profile, given),
        "relationships": list(_relationships(person)) if profile is Profile.PROMISED else [],
        "objections": list(_objections(person)),
        "restrictions": list(_restrictions(person)),
    }
    return {
        "package": "portability",
        "article": "Art. 20 GDPR",
        "profile": profile.value,
        "schema": {"path": SCHEMA_PATH, "sha256": digest(SCHEMA)},
        "subject_id": person.subject_id,
        "as_of": last.recorded_at,
        "position": last.position,
        "policy": given.policy.version,
        "controller": {"name": controller.name, "email": controller.email},
        "other_records": other_packages(person.state),
        **told,
        "manifest": [
            {"part": name, "count": len(part), "sha256": digest(part)}
            for name, part in told.items()
        ],
    }


def parts(person: Person, copy: Copy, profile: Profile) -> dict[str, list[Value]]:
    """Values, files and supplementary statements; what anybody inferred or decided is in none."""
    return {
        "data": [
            _value(copied, held)
            for copied in copy.values
            for held in copied.uses
            if held.superseded_at is None
            and (profile is Profile.PROMISED or granted(held.basis, held.origin))
        ],
        "files": list(_files(person, copy, profile)),
        "statements": [
            {
                "completes": list(copied.completes),
                "category": copied.category,
                "text": copied.value,
                "since": copied.recorded.happened_at,
            }
            for copied in copy.values
            if copied.completes and profile is Profile.PROMISED
        ],
    }


def _relationships(person: Person) -> Iterator[Value]:
    """How the person takes or took part; Art. 20 reaches none of it, the promise does (C68)."""
    known = person.state.relationships
    for bond in dict.fromkeys((*known.ongoing, *known.ended)):
        kind, organisation, occasion = bond
        yield {
            "kind": kind,
            "organisation": organisation,
            "occasion": occasion,
            "since": known.ongoing.get(bond),
            "ended_at": known.ended.get(bond),
        }


def _objections(person: Person) -> Iterator[Value]:
    """What the person objects to, pending or granted: whoever takes the data takes the no along."""
    known = person.state.objections.by_id
    for recorded in person.events:
        event = recorded.event
        if not isinstance(event, ObjectionRaised):
            continue
        status = known[event.objection].status
        if status in (Status.PENDING, Status.GRANTED):
            yield {
                "purpose": event.purpose,
                "recipient": event.recipient,
                "cause": event.cause.value,
                "source": event.source,
                "since": recorded.happened_at,
                "status": status.value,
            }


def _restrictions(person: Person) -> Iterator[Value]:
    """What rests for another reason than an objection, which is a restriction by itself."""
    active = person.state.restrictions.active
    for recorded in person.events:
        event = recorded.event
        if isinstance(event, RestrictionSet | AccuracyDisputed) and event.restriction in active:
            restriction = active[event.restriction]
            yield {
                "ground": restriction.ground.value,
                "purpose": restriction.scope.purpose,
                "categories": sorted(restriction.scope.categories),
                "source": event.source,
                "since": recorded.happened_at,
            }


def digest(value: object) -> str:
    """SHA-256 of the canonical JSON, in hex."""
    return hashlib.sha256(CANONICAL.encode(value)).hexdigest()


def _last_telling(person: Person) -> Recorded[Any]:
    """The last event that changed what a package holds; the first one in any case."""
    telling = (one for one in reversed(person.events) if isinstance(one.event, _TELLING))
    return next(telling, person.events[0])


def _consents(
    person: Person, copy: Copy, profile: Profile, given: Circumstances
) -> dict[str, list[Value]]:
    """Every consent with its history; where its evidence is kept is promised, not granted by law.

    With the evidence a consent can be shown elsewhere; without it, it is but a claim (L16).
    """
    told = consents_value(person, given.policy)
    shown = profile is Profile.PROMISED
    evidence = {
        one.recorded.version: one.value for one in copy.values if shown and one.category == EVIDENCE
    }
    proofs = person.state.consents.transfers.values()
    return {
        "consents": [_evidenced(consent, evidence) for consent in told["consents"]],
        "transfers": [
            {**transfer, "evidence": evidence.get(proof.version)}
            for transfer, proof in zip(told["transfers"], proofs, strict=True)
        ],
    }


def _evidenced(consent: Value, evidence: Mapping[int, str]) -> Value:
    history = [{**step, "evidence": evidence.get(step["version"])} for step in consent["history"]]
    return {**consent, "history": history}


def _value(copied: CopiedValue, held: Held) -> Value:
    return {
        "category": copied.category,
        "value": copied.value,
        "purpose": held.purpose,
        "basis": held.basis.value,
        "source": held.source,
        "origin": held.origin.value,
        "since": held.since,
        "policy": held.policy,
        "occasion": held.occasion,
    }


def _files(person: Person, copy: Copy, profile: Profile) -> Iterator[Value]:
    titles = {one.place: one for one in copy.values if one.category == TITLE}
    for file in person.state.files.references.values():
        title = titles.get((file.version, file.retention_class))
        if title is None:
            continue
        event = title.recorded.event
        if profile is Profile.PROMISED or granted(event.basis, event.origin):
            yield {
                "system": file.system,
                "title": title.value,
                "date": file.since,
                "category": file.category,
                "purpose": file.purpose,
                "basis": event.basis.value,
                "source": event.source,
                "origin": event.origin.value,
            }


def _categories(part: list[Value]) -> Iterator[str]:
    return (one["category"] for one in part)
