"""Being informed: which version, in which language, and by when at the latest (Arts. 13, 14)."""

from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Any

import pytest

from app.domain.archive import Published
from app.domain.collections import CollectData
from app.domain.control import ControlState
from app.domain.notices import NoticeUnknown, ShowNotice, notice_due
from app.domain.obtaining import Obtained
from app.events.notices import NoticeChannel, NoticeShown
from tests.spec import At, Given, circumstances, given, registration

EMAIL, POST = NoticeChannel.EMAIL, NoticeChannel.POST
SHOWN = ShowNotice(policy="impel-1", language="sv", channel=EMAIL)
PERSON = registration("event_logistics")
OBTAINED_AT = datetime(2026, 8, 31, 10, tzinfo=UTC)
FROM_OTHERS = At(OBTAINED_AT, registration("event_logistics", source="azavista"))
FROM_AZAVISTA = At(
    OBTAINED_AT,
    CollectData(
        obtained=Obtained(purpose="event_logistics", personal={"contact.name": "Ana"}),
        source="azavista",
    ),
)


def due(person: Given) -> date | None:
    """By when the person must be informed."""
    return notice_due(person.state, person.circumstances)


@pytest.mark.clause("L29", "C5")
def test_a_notice_shown_is_recorded_and_is_consent_to_nothing() -> None:
    """C5: being informed is not agreeing."""
    at = datetime(2026, 11, 1, tzinfo=UTC)
    command = ShowNotice(policy="impel-1", language="SV", channel=EMAIL, occurred_at=at)
    when = given(PERSON).when(command)
    when.then(NoticeShown(policy="impel-1", language="sv", channel=EMAIL))

    assert when.records[0].occurred_at == at
    assert when.after.state.notices.shown == {("impel-1", "sv"): at}
    assert when.after.state.notices.informed
    assert when.after.state.consents.of("newsletter").proof is None


@pytest.mark.clause("L29", "C83")
def test_the_same_notice_is_recorded_once_and_a_translation_is_another() -> None:
    informed = given(PERSON, SHOWN)
    informed.when(ShowNotice(policy="impel-1", language="sv", channel=POST)).then_nothing()
    assert informed.when(ShowNotice(policy="impel-1", language="fr", channel=POST)).records


@pytest.mark.clause("L29")
@pytest.mark.parametrize(
    "fields",
    [
        {"policy": "impel-2"},
        {"policy": ""},
        {"language": ""},
        {"language": "svenska, tack"},
        {"language": "eng"},
        {"language": "s\u0076\u030a"},
    ],
)
def test_a_notice_that_was_never_published_is_refused(
    fields: dict[str, Any],
) -> None:
    known = {"policy": "impel-1", "language": "sv", "channel": EMAIL}
    given(PERSON).when(ShowNotice(**(known | fields))).then_refused(NoticeUnknown)


@pytest.mark.clause("C76", "C77")
def test_an_earlier_published_version_may_have_been_shown() -> None:
    published = Published(
        structure="a" * 64,
        texts=MappingProxyType({}),
        supplied=frozenset(),
        effective_from=date(2024, 1, 1),
        published_at=OBTAINED_AT,
    )
    person = given(PERSON, control=ControlState(policies={"impel-0": published}))
    command = ShowNotice(policy="impel-0", language="sv", channel=EMAIL)

    person.when(command).then(NoticeShown(policy="impel-0", language="sv", channel=EMAIL))


@pytest.mark.clause("C15", "C46", "L29")
def test_data_from_others_must_be_told_within_a_month() -> None:
    """Art. 14(3)(a): a month from obtaining them; 31 August is answered by 30 September."""
    assert due(given(FROM_OTHERS)) == date(2026, 9, 30)
    assert due(given(FROM_OTHERS, SHOWN)) is None


@pytest.mark.clause("L29")
def test_data_from_the_person_owe_no_notice_of_art_14() -> None:
    assert due(given(PERSON)) is None


@pytest.mark.clause("C15", "L29")
def test_the_month_counts_from_the_first_data_of_others() -> None:
    """Not from the registration, nor from the day on which somebody got round to record it."""
    invoice = CollectData(
        obtained=Obtained(purpose="payments", personal={"billing.contact_name": "Ana"}),
        source="member_organisation",
        occurred_at=datetime(2026, 7, 15, tzinfo=UTC),
    )
    registered = At(datetime(2026, 1, 1, tzinfo=UTC), PERSON)

    assert due(given(registered, At(OBTAINED_AT, invoice))) == date(2026, 8, 15)
    assert due(given(registered, FROM_AZAVISTA, At(OBTAINED_AT, invoice))) == date(2026, 8, 15)
    assert due(given(registered, At(OBTAINED_AT, invoice), FROM_AZAVISTA)) == date(2026, 8, 15)


@pytest.mark.clause("L29")
def test_the_month_comes_from_the_law_file() -> None:
    assert circumstances().law.number("deadline.notice_months", date(2026, 8, 31)) == 1
