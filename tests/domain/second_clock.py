"""The legal clock a second time, written apart from the first: imports nothing of the application.

It counts days one by one, has its own Easter, and knows summer time from the directive.
"""

from datetime import UTC, date, datetime, timedelta

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
FIXED = {(1, 1), (5, 1), (7, 21), (8, 15), (11, 1), (11, 11), (12, 25)}
AFTER_EASTER = (1, 39, 50)
"""Easter Monday, Ascension, Whit Monday."""


def brussels_day(moment: datetime) -> date:
    """The day in Brussels: an hour ahead of UTC, two in summer (Directive 2000/84/EC)."""
    moment = moment.astimezone(UTC)
    begins = last_sunday(moment.year, 3)
    ends = last_sunday(moment.year, 10)
    summer = begins <= moment < ends
    return (moment + HOUR * (2 if summer else 1)).date()


def last_sunday(year: int, month: int) -> datetime:
    """The last Sunday of March or October, one o'clock in UTC."""
    day = date(year, month, 31)
    while day.isoweekday() != 7:
        day -= DAY
    return datetime(day.year, day.month, day.day, 1, tzinfo=UTC)


def easter(year: int) -> date:
    """Gauss's rule with the corrections of 1816."""
    century = year // 100
    moon = (15 + century - century // 4 - (8 * century + 13) // 25) % 30
    sun = (4 + century - century // 4) % 7
    full = (19 * (year % 19) + moon) % 30
    if full == 29 or (full == 28 and year % 19 > 10):
        full -= 1
    sunday = (2 * (year % 4) + 4 * (year % 7) + 6 * full + sun) % 7
    march = 22 + full + sunday
    if full == 28 and sunday == 6 and march == 57:
        march -= 7
    return date(year, 3, 1) + (march - 1) * DAY


def rests(day: date) -> bool:
    """Saturday, Sunday, or a legal holiday of Belgium."""
    if day.isoweekday() > 5 or (day.month, day.day) in FIXED:
        return True
    return any(day == easter(day.year) + after * DAY for after in AFTER_EASTER)


def months_later(start: date, months: int) -> date:
    """Walks month by month to the wanted one, then to the day of the same number, if it has one."""
    first = start.replace(day=1)
    for _ in range(months):
        first = (first + 31 * DAY).replace(day=1)
    day = first
    while day.day < start.day and (day + DAY).month == first.month:
        day += DAY
    return day


def last_day(received_at: datetime, months: int, paused: int = 0) -> date:
    """The last day of a period of months that begins with an event."""
    day = months_later(brussels_day(received_at), months) + paused * DAY
    while rests(day):
        day += DAY
    return day


def working_days(after: date, until: date) -> int:
    """Working days in a period, the last one included."""
    count, day = 0, after
    while day < until:
        day += DAY
        count += not rests(day)
    return count
