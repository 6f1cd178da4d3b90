"""Which version of the privacy notice a person was shown, when and in which language (L29)."""

from app.events.declare import event
from app.identifiers import Word


@event("notice.shown", version=1)
class NoticeShown:
    """The person was informed (Arts. 13, 14). Being informed is not consenting (C5)."""

    policy: Word
    language: Word
    channel: Word
