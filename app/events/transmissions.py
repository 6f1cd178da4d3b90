"""A person's data sent straight to another controller, because the person asked (Art. 20(2))."""

from enum import StrEnum
from uuid import UUID

from app.events.declare import event
from app.identifiers import Digest, Word


class Profile(StrEnum):
    """How much a person takes along."""

    LEGAL = "legal"
    """What Art. 20(1) grants: provided by the person, on consent or contract."""
    PROMISED = "promised"
    """What the policy promises: everything in use (C68)."""


class TransmissionBar(StrEnum):
    """Why nothing may be sent to a host."""

    UNKNOWN = "unknown"
    """Nobody registered it."""
    UNPROVEN = "unproven"
    """It has not shown that it controls the host and holds the key."""
    UNAPPROVED = "unapproved"
    WITHDRAWN = "withdrawn"


class TransmissionFailure(StrEnum):
    """Why a package did not arrive."""

    GONE = "gone"
    """The receiver answered that it takes nothing any more (410)."""
    STATUS = "status"
    REDIRECT = "redirect"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    DESTINATION_REFUSED = "destination_refused"
    """The name leads into a network that nothing is sent to (S20)."""
    RECEIVER_WITHDRAWN = "receiver_withdrawn"
    """The approval ended before the package could leave."""


@event("transmission.requested", version=1)
class TransmissionRequested:
    """The person asked that the data go to this receiver, and confirmed its host by name."""

    transmission: UUID
    receiver: UUID
    request: UUID
    """The rights request by which the person asked."""
    profile: Profile
    source: Word
    policy: Word


@event("transmission.refused", version=1)
class TransmissionRefused:
    """It was asked that data go to a host that is not approved; nothing was sent (S20)."""

    receiver: UUID | None
    request: UUID
    reason: TransmissionBar


@event("transmission.delivered", version=1)
class TransmissionDelivered:
    """The receiver took the package over; it alone can open what was sent."""

    transmission: UUID
    receiver: UUID
    sent: Digest
    """SHA-256 of what was sent: bytes encrypted under a key made for this one time."""
    size: int
    attempts: int


@event("transmission.failed", version=1)
class TransmissionFailed:
    """The package did not arrive and is not tried again; the person has to be told."""

    transmission: UUID
    receiver: UUID
    reason: TransmissionFailure
    status: int | None
    """Of the receiver's last answer (RFC 9110)."""
    attempts: int


@event("transmission.withdrawn", version=1)
class TransmissionWithdrawn:
    """The person called it off before it left."""

    transmission: UUID
    source: Word
