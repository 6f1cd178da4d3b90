"""A personal data breach from the moment of awareness to the last person told (Arts. 33, 34).

Each breach is a stream of its own. Its events say in words of closed lists what happened; what has
to be told in sentences lies in the desk's own file, which they refer to.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from app.events.declare import event
from app.identifiers import Word


class BreachNature(StrEnum):
    """What of the security was lost (Art. 4(12); EDPB guidelines 9/2022)."""

    CONFIDENTIALITY = "confidentiality"
    INTEGRITY = "integrity"
    AVAILABILITY = "availability"


class BreachCause(StrEnum):
    """How it came about, as far as it is known."""

    UNKNOWN = "unknown"
    MISDIRECTED = "misdirected"
    LOST_DEVICE = "lost_device"
    THEFT = "theft"
    UNAUTHORISED_ACCESS = "unauthorised_access"
    PHISHING = "phishing"
    MALWARE = "malware"
    RANSOMWARE = "ransomware"
    SOFTWARE_FAULT = "software_fault"
    MISCONFIGURATION = "misconfiguration"
    HUMAN_ERROR = "human_error"
    PHYSICAL = "physical"


class BreachReporter(StrEnum):
    """From whom the controller became aware of it."""

    CONTROLLER = "controller"
    PROCESSOR = "processor"
    """Art. 33(2): the processor notifies the controller without undue delay."""
    RECIPIENT = "recipient"
    SUBJECT = "subject"
    AUTHORITY = "authority"
    THIRD_PARTY = "third_party"


class BreachExposure(StrEnum):
    """Which data a breach at a place reaches."""

    HELD = "held"
    """All that was there at any time of the span, since whenever it had been there."""
    TRANSMITTED = "transmitted"
    """Only what went there within the span: intercepted, or sent to the wrong address."""


class BreachRisk(StrEnum):
    """The risk to the rights and freedoms of the people concerned."""

    UNLIKELY = "unlikely"
    """No risk is likely to result: nobody need be told (Art. 33(1))."""
    LIKELY = "likely"
    """The authority is to be told (Art. 33(1))."""
    HIGH = "high"
    """The people are to be told as well (Art. 34(1))."""


class BreachConsequence(StrEnum):
    """What is likely to follow (Art. 33(3)(c); recital 85)."""

    LOSS_OF_CONTROL = "loss_of_control"
    IDENTITY_THEFT = "identity_theft"
    FINANCIAL_LOSS = "financial_loss"
    FRAUD = "fraud"
    PHISHING = "phishing"
    REPUTATION = "reputation"
    DISCRIMINATION = "discrimination"
    LOSS_OF_CONFIDENTIALITY = "loss_of_confidentiality"
    PHYSICAL_HARM = "physical_harm"


class BreachMeasure(StrEnum):
    """What was done or is proposed against it (Art. 33(3)(d))."""

    CONTAINED = "contained"
    ACCESS_REVOKED = "access_revoked"
    CREDENTIALS_CHANGED = "credentials_changed"
    DATA_RECOVERED = "data_recovered"
    DELETION_CONFIRMED = "deletion_confirmed"
    RESTORED = "restored"
    FAULT_MENDED = "fault_mended"
    PEOPLE_ADVISED = "people_advised"
    TRANSFERS_SUSPENDED = "transfers_suspended"
    POLICE_INFORMED = "police_informed"
    TRAINING = "training"


class BreachExemption(StrEnum):
    """Art. 34(3), one member a letter: why people need not be told one by one."""

    UNINTELLIGIBLE = "art_34_3_a"
    """The data were encrypted, or otherwise of no use to whoever got them."""
    RISK_REMOVED = "art_34_3_b"
    DISPROPORTIONATE = "art_34_3_c"
    """Disproportionate effort: a public communication takes the place of letters."""


class BreachAudience(StrEnum):
    """Who is told of a breach."""

    AUTHORITY = "authority"
    """The supervisory authority (Art. 33(1))."""
    SUBJECTS = "subjects"
    """The people concerned, each for themselves (Art. 34(1))."""
    PUBLIC = "public"
    """The people concerned, by a public communication (Art. 34(3)(c))."""


class DelayReason(StrEnum):
    """Why the authority was told later than the law allows (Art. 33(1))."""

    EXTENT_UNKNOWN = "extent_unknown"
    PROCESSOR_SILENT = "processor_silent"
    SERIES_OF_BREACHES = "series_of_breaches"
    """Several like it in short time, told in one (EDPB guidelines 9/2022)."""
    INVESTIGATION = "investigation"
    """A criminal investigation would have been frustrated."""
    CHANNEL_DOWN = "channel_down"
    FORCE_MAJEURE = "force_majeure"
    OVERSIGHT = "oversight"
    """The deadline was missed by mistake."""


@event("breach.detected", version=1)
class BreachDetected:
    """The controller became aware of a breach: the clock runs from then on (Art. 33(1)).

    With neither a recipient nor a source it is a breach of the controller's own systems.
    """

    nature: tuple[BreachNature, ...]
    cause: BreachCause
    reporter: BreachReporter
    recipient: Word | None
    member: UUID | None
    """Which one, where the recipient is a group."""
    source: Word | None
    exposure: BreachExposure
    categories: tuple[Word, ...]
    """Those concerned; none: every category that was there."""
    began_at: datetime
    ended_at: datetime | None
    """None while it goes on."""
    aware_at: datetime
    file: UUID | None
    """Where the desk keeps what has to be told in sentences (Art. 33(5))."""
    policy: Word


@event("breach.assessed", version=1)
class BreachAssessed:
    """How far it reaches, what it does to people, and what is done (Art. 33(3)).

    The numbers are counted by the ledger; the span and the categories are as they are known now.
    """

    risk: BreachRisk
    categories: tuple[Word, ...]
    began_at: datetime
    ended_at: datetime | None
    people: int
    """Data subjects concerned, those included whose data were erased since."""
    erased: int
    """How many of them were erased since: nothing can be sent to them."""
    records: int
    """Data concerned: one a person and category."""
    by_category: Mapping[Word, int]
    """Category -> data subjects concerned."""
    stands_at: int
    """The position of the log that the numbers are true at."""
    consequences: tuple[BreachConsequence, ...]
    measures: tuple[BreachMeasure, ...]
    exemptions: tuple[BreachExemption, ...]
    file: UUID | None


@event("breach.notified", version=1)
class BreachNotified:
    """Somebody was told of it; when, is the time at which the event occurred."""

    audience: BreachAudience
    complete: bool
    """Whether this was all of it; the authority may be told in phases (Art. 33(4))."""
    due_at: datetime
    """When the authority had to be told at the latest."""
    reasons: tuple[DelayReason, ...]
    """Why the first notification came later than that."""
    people: int | None
    """How many people were told."""
    file: UUID | None
