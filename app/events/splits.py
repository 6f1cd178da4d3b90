"""One stream that holds two people: some of its events become a stream of their own (DESIGN 6)."""

from enum import StrEnum
from uuid import UUID

from app.events.declare import event


class SplitSide(StrEnum):
    """Which of the two this stream is."""

    ORIGIN = "origin"
    OFFSHOOT = "offshoot"


@event("split.proposed", version=1)
class SplitProposed:
    """Somebody thinks that these events are about another person; nothing changes by it."""

    split: UUID
    versions: tuple[int, ...]
    """Versions of the events whose values are another person's."""


@event("split.approved", version=1)
class SplitApproved:
    """Somebody else agrees: the values are used for the origin no more, and collected anew."""

    split: UUID
    side: SplitSide
    other: UUID
    versions: tuple[int, ...]
    """On the origin's stream, on whichever side this is."""


@event("split.rejected", version=1)
class SplitRejected:
    """The events stay where they are."""

    split: UUID
