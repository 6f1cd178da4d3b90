"""Short ways to say the events that projections fold."""

from datetime import date
from typing import Any
from uuid import UUID

from app.events.collections import DataCollected, DataCompleted, DataRectified
from app.events.consents import (
    ConsentConfirmed,
    ConsentGiven,
    ConsentRequested,
    ConsentUnproven,
    ConsentWithdrawn,
    TransferConsentGiven,
)
from app.events.disclosures import DataDisclosed
from app.events.erasures import (
    ErasureRecipientInformed,
    ErasureRequested,
    ErasureTrigger,
    InformOutcome,
    SectionsResealed,
)
from app.events.files import FileReferenced
from app.events.findings import FindingCleared, FindingCode, FindingRaised, FindingResolution
from app.events.identifiers import IdentifierClaimed
from app.events.objections import (
    ObjectionCause,
    ObjectionGround,
    ObjectionRaised,
)
from app.events.relationships import RelationshipEnded, RelationshipStarted
from app.events.restrictions import (
    RestrictionGround,
    RestrictionSet,
)
from app.events.rights_requests import (
    RequestChannel,
    RequestedRight,
    RequestTrigger,
    RightsRequestDoubtAnswered,
    RightsRequestReceived,
    RightsRequestTriaged,
    RightsRequestUnidentified,
    RightsRequestWithdrawn,
)
from app.events.subjects import ChildDiscovered, SubjectRegistered
from app.events.suppressions import SuppressionCause, SuppressionLifted, SuppressionRecorded
from app.policy.vocabulary import ConsentMethod, IdentifierKind, LegalBasis, SourceOrigin

POLICY = "impel-1"
PURPOSES = ("membership", "newsletter", "events")
CATEGORIES = ("contact.email", "contact.phone", "contact.name", "internal.role", "content.message")
CLASSES = ("participation", "correspondence")
RECIPIENTS = ("mailchimp", "basecamp", "azavista", "members")


def registered(source: str = "registration-form") -> SubjectRegistered:
    """A person who registered by themselves."""
    return SubjectRegistered(source=source, origin=SourceOrigin.SUBJECT, policy=POLICY)


def child() -> ChildDiscovered:
    """Somebody who turns out to be too young."""
    return ChildDiscovered(source="secretariat", policy=POLICY, minimum_age=16)


def collected(
    *categories: str,
    purpose: str = "membership",
    kept: str = "participation",
    generation: str = "membership",
    occasion: UUID | None = None,
) -> DataCollected:
    """Data for one purpose in one section."""
    return DataCollected(
        purpose=purpose,
        basis=LegalBasis.LEGITIMATE_INTEREST,
        source="registration-form",
        origin=SourceOrigin.SUBJECT,
        policy=POLICY,
        held=dict.fromkeys(categories, kept),
        generations={kept: generation},
        occasion=occasion,
        dropped=0,
    )


def rectified(
    category: str, *purposes: str, supersedes: int = 1, occasion: UUID | None = None
) -> DataRectified:
    """A corrected value for some purposes."""
    return DataRectified(
        category=category,
        source="person",
        policy=POLICY,
        held=dict.fromkeys(purposes, "participation"),
        generations={"participation": "membership"},
        supersedes=(supersedes,),
        occasion=occasion,
    )


def completed(category: str, *purposes: str, occasion: UUID | None = None) -> DataCompleted:
    """A supplementary statement on a value."""
    return DataCompleted(
        category=category,
        source="person",
        policy=POLICY,
        held=dict.fromkeys(purposes, "participation"),
        generations={"participation": "membership"},
        supplements=(1,),
        occasion=occasion,
    )


def claimed(value_at: int) -> IdentifierClaimed:
    """An e-mail address that leads to the person."""
    return IdentifierClaimed(
        kind=IdentifierKind.EMAIL,
        category="contact.email",
        purpose="membership",
        basis=LegalBasis.LEGITIMATE_INTEREST,
        source="registration-form",
        policy=POLICY,
        value_at=value_at,
        retention_class="participation",
        generation="membership",
        verification=None,
    )


def referenced(file: UUID, category: str = "identity.document") -> FileReferenced:
    """A file in another system."""
    return FileReferenced(
        system="basecamp",
        file=file,
        digest=None,
        category=category,
        purpose="events",
        basis=LegalBasis.CONTRACT,
        source="basecamp",
        origin=SourceOrigin.CONTROLLER,
        policy=POLICY,
        retention_class="participation",
        generation="membership",
        occasion=None,
    )


def disclosed(
    recipient: str, *categories: str, purpose: str = "membership", member: UUID | None = None
) -> DataDisclosed:
    """One share with one recipient."""
    return DataDisclosed(
        recipient=recipient,
        member=member,
        country="us" if recipient == "mailchimp" else "be",
        mechanism="clauses" if recipient == "mailchimp" else "eea",
        purpose=purpose,
        categories=categories or ("contact.email",),
        source="contact-database",
        occasion=None,
        policy=POLICY,
    )


def told(erasure: UUID, recipient: str) -> ErasureRecipientInformed:
    """A recipient was told of an erasure."""
    return ErasureRecipientInformed(
        erasure=erasure, recipient=recipient, outcome=InformOutcome.INFORMED
    )


def requested(erasure: UUID, *categories: str) -> ErasureRequested:
    """The person asks for some categories to be erased, or for everything."""
    return ErasureRequested(
        erasure=erasure,
        trigger=ErasureTrigger.REQUEST,
        purposes=(),
        categories=categories,
        source="person",
    )


def asked(file: UUID) -> RightsRequestReceived:
    """A request whose right nobody knows yet."""
    return RightsRequestReceived(
        right=RequestedRight.OTHER,
        channel=RequestChannel.POST,
        trigger=RequestTrigger.PERSON,
        language=None,
        system=None,
        stranger=False,
        file=file,
        evidence=None,
        proof=None,
        origin=None,
        paused_days=0,
        extended=False,
        due_on=date(2026, 12, 22),
        policy=POLICY,
        law="law-2026-11",
    )


def triaged(request: UUID) -> RightsRequestTriaged:
    """It is about an account."""
    return RightsRequestTriaged(
        request=request,
        right=RequestedRight.DEACTIVATE_ACCOUNT,
        system="basecamp",
        decided_by=request,
    )


def unidentified(request: UUID) -> RightsRequestUnidentified:
    """Nobody knows who asks."""
    return RightsRequestUnidentified(
        request=request, told_by=RequestChannel.POST, letter=None, decided_by=request
    )


def doubt_answered(request: UUID) -> RightsRequestDoubtAnswered:
    """The person said more."""
    return RightsRequestDoubtAnswered(request=request, paused_days=3, due_on=date(2026, 12, 28))


def taken_back(request: UUID) -> RightsRequestWithdrawn:
    """The person no longer wants it."""
    return RightsRequestWithdrawn(request=request, channel=RequestChannel.PHONE)


STEPS = (triaged, unidentified, taken_back)


def restricted(restriction: UUID) -> RestrictionSet:
    """Every use rests."""
    return RestrictionSet(
        restriction=restriction,
        ground=RestrictionGround.LEGAL_CLAIMS,
        purpose=None,
        source="person",
    )


def objected(objection: UUID, ground: ObjectionGround) -> ObjectionRaised:
    """An objection to one purpose."""
    return ObjectionRaised(
        objection=objection,
        ground=ground,
        purpose="newsletter",
        recipient=None,
        cause=ObjectionCause.PERSON,
        source="person",
        request=None,
    )


def resealed(erasure: UUID, origin: int, generation: str, *categories: str) -> SectionsResealed:
    """What stays of a section of class participation."""
    return SectionsResealed(
        erasure=erasure,
        origin=origin,
        retention_class="participation",
        generation=generation,
        categories=categories,
    )


def part_taken(organisation: UUID | None) -> RelationshipStarted:
    """Somebody takes part, through an organisation or by themselves."""
    return RelationshipStarted(
        kind="member", organisation=organisation, occasion=None, policy=POLICY
    )


def part_left(organisation: UUID | None) -> RelationshipEnded:
    """Somebody takes part no longer."""
    return RelationshipEnded(kind="member", organisation=organisation, occasion=None)


def consented(purpose: str) -> ConsentGiven:
    """A consent by a form."""
    return ConsentGiven(purpose=purpose, method=ConsentMethod.FORM, source="form", **_WORDING)


def consent_requested(purpose: str, request: UUID) -> ConsentRequested:
    """The first step of two."""
    return ConsentRequested(request=request, purpose=purpose, source="form", **_WORDING)


def consent_confirmed(purpose: str, request: UUID) -> ConsentConfirmed:
    """The second step of two."""
    return ConsentConfirmed(request=request, purpose=purpose, source="form", **_WORDING)


def consent_withdrawn(purpose: str) -> ConsentWithdrawn:
    """A consent taken back."""
    return ConsentWithdrawn(purpose=purpose, source="mailchimp")


def consent_unproven(purpose: str) -> ConsentUnproven:
    """A system's word for a consent."""
    return ConsentUnproven(purpose=purpose, source="import", policy=POLICY)


def transfer_consented(purpose: str) -> TransferConsentGiven:
    """An explicit consent to a transfer."""
    return TransferConsentGiven(
        purpose=purpose,
        recipient="hosts",
        country="rs",
        method=ConsentMethod.FORM,
        source="form",
        **_WORDING,
    )


def suppressions(purpose: str, lifted: bool) -> tuple[Any, ...]:
    """An address closed to a purpose, and opened again or not."""
    closed = SuppressionRecorded(
        purpose=purpose, cause=SuppressionCause.WITHDRAWAL, source="mailchimp"
    )
    return (closed, SuppressionLifted(purpose=purpose)) if lifted else (closed,)


def noticed(finding: UUID) -> FindingRaised:
    """Something for a human."""
    return FindingRaised(
        finding=finding,
        code=FindingCode.POSSIBLE_DUPLICATE,
        source="registration-form",
        occasion=None,
    )


def judged(finding: UUID) -> FindingCleared:
    """A human saw to it."""
    return FindingCleared(finding=finding, resolution=FindingResolution.UNFOUNDED)


_WORDING: dict[str, Any] = {"wording": "ab" * 32, "language": "sv", "policy": POLICY}
