"""The month for an answer: Reg. (EEC, Euratom) 1182/71 where the controller sits (L20 to L24).

The day of receipt is not counted (Art. 3(1)). The period ends with the last hour of the day of the
same number, or of the month's last day (Art. 3(2)(c)); on a Saturday, a Sunday or a holiday, of the
next working day (Art. 3(4)). A month always has two working days (Art. 3(5)).
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from app.policy.durations import Duration
from app.policy.law import Law
from app.values import Value

ANSWER: Final = "deadline.answer_months"
EXTENSION: Final = "deadline.extension_months"
SATURDAY: Final = "saturday"
SUNDAY: Final = "sunday"
_WEEKEND: Final = {5: SATURDAY, 6: SUNDAY}


class Rest(Value, frozen=True):
    """A day that is no working day, and why: a day of the weekend, or the name of a holiday."""

    on: date
    why: str


class Due(Value, frozen=True, kw_only=True):
    """When a period ends, and how that was found."""

    received_on: date
    """The day of receipt in the controller's time zone."""
    months: int
    paused_days: int
    calendar_day: date
    """Where the calendar alone would end it."""
    last_day: date
    rests: tuple[Rest, ...]
    """The days over which it was moved from one to the other."""
    ends_at: datetime
    """The first moment that is too late, in UTC."""

    def over(self, now: datetime) -> bool:
        """Whether the last hour has passed."""
        return now >= self.ends_at


def due(received_at: datetime, law: Law, *, paused_days: int = 0) -> Due:
    """When the answer is due (Art. 12(3)); what is older than the law waits from its first day."""
    on = day_of(received_at, law)
    return _due(on, law, months=law.term(ANSWER, on), paused_days=paused_days)


def extended(received_at: datetime, law: Law, *, paused_days: int = 0) -> Due:
    """When it is due after an extension, counted from receipt in one step (L22)."""
    on = day_of(received_at, law)
    months = law.term(ANSWER, on) + law.term(EXTENSION, on)
    return _due(on, law, months=months, paused_days=paused_days)


def target(received_at: datetime, law: Law, *, paused_days: int = 0) -> date:
    """The day to aim at after an extension: chained to the first month's, it can be earlier."""
    first = due(received_at, law, paused_days=paused_days)
    months = law.term(EXTENSION, first.received_on)
    return Duration(months=months).after(first.calendar_day)


def paused_days(asked_at: datetime, answered_at: datetime, law: Law) -> int:
    """For how many days a question to the person stopped the clock (Art. 12(6); L24).

    The day of the question still counts, that of the answer does not: as that of receipt.
    """
    return max(0, (day_of(answered_at, law) - day_of(asked_at, law)).days)


def pause_warns_on(asked_at: datetime, law: Law) -> date:
    """The first day on which an unanswered question is to be looked at again."""
    on = day_of(asked_at, law)
    months = law.term("deadline.identity_pause_warning_months", on)
    return Duration(months=months, days=1).after(on)


def day_of(moment: datetime, law: Law) -> date:
    """The day on which something happened where the controller sits, and not in UTC."""
    return moment.astimezone(_zone(law, moment.date())).date()


def end_of(day: date, law: Law) -> datetime:
    """The first moment after a day there, in UTC."""
    midnight = datetime.combine(day + timedelta(days=1), time(), _zone(law, day))
    return midnight.astimezone(UTC)


def rest_on(day: date, law: Law) -> str | None:
    """Why a day is no working day (Reg. 1182/71 Art. 2(2)); None when it is one."""
    for rule in law.holiday_rules:
        in_force = rule.valid_from <= day and (rule.valid_before is None or day < rule.valid_before)
        if in_force and rule.in_year(day.year) == day:
            return rule.name
    return _WEEKEND.get(day.weekday())


def _due(on: date, law: Law, *, months: int, paused_days: int) -> Due:
    began_on = max(on, law.first_day(ANSWER))
    calendar_day = Duration(months=months, days=paused_days).after(began_on)
    last_day, rests = calendar_day, []
    while (why := rest_on(last_day, law)) is not None:
        rests.append(Rest(last_day, why))
        last_day += timedelta(days=1)
    return Due(
        received_on=on,
        months=months,
        paused_days=paused_days,
        calendar_day=calendar_day,
        last_day=last_day,
        rests=tuple(rests),
        ends_at=end_of(last_day, law),
    )


def _zone(law: Law, on: date) -> ZoneInfo:
    return ZoneInfo(str(law.value("time_zone", max(on, law.first_day("time_zone")))))
