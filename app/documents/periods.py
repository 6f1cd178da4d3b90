"""Periods in words, and the criteria by which a last day is reckoned (Art. 13(2)(a), 15(1)(d))."""

from typing import Final

from babel.units import format_unit

from app.documents.blocks import Words
from app.documents.languages import Language
from app.documents.vocabulary import WORDS
from app.policy.durations import Duration

_MONTHS_A_YEAR: Final = 12
_AFTER: Final = " after "


def period(text: str, spoken: Language) -> str:
    """`P7Y` in words; a text that is no duration as it is."""
    try:
        duration = Duration.parse(text)
    except ValueError:
        return text
    years, months = divmod(duration.months, _MONTHS_A_YEAR)
    parts = ((years, "year"), (months, "month"), (duration.days, "day"))
    told = [str(format_unit(count, unit, locale=spoken.code)) for count, unit in parts if count]
    return ", ".join(told) or str(format_unit(0, "day", locale=spoken.code))


def criteria(text: str, spoken: Language) -> Words:
    """`P7Y after participation_end` in words; any other text as the policy's."""
    keep, after, clock = text.partition(_AFTER)
    if not after or clock not in WORDS:
        return spoken.named(text)
    return spoken.say(
        "{period}, counted from {clock}",
        period=period(keep, spoken),
        clock=spoken.say(WORDS[clock]),
    )
