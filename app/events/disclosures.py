"""Who was given which data, for what and on which ground (Arts. 15(1)(c), 19, 44; C35, L32)."""

from uuid import UUID

from app.events.declare import event
from app.identifiers import Word


@event("data.disclosed", version=1)
class DataDisclosed:
    """One recipient was given data; several recipients are several events (C23)."""

    recipient: Word
    member: UUID | None
    """Which one, when the recipient is a group such as the member organisations (L59)."""
    country: Word | None
    """Where the data went, ISO 3166 alpha-2 in lower case."""
    mechanism: Word
    """The transfer ground of that day: `eea` or a mechanism of Chapter V (L55)."""
    purpose: Word
    categories: tuple[Word, ...]
    source: Word | None
    """From which system the data were taken."""
    occasion: UUID | None
    policy: Word
