"""Somebody signed up with an address and has to show that it is theirs (C82; Art. 7(1))."""

from uuid import UUID

from app.events.declare import event
from app.identifiers import Digest, Word


@event("sign-up.received", version=1)
class SignUpReceived:
    """An address was entered; it is sealed beside this event, and gone when nobody confirms it.

    The stream belongs to this sign-up alone: whether the address is known already is looked up by
    whoever confirms, and told to nobody.
    """

    sign_up: UUID
    purpose: Word
    wording: Digest
    """SHA-256 of the sentence that was shown."""
    language: Word
    policy: Word
    source: Word


@event("sign-up.confirmed", version=1)
class SignUpConfirmed:
    """Somebody answered from the address in time; the consent is on the record of the person."""

    sign_up: UUID
