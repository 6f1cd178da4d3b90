"""The legal clock: a golden table, ten thousand dates against a second clock, pauses, holidays."""

import ast
import random
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import holidays
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.legal_clock import (
    Due,
    Rest,
    day_of,
    due,
    end_of,
    extended,
    pause_warns_on,
    paused_days,
    rest_on,
)
from app.policy.loader import load_packaged_law
from tests.domain import second_clock

LAW = load_packaged_law()
GOLDEN = [
    ("2026-03-05", "2026-04-05", "2026-04-07", "2026-06-05", "2026-06-05"),
    ("2026-08-31", "2026-09-30", "2026-09-30", "2026-11-30", "2026-11-30"),
    ("2026-01-31", "2026-02-28", "2026-03-02", "2026-04-30", "2026-04-30"),
    ("2028-01-31", "2028-02-29", "2028-02-29", "2028-04-30", "2028-05-02"),
    ("2025-11-25", "2025-12-25", "2025-12-26", "2026-02-25", "2026-02-25"),
    ("2026-04-01", "2026-05-01", "2026-05-04", "2026-07-01", "2026-07-01"),
    ("2026-06-21", "2026-07-21", "2026-07-22", "2026-09-21", "2026-09-21"),
    ("2026-10-11", "2026-11-11", "2026-11-12", "2027-01-11", "2027-01-11"),
]
"""Receipt, then raw and due for an answer, and raw and due after an extension."""

FIRST = datetime(2018, 5, 25, 12, tzinfo=UTC)
MOMENTS = st.integers(86_400, 181 * 365 * 86_400).map(lambda s: FIRST + timedelta(seconds=s))


def noon(day: str) -> datetime:
    """The middle of a day, which is that day in Brussels as well."""
    return datetime.fromisoformat(day).replace(hour=12, tzinfo=UTC)


@pytest.mark.clause("L21", "L22", "L23")
@pytest.mark.parametrize(("received", "raw", "last", "raw_extended", "last_extended"), GOLDEN)
def test_the_golden_table_of_deadlines(
    received: str, raw: str, last: str, raw_extended: str, last_extended: str
) -> None:
    """Art. 12(3) GDPR; Reg. 1182/71 Art. 3(1), (2)(c) and (4)."""
    answer, more = due(noon(received), LAW), extended(noon(received), LAW)

    assert (answer.calendar_day, answer.last_day) == (
        date.fromisoformat(raw),
        date.fromisoformat(last),
    )
    assert (more.calendar_day, more.last_day) == (
        date.fromisoformat(raw_extended),
        date.fromisoformat(last_extended),
    )
    assert (answer.months, more.months) == (1, 3)


@pytest.mark.clause("L21", "L23")
def test_the_day_of_receipt_is_that_of_brussels() -> None:
    """Half past ten in the evening in UTC is the next day there in summer, and not in winter."""
    summer = due(datetime(2026, 8, 31, 22, 30, tzinfo=UTC), LAW)
    winter = due(datetime(2026, 1, 31, 22, 30, tzinfo=UTC), LAW)

    assert (summer.received_on, summer.last_day) == (date(2026, 9, 1), date(2026, 10, 1))
    assert winter.received_on == date(2026, 1, 31)
    assert day_of(datetime(2026, 1, 31, 23, 0, tzinfo=UTC), LAW) == date(2026, 2, 1)


@pytest.mark.clause("L21")
def test_it_ends_with_the_last_hour_there() -> None:
    answer = due(noon("2026-08-31"), LAW)

    assert answer.ends_at == datetime(2026, 9, 30, 22, 0, tzinfo=UTC)
    assert not answer.over(answer.ends_at - timedelta(microseconds=1))
    assert answer.over(answer.ends_at)
    assert end_of(date(2026, 1, 15), LAW) == datetime(2026, 1, 15, 23, 0, tzinfo=UTC)


@pytest.mark.clause("L23")
def test_a_deadline_says_over_which_days_it_was_moved() -> None:
    assert due(noon("2026-03-05"), LAW) == Due(
        received_on=date(2026, 3, 5),
        months=1,
        paused_days=0,
        calendar_day=date(2026, 4, 5),
        last_day=date(2026, 4, 7),
        rests=(
            Rest(date(2026, 4, 5), "sunday"),
            Rest(date(2026, 4, 6), "Easter Monday"),
        ),
        ends_at=datetime(2026, 4, 7, 22, 0, tzinfo=UTC),
    )
    assert due(noon("2026-08-31"), LAW).rests == ()
    assert due(noon("2026-01-31"), LAW).rests[0] == Rest(date(2026, 2, 28), "saturday")


@pytest.mark.clause("L23")
def test_ten_thousand_random_receipts_against_the_second_clock() -> None:
    """Answer and extension, with pauses among them; the second clock shares no line with ours."""
    chance = random.Random(1182_71)
    for _ in range(10_000):
        received = FIRST + timedelta(seconds=chance.randrange(1, 182 * 366 * 86_400 // 2))
        pause = chance.choice((0, 0, chance.randrange(60)))
        answer = due(received, LAW, paused_days=pause)
        more = extended(received, LAW, paused_days=pause)

        assert answer.received_on == second_clock.brussels_day(received), received
        assert answer.last_day == second_clock.last_day(received, 1, pause), received
        assert more.last_day == second_clock.last_day(received, 3, pause), received


@pytest.mark.clause("L23")
def test_the_second_clock_imports_nothing_of_the_application() -> None:
    tree = ast.parse(Path(second_clock.__file__).read_text(encoding="utf-8"))
    imported = {
        name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module] if isinstance(node, ast.ImportFrom) else [])
        + [one.name for one in getattr(node, "names", [])]
    }

    assert imported == {"datetime", "UTC", "date", "timedelta"}


@pytest.mark.clause("L23")
@pytest.mark.parametrize("year", range(2018, 2041))
def test_the_holidays_are_those_of_the_library(year: int) -> None:
    """The table of the law file counts; the library, which names two Sundays, is a cross-check."""
    known = set(holidays.country_holidays("BE", years=year))
    sundays = {second_clock.easter(year) + timedelta(days=after) for after in (0, 49)}

    assert LAW.holidays(year) == known - sundays
    assert all(rest_on(day, LAW) for day in known)


@pytest.mark.clause("L21")
@given(received=MOMENTS)
def test_every_period_has_two_working_days_and_ends_on_one(received: datetime) -> None:
    """Reg. 1182/71 Art. 3(4) and (5)."""
    answer = due(received, LAW)

    assert rest_on(answer.last_day, LAW) is None
    assert answer.calendar_day <= answer.last_day
    assert second_clock.working_days(answer.received_on, answer.last_day) >= 2
    assert answer.last_day > answer.received_on


@pytest.mark.clause("L21")
@given(earlier=MOMENTS, later=MOMENTS)
def test_who_asks_later_is_never_due_earlier(earlier: datetime, later: datetime) -> None:
    first, second = sorted((earlier, later))

    assert due(first, LAW).last_day <= due(second, LAW).last_day
    assert due(first, LAW).last_day <= extended(first, LAW).last_day


@pytest.mark.clause("L24")
@given(received=MOMENTS, pause=st.integers(0, 400))
def test_a_pause_never_restarts_the_clock(received: datetime, pause: int) -> None:
    """Art. 12(6): what had run has run; the raw day moves by the pause and by nothing else."""
    plain, paused = due(received, LAW), due(received, LAW, paused_days=pause)

    assert paused.calendar_day - plain.calendar_day == timedelta(days=pause)
    assert paused.received_on == plain.received_on


@pytest.mark.clause("L24")
def test_a_pause_is_counted_in_days_of_brussels() -> None:
    asked = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)

    assert paused_days(asked, asked, LAW) == 0
    assert paused_days(asked, datetime(2026, 3, 10, 22, 59, tzinfo=UTC), LAW) == 0
    assert paused_days(asked, datetime(2026, 3, 10, 23, 0, tzinfo=UTC), LAW) == 1
    assert paused_days(asked, datetime(2026, 3, 15, 9, 0, tzinfo=UTC), LAW) == 5
    assert paused_days(asked, datetime(2026, 3, 1, tzinfo=UTC), LAW) == 0


@pytest.mark.clause("L24")
def test_a_question_without_an_answer_is_looked_at_after_a_month() -> None:
    assert pause_warns_on(noon("2026-01-31"), LAW) == date(2026, 3, 1)
    assert pause_warns_on(noon("2026-03-10"), LAW) == date(2026, 4, 11)


@pytest.mark.parametrize("year", [1, 1900, 2017])
def test_what_is_older_than_the_law_waits_from_its_first_day(year: int) -> None:
    """A back-dated objection stands in the log for good: its clock can always be read."""
    old = due(datetime(year, 5, 24, 12, tzinfo=UTC), LAW)
    first = due(datetime(2018, 5, 25, 12, tzinfo=UTC), LAW)

    assert old.received_on == date(year, 5, 24)
    assert (old.last_day, old.ends_at) == (first.last_day, first.ends_at)
    assert extended(datetime(year, 5, 24, 12, tzinfo=UTC), LAW).last_day > old.last_day
