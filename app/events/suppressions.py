"""Addresses closed to a purpose; the register of them outlives the person's data (L41)."""

from datetime import datetime
from enum import StrEnum

from app.events.declare import event
from app.identifiers import Word


class SuppressionCause(StrEnum):
    """What put an address on the register."""

    WITHDRAWAL = "withdrawal"
    UNSUBSCRIBE = "unsubscribe"
    OBJECTION = "objection"
    COMPLAINT = "complaint"
    UNDELIVERABLE = "undeliverable"
    ERASURE = "erasure"


@event("suppression.recorded", version=1)
class SuppressionRecorded:
    """The addresses beside this event are closed to one purpose, whoever imports them again."""

    purpose: Word
    cause: SuppressionCause
    source: Word


@event("suppression.matched", version=1)
class SuppressionMatched:
    """An address that came in was on the register: the person is held, and left alone."""

    purpose: Word
    since: datetime | None
    """Since when the address is on the register, where the register says so."""


@event("suppression.lifted", version=1)
class SuppressionLifted:
    """A later consent of the same person, given with its proof, opens the purpose again."""

    purpose: Word
