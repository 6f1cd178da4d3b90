"""In what way a person deals with the controller, and through which organisation (C2, C3)."""

from uuid import UUID

from app.events.declare import event
from app.identifiers import Word


@event("relationship.started", version=1)
class RelationshipStarted:
    """A person became a member, a participant, an attendee ...; retention waits while it lasts."""

    kind: Word
    organisation: UUID | None
    """The organisation in question: a random id, no fact about the person (C11)."""
    occasion: UUID | None
    policy: Word


@event("relationship.ended", version=1)
class RelationshipEnded:
    """Taking part ended: the period of the policy is counted from here (C32, L40)."""

    kind: Word
    organisation: UUID | None
    occasion: UUID | None
