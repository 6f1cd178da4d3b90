"""Cookie choices: an act of the visitor's own, as good one way as the other, and asked again."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from app.domain.cookies import (
    COOKIES,
    ChooseCookies,
    CookieChoiceInvalid,
    CookieConsentMissing,
    CookieState,
    admit_cookie,
)
from app.events.cookies import CookieAnswer, CookieCategory, CookieChoiceRecorded, CookieMethod
from app.events.recorded import Record
from app.policy.vocabulary import InvalidConsentMethod
from tests.spec import NOW, circumstances, stored

YES, NO = CookieAnswer
STATISTICS, MARKETING = CookieCategory.STATISTICS, CookieCategory.MARKETING


def choice(answers: Mapping[str, CookieAnswer], **more: Any) -> ChooseCookies:
    """What a visitor chose on the banner."""
    fields: dict[str, Any] = {
        "banner": "banner-3",
        "language": "sv",
        "method": "banner",
        "cookies": {},
    }
    return ChooseCookies(categories=answers, **(fields | more))


def after(*made: tuple[datetime, ChooseCookies]) -> CookieState:
    """The state after choices at their times."""
    state = COOKIES.initial
    for moment, command in made:
        for record in COOKIES.decide(command, state, circumstances(now=moment)):
            state = COOKIES.evolve(state, stored(record, state.version + 1, moment))
    return state


def reason(state: CookieState, moment: datetime, **asked: Any) -> object:
    """Why something is refused; None when it is allowed."""
    named = {"category": STATISTICS, "cookie": None} | asked
    try:
        admit_cookie(
            state, named["category"], named["cookie"], moment=moment, given=circumstances()
        )
    except CookieConsentMissing as refusal:
        return refusal.facts["reason"]
    return None


@pytest.mark.clause("C21", "L18")
def test_a_choice_is_proved_with_banner_language_policy_and_every_category() -> None:
    [record] = COOKIES.decide(choice({"statistics": YES}), COOKIES.initial, circumstances())

    assert record.event == CookieChoiceRecorded(
        banner="banner-3",
        language="sv",
        policy="impel-1",
        method=CookieMethod.BANNER,
        categories={
            "preferences": NO,
            "statistics": YES,
            "marketing": NO,
            "social_media": NO,
        },
        cookies={},
        ask_again_on=date(2027, 5, 22),
    )
    assert (record.sections, record.claims, record.suppressions) == ((), (), ())


@pytest.mark.clause("C21", "L18", "L13", "X13")
@pytest.mark.parametrize("method", [*InvalidConsentMethod, "", "form", "import"])
def test_browser_settings_and_everything_else_that_is_no_act_on_our_page_are_no_choice(
    method: str,
) -> None:
    """C21 says otherwise; Planet49 (C-673/17) and the authority's checklist say so."""
    for answer in CookieAnswer:
        with pytest.raises(CookieChoiceInvalid) as refused:
            COOKIES.decide(
                choice({"statistics": answer}, method=method), COOKIES.initial, circumstances()
            )
        assert refused.value.facts == {"invalid": ("method",)}


@pytest.mark.clause("L18")
@pytest.mark.parametrize(
    ("more", "flaw"),
    [
        ({"banner": "Banner 3"}, "banner"),
        ({"language": "Svenska!"}, "language"),
        ({"cookies": {"statistics._ga!": YES}}, "cookies"),
        ({"cookies": {"ga": YES}}, "cookies"),
        ({"cookies": {"necessary.ga": YES}}, "cookies"),
        ({"cookies": {"statistics.": YES}}, "cookies"),
    ],
)
def test_a_choice_names_what_was_shown(more: dict[str, Any], flaw: str) -> None:
    with pytest.raises(CookieChoiceInvalid) as refused:
        COOKIES.decide(choice({"statistics": YES}, **more), COOKIES.initial, circumstances())
    assert refused.value.facts == {"invalid": (flaw,)}


@pytest.mark.clause("L18")
@pytest.mark.parametrize("answers", [{}, {"necessary": YES}, {"everything": YES}])
def test_nobody_is_asked_about_what_is_necessary_nor_about_everything_at_once(
    answers: dict[str, CookieAnswer],
) -> None:
    with pytest.raises(CookieChoiceInvalid):
        COOKIES.decide(choice(answers), COOKIES.initial, circumstances())


@pytest.mark.clause("C21", "L18")
@pytest.mark.parametrize("days", [0, 1, 100, 180])
def test_a_refusal_is_honoured_exactly_as_long_as_an_acceptance(days: int) -> None:
    """Both are asked again on the same day, not one day earlier."""
    moment = NOW + timedelta(days=days)
    states = [after((NOW, choice({"statistics": answer}))) for answer in (YES, NO)]

    asked_again = {one.choices[-1].ask_again_on for one in states}
    assert asked_again == {date(2027, 5, 22)}
    assert [reason(state, moment) for state in states] == [None, "refused"]
    assert all(one.choices[-1].holds(moment.date()) for one in states)


@pytest.mark.clause("L18")
def test_after_six_months_a_choice_is_asked_again_to_the_day() -> None:
    state = after((NOW, choice({"statistics": YES})))
    last, first = (datetime.combine(day, NOW.timetz()) for day in DAYS)

    assert reason(state, last) is None
    assert reason(state, first) == "expired"


DAYS = (date(2027, 5, 21), date(2027, 5, 22))


@pytest.mark.clause("L18", "C17")
def test_nothing_is_counted_before_a_choice_was_made() -> None:
    """A later yes does not cover what was counted before it."""
    state = after((NOW, choice({"statistics": YES})))

    assert reason(COOKIES.initial, NOW) == "none"
    assert reason(state, NOW - timedelta(microseconds=1)) == "none"
    assert reason(state, NOW) is None


@pytest.mark.clause("L18")
def test_a_category_that_was_not_asked_about_is_refused() -> None:
    state = after((NOW, choice({"statistics": YES})))
    assert reason(state, NOW, category=MARKETING) == "refused"


@pytest.mark.clause("L18")
@pytest.mark.parametrize(("of_all", "of_one"), [(YES, NO), (NO, YES)])
def test_the_choice_about_one_cookie_goes_before_the_one_about_its_category(
    of_all: CookieAnswer, of_one: CookieAnswer
) -> None:
    state = after((NOW, choice({"statistics": of_all}, cookies={"statistics.ga": of_one})))

    assert (reason(state, NOW, cookie="ga") is None) is (of_one is YES)
    assert (reason(state, NOW, cookie="other") is None) is (of_all is YES)


@pytest.mark.clause("C21", "L18", "L14")
def test_a_choice_is_changed_as_easily_as_it_was_made_and_the_past_stays_told() -> None:
    later = NOW + timedelta(hours=1)
    state = after(
        (NOW, choice({"statistics": YES})),
        (later, choice({"statistics": NO}, method="preferences")),
    )

    assert reason(state, NOW) is None
    assert reason(state, later) == "refused"
    assert len(state.choices) == 2


@pytest.mark.clause("L18")
def test_the_same_choice_again_is_no_news_until_it_was_due_to_be_asked() -> None:
    again = choice({"statistics": NO})
    soon, late = NOW + timedelta(days=1), NOW + timedelta(days=200)

    assert len(after((NOW, again), (soon, again)).choices) == 1
    assert len(after((NOW, again), (late, again)).choices) == 2


@pytest.mark.clause("C21", "L18")
def test_one_accepted_cookie_counts_for_its_category_alone() -> None:
    """A name that two tools use is no yes to both."""
    state = after((NOW, choice({"statistics": NO}, cookies={"statistics.id": YES})))

    assert reason(state, NOW, category=STATISTICS, cookie="id") is None
    assert reason(state, NOW, category=STATISTICS, cookie="statistics.id") is None
    assert reason(state, NOW, category=STATISTICS, cookie="other") == "refused"
    assert reason(state, NOW, category=MARKETING, cookie="id") == "refused"
    assert reason(state, NOW, category=STATISTICS) == "refused"


@pytest.mark.clause("C21", "L18")
def test_the_day_on_which_a_choice_ends_begins_at_midnight_in_brussels() -> None:
    state = after((NOW, choice({"statistics": YES})))
    end = datetime(2027, 5, 21, 22, 0, tzinfo=UTC)

    assert reason(state, end - timedelta(seconds=1)) is None
    assert reason(state, end) == "expired"


@pytest.mark.clause("C21", "L18")
@pytest.mark.parametrize("answer", [YES, NO])
def test_every_category_may_be_answered_at_once_by_name(answer: CookieAnswer) -> None:
    whole = choice({one.value: answer for one in CookieCategory})

    [record] = COOKIES.decide(whole, COOKIES.initial, circumstances())
    assert set(record.event.categories.values()) == {answer}


@pytest.mark.clause("L18")
def test_a_later_choice_comes_after_the_time_and_the_entry_of_the_one_before() -> None:
    """By these the log refuses an entry that would lie before its own past."""
    state = after((NOW, choice({"statistics": YES})))

    assert (state.version, state.last_at) == (1, NOW)
    assert state.leaf_hash == stored(Record(None), 1).leaf_hash
