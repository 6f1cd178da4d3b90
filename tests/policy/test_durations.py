"""Calendar periods: the notation, the clamp at the end of a month, and no chain of clamps (L22)."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.policy.durations import Duration


@pytest.mark.parametrize(
    ("text", "months", "days"),
    [
        ("P7Y", 84, 0), ("P1Y6M", 18, 0), ("P2W", 0, 14), ("P30D", 0, 30), ("P0D", 0, 0),
        ("P1Y2M3W4D", 14, 25),
    ],
)  # fmt: skip
def test_a_duration_is_read(text: str, months: int, days: int) -> None:
    assert Duration.parse(text) == Duration(months=months, days=days)


@pytest.mark.parametrize("text", ["", "P", "7Y", "P7", "PT1H", "P-1Y", "P1M1Y", "P1.5Y", "p7y"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not an ISO 8601 duration"):
        Duration.parse(text)


@pytest.mark.clause("L22")
@pytest.mark.parametrize(
    ("start", "text", "end"),
    [
        (date(2026, 1, 31), "P1M", date(2026, 2, 28)),
        (date(2028, 1, 31), "P1M", date(2028, 2, 29)),
        (date(2026, 1, 31), "P3M", date(2026, 4, 30)),
        (date(2026, 12, 15), "P1M", date(2027, 1, 15)),
        (date(2026, 11, 30), "P1M", date(2026, 12, 30)),
        (date(2024, 2, 29), "P1Y", date(2025, 2, 28)),
        (date(2024, 2, 29), "P4Y", date(2028, 2, 29)),
        (date(2026, 1, 31), "P1M1D", date(2026, 3, 1)),
        (date(2026, 6, 1), "P30D", date(2026, 7, 1)),
        (date(2026, 6, 1), "P0D", date(2026, 6, 1)),
    ],
)
def test_months_are_added_in_one_step(start: date, text: str, end: date) -> None:
    assert Duration.parse(text).after(start) == end


@given(st.integers(0, 1200), st.integers(0, 9999))
def test_what_is_written_is_read_back(months: int, days: int) -> None:
    duration = Duration(months=months, days=days)

    assert Duration.parse(str(duration)) == duration


@given(st.dates(date(1900, 1, 1), date(2200, 1, 1)), st.integers(0, 240))
def test_the_day_of_the_month_is_kept_or_is_the_last(start: date, months: int) -> None:
    end = Duration(months=months).after(start)

    assert (end.year - start.year) * 12 + end.month - start.month == months
    assert end.day == start.day or (end.day < start.day and end.day >= 28)
