"""Which version of the privacy notice a person was shown, when and in which language (L29)."""

from enum import StrEnum
from uuid import UUID

from app.events.declare import event
from app.identifiers import Word


class NoticeChannel(StrEnum):
    """By which way a notice reached a person."""

    FORM = "form"
    """On the form on which the data were given."""
    EMAIL = "email"
    POST = "post"
    DESK = "desk"
    WEB = "web"
    """On the member page."""


@event("notice.shown", version=1)
class NoticeShown:
    """The person was informed (Arts. 13, 14). Being informed is not consenting (C5)."""

    policy: Word
    language: Word
    channel: NoticeChannel


@event("notice.returned", version=1)
class NoticeReturned:
    """The mail by which the person was to be informed came back: they were not."""

    policy: Word
    language: Word
    mail: UUID
