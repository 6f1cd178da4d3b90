"""Nothing is held without a period, its reason and its norm; the last day is right to the day."""

from datetime import UTC, date, datetime, timedelta

import pytest

from app.domain.collections import CollectData
from app.domain.consents import GiveConsent
from app.domain.erasure_plan import preview
from app.domain.evidence import Evidence, Wording
from app.domain.generations import generation
from app.domain.obtaining import Admitted, Obtained, Provenance, collected
from app.policy.model import Purpose, RetentionClass
from app.policy.vocabulary import ClockEvent
from tests.spec import OCCASION, POLICY, At, circumstances, given, registration

pytestmark = pytest.mark.clause("L7")

PURPOSES = POLICY.all_purposes()
CLASSES = tuple(POLICY.retention_classes.values())
STARTS = (
    date(2023, 2, 28),
    date(2024, 2, 1),
    date(2024, 2, 28),
    date(2024, 2, 29),
    date(2024, 12, 31),
    date(2025, 1, 31),
    date(2026, 11, 22),
    date(2095, 2, 28),
    date(2099, 12, 31),
)
"""Round about leap days, ends of months and of years, and the leap year that 2100 is not."""


ENDS_WITH = {ClockEvent.CONSENT_END, ClockEvent.CHAT_END}
"""What is needed as long as something lasts, and not a day longer: the period may be none."""


def key_of(declared: Purpose | RetentionClass) -> str:
    """How a test is named."""
    return declared.key


@pytest.mark.parametrize("purpose", PURPOSES, ids=key_of)
def test_every_category_of_a_purpose_has_a_period_with_its_reason_and_its_norm(
    purpose: Purpose,
) -> None:
    """Per category, purpose and basis: the exceptions of a purpose concern categories of it."""
    assert purpose.categories
    assert purpose.retention_by_category.keys() <= purpose.categories
    for category in purpose.categories:
        kind = POLICY.retention_classes[POLICY.retention_class(category, purpose.key)]

        assert kind.keep.months + kind.keep.days > 0 or kind.clock in ENDS_WITH
        assert len(kind.reason) > 20
        assert kind.norm


@pytest.mark.parametrize("purpose", PURPOSES, ids=key_of)
def test_every_value_is_sealed_under_the_key_of_its_own_class_and_no_other(
    purpose: Purpose,
) -> None:
    """What expires on another day never shares a key with it."""
    personal = dict.fromkeys(sorted(purpose.categories), "value")
    source = next(iter(POLICY.sources.values()))

    record = collected(
        Admitted(purpose, personal, 0, OCCASION), Provenance(source=source), circumstances()
    )

    classes = [section.retention_class for section in record.sections]
    assert len(classes) == len(set(classes))
    assert {
        category: section.retention_class
        for section in record.sections
        for category in section.personal
    } == {category: POLICY.retention_class(category, purpose.key) for category in personal}
    for section in record.sections:
        assert section.generation == generation(
            section.retention_class, POLICY, on=circumstances().now.date(), occasion=OCCASION
        )


def test_no_class_is_there_for_nothing_and_none_is_missing() -> None:
    used = {
        purpose.retention_class(category) for purpose in PURPOSES for category in purpose.categories
    }

    assert used == POLICY.retention_classes.keys()


@pytest.mark.parametrize("kind", CLASSES, ids=key_of)
@pytest.mark.parametrize("start", STARTS, ids=str)
def test_the_last_day_is_kept_and_the_day_after_is_not(kind: RetentionClass, start: date) -> None:
    last = kind.until(start)
    kept = [start + timedelta(days=number) for number in range((last - start).days + 1)]

    assert kept[-1] == last
    assert last == counted(kind, start)
    assert within(kind, start, last - timedelta(days=1)) or last == start
    assert within(kind, start, last)
    assert not within(kind, start, last + timedelta(days=1))


def counted(kind: RetentionClass, start: date) -> date:
    """The last day found by going through the calendar, without any arithmetic of months."""
    day = start
    while (month_of(day) - month_of(start), day.day) < (kind.keep.months, start.day):
        following = day + timedelta(days=1)
        if month_of(following) - month_of(start) > kind.keep.months:
            break  # the month has no such day: its last one it is (Reg. 1182/71 Art. 3(2)(c))
        day = following
    for _ in range(kind.keep.days):
        day += timedelta(days=1)
    return day


def month_of(day: date) -> int:
    """The number of the month since the year nought."""
    return day.year * 12 + day.month


def within(kind: RetentionClass, start: date, day: date) -> bool:
    """Whether material whose clock started then is kept on that day."""
    return day <= kind.until(start)


LEAPS = [
    ("participation", date(2024, 2, 29), date(2031, 2, 28)),
    ("consent-proof", date(2024, 2, 29), date(2029, 2, 28)),
    ("consent-proof", date(2023, 2, 28), date(2028, 2, 28)),
    ("photograph", date(2026, 2, 28), date(2028, 2, 28)),
    ("occasion", date(2024, 2, 15), date(2024, 3, 16)),
    ("occasion", date(2023, 2, 15), date(2023, 3, 17)),
    ("occasion", date(2025, 12, 31), date(2026, 1, 30)),
    ("fiscal", date(2024, 12, 31), date(2034, 12, 31)),
    ("subscription", date(2026, 11, 22), date(2026, 11, 22)),
]
"""Counted by hand."""


@pytest.mark.parametrize(("kind", "start", "last"), LEAPS)
@pytest.mark.clause("C32")
def test_leap_days_and_ends_of_months_count_as_the_calendar_has_them(
    kind: str, start: date, last: date
) -> None:
    assert POLICY.retention_classes[kind].until(start) == last


VOUCHER = CollectData(
    obtained=Obtained(purpose="accounting", personal={"financial.account": "BE71096123456769"}),
    source="secretariat",
)
MOMENTS = [
    (datetime(2024, 2, 29, 22, 59, tzinfo=UTC), date(2034, 12, 31), date(2029, 2, 28)),
    (datetime(2024, 12, 31, 22, 59, tzinfo=UTC), date(2034, 12, 31), date(2029, 12, 31)),
    (datetime(2024, 12, 31, 23, 0, tzinfo=UTC), date(2035, 12, 31), date(2030, 1, 1)),
]


@pytest.mark.parametrize(("now", "voucher", "proof"), MOMENTS)
@pytest.mark.clause("C32", "C71", "L37")
def test_what_an_erasure_leaves_is_told_with_its_last_day(
    now: datetime, voucher: date, proof: date
) -> None:
    """A voucher is counted from the end of its year, the proof of a consent from its end.

    The year ends at midnight in Brussels, an hour before it does in UTC.
    """
    person = given(
        registration("event_logistics"),
        At(now, VOUCHER),
        GiveConsent(
            purpose="newsletter",
            evidence=Evidence(
                wording=Wording(digest="ab" * 32, language="sv", policy="impel-1"),
                method="form",
                source="registration_form",
                occurred_at=now - timedelta(days=60),
                reference="entry 12",
            ),
        ),
        now=now,
    )

    retained = {
        one.retention_class: one for one in preview(person.state, person.circumstances).retained
    }

    assert retained["fiscal"].until == voucher
    assert retained["consent-proof"].until == proof
    assert all(one.norm and one.ground for one in retained.values())
