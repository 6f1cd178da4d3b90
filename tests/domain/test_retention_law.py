"""Ceilings of the policy against minima of the law: the law wins, and a finding stays open."""

from datetime import UTC, date, datetime

import pytest

from app.domain.collections import CollectData
from app.domain.erasure_plan import preview
from app.domain.objections import RaiseObjection
from app.domain.obtaining import Obtained
from app.domain.periods import last_day
from app.policy.vocabulary import FindingState, LegalBasis, PeriodNature
from app.values import replace
from tests.spec import LAW, NOW, OCCASION, POLICY, circumstances, given, registration

MINIMA = {key: one for key, one in POLICY.retention_classes.items() if one.minima}
CEILING_MONTHS = POLICY.retention_classes["participation"].keep.months


@pytest.mark.clause("X2", "L61", "L62", "L63", "C71")
def test_what_law_keeps_longer_than_the_ceiling_is_an_open_finding_and_isolated() -> None:
    """Seven years are promised; ten are demanded of vouchers, five of grants beside them."""
    finding = POLICY.standing_findings["X2"]
    longest = max(LAW.number(name, NOW.date()) for name in MINIMA["fiscal"].minima)

    assert finding.state is FindingState.OPEN
    assert finding.subject_of == MINIMA.keys()
    assert 12 * longest > CEILING_MONTHS
    assert all(one.isolated and one.survives_erasure for one in MINIMA.values())
    assert all(set(one.minima) <= LAW.parameters.keys() for one in MINIMA.values())


@pytest.mark.clause("X2", "L63")
@pytest.mark.parametrize(
    ("nature", "until"),
    [(PeriodNature.MINIMUM, date(2032, 12, 31)), (PeriodNature.CEILING, date(2042, 12, 31))],
)
def test_a_minimum_wins_over_a_shorter_promise_and_a_longer_promise_is_kept(
    nature: PeriodNature, until: date
) -> None:
    """`hold_until` is the longest minimum; a class that promises more keeps its promise."""
    fiscal = MINIMA["fiscal"]
    long = replace(fiscal, nature=nature, keep=replace(fiscal.keep, months=240))
    short = replace(long, keep=replace(fiscal.keep, months=12))
    end = date(2022, 12, 31)

    assert last_day(long, end, (), circumstances()) == until
    assert last_day(short, end, (), circumstances()) == date(2032, 12, 31)


@pytest.mark.clause("X3", "L37", "L63")
def test_vouchers_stay_by_law_though_the_policy_names_an_interest() -> None:
    """X3: an objection meets the interest that is named, and the voucher that law demands stays."""
    payments = POLICY.purposes["payments"]
    voucher = CollectData(
        obtained=Obtained(purpose="payments", personal={"financial.account": "9912346"}),
        source="secretariat",
        occurred_at=datetime(2024, 5, 1, tzinfo=UTC),
    )
    objection = RaiseObjection(objection=OCCASION, source="email", purpose="payments")
    person = given(registration("event_logistics"), voucher, objection)
    [kept] = preview(person.state, person.circumstances).retained

    assert POLICY.standing_findings["X3"].state is FindingState.OPEN
    assert payments.legal_basis is LegalBasis.LEGITIMATE_INTEREST
    assert person.state.objections.by_id[OCCASION].stops(payments)
    assert (kept.retention_class, kept.ground) == ("fiscal", "Art. 17(3)(b)")
    assert kept.until == date(2034, 12, 31)


@pytest.mark.clause("C34", "L44")
def test_easing_exchange_is_the_interest_that_is_weighed_and_can_be_objected_to() -> None:
    """The policy's own words for it are what an assessment and an answer quote."""
    exchange = POLICY.purposes["network_exchange"]

    assert "C34" in exchange.clauses
    assert exchange.legitimate_interest
    assert exchange.objectable
    assert not exchange.direct_marketing
