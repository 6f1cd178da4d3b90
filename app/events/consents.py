"""Consent asked for, given, confirmed, withdrawn, claimed without proof (Arts. 7, 49(1)(a))."""

from datetime import date
from uuid import UUID

from app.events.declare import event
from app.identifiers import Digest, Word
from app.policy.vocabulary import ConsentMethod


@event("consent.requested", version=1)
class ConsentRequested:
    """The person entered an address; only a confirmation from there makes it a consent (C82)."""

    request: UUID
    purpose: Word
    wording: Digest
    language: Word
    policy: Word
    source: Word


@event("consent.given", version=1)
class ConsentGiven:
    """The person agreed to one purpose after reading one wording (Art. 7(1); L12)."""

    purpose: Word
    wording: Digest
    """SHA-256 of the sentence that was agreed to."""
    language: Word
    policy: Word
    method: ConsentMethod
    source: Word
    """The system in which the person expressed it."""


@event("consent.confirmed", version=1)
class ConsentConfirmed:
    """The second step of a double opt-in; repeats the request, so that it is proof by itself."""

    request: UUID
    purpose: Word
    wording: Digest
    language: Word
    policy: Word
    source: Word


@event("consent.withdrawn", version=1)
class ConsentWithdrawn:
    """The person took a consent back (Art. 7(3)). What was done before stays lawful."""

    purpose: Word
    source: Word


@event("consent.expired", version=1)
class ConsentExpired:
    """The time for which the policy lets a consent stand is over; it is to be asked for again."""

    purpose: Word
    until: date
    """The last day on which it stood."""
    policy: Word


@event("consent.unproven", version=1)
class ConsentUnproven:
    """A system says that the person once agreed and cannot show it: no permission follows (L16)."""

    purpose: Word
    source: Word
    policy: Word


@event("transfer-consent.given", version=1)
class TransferConsentGiven:
    """The person explicitly agreed to one transfer outside the EEA, told of its risks (L60)."""

    purpose: Word
    recipient: Word
    country: Word | None
    """ISO 3166 alpha-2 in lower case, where the recipient is a group and countries differ."""
    wording: Digest
    language: Word
    policy: Word
    method: ConsentMethod
    source: Word
