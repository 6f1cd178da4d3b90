"""A consent as ISO/IEC TS 27560:2023 receipt and records, in the terms of W3C DPV 2.3 (JSON-LD)."""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final, TypeAlias
from uuid import UUID

from app.clock import random_id
from app.domain.consents import NeverConsented
from app.domain.decider import Circumstances
from app.domain.purpose_limitation import purpose_named
from app.events.consents import (
    ConsentConfirmed,
    ConsentExpired,
    ConsentGiven,
    ConsentRequested,
    ConsentUnproven,
    ConsentWithdrawn,
    TransferConsentGiven,
)
from app.events.recorded import Recorded
from app.policy.model import Policy, Purpose, Recipient
from app.policy.vocabulary import RecipientRole
from app.rights.consent_history import CONSENT_EVENTS, consent_events
from app.rights.person import Person

MEDIA_TYPE: Final = "application/ld+json"

Value: TypeAlias = dict[str, Any]  # Any: a JSON value
Step: TypeAlias = Recorded[Any]  # Any: one of the consent events

_SCHEMA: Final = "https://w3id.org/dpv/schema/dpv-27560"
_CONTEXT: Final = {
    "dct": "http://purl.org/dc/terms/",
    "dpv": "https://w3id.org/dpv#",
    "eu-gdpr": "https://w3id.org/dpv/legal/eu/gdpr#",
    "legal-be": "https://w3id.org/dpv/legal/be#",
    "legal-eu": "https://w3id.org/dpv/legal/eu#",
    "loc": "https://w3id.org/dpv/loc#",
    "pd": "https://w3id.org/dpv/pd#",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
_ARTICLE = re.compile(r"Art\. (\d+)(?:\((\d+)\))?")
_AUTHORITIES: Final = {"BE": "legal-be:DPA-BE"}
_ROLES: Final = {
    RecipientRole.OWN: "dpv:DataController",
    RecipientRole.PROCESSOR: "dpv:DataProcessor",
    RecipientRole.CONTROLLER: "dpv:ThirdParty",
    RecipientRole.JOINT_CONTROLLER: "dpv:JointDataControllers",
    RecipientRole.AUTHORITY: "dpv:Authority",
    RecipientRole.PUBLIC: "dpv:Recipient",
}


def consent_receipt(person: Person, purpose: str, given: Circumstances, origin: str) -> Value:
    """The receipt with one record for the consent, and one for each explicit consent to a transfer.

    ``origin`` is the public address of this service, without a slash at the end: whoever keeps the
    receipt reads it somewhere else. NeverConsented when there is nothing to give a receipt for;
    PurposeUnknown.
    """
    found = purpose_named(purpose, given.policy)
    records = _records(person, found, given, origin)
    if not records:
        raise NeverConsented(purpose=found.key)
    receipt = random_id()
    return {
        "@context": _CONTEXT,
        "@id": _urn(receipt),
        "@type": "dpv:ConsentReceipt",
        "dpv:hasIdentifier": str(receipt),
        "dct:conformsTo": {"@id": f"{_SCHEMA}#receipt-eu-gdpr"},
        "dct:created": _time(given.now),
        "dpv:hasRecordOfActivity": records,
    }


def consent_graph(person: Person, given: Circumstances, origin: str) -> Value:
    """Every consent of the person as records of one graph; the same state makes the same graph."""
    purposes = {one.event.purpose for one in person.events if isinstance(one.event, CONSENT_EVENTS)}
    known = [purpose for purpose in given.policy.all_purposes() if purpose.key in purposes]
    return {
        "@context": _CONTEXT,
        "@graph": [
            record for purpose in known for record in _records(person, purpose, given, origin)
        ],
    }


def _records(person: Person, purpose: Purpose, given: Circumstances, origin: str) -> list[Value]:
    steps = consent_events(person, purpose.key)
    return [
        {
            **_record(person, purpose, group, given),
            "dpv:hasNotice": list(_notices(group, origin)),
            "dpv:hasConsentControl": _withdrawal(person, purpose, given.policy, origin),
        }
        for group in _by_record(steps)
    ]


def _by_record(steps: Iterable[Step]) -> Iterator[Sequence[Step]]:
    """The steps of the consent to the purpose, then those of each transfer."""
    groups: dict[tuple[str, str | None] | None, list[Step]] = {None: []}
    for recorded in steps:
        event = recorded.event
        if isinstance(event, TransferConsentGiven):
            groups.setdefault((event.recipient, event.country), []).append(recorded)
        elif isinstance(event, ConsentWithdrawn):
            # Taking back a consent takes back the transfers under it (Art. 7(3)).
            for group in groups.values():
                group.append(recorded)
        else:
            groups[None].append(recorded)
    yield from (group for group in groups.values() if group)


def _record(person: Person, purpose: Purpose, steps: Sequence[Step], given: Circumstances) -> Value:
    first, last = steps[0], steps[-1]
    transfer = first.event if isinstance(first.event, TransferConsentGiven) else None
    basis = "eu-gdpr:A49-1-a" if transfer else purpose.legal_basis.iri
    return {
        "@id": _urn(last.event_id),
        "@type": "dpv:ConsentRecord",
        "dct:identifier": str(last.event_id),
        "dct:conformsTo": {"@id": f"{_SCHEMA}#record-eu-gdpr"},
        **({} if first is last else {"dct:isVersionOf": {"@id": _urn(first.event_id)}}),
        "dpv:hasDataSubject": {
            "@id": _urn(person.subject_id),
            "@type": "dpv:DataSubject",
            "dct:identifier": str(person.subject_id),
        },
        "dpv:hasDataController": _controller(given.policy),
        "dpv:hasJurisdiction": {"@id": f"loc:{given.policy.controller.country}"},
        "dpv:hasApplicableLaw": {"@id": "legal-eu:law-GDPR"},
        "dpv:hasLegalBasis": {"@id": basis},
        "dpv:hasProcess": _process(purpose, transfer, given.policy),
        "dpv:hasRight": _rights(given.policy),
        "dpv:hasAuthority": _authority(given),
        "dpv:hasConsentStatus": list(_states(steps, purpose)),
    }


def _controller(policy: Policy) -> Value:
    controller = policy.controller
    return {
        "@id": f"mailto:{controller.email}",
        "@type": "dpv:DataController",
        "dct:identifier": controller.company_number or controller.email,
        "dpv:hasName": controller.name,
        "dpv:hasAddress": ", ".join(controller.address),
        "dpv:hasContact": controller.email,
        "dpv:hasRole": controller.contact_role,
    }


def _authority(given: Circumstances) -> Value:
    authority = given.law.authority
    term = _AUTHORITIES.get(given.policy.controller.country)
    return {
        **({"@id": term} if term else {}),
        "@type": "dpv:DataProtectionAuthority",
        "dct:identifier": authority.url,
        "dpv:hasName": authority.name,
        "dpv:hasAddress": ", ".join(authority.address),
        "dpv:hasContact": authority.email,
    }


def _process(purpose: Purpose, transfer: TransferConsentGiven | None, policy: Policy) -> Value:
    named = purpose.recipients if transfer is None else {transfer.recipient}
    recipients = [policy.recipients[key] for key in sorted(named)]
    where = {country for one in recipients for country in one.countries}
    if transfer is not None and transfer.country is not None:
        where.add(transfer.country.upper())
    retention = policy.retention_classes[purpose.retention]
    processing = ("dpv:Collect", "dpv:Store", "dpv:Use", "dpv:DiscloseByTransmission")
    return {
        "@type": "dpv:Process",
        "dpv:hasPurpose": {
            "dct:identifier": purpose.key,
            "dct:title": purpose.title,
            **({"skos:broader": {"@id": purpose.iri}} if purpose.iri else {}),
        },
        "dpv:hasPersonalData": [_personal(key, policy) for key in sorted(purpose.categories)],
        "dpv:hasDataSource": {"@id": "dpv:DataSubjectDataSource"},
        "dpv:hasProcessing": [{"@id": verb} for verb in processing],
        "dpv:hasRecipient": [_recipient(one, policy) for one in recipients],
        "dpv:hasStorageCondition": [
            {
                "@type": "dpv:StorageLocation",
                "dpv:hasLocation": [
                    {"@id": f"loc:{country}"}
                    for country in sorted({policy.controller.country, *where})
                ],
            },
            {
                "@type": "dpv:StorageDuration",
                "dpv:hasDuration": {
                    "@type": "dpv:UntilEventDuration",
                    "rdf:value": f"{retention.keep} after {retention.clock}",
                },
            },
        ],
    }


def _personal(key: str, policy: Policy) -> Value:
    category = policy.categories[key]
    sensitive = [{"@id": "dpv:SpecialCategoryPersonalData"}] if category.special else []
    broader = [{"@id": category.iri}] if category.iri else []
    return {
        "@type": "dpv:PersonalData",
        "dct:identifier": category.key,
        "dct:title": category.title,
        **({"skos:broader": [*broader, *sensitive]} if broader or sensitive else {}),
        "dpv:hasNecessity": {"@id": "dpv:Optional" if category.optional else "dpv:Required"},
    }


def _recipient(recipient: Recipient, policy: Policy) -> Value:
    """A party; who has no address of their own for it is reached through the controller."""
    return {
        "@type": _ROLES[recipient.role],
        "dct:identifier": recipient.key,
        "dpv:hasName": recipient.title,
        "dpv:hasLocation": [{"@id": f"loc:{country}"} for country in recipient.countries],
        "dpv:hasContact": recipient.policy_url or policy.controller.email,
    }


def _notices(steps: Iterable[Step], origin: str) -> Iterator[Value]:
    for event in (one.event for one in steps if hasattr(one.event, "wording")):
        yield {
            "@type": "dpv:ConsentNotice",
            "@id": f"urn:sha256:{event.wording}",
            "dct:language": event.language,
        }
        yield {
            "@type": "dpv:PrivacyNotice",
            "@id": f"{origin}/v1/policies/{event.policy}",
            "dct:identifier": event.policy,
            "dct:language": event.language,
        }


def _withdrawal(person: Person, purpose: Purpose, policy: Policy, origin: str) -> Value:
    told = policy.rights.get("withdrawal")
    path = f"/v1/subjects/{person.subject_id}/consents/{purpose.key}/withdrawal"
    return {
        "@type": "dpv:WithdrawConsent",
        "dpv:isExercisedAt": f"{origin}{path}",
        **({"dct:description": told.how} if told else {}),
    }


def _rights(policy: Policy) -> list[Value]:
    rights: list[Value] = []
    for notice in policy.rights.values():
        match = _ARTICLE.fullmatch(notice.right.article)
        assert match is not None, "a right names its Article"
        term = "-".join(part for part in match.groups() if part)
        rights.append(
            {
                "@type": ["dpv:DataSubjectRight", f"eu-gdpr:A{term}"],
                "dct:title": notice.title,
                "dct:description": notice.how,
            }
        )
    return rights


def _states(steps: Iterable[Step], purpose: Purpose) -> Iterator[Value]:
    explicit, in_force = purpose.explicit_consent, False
    for recorded in steps:
        event = recorded.event
        state, by, method = _state(event, in_force=in_force)
        in_force = state in ("dpv:ConsentGiven", "dpv:RenewedConsentGiven")
        express = explicit or isinstance(event, TransferConsentGiven)
        kind = "dpv:ExplicitlyExpressedConsent" if express else "dpv:ExpressedConsent"
        yield {
            "@type": [state, kind] if in_force else [state],
            "dct:identifier": str(recorded.event_id),
            "dpv:isIndicatedAtTime": _time(recorded.happened_at),
            "dpv:isIndicatedBy": {"@id": by},
            "dpv:hasDuration": _duration(purpose, in_force=in_force),
            **({"dpv:hasIndicationMethod": method} if method else {}),
        }


def _duration(purpose: Purpose, *, in_force: bool) -> Value:
    """How long a status lasts by itself: a consent for the time that the policy lets it stand."""
    if in_force and purpose.consent_keep is not None:
        return {"@type": "dpv:TemporalDuration", "rdf:value": str(purpose.consent_keep)}
    event = "until it is withdrawn" if in_force else "until the next step"
    return {"@type": "dpv:UntilEventDuration", "rdf:value": event}


def _state(event: Any, *, in_force: bool) -> tuple[str, str, str | None]:
    """DPV's consent status, who expressed it, and how."""
    person, controller = "dpv:DataSubject", "dpv:DataController"
    given = "dpv:RenewedConsentGiven" if in_force else "dpv:ConsentGiven"
    match event:
        case ConsentRequested():
            return "dpv:ConsentRequested", controller, None
        case ConsentGiven() | TransferConsentGiven():
            return given, person, event.method.value
        case ConsentConfirmed():
            return given, person, "double_opt_in"
        case ConsentWithdrawn():
            return "dpv:ConsentWithdrawn", person, None
        case ConsentExpired():
            return "dpv:ConsentExpired", controller, None
        case ConsentUnproven():
            return "dpv:ConsentUnknown", controller, None
        case _:
            raise AssertionError("not an event of a consent")


def _time(moment: datetime) -> Value:
    return {"@type": "xsd:dateTime", "@value": moment}


def _urn(identifier: UUID) -> str:
    return f"urn:uuid:{identifier}"
