"""Expiry buckets: what is forgotten on one day shares a key."""

from datetime import date

import pytest

from app.domain.generations import generation
from app.identifiers import is_word
from app.policy.vocabulary import ExpiryBucket
from app.values import replace
from tests.spec import OCCASION, POLICY

DAY = date(2026, 11, 22)


@pytest.mark.clause("C32", "L40")
def test_what_waits_for_the_end_of_participation_is_one_bucket() -> None:
    assert generation("participation", POLICY, on=DAY) == "membership"
    assert generation("participation", POLICY, on=DAY, occasion=OCCASION) == "membership"


@pytest.mark.clause("C27", "L62")
def test_vouchers_go_by_the_year_in_which_it_happened() -> None:
    assert generation("fiscal", POLICY, on=DAY, occasion=OCCASION) == "year.2026"
    assert generation("fiscal", POLICY, on=date(2024, 12, 31)) == "year.2024"


@pytest.mark.clause("C13", "L65")
def test_what_is_held_for_a_trip_goes_by_the_trip() -> None:
    assert generation("travel-identity", POLICY, on=DAY, occasion=OCCASION) == (
        f"occasion.{OCCASION}"
    )
    assert generation("travel-identity", POLICY, on=DAY) == "occasion"


@pytest.mark.clause("L64")
def test_what_is_held_for_a_grant_goes_by_the_grant() -> None:
    assert generation("grant", POLICY, on=DAY, occasion=OCCASION) == f"grant.{OCCASION}"


@pytest.mark.clause("L67")
def test_what_is_counted_from_its_collection_goes_by_the_day() -> None:
    """A bucket of a month would keep what came on the first until the last has expired."""
    assert generation("security-log", POLICY, on=date(2026, 3, 1)) == "day.2026-03-01"
    assert generation("web", POLICY, on=DAY, occasion=OCCASION) == "day.2026-11-22"
    classes = dict(POLICY.retention_classes)
    classes["web"] = replace(classes["web"], generation=ExpiryBucket.MONTH)
    monthly = replace(POLICY, retention_classes=classes)
    assert generation("web", monthly, on=DAY) == "month.2026-11"


@pytest.mark.parametrize("retention_class", sorted(POLICY.retention_classes))
def test_every_class_has_buckets_that_are_words(retention_class: str) -> None:
    assert is_word(generation(retention_class, POLICY, on=DAY))
    assert is_word(generation(retention_class, POLICY, on=DAY, occasion=OCCASION))
