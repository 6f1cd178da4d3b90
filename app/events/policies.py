"""What the controller published, decided and arranged, on the control stream (Arts. 24, 28, 46)."""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum

from app.events.declare import event
from app.identifiers import Digest, Word
from app.policy.vocabulary import AgreementKind


class NecessityOutcome(StrEnum):
    """Whether a category that is off by default may be collected (L5)."""

    NECESSARY = "necessary"
    UNNECESSARY = "unnecessary"


class StandingOutcome(StrEnum):
    """How the controller decided a conflict of its policy."""

    REMEDIED = "remedied"
    """What was wrong was put right."""
    ACCEPTED = "accepted"
    """It stays as it is, on grounds kept outside the ledger."""
    REOPENED = "reopened"


class Safeguard(StrEnum):
    """Own measures that the controller can switch on and off."""

    TWO_PERSON_ERASURE = "two_person_erasure"
    """An erasure is asked for by one caller and approved by another."""


@event("policy.published", version=1)
class PolicyPublished:
    """A policy version is in force from now on and never changes again (C76, C77)."""

    policy: Word
    structure: Digest
    texts: Mapping[Word, Digest]
    """Language -> the text that the structure stands for, which may be supplied later."""
    effective_from: date


@event("policy-text.supplied", version=1)
class PolicyTextSupplied:
    """The text itself, byte for byte the one that the structure names, is in the archive."""

    policy: Word
    language: Word
    digest: Digest


@event("law.published", version=1)
class LawPublished:
    """The dated parameters of the law that decisions are made under from now on."""

    law: Word
    digest: Digest


@event("necessity.decided", version=1)
class NecessityDecided:
    """The data-protection desk decided whether a category is necessary (Art. 5(1)(c); L5, C10)."""

    category: Word
    outcome: NecessityOutcome


@event("contract.registered", version=1)
class ContractRegistered:
    """The paper on which data go to a recipient: processor contract or memorandum (L50, C38)."""

    recipient: Word
    kind: AgreementKind
    since: date
    until: date | None
    """Last day; None: until ended."""


@event("contract.ended", version=1)
class ContractEnded:
    """A contract or memorandum ends."""

    recipient: Word
    on: date
    """Last day on which it holds."""


@event("transfer-mechanism.set", version=1)
class TransferMechanismSet:
    """A transfer to one recipient rests on one mechanism of Chapter V from now on (L55, L58)."""

    recipient: Word
    mechanism: Word
    since: date
    evidence_on: date
    """When the certificate, the clauses or the assessment were last looked up."""


@event("transfer-mechanism.lapsed", version=1)
class TransferMechanismLapsed:
    """A mechanism carries nothing any more: for one recipient, or for all when it was annulled."""

    recipient: Word | None
    mechanism: Word
    on: date
    """First day on which it no longer holds."""


@event("standing-finding.decided", version=1)
class StandingFindingDecided:
    """A human decided a conflict that the policy ships with, or opened it again (X1 to X13)."""

    finding: Word
    """Its code in lower case."""
    outcome: StandingOutcome


@event("safeguard.switched", version=1)
class SafeguardSwitched:
    """A measure of the controller's own holds from now on, or no longer."""

    safeguard: Safeguard
    on: bool
