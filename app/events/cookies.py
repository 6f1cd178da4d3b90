"""What a visitor of the website chose about cookies; the visitor is nobody we know (C21, L18)."""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum

from app.events.declare import event
from app.identifiers import Word


class CookieCategory(StrEnum):
    """What cookies and pixels are for; about what is strictly necessary nobody is asked."""

    PREFERENCES = "preferences"
    STATISTICS = "statistics"
    MARKETING = "marketing"
    SOCIAL_MEDIA = "social_media"
    """Buttons and embedded pages of others (C51)."""


class CookieAnswer(StrEnum):
    """Both weigh the same, are asked the same way, and hold equally long."""

    ACCEPTED = "accepted"
    REFUSED = "refused"


class CookieMethod(StrEnum):
    """By what the visitor chose: an act of their own on our page, and nothing else."""

    BANNER = "banner"
    PREFERENCES = "preferences"
    """The page on which a choice is changed, as easily as it was made."""


@event("cookie-choice.recorded", version=1)
class CookieChoiceRecorded:
    """A visitor chose, for every category and for single cookies; kept until it is asked again."""

    banner: Word
    """The version of the banner that was shown."""
    language: Word
    policy: Word
    method: CookieMethod
    categories: Mapping[Word, CookieAnswer]
    cookies: Mapping[Word, CookieAnswer]
    """Choices about single cookies, which go before the one about their category."""
    ask_again_on: date
