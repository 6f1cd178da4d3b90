"""Which day it is where the controller sits: periods are counted by its calendar, not by UTC."""

from datetime import UTC, date, datetime, time
from functools import cache
from zoneinfo import ZoneInfo

from app.domain.decider import Circumstances

TIME_ZONE = "time_zone"


def day_of(moment: datetime, given: Circumstances) -> date:
    """The day of a moment by the zone that the law file names today.

    One second before midnight in UTC is the next day already in Brussels: a period counted from
    there by UTC would end a day too early.
    """
    return moment.astimezone(zone_of(given)).date()


def start_of(day: date, given: Circumstances) -> datetime:
    """The first moment of a day there, in UTC."""
    return datetime.combine(day, time(), zone_of(given)).astimezone(UTC)


def zone_of(given: Circumstances) -> ZoneInfo:
    """The zone that the law file names today."""
    return _zone(str(given.law.value(TIME_ZONE, given.now.date())))


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
