"""Objections to processing and what became of them (Art. 21 GDPR)."""

from enum import StrEnum
from uuid import UUID

from app.events.declare import event
from app.identifiers import Word


class ObjectionGround(StrEnum):
    """On which paragraph of Art. 21 an objection rests."""

    DIRECT_MARKETING = "direct_marketing"
    """Art. 21(2): absolute, no reasons, no weighing (L43)."""
    OWN_SITUATION = "own_situation"
    """Art. 21(1): to be weighed; the processing rests meanwhile (L44)."""


class ObjectionCause(StrEnum):
    """What the objection was read from."""

    PERSON = "person"
    COMPLAINT = "complaint"
    """The person reported a message as unwanted."""
    UNDELIVERABLE = "undeliverable"
    """The address refuses messages: nobody is left who could want them."""


class GrantReason(StrEnum):
    """Why an objection was granted."""

    ABSOLUTE = "absolute"
    UPHELD = "upheld"
    SILENCE = "silence"
    """The month for an answer passed (L44)."""


@event("objection.raised", version=2)
class ObjectionRaised:
    """The person objects: to a purpose, to a recipient, to one for the other, or to everything."""

    objection: UUID
    ground: ObjectionGround
    purpose: Word | None
    recipient: Word | None
    cause: ObjectionCause
    source: Word
    request: UUID | None
    """The rights request that it came with: then they have one clock (Art. 12(3))."""


@event("objection.granted", version=1)
class ObjectionGranted:
    """The processing objected to has stopped for good."""

    objection: UUID
    reason: GrantReason


@event("objection.overridden", version=1)
class ObjectionOverridden:
    """A human named compelling grounds, which are sealed beside this event (Art. 21(1))."""

    objection: UUID


@event("objection.withdrawn", version=2)
class ObjectionWithdrawn:
    """The person no longer objects."""

    objection: UUID
    restriction_lasts: bool
    """Whether the data rest until the person was told of the end of that (Art. 18(3))."""
