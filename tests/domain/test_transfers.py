"""A mechanism falls on a day: what carried the transfers before, what does after, what could."""

from datetime import date, timedelta

import pytest

from app.domain.arrangements import Arrangement
from app.domain.control import ControlState
from app.domain.transfers import Fall, MechanismUnknown, fall, mechanism_named
from app.policy.model import Recipient
from app.values import replace
from tests.spec import CONTRACTED, NOTHING_ARRANGED, NOW, POLICY, circumstances

DAY = date(2027, 3, 1)
ARRANGED = Arrangement(since=date(2024, 1, 1), evidence_on=NOW.date())
WITH_CLAUSES = replace(
    CONTRACTED, arrangements={**CONTRACTED.arrangements, ("mailchimp", "scc_2021"): ARRANGED}
)


def recipient(key: str) -> Recipient:
    """A recipient of the policy."""
    return POLICY.recipients[key]


def fallen(
    key: str = "mailchimp",
    mechanism: str = "dpf",
    on: date = DAY,
    *,
    control: ControlState = CONTRACTED,
    country: str | None = None,
) -> Fall:
    """What the fall of a mechanism does to a recipient."""
    return fall(recipient(key), country, mechanism, on, given=circumstances(control=control))


@pytest.mark.clause("L57")
def test_a_transfer_on_the_framework_alone_has_no_ground_left() -> None:
    assert fallen() == Fall(before="dpf", after=None, remaining=(), available=("scc_2021", "bcr"))


@pytest.mark.clause("L57")
def test_a_mechanism_that_was_arranged_beside_it_carries_on() -> None:
    assert fallen(control=WITH_CLAUSES) == Fall(
        before="dpf", after="scc_2021", remaining=("scc_2021",), available=("bcr",)
    )


@pytest.mark.clause("L57")
@pytest.mark.parametrize("lapsed", [DAY, DAY - timedelta(days=400)])
def test_the_answer_is_the_same_once_the_lapse_is_on_record(lapsed: date) -> None:
    recorded = replace(CONTRACTED, lapses={(None, "dpf"): lapsed})
    for_one = replace(CONTRACTED, lapses={("mailchimp", "dpf"): lapsed})

    assert fallen(control=recorded) == fallen(control=for_one) == fallen()


@pytest.mark.clause("L57")
def test_another_mechanism_that_lapsed_before_is_not_what_remains() -> None:
    gone = replace(WITH_CLAUSES, lapses={(None, "scc_2021"): DAY})

    assert fallen(control=gone).after is None
    assert fallen(control=gone).remaining == ()


@pytest.mark.clause("L55", "L57")
def test_what_stays_in_the_area_or_rests_on_another_mechanism_is_not_hit() -> None:
    inside, clauses = fallen("azavista"), fallen(mechanism="scc_2021", control=WITH_CLAUSES)

    assert (inside.before, inside.after) == ("eea", "eea")
    assert (clauses.before, clauses.after) == ("dpf", "dpf")


@pytest.mark.clause("L57", "L59")
def test_a_member_is_judged_by_the_country_that_it_is_in() -> None:
    abroad = fallen("members", mechanism="dpf", country="us")
    inside = fallen("members", mechanism="dpf", country="se")
    nowhere = fallen("members", mechanism="dpf")

    assert (abroad.before, abroad.after) == (None, None)
    assert "scc_2021" in abroad.available
    assert inside.after == "eea"
    assert nowhere.before is None


@pytest.mark.clause("L56", "L57")
def test_the_shield_carried_transfers_until_its_day_and_none_after_it() -> None:
    """C-311/18: what the policy declares held from 12 July 2016 to 15 July 2020."""
    shield = fallen(mechanism="privacy_shield", on=date(2020, 7, 16))
    later = fallen(mechanism="privacy_shield", on=date(2021, 7, 16))

    assert (shield.before, shield.after) == ("privacy_shield", None)
    assert later.before is None


@pytest.mark.clause("L57")
def test_only_mechanisms_of_the_law_can_fall() -> None:
    assert mechanism_named("dpf", circumstances()).at_risk
    for name in ("eea", "safe_harbour", ""):
        with pytest.raises(MechanismUnknown):
            mechanism_named(name, circumstances())


@pytest.mark.clause("L57")
def test_what_carried_on_the_day_before_is_what_counts() -> None:
    """Arranged on the very last day before it fell."""
    last_day = Arrangement(since=DAY - timedelta(days=1), evidence_on=NOW.date())
    control = replace(NOTHING_ARRANGED, arrangements={("mailchimp", "dpf"): last_day})

    assert fallen(control=control).before == "dpf"


@pytest.mark.clause("L55", "L57")
def test_the_adequacy_of_the_whole_country_remains_and_no_other_does() -> None:
    """Art. 45: what is arranged for a recipient in Switzerland does not need to be."""
    swiss = replace(recipient("mailchimp"), countries=("CH",))

    found = fall(swiss, None, "scc_2021", DAY, given=circumstances(control=WITH_CLAUSES))

    assert found.remaining == ("adequacy_ch",)
    assert found.after == "adequacy_ch"


@pytest.mark.clause("L57")
def test_what_is_no_mechanism_for_all_of_it_does_not_remain() -> None:
    """The area is no mechanism, a derogation is of one person, and some words say nothing."""
    declared = ("eea", "explicit_consent", "safe_harbour", "bcr")
    one = replace(recipient("mailchimp"), mechanisms=declared)

    found = fall(one, None, "dpf", DAY, given=circumstances())

    assert found.remaining == ("bcr",)


@pytest.mark.clause("L57", "L59")
def test_a_member_keeps_what_is_arranged_for_its_country() -> None:
    """Named as callers name it, in small letters."""
    control = replace(
        CONTRACTED,
        arrangements={("members", key): ARRANGED for key in ("dpf", "adequacy_ch", "bcr")},
    )

    swiss = fallen("members", "bcr", country="ch", control=control)
    american = fallen("members", "bcr", country="us", control=control)

    assert swiss.remaining == ("adequacy_ch",)
    assert american.remaining == ("dpf",)
