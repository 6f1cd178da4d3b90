"""What the law file answers, on each side of every boundary that it names."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.policy.law import DatedValue, LawSilent, easter_sunday
from app.policy.loader import load_law, packaged_law_structure
from app.policy.vocabulary import ConsentMethod, InvalidConsentMethod, LegalBasis, Right
from tests.policy.notices import law

TODAY = date(2026, 11, 22)


@pytest.mark.clause("L56", "C30")
@pytest.mark.parametrize(
    ("on", "in_force"),
    [
        (date(2016, 7, 11), False),
        (date(2016, 7, 12), True),
        (date(2020, 7, 15), True),
        (date(2020, 7, 16), False),
        (TODAY, False),
    ],
)
def test_the_privacy_shield_held_until_the_day_of_the_judgment(on: date, in_force: bool) -> None:
    ground = law().transfer_ground("US", ["privacy_shield"], on)

    assert law().mechanisms["privacy_shield"].in_force(on) is in_force
    assert ground == ("privacy_shield" if in_force else None)


@pytest.mark.clause("L57")
@pytest.mark.parametrize(
    ("on", "in_force"), [(date(2023, 7, 9), False), (date(2023, 7, 10), True), (TODAY, True)]
)
def test_the_framework_holds_from_its_decision_and_is_at_risk(on: date, in_force: bool) -> None:
    framework = law().mechanisms["dpf"]

    assert framework.in_force(on) is in_force
    assert framework.at_risk
    assert framework.evidence_days == 90


@pytest.mark.clause("L55")
def test_a_framework_for_listed_firms_covers_nobody_by_itself() -> None:
    assert law().transfer_ground("US", [], TODAY) is None
    assert law().transfer_ground("CA", [], TODAY) is None


@pytest.mark.clause("L55")
def test_a_framework_for_one_country_does_not_serve_another() -> None:
    assert law().transfer_ground("IN", ["dpf"], TODAY) is None
    assert law().transfer_ground("IN", ["dpf", "scc_2021"], TODAY) == "scc_2021"


@pytest.mark.clause("L55", "L60")
@pytest.mark.parametrize("key", ["explicit_consent", "contract_for_person", "legal_claims"])
def test_a_derogation_for_one_person_is_no_ground_for_a_recipient(key: str) -> None:
    assert law().mechanisms[key].per_person
    assert law().mechanisms[key].article.startswith("Art. 49(1)")
    assert law().transfer_ground("US", [key], TODAY) is None


@pytest.mark.clause("L55")
def test_a_mechanism_that_the_law_does_not_know_is_no_ground() -> None:
    assert law().transfer_ground("US", ["handshake"], TODAY) is None


@pytest.mark.clause("L55")
def test_an_unknown_country_has_no_ground() -> None:
    assert law().transfer_ground(None, ["scc_2021"], TODAY) is None


@pytest.mark.clause("L55")
@pytest.mark.parametrize(
    ("on", "ground"),
    [
        (date(2020, 12, 31), "eea"),
        (date(2021, 1, 1), None),
        (date(2021, 6, 27), None),
        (date(2021, 6, 28), "adequacy_gb"),
        (date(2031, 12, 27), "adequacy_gb"),
        (date(2031, 12, 28), None),
    ],
)
def test_the_united_kingdom_left_and_was_found_adequate(on: date, ground: str | None) -> None:
    assert law().transfer_ground("GB", [], on) == ground


@pytest.mark.clause("L55")
def test_what_is_arranged_comes_before_adequacy_and_the_area_before_both() -> None:
    assert law().transfer_ground("CH", ["scc_2021"], TODAY) == "scc_2021"
    assert law().transfer_ground("CH", [], TODAY) == "adequacy_ch"
    assert law().transfer_ground("BE", ["scc_2021"], TODAY) == "eea"


def test_the_area_has_its_thirty_members() -> None:
    members = [country for country in law().area if law().in_area(country, TODAY)]

    assert len(members) == 30
    assert not law().in_area("US", TODAY)


@pytest.mark.clause("L19", "C74")
@pytest.mark.parametrize(
    ("born", "on", "old_enough"),
    [
        (date(2010, 11, 22), TODAY, True),
        (date(2010, 11, 23), TODAY, False),
        (date(2010, 11, 21), TODAY, True),
        (date(2012, 2, 29), date(2028, 2, 28), False),
        (date(2012, 2, 29), date(2028, 2, 29), True),
    ],
)
def test_sixteen_on_the_day_is_old_enough(born: date, on: date, old_enough: bool) -> None:
    assert (law().birthday(born, 16, on) <= on) is old_enough


@pytest.mark.clause("L19")
def test_who_is_born_on_a_leap_day_is_older_from_the_first_of_march_in_common_years() -> None:
    assert law().birthday(date(2012, 2, 29), 15, TODAY) == date(2027, 3, 1)
    assert law().birthday(date(2012, 2, 29), 16, TODAY) == date(2028, 2, 29)
    assert law().birthday(date(2012, 2, 28), 15, TODAY) == date(2027, 2, 28)


@pytest.mark.clause("L19")
def test_the_age_of_consent_is_the_countrys_or_that_of_the_regulation() -> None:
    assert law().age_of_consent("BE", TODAY) == 13
    assert law().age_of_consent("PL", TODAY) == 16


@pytest.mark.clause("L21", "L22", "L24", "L25", "L29", "L52")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("deadline.answer_months", 1),
        ("deadline.extension_months", 2),
        ("deadline.refusal_months", 1),
        ("deadline.working_days_min", 2),
        ("deadline.identity_pause_warning_months", 1),
        ("deadline.notice_months", 1),
        ("breach.notification_hours", 72),
        ("time_zone", "Europe/Brussels"),
        ("consent.confirmation_days", 7),
        ("recheck.mechanism_days", 90),
        ("recheck.vendor_statement_days", 365),
        ("retention.accounting_voucher_years", 7),
        ("retention.accounting_minor_voucher_years", 3),
        ("retention.accounting_book_years", 7),
    ],
)
def test_the_clocks_of_today(name: str, value: int | str) -> None:
    assert law().value(name, TODAY) == value


@pytest.mark.clause("L62")
@pytest.mark.parametrize(
    ("name", "on", "years"),
    [
        ("retention.income_tax_years", date(2021, 12, 31), 7),
        ("retention.income_tax_years", date(2022, 1, 1), 10),
        ("retention.vat_years", date(2022, 12, 31), 7),
        ("retention.vat_years", date(2023, 1, 1), 10),
    ],
)
def test_tax_papers_are_kept_longer_since_2022(name: str, on: date, years: int) -> None:
    assert law().number(name, on) == years


@pytest.mark.clause("L64")
@pytest.mark.parametrize(("cents", "years"), [(6_000_000, 3), (6_000_001, 5), (0, 3)])
def test_a_small_grant_is_one_of_sixty_thousand_euros_at_the_most(cents: int, years: int) -> None:
    assert law().grant_retention_years(cents, TODAY) == years


def test_the_law_is_silent_before_its_time_and_on_what_it_does_not_know() -> None:
    for name, on in (("minimum_age.be", date(2018, 9, 4)), ("no.such", TODAY)):
        with pytest.raises(LawSilent) as caught:
            law().value(name, on)
        assert str(caught.value) == f"the law file has no value of {name} on {on.isoformat()}"


def test_a_term_that_began_before_the_law_is_counted_by_its_first_value() -> None:
    for since in (date.min, date(2018, 5, 24), date(2018, 5, 25), TODAY):
        assert law().term("deadline.notice_months", since) == 1
    assert law().term("retention.vat_years", date(2022, 12, 31)) == 7
    assert law().term("retention.vat_years", date(2023, 1, 1)) == 10
    with pytest.raises(LawSilent):
        law().term("no.such", TODAY)


def test_a_value_holds_from_its_first_day_to_the_day_before_the_next() -> None:
    first, last = date(2020, 1, 1), date(2020, 12, 31)
    value = DatedValue(
        name="days", value=1, valid_from=first, valid_before=date(2021, 1, 1), source="test"
    )

    assert [value.holds(day) for day in (first, last)] == [True, True]
    assert not value.holds(first - timedelta(days=1))
    assert not value.holds(last + timedelta(days=1))


@pytest.mark.clause("L23")
def test_the_legal_holidays_of_one_year() -> None:
    assert law().holidays(2026) == {
        date(2026, 1, 1), date(2026, 4, 6), date(2026, 5, 1), date(2026, 5, 14),
        date(2026, 5, 25), date(2026, 7, 21), date(2026, 8, 15), date(2026, 11, 1),
        date(2026, 11, 11), date(2026, 12, 25),
    }  # fmt: skip


def test_there_are_no_holidays_before_the_decree() -> None:
    assert law().holidays(1973) == set()
    assert date(1974, 1, 1) not in law().holidays(1974)
    assert date(1974, 4, 15) in law().holidays(1974)


def test_a_holiday_that_was_abolished_is_none_from_that_day() -> None:
    first = 'name = "Armistice"'
    structure = packaged_law_structure().decode()
    for before, held in ((date(2030, 11, 11), False), (date(2030, 11, 12), True)):
        ended = structure.replace(first, f"{first}\nvalid_before = {before.isoformat()}")
        assert (date(2030, 11, 11) in load_law(ended.encode()).holidays(2030)) is held


@pytest.mark.parametrize(
    ("year", "day"),
    [
        (1818, date(1818, 3, 22)), (1943, date(1943, 4, 25)), (1961, date(1961, 4, 2)),
        (2000, date(2000, 4, 23)), (2024, date(2024, 3, 31)), (2025, date(2025, 4, 20)),
        (2026, date(2026, 4, 5)), (2027, date(2027, 3, 28)), (2028, date(2028, 4, 16)),
        (2038, date(2038, 4, 25)), (2049, date(2049, 4, 18)), (2076, date(2076, 4, 19)),
        (2100, date(2100, 3, 28)), (2285, date(2285, 3, 22)),
    ],
)  # fmt: skip
def test_easter_falls_where_the_tables_say(year: int, day: date) -> None:
    assert easter_sunday(year) == day


def _easter_of_knuth(year: int) -> date:
    """The Art of Computer Programming 1.3.2, exercise 14."""
    golden = year % 19 + 1
    century = year // 100 + 1
    skipped = 3 * century // 4 - 12
    moon = (8 * century + 5) // 25 - 5
    sunday = 5 * year // 4 - skipped - 10
    epact = (11 * golden + 20 + moon - skipped) % 30
    epact += epact == 24 or (epact == 25 and golden > 11)
    full = 44 - epact
    full += 30 if full < 21 else 0
    day = full + 7 - (sunday + full) % 7
    return date(year, 4, day - 31) if day > 31 else date(year, 3, day)


@given(st.integers(1583, 9999))
def test_easter_agrees_with_the_older_way_of_reckoning(year: int) -> None:
    """Knuth's arrangement."""
    assert easter_sunday(year) == _easter_of_knuth(year)


@pytest.mark.clause("L13", "C5", "C29", "C55")
def test_no_invalid_form_of_consent_is_a_valid_one() -> None:
    valid = {method.value for method in ConsentMethod}
    invalid = {method.value for method in InvalidConsentMethod}

    assert invalid >= {"implied", "bundled", "policy_acceptance", "silence"}
    assert valid.isdisjoint(invalid)


def test_bases_and_rights_know_their_articles() -> None:
    assert LegalBasis.CONSENT.article == "Art. 6(1)(a)"
    assert LegalBasis.LEGITIMATE_INTEREST.article == "Art. 6(1)(f)"
    assert LegalBasis.LEGAL_OBLIGATION.iri == "https://w3id.org/dpv/legal/eu/gdpr#A6-1-c"
    assert [right.article for right in Right] == [
        "Art. 15", "Art. 16", "Art. 17", "Art. 18", "Art. 20", "Art. 21", "Art. 7(3)",
        "Art. 77", "Art. 22",
    ]  # fmt: skip


def test_easter_agrees_with_the_calendars_own_rules_in_every_year_of_a_thousand() -> None:
    """It is a Sunday, from 22 March to 25 April; the full moons come back after 19 years."""
    for year in range(1583, 2600):
        found = easter_sunday(year)
        assert found.weekday() == 6
        assert date(year, 3, 22) <= found <= date(year, 4, 25)
        assert found == _easter_of_knuth(year)


@pytest.mark.clause("L55")
def test_a_country_belongs_to_the_area_from_its_first_day() -> None:
    """Croatia, provisionally since 12 April 2014."""
    member = law().area["HR"]

    assert member.holds(member.valid_from)
    assert not member.holds(member.valid_from - timedelta(days=1))


def test_a_holiday_is_one_from_the_day_on_which_it_became_one() -> None:
    first = 'name = "Armistice"'
    structure = packaged_law_structure().decode()
    start = structure.index(first)
    since = structure.index("valid_from", start)
    line_end = structure.index("\n", since)
    for began, held in ((date(2030, 11, 11), True), (date(2030, 11, 12), False)):
        moved = f"{structure[:since]}valid_from = {began.isoformat()}{structure[line_end:]}"
        assert (date(2030, 11, 11) in load_law(moved.encode()).holidays(2030)) is held
