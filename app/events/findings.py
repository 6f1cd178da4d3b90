"""What the ledger noticed about one person and a human has to judge."""

from enum import StrEnum
from uuid import UUID

from app.events.declare import event
from app.identifiers import Word


class FindingCode(StrEnum):
    """The kinds of findings about one person."""

    IDENTITY_COLLISION = "identity-collision"
    """A system moved this person onto an address that is somebody else's; nothing was moved."""
    POSSIBLE_DUPLICATE = "possible-duplicate"
    """Somebody who looks the same registered with an identifier that was not verified."""
    UNVERIFIED_CHANGE = "unverified-change"
    """A system wanted to change an identifier without showing control over it."""
    CHILD_DATA = "child-data"
    """The person may be younger than the policy promises (C75)."""
    UNKNOWN_MATERIAL = "unknown-material"
    """A system sent fields that the policy does not know; they were not kept."""


class FindingResolution(StrEnum):
    """How a human closed a finding."""

    CONFIRMED = "confirmed"
    UNFOUNDED = "unfounded"
    REMEDIED = "remedied"


@event("finding.raised", version=1)
class FindingRaised:
    """Something needs a human; two people concerned are two events with one ``occasion``."""

    finding: UUID
    code: FindingCode
    source: Word
    occasion: UUID | None


@event("finding.cleared", version=1)
class FindingCleared:
    """A human judged it."""

    finding: UUID
    resolution: FindingResolution
