"""An erasure from its request to the last copy, and the re-sealing of what stays (Arts. 17, 19)."""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from uuid import UUID

from app.events.declare import event
from app.identifiers import Digest, Word


class ErasureTrigger(StrEnum):
    """What set an erasure off; only the first two are acts of the person."""

    REQUEST = "request"
    POLICY_CHANGE = "policy_change"
    """The person does not accept a new version of the policy (C79)."""
    CHILD_DATA = "child_data"
    """The person is too young: no request is needed (C75)."""
    UNLAWFUL = "unlawful"
    """The data should never have been held (Art. 17(1)(d))."""


class ErasureStep(StrEnum):
    """What an execution destroyed."""

    SUBJECT = "subject"
    """The data that the erasure is about."""
    CLOSING = "closing"
    """The identifiers that were kept for telling the recipients."""


class ExemptionGround(StrEnum):
    """Art. 17(3), one member a letter: on which part of an erasure may be declined (L37)."""

    EXPRESSION = "art_17_3_a"
    LEGAL_OBLIGATION = "art_17_3_b"
    PUBLIC_HEALTH = "art_17_3_c"
    ARCHIVING = "art_17_3_d"
    LEGAL_CLAIMS = "art_17_3_e"

    @property
    def article(self) -> str:
        """The provision, as a letter to the person quotes it."""
        return f"Art. 17(3)({self.value[-1]})"


class InformOutcome(StrEnum):
    """What came of telling a recipient (Art. 19); nothing is gone because a call was made."""

    INFORMED = "informed"
    VERIFIED_GONE = "verified_gone"
    STILL_PRESENT = "still_present"
    CANNOT_VERIFY = "cannot_verify"
    IMPOSSIBLE = "impossible"
    """Telling is impossible or takes disproportionate effort."""


class ErasureLevel(StrEnum):
    """How far a thing is gone: erasure is never one word."""

    UNREADABLE = "e1"
    """Unreadable online: its key is destroyed."""
    BYTES_GONE = "e2"
    """Its bytes are gone from live storage."""
    BACKUPS_UNREADABLE = "e3"
    """It cannot be read in any backup."""


@event("erasure.requested", version=1)
class ErasureRequested:
    """Data are to be erased: those of some purposes, of some categories, or, with neither, all."""

    erasure: UUID
    trigger: ErasureTrigger
    purposes: tuple[Word, ...]
    categories: tuple[Word, ...]
    source: Word


@event("erasure.withdrawn", version=1)
class ErasureWithdrawn:
    """The person took the request back before anything was destroyed."""

    erasure: UUID


@event("erasure.approved", version=1)
class ErasureApproved:
    """A second person approved what another had asked for; who did is who recorded this."""

    erasure: UUID


@event("erasure.blocked", version=1)
class ErasureBlocked:
    """Legal holds forbid it for now: nothing was destroyed, and the attempt is on record."""

    erasure: UUID
    retention_classes: tuple[Word, ...]
    """Of which something was to go."""
    holds: tuple[UUID, ...]


@event("erasure.prepared", version=2)
class ErasurePrepared:
    """The plan that will be executed: what goes, what stays on which exemption, who must be told.

    The address for the answer is sealed beside this event, under a key that serves the execution
    alone.
    """

    erasure: UUID
    erased: tuple[Word, ...]
    """Retention classes."""
    retained: Mapping[Word, Word]
    """Retention class -> exemption of the policy (C71); `proof` where the class itself is one."""
    grounds: Mapping[Word, ExemptionGround]
    """Retention class -> the ground that a human named for it (X11)."""
    until: Mapping[Word, date]
    """Retention class -> last day, where its clock is already running."""
    recipients: tuple[Word, ...]
    """Who was given any of it."""
    language: Word | None
    """In which to write of it: the person's own goes with the data."""
    told_with: UUID | None
    """The record whose letter tells of this erasure as well: the one that stands for the person."""


@event("erasure.recipient-added", version=1)
class ErasureRecipientDue:
    """A recipient must be told (Art. 19); by what it knows the person is sealed beside this."""

    erasure: UUID
    recipient: Word


@event("sections.resealed", version=1)
class SectionsResealed:
    """What stays of one section was sealed anew, so that the old key can be destroyed."""

    erasure: UUID
    origin: int
    """Version of the event of this stream whose section it replaces."""
    retention_class: Word
    generation: Word
    categories: tuple[Word, ...]


@event("erasure.executed", version=1)
class ErasureExecuted:
    """Keys were destroyed, and with them every blob and token that hung on them (Art. 17(1)).

    Written by the database function that destroys, in the same transaction.
    """

    erasure: UUID
    step: ErasureStep
    purposes: tuple[Word, ...]
    categories: tuple[Word, ...]
    retained: tuple[Word, ...]
    """Retention classes that the erasure did not reach."""
    keys: tuple[UUID, ...]
    classes: tuple[Word, ...]
    """Retention classes that are closed to this person from now on."""
    blobs: int
    identifiers: bool
    root: Digest
    """Merkle root over the hashes of the destroyed blobs."""

    @property
    def of_everything(self) -> bool:
        """Whether the person as such was erased, but for what an exemption keeps."""
        whole = not self.purposes and not self.categories
        return whole and self.step is ErasureStep.SUBJECT

    def reaches(self, *, category: str, purpose: str, retention_class: str) -> bool:
        """Whether a value of this category, held for this purpose in this class, is gone."""
        if self.step is not ErasureStep.SUBJECT or retention_class in self.retained:
            return False
        return (not self.purposes or purpose in self.purposes) and (
            not self.categories or category in self.categories
        )


@event("erasure.recipient-informed", version=1)
class ErasureRecipientInformed:
    """What came of telling one recipient (Art. 19)."""

    erasure: UUID
    recipient: Word
    outcome: InformOutcome


@event("erasure.assured", version=1)
class ErasureAssured:
    """A further level was reached for some retention classes, with evidence outside the ledger."""

    erasure: UUID
    level: ErasureLevel
    classes: tuple[Word, ...]
