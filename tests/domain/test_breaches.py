"""Breaches: the clock of 72 hours, the content of a notification, and who is still to be told."""

from datetime import UTC, datetime, timedelta
from functools import reduce
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from app.domain.breaches import (
    BREACH,
    FIRST_MOMENT,
    AssessBreach,
    BreachSpanReversed,
    BreachState,
    BreachUnassessed,
    BreachUnknown,
    Command,
    DelayUnexplained,
    DetectBreach,
    NotifiedBeforeAwareness,
    NotifyBreach,
    Radius,
    Span,
    due_at,
    subjects_due_at,
)
from app.domain.decider import Refusal
from app.domain.purpose_limitation import CategoryUnknown, SourceUnknown
from app.domain.recipients import RecipientNotListed
from app.domain.subject import OccurredLater
from app.events.breaches import (
    BreachAssessed,
    BreachAudience,
    BreachCause,
    BreachDetected,
    BreachExemption,
    BreachExposure,
    BreachMeasure,
    BreachNature,
    BreachNotified,
    BreachReporter,
    BreachRisk,
    DelayReason,
)
from app.events.policies import LawPublished
from app.events.recorded import Record
from app.values import replace
from tests.spec import LAW, NOW, circumstances, stored

BRUSSELS = ZoneInfo("Europe/Brussels")
AWARE = NOW - timedelta(hours=10)
DEADLINE = AWARE + timedelta(hours=72)
FILE = UUID("2b8f1d9e-6a0c-4a7e-8d7a-0d6a3b1c9e55")
DETECT = DetectBreach(
    nature=(BreachNature.INTEGRITY, BreachNature.CONFIDENTIALITY, BreachNature.INTEGRITY),
    cause=BreachCause.PHISHING,
    reporter=BreachReporter.PROCESSOR,
    recipient="mailchimp",
    categories=("contact.name", "contact.email"),
    began_at=NOW - timedelta(days=9),
    ended_at=NOW - timedelta(days=2),
    aware_at=AWARE,
    file=FILE,
)
DETECTED = BreachDetected(
    nature=(BreachNature.CONFIDENTIALITY, BreachNature.INTEGRITY),
    cause=BreachCause.PHISHING,
    reporter=BreachReporter.PROCESSOR,
    recipient="mailchimp",
    member=None,
    source=None,
    exposure=BreachExposure.HELD,
    categories=("contact.email", "contact.name"),
    began_at=NOW - timedelta(days=9),
    ended_at=NOW - timedelta(days=2),
    aware_at=AWARE,
    file=FILE,
    policy="impel-1",
)
SPAN = Span(
    recipient="mailchimp",
    member=None,
    source=None,
    exposure=BreachExposure.HELD,
    categories=("contact.email",),
    began_at=NOW - timedelta(days=8),
    ended_at=NOW - timedelta(days=2),
)
RADIUS = Radius(
    people=5, erased=1, records=9, by_category={"contact.email": 5, "contact.name": 4}, stands_at=70
)
ASSESS = AssessBreach(
    risk=BreachRisk.HIGH, span=SPAN, radius=RADIUS, measures=(BreachMeasure.CONTAINED,)
)
AUTHORITY = NotifyBreach(audience=BreachAudience.AUTHORITY, complete=False)
LETTERS = NotifyBreach(audience=BreachAudience.SUBJECTS, complete=True, people=4)


def decided(command: Command, *before: Command, now: datetime = NOW) -> tuple[Record, ...]:
    """What a command makes after others, each carried out at the same moment."""
    return BREACH.decide(command, after(*before, now=now), circumstances(now=now))


def after(*commands: Command, now: datetime = NOW) -> BreachState:
    """A breach once the commands are carried out."""
    state = BREACH.initial
    for command in commands:
        for record in BREACH.decide(command, state, circumstances(now=now)):
            state = BREACH.evolve(state, stored(record, state.version + 1))
    return state


def refused(command: Command, *before: Command, now: datetime = NOW) -> Refusal:
    """The refusal that a command meets."""
    with pytest.raises(Refusal) as found:
        decided(command, *before, now=now)
    return found.value


@pytest.mark.clause("L52")
@pytest.mark.parametrize(
    ("aware", "due"),
    [
        ("2026-11-20T17:00:00", "2026-11-23T17:00:00"),  # Friday to Monday
        ("2026-12-24T17:00:00", "2026-12-27T17:00:00"),  # Christmas Eve to a Sunday
        ("2026-04-02T09:30:15", "2026-04-05T09:30:15"),  # to Easter Sunday
        ("2026-10-23T17:00:00", "2026-10-26T16:00:00"),  # over the end of summer time
        ("2028-02-27T12:00:00", "2028-03-01T12:00:00"),  # over 29 February
    ],
)
def test_the_authority_is_told_within_72_hours_whatever_days_they_are(aware: str, due: str) -> None:
    """Art. 33(1): a period in hours runs on through nights, weekends and holidays."""
    local = datetime.fromisoformat(aware).replace(tzinfo=BRUSSELS)

    found = due_at(local, LAW)

    assert found == datetime.fromisoformat(due).replace(tzinfo=BRUSSELS)
    assert found - local.astimezone(UTC) == timedelta(hours=72)


@pytest.mark.clause("L52")
@examples(st.integers(1_527_200_000, 4_102_440_000))
def test_no_moment_of_awareness_has_more_or_less_than_72_hours(second: int) -> None:
    """Of the eighty years from the day on which the regulation applied."""
    assert due_at(datetime.fromtimestamp(second, BRUSSELS), LAW).timestamp() == second + 259_200


@pytest.mark.clause("L52")
def test_a_breach_is_recorded_with_all_that_is_known_of_it() -> None:
    """Art. 33(5): the facts, in words of closed lists, each once and in order."""
    [record] = decided(DETECT)

    assert record == Record(DETECTED, occurred_at=AWARE)


def test_a_breach_of_the_own_systems_names_no_place_and_one_of_a_member_names_which() -> None:
    member = UUID("5b0b0f6a-0d4e-4b0e-8c53-6e1f3a9d2c41")
    [own] = decided(replace(DETECT, recipient=None, member=member, categories=()))
    [group] = decided(replace(DETECT, recipient="members", member=member))
    [source] = decided(replace(DETECT, recipient=None, source="Google Forms"))

    assert (own.event.recipient, own.event.member, own.event.categories) == (None, None, ())
    assert (group.event.recipient, group.event.member) == ("members", member)
    assert source.event.source == "google_forms"


@pytest.mark.clause("L52")
@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"recipient": "astrologer"}, RecipientNotListed),
        ({"recipient": None, "source": "astrologer"}, SourceUnknown),
        ({"categories": ("contact.horoscope",)}, CategoryUnknown),
        ({"ended_at": NOW - timedelta(days=10)}, BreachSpanReversed),
        ({"began_at": AWARE + timedelta(seconds=1), "ended_at": None}, BreachSpanReversed),
        ({"began_at": datetime(1969, 12, 31, tzinfo=UTC)}, BreachSpanReversed),
        ({"aware_at": NOW + timedelta(seconds=1)}, OccurredLater),
        ({"ended_at": NOW + timedelta(seconds=1)}, OccurredLater),
        ({"began_at": NOW + timedelta(days=1), "ended_at": None}, OccurredLater),
    ],
)
def test_a_breach_that_cannot_be_is_not_recorded(
    changes: dict[str, Any], kind: type[Refusal]
) -> None:
    assert type(refused(replace(DETECT, **changes))) is kind


@pytest.mark.clause("L52")
def test_an_assessment_keeps_what_the_ledger_counted_and_where_it_stood() -> None:
    """Art. 33(3): numbers, consequences and measures; the span as it is known now."""
    [record] = decided(ASSESS, DETECT)

    assert record.event == BreachAssessed(
        risk=BreachRisk.HIGH,
        categories=("contact.email",),
        began_at=SPAN.began_at,
        ended_at=SPAN.ended_at,
        people=5,
        erased=1,
        records=9,
        by_category={"contact.email": 5, "contact.name": 4},
        stands_at=70,
        consequences=(),
        measures=(BreachMeasure.CONTAINED,),
        exemptions=(),
        file=None,
    )
    assert after(DETECT, ASSESS).span == SPAN


def test_an_assessment_that_says_nothing_new_is_not_recorded_again() -> None:
    later = replace(ASSESS, radius=replace(RADIUS, stands_at=90))
    more = replace(ASSESS, radius=replace(RADIUS, people=6, stands_at=90))

    assert decided(later, DETECT, ASSESS) == ()
    assert len(decided(more, DETECT, ASSESS)) == 1


@pytest.mark.clause("L52")
def test_an_assessment_is_of_a_breach_and_of_times_that_can_be() -> None:
    late = replace(SPAN, began_at=AWARE + timedelta(seconds=1), ended_at=None)
    reversed_ = replace(SPAN, ended_at=SPAN.began_at - timedelta(seconds=1))

    assert type(refused(ASSESS)) is BreachUnknown
    assert type(refused(replace(ASSESS, span=late), DETECT)) is BreachSpanReversed
    assert type(refused(replace(ASSESS, span=reversed_), DETECT)) is BreachSpanReversed


@pytest.mark.clause("L52")
def test_the_authority_is_told_in_phases_and_in_time_without_reasons() -> None:
    """Art. 33(4): what is not known at once follows without undue further delay."""
    [first] = decided(AUTHORITY, DETECT)
    last = replace(AUTHORITY, complete=True)
    [further] = decided(last, DETECT, AUTHORITY, ASSESS)
    long_after = DEADLINE + timedelta(days=20)

    assert first.event == BreachNotified(
        audience=BreachAudience.AUTHORITY,
        complete=False,
        due_at=DEADLINE,
        reasons=(),
        people=None,
        file=None,
    )
    assert further.event.complete
    in_time = replace(AUTHORITY, occurred_at=DEADLINE)
    assert decided(in_time, DETECT, now=long_after), "told in time, recorded later"
    assert decided(AUTHORITY, DETECT, in_time, now=long_after), "a further phase needs no reasons"


@pytest.mark.clause("L52")
def test_a_late_notification_gives_the_reasons_for_the_delay() -> None:
    late = DEADLINE + timedelta(seconds=1)
    explained = replace(AUTHORITY, reasons=(DelayReason.EXTENT_UNKNOWN,))

    found = refused(AUTHORITY, DETECT, now=late)
    [record] = decided(explained, DETECT, now=late)

    assert type(found) is DelayUnexplained
    assert found.facts == {"due_at": DEADLINE}
    assert record.event.reasons == (DelayReason.EXTENT_UNKNOWN,)
    assert decided(AUTHORITY, DETECT, explained, now=late), "the reasons were given once"
    assert decided(AUTHORITY, DETECT, now=DEADLINE), "the last second is in time"


@pytest.mark.clause("L52", "L53")
def test_nobody_is_told_before_awareness_in_the_future_or_of_nothing() -> None:
    early = replace(LETTERS, occurred_at=AWARE - timedelta(seconds=1))

    assert type(refused(early, DETECT, ASSESS)) is NotifiedBeforeAwareness
    assert type(refused(replace(LETTERS, occurred_at=NOW + timedelta(1)), DETECT)) is OccurredLater
    assert type(refused(LETTERS)) is BreachUnknown
    with pytest.raises(BreachUnknown):
        _ = BREACH.initial.span


@pytest.mark.clause("L52", "L53")
def test_a_complete_notification_has_been_assessed() -> None:
    """Arts. 33(3), 34(2): its content is known."""
    assert type(refused(replace(AUTHORITY, complete=True), DETECT)) is BreachUnassessed
    assert type(refused(LETTERS, DETECT)) is BreachUnassessed
    assert decided(replace(LETTERS, complete=False), DETECT), "a first warning waits for nothing"


FULL = replace(AUTHORITY, complete=True)
PUBLIC = replace(LETTERS, audience=BreachAudience.PUBLIC)


def assessed(risk: BreachRisk, *exemptions: BreachExemption) -> AssessBreach:
    """An assessment of that risk."""
    return replace(ASSESS, risk=risk, exemptions=exemptions)


@pytest.mark.clause("L52", "L53")
@pytest.mark.parametrize(
    ("commands", "settled"),
    [
        ((), False),
        ((AUTHORITY,), False),
        ((assessed(BreachRisk.UNLIKELY),), True),
        ((assessed(BreachRisk.LIKELY),), False),
        ((assessed(BreachRisk.LIKELY), FULL), True),
        ((assessed(BreachRisk.LIKELY), AUTHORITY), False),
        ((assessed(BreachRisk.HIGH), FULL), False),
        ((assessed(BreachRisk.HIGH), FULL, LETTERS), True),
        ((assessed(BreachRisk.HIGH), FULL, replace(LETTERS, complete=False)), False),
        ((assessed(BreachRisk.HIGH), LETTERS), False),
        ((assessed(BreachRisk.HIGH, BreachExemption.UNINTELLIGIBLE), FULL), True),
        ((assessed(BreachRisk.HIGH, BreachExemption.RISK_REMOVED), FULL), True),
        ((assessed(BreachRisk.HIGH, BreachExemption.DISPROPORTIONATE), FULL), False),
        ((assessed(BreachRisk.HIGH, BreachExemption.DISPROPORTIONATE), FULL, PUBLIC), True),
    ],
)
def test_a_breach_is_settled_when_nobody_is_left_to_be_told(
    commands: tuple[Command, ...], settled: bool
) -> None:
    """Arts. 33(1), 34(1), 34(3): by the risk, and by what frees from writing to each person."""
    assert after(DETECT, *commands).settled is settled


def test_other_events_of_the_stream_are_counted_over() -> None:
    event = stored(Record(LawPublished(law="law-2027", digest="0a" * 32)), 2)
    state = reduce(BREACH.evolve, (event,), after(DETECT))

    assert (state.version, state.detected) == (2, DETECTED)


@pytest.mark.clause("L52")
@pytest.mark.parametrize(
    "changes",
    [
        {"aware_at": NOW},
        {"began_at": AWARE, "ended_at": None},
        {"began_at": AWARE, "ended_at": AWARE},
        {"ended_at": NOW},
        {"began_at": NOW, "ended_at": None, "aware_at": NOW},
        {"began_at": FIRST_MOMENT},
    ],
)
def test_the_limits_of_what_can_be_are_themselves_possible(changes: dict[str, Any]) -> None:
    """A breach that lasted a moment, noticed at once, or that began at the first moment known."""
    [record] = decided(replace(DETECT, **changes))

    assert {name: getattr(record.event, name) for name in changes} == changes


@pytest.mark.clause("L52")
def test_an_assessment_may_find_that_it_began_when_it_was_noticed() -> None:
    at_once = replace(SPAN, began_at=AWARE, ended_at=None)

    [record] = decided(replace(ASSESS, span=at_once), DETECT)

    assert record.event.began_at == AWARE


def test_a_member_is_named_of_a_group_alone() -> None:
    member = UUID("5b0b0f6a-0d4e-4b0e-8c53-6e1f3a9d2c41")

    [record] = decided(replace(DETECT, member=member))

    assert (record.event.recipient, record.event.member) == ("mailchimp", None)


@pytest.mark.clause("L53")
def test_before_an_assessment_the_first_facts_stand_and_nobody_is_due_a_letter() -> None:
    detected = after(DETECT)

    assert detected.span == replace(
        SPAN, categories=("contact.email", "contact.name"), began_at=DETECT.began_at
    )
    assert not detected.subjects_due


@pytest.mark.clause("L52")
def test_each_audience_has_its_own_first_time() -> None:
    """Whether the authority was told in time is not said by a letter to somebody."""
    early, late = AWARE + timedelta(hours=1), AWARE + timedelta(hours=5)
    letter = replace(LETTERS, complete=False, occurred_at=early)
    told = after(
        DETECT,
        letter,
        replace(AUTHORITY, occurred_at=late),
        replace(AUTHORITY, occurred_at=late + timedelta(hours=1)),
    )

    assert told.first(BreachAudience.AUTHORITY) == late
    assert told.first(BreachAudience.SUBJECTS) == early
    assert told.first(BreachAudience.PUBLIC, BreachAudience.AUTHORITY) == late
    assert told.first(BreachAudience.PUBLIC) is None


@pytest.mark.clause("L52")
def test_a_delay_that_was_explained_is_not_explained_with_each_further_phase() -> None:
    """Art. 33(1), (4): the first notification itself was late, and said why."""
    late = DEADLINE + timedelta(days=1)
    explained = replace(AUTHORITY, reasons=(DelayReason.EXTENT_UNKNOWN,), occurred_at=late)
    further = replace(AUTHORITY, occurred_at=late + timedelta(days=1))
    now = late + timedelta(days=2)

    [record] = decided(further, DETECT, explained, now=now)

    assert record.event.reasons == ()
    assert record.occurred_at == further.occurred_at
    assert type(refused(further, DETECT, now=now)) is DelayUnexplained


@pytest.mark.clause("L53")
def test_a_late_letter_to_people_needs_no_reasons() -> None:
    """Art. 34(1) says without undue delay, and knows no 72 hours."""
    assert decided(LETTERS, DETECT, ASSESS, now=DEADLINE + timedelta(days=3))


@pytest.mark.clause("L52")
def test_the_moment_of_awareness_is_the_first_at_which_somebody_is_told() -> None:
    early = refused(replace(AUTHORITY, occurred_at=AWARE - timedelta(seconds=1)), DETECT)

    assert early.facts == {"aware_at": AWARE}
    assert decided(replace(AUTHORITY, occurred_at=AWARE), DETECT)


def test_a_breach_knows_its_last_event_and_when_it_was_recorded() -> None:
    state = after(DETECT, ASSESS)

    assert (state.version, state.leaf_hash) == (2, (2).to_bytes(32))
    assert state.last_at == state.detected_at == state.assessed_at == NOW


@pytest.mark.clause("L52")
@pytest.mark.parametrize(
    ("commands", "due"),
    [
        ((), True),
        ((assessed(BreachRisk.LIKELY),), True),
        ((assessed(BreachRisk.HIGH),), True),
        ((assessed(BreachRisk.UNLIKELY),), False),
        ((AUTHORITY,), False),
        ((replace(LETTERS, complete=False),), True),
        ((AUTHORITY, assessed(BreachRisk.HIGH)), False),
        ((AUTHORITY, assessed(BreachRisk.UNLIKELY)), False),
    ],
)
def test_the_authority_is_due_a_first_word_unless_a_risk_is_unlikely(
    commands: tuple[Command, ...], due: bool
) -> None:
    """Art. 33(1): a letter to people is none to the authority."""
    assert after(DETECT, *commands).authority_due is due


@pytest.mark.clause("L53")
def test_people_are_due_with_the_authority_or_at_once_where_the_risk_was_found_later() -> None:
    """The law counts no hours for them: without undue delay."""
    late = DEADLINE + timedelta(hours=5)

    assert subjects_due_at(after(DETECT), LAW) is None
    assert subjects_due_at(after(DETECT, replace(ASSESS, risk=BreachRisk.LIKELY)), LAW) is None
    assert subjects_due_at(after(DETECT, ASSESS), LAW) == DEADLINE
    assert subjects_due_at(after(DETECT, ASSESS, LETTERS), LAW) is None
    state = after(DETECT)
    for record in BREACH.decide(ASSESS, state, circumstances(now=late)):
        state = BREACH.evolve(state, replace(stored(record, state.version + 1), recorded_at=late))
    assert subjects_due_at(state, LAW) == late
