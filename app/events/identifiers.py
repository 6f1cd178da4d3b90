"""E-mail addresses and phone numbers by which a person is found; the values are sealed (C7, C8).

An identifier is named by the version of the event that claimed it.
"""

from enum import StrEnum

from app.events.declare import event
from app.identifiers import Word
from app.policy.vocabulary import IdentifierKind, LegalBasis


class Verification(StrEnum):
    """How a person showed control over an identifier."""

    LINK = "link"
    """A link or code that was sent there came back."""
    REPLY = "reply"
    """A message came from there."""
    DESK = "desk"
    """Somebody at the desk satisfied themselves."""
    SYSTEM = "system"
    """A system of the policy that checks it, such as one that mails there."""


@event("identifier.claimed", version=1)
class IdentifierClaimed:
    """A person can from now on be found by one more value."""

    kind: IdentifierKind
    category: Word
    purpose: Word
    basis: LegalBasis
    source: Word
    policy: Word
    value_at: int
    """Version of the event of this stream in whose section the value lies; may be this one."""
    retention_class: Word
    generation: Word
    verification: Verification | None
    """How control over it was shown; None when it was not."""


@event("identifier.verified", version=1)
class IdentifierVerified:
    """The person showed control over an identifier; only the way is kept, never a document."""

    identifier: int
    verification: Verification


@event("identifier.released", version=1)
class IdentifierReleased:
    """A value leads to this person no longer."""

    identifier: int
    kind: IdentifierKind
