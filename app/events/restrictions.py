"""Restriction of processing, its announcement and its end (Art. 18 GDPR)."""

from datetime import date
from enum import StrEnum
from uuid import UUID

from app.events.declare import event
from app.identifiers import Word


class RestrictionGround(StrEnum):
    """Art. 18(1), one member a letter."""

    ACCURACY = "accuracy"
    UNLAWFUL = "unlawful"
    LEGAL_CLAIMS = "legal_claims"
    OBJECTION = "objection"


@event("restriction.set", version=1)
class RestrictionSet:
    """From now on the data are stored and not used (Art. 18(2))."""

    restriction: UUID
    ground: RestrictionGround
    purpose: Word | None
    """The one purpose concerned; None: every use."""
    source: Word


@event("accuracy.disputed", version=1)
class AccuracyDisputed:
    """The person contests data: they rest until verified, no decision needed (Art. 18(1)(a))."""

    restriction: UUID
    categories: tuple[Word, ...]
    source: Word


@event("restriction.lift-announced", version=2)
class RestrictionLiftAnnounced:
    """The person is told that a restriction is about to end (Art. 18(3))."""

    restriction: UUID
    channel: Word
    ends_on: date | None
    """Not before that day; None where the desk told it by its own means, without a letter of ours.
    """


@event("restriction.lifted", version=1)
class RestrictionLifted:
    """The restriction ended, after the person was told."""

    restriction: UUID
