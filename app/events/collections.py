"""Personal data collected, corrected and completed (Arts. 5(1), 6, 13, 14, 16 GDPR)."""

from collections.abc import Mapping
from uuid import UUID

from app.events.declare import event
from app.identifiers import Word
from app.policy.vocabulary import LegalBasis, SourceOrigin


@event("data.collected", version=1)
class DataCollected:
    """Data were obtained for one purpose on one legal basis (Art. 5(1)(b), Art. 6(1); L2)."""

    purpose: Word
    basis: LegalBasis
    source: Word
    origin: SourceOrigin
    policy: Word
    held: Mapping[Word, Word]
    """Data category -> retention class: the section in which its value lies."""
    generations: Mapping[Word, Word]
    """Retention class -> expiry bucket."""
    occasion: UUID | None
    """The meeting, project or trip in question."""
    dropped: int
    """How many values came without the flag that their category requires and were dropped."""


@event("data.rectified", version=1)
class DataRectified:
    """An inaccurate value was replaced for every purpose that used it (Art. 16, sentence 1)."""

    category: Word
    source: Word
    policy: Word
    held: Mapping[Word, Word]
    """Purpose -> retention class: the section in which the corrected value lies."""
    generations: Mapping[Word, Word]
    supersedes: tuple[int, ...]
    """Versions of the events that held the inaccurate value."""
    occasion: UUID | None


@event("data.completed", version=1)
class DataCompleted:
    """A supplementary statement was added to incomplete data (Art. 16, sentence 2; L47)."""

    category: Word
    source: Word
    policy: Word
    held: Mapping[Word, Word]
    """Purpose -> retention class: the statement lives and dies with the data that it completes."""
    generations: Mapping[Word, Word]
    supplements: tuple[int, ...]
    """Versions of the events that hold the incomplete data."""
    occasion: UUID | None
