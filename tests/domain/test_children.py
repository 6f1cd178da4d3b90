"""The minimum age: the day counts, and who is born on a leap day waits for 1 March (L19)."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given as forall
from hypothesis import strategies as st

from app.domain.children import BIRTH_DATE, is_child, minimum_age
from app.policy.model import Policy
from tests.spec import POLICY, circumstances

SIXTEEN = 16


def child(born: str, today: str, *, policy: Policy = POLICY) -> bool:
    """Whether somebody born then is a child on that day."""
    now = datetime.fromisoformat(today).replace(hour=0, tzinfo=UTC)
    return is_child({BIRTH_DATE: born}, circumstances(now=now, policy=policy))


@pytest.mark.clause("C74", "L19")
@pytest.mark.parametrize(
    ("born", "today", "expected"),
    [
        ("2010-11-22", "2026-11-22", False),
        ("2010-11-23", "2026-11-22", True),
        ("2010-11-22", "2026-11-21", True),
        ("2010-12-31", "2026-12-30", True),
        ("2010-12-31", "2026-12-31", False),
        ("2012-02-29", "2028-02-28", True),
        ("2012-02-29", "2028-02-29", False),
        ("1926-11-22", "2026-11-22", False),
        ("2026-11-22", "2026-11-22", True),
        ("2030-01-01", "2026-11-22", True),
    ],
)
def test_sixteen_is_reached_on_the_birthday(born: str, today: str, expected: bool) -> None:
    assert child(born, today) is expected


@pytest.mark.clause("C74", "L19")
def test_the_birthday_begins_at_midnight_in_brussels() -> None:
    """In winter an hour, in summer two, before the day in UTC."""
    for born, midnight in (
        ("2010-11-22", datetime(2026, 11, 21, 23, tzinfo=UTC)),
        ("2010-07-01", datetime(2026, 6, 30, 22, tzinfo=UTC)),
    ):
        before = circumstances(now=midnight - timedelta(seconds=1))
        assert is_child({BIRTH_DATE: born}, before)
        assert not is_child({BIRTH_DATE: born}, circumstances(now=midnight))


@pytest.mark.clause("L19")
def test_a_leap_day_birthday_is_reached_on_1_march_in_common_years() -> None:
    """Thirteen, the age of Belgian law, falls into a common year for who is born in 2012."""
    thirteen = replace(POLICY, minimum_age=13)

    assert child("2012-02-29", "2025-02-28", policy=thirteen)
    assert not child("2012-02-29", "2025-03-01", policy=thirteen)


@pytest.mark.clause("C74", "L19")
def test_the_age_is_the_promise_of_the_policy_in_force() -> None:
    """Another controller's is another one, and so is that of a later version."""
    for promised, expected in ((13, False), (18, True)):
        policy = replace(POLICY, minimum_age=promised)
        assert child("2010-11-22", "2026-11-22", policy=policy) is expected
        assert minimum_age(circumstances(policy=policy)) == promised


@pytest.mark.clause("L19")
def test_without_a_date_of_birth_no_check_is_claimed() -> None:
    assert not is_child({"identity.document_expiry": "2030-01-01"}, circumstances())


@pytest.mark.clause("C74")
def test_the_promised_age_is_the_one_in_force() -> None:
    assert minimum_age(circumstances()) == SIXTEEN


@pytest.mark.clause("L19")
@forall(st.dates(min_value=date(2003, 1, 1), max_value=date(2040, 1, 1)))
def test_everybody_stops_being_a_child_on_exactly_one_day(born: date) -> None:
    """Day by day around the sixteenth birthday there is one change, and only towards adulthood."""
    start = datetime(born.year + SIXTEEN, born.month, min(born.day, 28), tzinfo=UTC)
    days = [start + timedelta(days=offset) for offset in range(-3, 6)]
    answers = [is_child({BIRTH_DATE: born.isoformat()}, circumstances(now=day)) for day in days]

    assert answers[0] is True
    assert answers[-1] is False
    assert answers == sorted(answers, reverse=True)
