"""Where each consent of a person stands, and every step of it (Art. 7; L12 to L16)."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, TypeAlias

from app.domain.proofs import Consent, Proof
from app.events.consents import (
    ConsentConfirmed,
    ConsentExpired,
    ConsentGiven,
    ConsentRequested,
    ConsentUnproven,
    ConsentWithdrawn,
    TransferConsentGiven,
)
from app.events.declare import type_of
from app.events.recorded import Recorded
from app.policy.model import Policy
from app.rights.person import Person

Value: TypeAlias = dict[str, Any]  # Any: a JSON value

CONSENT_EVENTS = (
    ConsentRequested,
    ConsentGiven,
    ConsentConfirmed,
    ConsentExpired,
    ConsentWithdrawn,
    ConsentUnproven,
    TransferConsentGiven,
)


def consents_value(person: Person, policy: Policy) -> dict[str, list[Value]]:
    """Every consent and every explicit consent to a transfer; the evidence stays sealed."""
    return {
        "consents": [
            _consent(key, consent, person, policy)
            for key, consent in person.state.consents.by_purpose.items()
        ],
        "transfers": [
            {"purpose": purpose, "recipient": recipient, "country": country, **_proof(proof)}
            for (purpose, recipient, country), proof in person.state.consents.transfers.items()
        ],
    }


def consent_events(person: Person, purpose: str) -> Iterator[Recorded[Any]]:
    """What happened to the consent to one purpose, oldest first."""
    for recorded in person.events:
        if isinstance(recorded.event, CONSENT_EVENTS) and recorded.event.purpose == purpose:
            yield recorded


def _consent(key: str, consent: Consent, person: Person, policy: Policy) -> Value:
    purpose = policy.purpose(key)
    return {
        "purpose": key,
        "title": None if purpose is None else purpose.title,
        "status": status(consent),
        "in_force": consent.proof is not None,
        "proof": None if consent.proof is None else _proof(consent.proof),
        "ended_at": consent.ended_at,
        "history": [_step(recorded) for recorded in consent_events(person, key)],
    }


def status(consent: Consent) -> str:
    """Where a consent stands, as one word; only `given` allows anything."""
    if consent.proof is not None:
        return "given"
    if consent.asked is not None:
        return "requested"
    if consent.unproven:
        return "unproven"
    return "expired" if consent.expired else "withdrawn"


def _proof(proof: Proof) -> Value:
    return {
        "wording_sha256": proof.wording.digest,
        "language": proof.wording.language,
        "policy": proof.wording.policy,
        "method": proof.method,
        "source": proof.source,
        "since": proof.since,
        "request": proof.request,
    }


def _step(recorded: Recorded[Any]) -> Value:
    kind, event = type_of(recorded.event), recorded.event
    occurred_at: datetime = recorded.happened_at
    return {
        "event_id": recorded.event_id,
        "type": kind.name,
        "version": recorded.version,
        "position": recorded.position,
        "recorded_at": recorded.recorded_at,
        "occurred_at": occurred_at,
        **{name: value for name, value in kind.payload(event).items() if name != "purpose"},
    }
