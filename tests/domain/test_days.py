"""A period never errs by a day: by the calendar of Brussels, over leap days and clock changes."""

from calendar import isleap, monthrange
from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given as examples
from hypothesis import settings
from hypothesis import strategies as st

from app.domain.collections import CollectData
from app.domain.days import day_of, start_of
from app.domain.obtaining import Obtained
from app.domain.occasions import Balance, Occasions
from app.domain.relationships import EndRelationship, StartRelationship
from app.domain.retention import expired
from app.values import replace
from tests.spec import CONTRACTED, OCCASION, circumstances, given, registration

ZONES = ["UTC", "Europe/Brussels", "Pacific/Kiritimati", "Pacific/Niue", "Asia/Kathmandu"]
FIRST = datetime(2019, 1, 1, tzinfo=UTC)
SECONDS = int((datetime(2026, 6, 30, tzinfo=UTC) - FIRST).total_seconds())
MOMENTS = st.builds(
    lambda seconds, zone: (FIRST + timedelta(seconds=seconds)).astimezone(ZoneInfo(zone)),
    st.integers(0, SECONDS),
    st.sampled_from(ZONES),
)
unhurried = settings(deadline=None, max_examples=60)


def in_brussels(moment: datetime) -> date:
    """The day there, by the rule of the European Union alone: no table of zones is asked."""
    utc = moment.astimezone(UTC)

    def last_sunday(month: int) -> datetime:
        day = date(utc.year, month, monthrange(utc.year, month)[1])
        day -= timedelta(days=(day.weekday() + 1) % 7)
        return datetime(day.year, day.month, day.day, 1, tzinfo=UTC)

    summer = last_sunday(3) <= utc < last_sunday(10)
    return utc.astimezone(timezone(timedelta(hours=2 if summer else 1))).date()


def years_after(day: date, years: int) -> date:
    """The same date of a later year; who left on a leap day is counted to the last of February."""
    if (day.month, day.day) == (2, 29) and not isleap(day.year + years):
        return date(day.year + years, 2, 28)
    return date(day.year + years, day.month, day.day)


def last_second(day: date) -> datetime:
    """The last second of a day in Brussels."""
    following = day + timedelta(days=1)
    midnight = datetime(following.year, following.month, following.day, tzinfo=UTC)
    tried = (midnight - timedelta(hours=hours, seconds=1) for hours in (1, 2))
    return next(
        one
        for one in tried
        if in_brussels(one) == day and in_brussels(one + timedelta(seconds=1)) == following
    )


@pytest.mark.clause("L67", "L7")
@unhurried
@examples(MOMENTS)
def test_a_day_is_that_of_brussels_wherever_the_moment_was_written(moment: datetime) -> None:
    assert day_of(moment, circumstances()) == in_brussels(moment)


@pytest.mark.clause("L67", "L7", "L40", "C32")
@unhurried
@examples(MOMENTS)
def test_what_took_part_goes_in_the_second_after_its_last_day_and_not_before(
    ended: datetime,
) -> None:
    began = ended - timedelta(days=100)
    person = given(
        replace(registration("event_logistics"), occurred_at=began),
        StartRelationship(kind="event_attendee", occurred_at=began),
        EndRelationship(kind="event_attendee", occurred_at=ended),
    )
    last = years_after(in_brussels(ended), 7)
    end = last_second(last)

    assert not expired(person.state, circumstances(now=end))
    [gone] = expired(person.state, circumstances(now=end + timedelta(seconds=1))).values()
    assert gone.until == last


@pytest.mark.clause("L67", "L62", "L63")
@unhurried
@examples(MOMENTS)
def test_a_voucher_goes_with_the_year_of_its_day_by_the_law_of_that_year(
    moment: datetime,
) -> None:
    """Documents of 2021 to the end of 2028, of 2022 to the end of 2032."""
    voucher = CollectData(
        obtained=Obtained(purpose="payments", personal={"financial.account": "9912346"}),
        source="secretariat",
        occurred_at=moment,
    )
    person = given(voucher_holder(), voucher)
    year = in_brussels(moment).year
    last = date(year + (10 if year >= 2022 else 7), 12, 31)
    end = last_second(last)

    assert not expired(person.state, circumstances(now=end))
    assert {
        one.until
        for one in expired(person.state, circumstances(now=end + timedelta(seconds=1))).values()
    } == {last}


def voucher_holder() -> object:
    """Somebody who still takes part, so that nothing else falls due."""
    return replace(
        registration("event_logistics"),
        relationships=(StartRelationship(kind="event_attendee"),),
    )


@pytest.mark.clause("L64", "L67")
@pytest.mark.parametrize(("cents", "years"), [(6_000_000, 3), (6_000_001, 5), (0, 3)])
@unhurried
@examples(st.dates(min_value=date(2019, 1, 1), max_value=date(2026, 6, 30)))
def test_records_of_a_grant_are_counted_from_the_balance_by_its_amount(
    cents: int, years: int, paid: date
) -> None:
    records = CollectData(
        obtained=Obtained(
            purpose="grant_records", personal={"financial.claim": "Travel"}, occasion=OCCASION
        ),
        source="secretariat",
        occurred_at=datetime(2018, 9, 1, tzinfo=UTC),
    )
    balance = Occasions(paid={OCCASION: Balance(on=paid, amount_cents=cents)})
    control = replace(CONTRACTED, occasions=balance)
    person = given(voucher_holder(), records, control=control)
    end = last_second(years_after(paid, years))

    unpaid = circumstances(now=end + timedelta(days=4000))
    assert not expired(person.state, unpaid), "no clock runs before the balance is paid"
    assert not expired(person.state, circumstances(now=end, control=control))
    after = circumstances(now=end + timedelta(seconds=1), control=control)
    [gone] = expired(person.state, after).values()
    assert gone.retention_class == "grant"


@pytest.mark.clause("L40")
def test_two_projects_that_overlap_are_one_time_of_taking_part() -> None:
    """From the later end; who joins again starts anew (L40)."""
    began = datetime(2015, 1, 1, tzinfo=UTC)
    project = {"kind": "project_participant"}

    def part(occasion: object, until: datetime | None) -> tuple[object, ...]:
        start = StartRelationship(**project, occasion=occasion, occurred_at=began)  # type: ignore[arg-type]  # one of two ids
        end = EndRelationship(**project, occasion=occasion, occurred_at=until)  # type: ignore[arg-type]  # the same
        return (start, end) if until else (start,)

    other = OCCASION.__class__(int=OCCASION.int + 1)
    person = given(
        replace(registration("project_collaboration"), occurred_at=began),
        *part(OCCASION, datetime(2018, 6, 1, tzinfo=UTC)),
        *part(other, datetime(2019, 2, 1, tzinfo=UTC)),
    )
    again = given(
        replace(registration("project_collaboration"), occurred_at=began),
        *part(OCCASION, datetime(2018, 6, 1, tzinfo=UTC)),
        *part(other, None),
    )
    later = circumstances(now=datetime(2026, 2, 2, 12, tzinfo=UTC))

    assert not expired(person.state, circumstances(now=datetime(2026, 2, 1, 12, tzinfo=UTC)))
    assert {one.until for one in expired(person.state, later).values()} == {date(2026, 2, 1)}
    assert not expired(again.state, later)


@unhurried
@examples(MOMENTS)
def test_a_day_starts_right_after_the_last_second_of_the_day_before(moment: datetime) -> None:
    day = in_brussels(moment)

    started = start_of(day, circumstances())

    assert started == last_second(day - timedelta(days=1)) + timedelta(seconds=1)
    assert (started.utcoffset(), day_of(started, circumstances())) == (timedelta(), day)
