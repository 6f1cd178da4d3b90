"""A mail to a person, from the moment it is to be sent to what came of it (Arts. 12, 21(4))."""

from enum import StrEnum
from uuid import UUID

from app.events.declare import event
from app.identifiers import Digest, Word


class MailKind(StrEnum):
    """What a mail is about."""

    CONSENT_CONFIRMATION = "consent_confirmation"
    """The second step of a double opt-in (C82)."""
    ANSWER = "answer"
    """A letter in a matter of rights (Arts. 12 to 22)."""
    NOTICE = "notice"
    """What a person is told of data that came from others (Art. 14)."""
    POLICY_CHANGE = "policy_change"
    """A new version of the policy (C76, C78)."""
    BREACH = "breach"
    """The person's data were in a breach (Art. 34)."""


class MailChannel(StrEnum):
    """By which way it left."""

    SMTP = "smtp"
    """The mail relay took it over; what became of it after that, a bounce would tell."""
    HAND = "hand"
    """A human sent it from a mail program."""
    POST = "post"
    """A human sent it on paper."""


class MailFailure(StrEnum):
    """Why it did not leave."""

    ADDRESS_REFUSED = "address_refused"
    """The relay refuses the address for good."""
    MESSAGE_REFUSED = "message_refused"
    """The relay refuses the message for good."""
    EXHAUSTED = "exhausted"
    """It was tried for days."""
    UNREADABLE = "unreadable"
    """What was to be sent is gone: it was erased before it could leave."""


@event("mail.queued", version=1)
class MailQueued:
    """A message is to be sent. Address and message are sealed beside this event (DESIGN 2.4)."""

    mail: UUID
    kind: MailKind
    purpose: Word
    """The statutory purpose under which address and message are held until it is sent."""
    matter: UUID | None
    """The request, erasure or consent that it is about."""
    language: Word
    policy: Word
    letter: Digest
    """SHA-256 of the letter's text."""
    message: Digest
    """SHA-256 of the message, byte for byte as it is handed to the relay (RFC 5322)."""
    objection: Digest | None
    """SHA-256 of the notice of the right to object that stands in it, on its own (Art. 21(4))."""
    unsubscribe: Word | None
    """The purpose that its one-click link ends (RFC 8058)."""


@event("mail.sent", version=1)
class MailSent:
    """It left."""

    mail: UUID
    channel: MailChannel
    attempts: int


@event("mail.failed", version=1)
class MailFailed:
    """It did not leave, and is not tried again by itself: a human has to see to it."""

    mail: UUID
    failure: MailFailure
    code: int | None
    """The relay's reply code (RFC 5321), where it gave one."""
    attempts: int


@event("mail.bounced", version=1)
class MailBounced:
    """It left and came back: for good, or it is delayed on its way."""

    mail: UUID
    permanent: bool


@event("mail.delivered", version=1)
class MailDelivered:
    """A mail that was delayed arrived after all."""

    mail: UUID


@event("mail.requeued", version=1)
class MailRequeued:
    """A human wants it to be tried again, the same bytes to the same address."""

    mail: UUID


@event("mail.withdrawn", version=1)
class MailWithdrawn:
    """It is not to be sent any more."""

    mail: UUID
