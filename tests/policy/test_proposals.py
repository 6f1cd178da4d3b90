"""Law that is on its way: written down, looked at again, and without effect until it has a day."""

from datetime import UTC, date, datetime, timedelta

import pytest

from app.domain.breaches import due_at
from app.policy.loader import load_law, packaged_law_structure
from app.policy.reading import PolicyInvalid
from app.policy.vocabulary import ProposalState
from tests.policy.notices import law

TODAY = date(2026, 11, 22)


def with_day(title: str, day: str) -> bytes:
    """The law file with one proposal in force from a day on."""
    structure, line = packaged_law_structure().decode(), f"[proposals.{title}]\n"
    assert line in structure
    return structure.replace(line, f"{line}valid_from = {day}\n").encode()


@pytest.mark.clause("L74", "L75", "L76")
@pytest.mark.parametrize(
    ("key", "state"),
    [
        ("digital_omnibus_breach_hours", ProposalState.PROPOSED),
        ("digital_omnibus_requests", ProposalState.PROPOSED),
        ("omnibus_iv_records", ProposalState.UNKNOWN),
        ("procedural_regulation", ProposalState.ADOPTED),
    ],
)
def test_what_is_on_its_way_is_written_down_and_off(key: str, state: ProposalState) -> None:
    proposal = law().proposals[key]

    assert proposal.state is state
    assert proposal.valid_from is None
    assert proposal.checked_on <= TODAY
    assert proposal.source


@pytest.mark.clause("L74", "L52")
def test_seventy_two_hours_stay_until_the_omnibus_has_its_day() -> None:
    """Art. 33(1): and then ninety-six from that day on, not before."""
    enacted = load_law(with_day("digital_omnibus_breach_hours", "2027-07-01"))

    assert law().number("breach.notification_hours", date(2030, 1, 1)) == 72
    assert enacted.number("breach.notification_hours", date(2027, 6, 30)) == 72
    assert enacted.number("breach.notification_hours", date(2027, 7, 1)) == 96
    # Half an hour past midnight in Brussels is the evening before in UTC.
    aware_at = datetime(2027, 6, 30, 22, 30, tzinfo=UTC)
    assert due_at(aware_at, enacted) == aware_at + timedelta(hours=96)


@pytest.mark.clause("L75")
def test_the_exemption_from_the_record_stays_at_its_number() -> None:
    enacted = load_law(with_day("omnibus_iv_records", "2027-01-01"))

    assert law().number("records.exempt_staff_below", TODAY) == 250
    assert enacted.number("records.exempt_staff_below", date(2026, 12, 31)) == 250
    assert enacted.number("records.exempt_staff_below", date(2027, 1, 1)) == 750


@pytest.mark.clause("L76")
def test_a_regulation_without_effect_here_changes_nothing() -> None:
    enacted = load_law(with_day("procedural_regulation", "2027-01-01"))

    assert {name: enacted.value(name, TODAY) for name in ("deadline.answer_months",)} == {
        "deadline.answer_months": 1
    }
    assert law().proposals["procedural_regulation"].parameter is None


@pytest.mark.clause("L77", "L38")
@pytest.mark.parametrize(
    ("on", "topic"),
    [(date(2025, 12, 31), "erasure"), (date(2026, 1, 1), "transparency"), (TODAY, "transparency")],
)
def test_what_the_authorities_look_at_this_year(on: date, topic: str) -> None:
    assert law().value("supervision.topic", on) == topic


@pytest.mark.parametrize(
    ("found", "put"),
    [
        ("value = 96\n", ""),
        ('parameter = "records.exempt_staff_below"\n', ""),
        ('parameter = "records.exempt_staff_below"', 'parameter = "records.exempt_nobody"'),
    ],
)
def test_a_proposal_names_a_parameter_and_its_value_or_neither(found: str, put: str) -> None:
    structure = packaged_law_structure().decode()
    assert found in structure

    with pytest.raises(PolicyInvalid) as refused:
        load_law(structure.replace(found, put).encode())

    assert "proposals." in str(refused.value)
