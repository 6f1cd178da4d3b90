"""Objections: absolute against direct marketing, weighed against everything else."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from app.domain.objection_refusals import (
    GroundsMissing,
    NotObjectable,
    ObjectionAbsolute,
    ObjectionDecided,
    ObjectionLapsed,
    ObjectionUnknown,
)
from app.domain.objections import (
    Objection,
    OverrideObjection,
    RaiseObjection,
    Status,
    UpholdObjection,
    WithdrawObjection,
)
from app.domain.purpose_limitation import PurposeUnknown
from app.domain.recipients import RecipientNotListed
from app.domain.rights_request_refusals import RightsRequestUnknown
from app.domain.rights_request_steps import (
    DoubtIdentity,
    ExtendRequest,
    JoinRequest,
    ReceiveRequest,
    VerifyRequest,
    WithdrawRequest,
)
from app.domain.scope import Scope, affected
from app.domain.suppressions import Unsubscribe
from app.events.consents import ConsentWithdrawn
from app.events.objections import (
    GrantReason,
    ObjectionCause,
    ObjectionGranted,
    ObjectionGround,
    ObjectionOverridden,
    ObjectionRaised,
    ObjectionWithdrawn,
)
from app.events.recorded import Section, Suppression
from app.events.restrictions import RestrictionLiftAnnounced
from app.events.rights_requests import (
    ExtensionGround,
    IdentityProof,
    RequestChannel,
    RequestedRight,
    RightsRequestWithdrawn,
)
from app.events.suppressions import SuppressionCause, SuppressionLifted, SuppressionRecorded
from app.values import replace
from tests.domain.test_consents import GIVE
from tests.spec import LAW, NOW, POLICY, At, given, registration

BRUSSELS = ZoneInfo("Europe/Brussels")
KEY = UUID("e2b6b7d0-6b57-4e1c-9b9c-5c86d2a7fb01")
OTHER = UUID("e2b6b7d0-6b57-4e1c-9b9c-5c86d2a7fb02")
ADDRESS = "zoe.angstrom@stad.example"
PERSON = registration("newsletter", "network_exchange")
TO_NEWS = RaiseObjection(objection=KEY, source="email", purpose="information", addresses=(ADDRESS,))
TO_SHARING = RaiseObjection(
    objection=KEY, source="email", purpose="network_exchange", recipient="members"
)
NEWS_RAISED = ObjectionRaised(
    objection=KEY,
    ground=ObjectionGround.DIRECT_MARKETING,
    purpose="information",
    recipient=None,
    cause=ObjectionCause.PERSON,
    source="email",
    request=None,
)
SHARING_RAISED = replace(
    NEWS_RAISED,
    ground=ObjectionGround.OWN_SITUATION,
    purpose="network_exchange",
    recipient="members",
)
ABSOLUTE = ObjectionGranted(objection=KEY, reason=GrantReason.ABSOLUTE)
UPHOLD = UpholdObjection(objection=KEY)
OVERRIDE = OverrideObjection(objection=KEY, grounds="The network exists for this exchange.")
WITHDRAW = WithdrawObjection(objection=KEY)


def closed(
    purpose: str, cause: SuppressionCause = SuppressionCause.OBJECTION
) -> SuppressionRecorded:
    """The event by which an objection closes a purpose."""
    return SuppressionRecorded(purpose=purpose, cause=cause, source="email")


@pytest.mark.clause("L43", "C65", "C22")
def test_an_objection_to_news_is_granted_at_once() -> None:
    """Art. 21(3): no reason, no weighing; the uses of the purpose stop with it."""
    when = given(PERSON).when(replace(TO_NEWS, occurred_at=NOW))

    when.then(NEWS_RAISED, ABSOLUTE, closed("information"), closed("partner_news"))
    raised, granted, information, _ = when.records
    assert raised.occurred_at == information.occurred_at == NOW
    assert granted.suppressions == raised.suppressions == ()
    assert information.suppressions == (Suppression("information", ADDRESS),)
    [objection] = when.after.state.objections.by_id.values()
    assert objection == Objection(
        scope=Scope(purpose="information"),
        ground=ObjectionGround.DIRECT_MARKETING,
        since=NOW,
        status=Status.GRANTED,
    )


@pytest.mark.clause("L43", "C25")
def test_an_objection_to_the_newsletter_withdraws_its_consent() -> None:
    """Whoever says no to it does not want it on another ground either."""
    when = given(PERSON, GIVE).when(replace(TO_NEWS, purpose="newsletter", occurred_at=NOW))

    when.then(
        replace(NEWS_RAISED, purpose="newsletter"),
        ABSOLUTE,
        ConsentWithdrawn(purpose="newsletter", source="email"),
        closed("newsletter"),
    )
    assert when.records[2].occurred_at == NOW
    assert when.after.state.consents.of("newsletter").proof is None


@pytest.mark.clause("L43", "C45", "C73")
@pytest.mark.parametrize(
    ("cause", "expected"),
    [
        (ObjectionCause.COMPLAINT, SuppressionCause.COMPLAINT),
        (ObjectionCause.UNDELIVERABLE, SuppressionCause.UNDELIVERABLE),
    ],
)
def test_a_complaint_about_a_mailing_is_an_objection(
    cause: ObjectionCause, expected: SuppressionCause
) -> None:
    """What another system reports weighs as much as a letter."""
    complaint = replace(TO_NEWS, purpose="newsletter", cause=cause)

    given(PERSON).when(complaint).then(
        replace(NEWS_RAISED, purpose="newsletter", cause=cause),
        ABSOLUTE,
        closed("newsletter", expected),
    )


@pytest.mark.clause("L44", "C36", "C65")
def test_an_objection_to_sharing_is_weighed() -> None:
    """Art. 21(1): raised, pending, and nothing suppressed."""
    when = given(PERSON).when(replace(TO_SHARING, statement="My ex works there."))

    when.then(SHARING_RAISED)
    assert when.records[0].sections == (
        Section(
            "rights-request",
            f"request.{KEY}",
            {"correspondence.statement": "My ex works there."},
        ),
    )
    assert when.after.state.objections.by_id[KEY].status is Status.PENDING
    assert given(PERSON).when(TO_SHARING).records[0].sections == ()


@pytest.mark.clause("L43", "L44", "C65")
def test_an_objection_to_everything_stops_all_news_at_once() -> None:
    """The part that is absolute is not made to wait for the part that is weighed."""
    when = given(PERSON).when(replace(TO_NEWS, purpose=None))

    when.then(
        replace(NEWS_RAISED, ground=ObjectionGround.OWN_SITUATION, purpose=None),
        closed("information"),
        closed("newsletter"),
        closed("partner_news"),
    )
    assert when.after.state.objections.by_id[KEY].status is Status.PENDING


@pytest.mark.clause("C38", "L43")
def test_an_objection_to_one_recipient_of_news_closes_no_address() -> None:
    """The others may still write."""
    to_enpe = replace(TO_NEWS, purpose="partner_news", recipient="ENPE")

    given(PERSON).when(to_enpe).then(
        replace(NEWS_RAISED, purpose="partner_news", recipient="enpe"), ABSOLUTE
    )


@pytest.mark.clause("C37", "L44")
@pytest.mark.parametrize("use", ["photo_website", "photo_newsletter", "photo_reporting"])
def test_each_use_of_photographs_can_be_objected_to(use: str) -> None:
    """Three uses, three objections."""
    given(PERSON).when(replace(TO_SHARING, purpose=use, recipient=None)).then(
        replace(SHARING_RAISED, purpose=use, recipient=None)
    )
    assert [one.key for one in affected(Scope(purpose=use), POLICY)] == [use]


@pytest.mark.clause("C37")
def test_an_objection_to_photographs_is_one_to_every_use() -> None:
    """A use narrows its purpose; it does not escape from it."""
    assert [one.key for one in affected(Scope(purpose="photos"), POLICY)] == [
        "photos",
        "photo_website",
        "photo_newsletter",
        "photo_reporting",
    ]


@pytest.mark.clause("L44")
def test_an_objection_reaches_the_purposes_that_art_21_names() -> None:
    """Legitimate interest, and direct marketing on any basis; not law, not consent."""
    everything = {one.key for one in affected(Scope(), POLICY)}

    assert {"information", "newsletter", "payments", "travel_booking"} <= everything
    assert everything.isdisjoint({"event_security", "chat", "accounting", "rights_requests"})
    assert {one.key for one in affected(Scope(recipient="enpe"), POLICY)} == {
        "joint_activity",
        "partner_news",
    }


@pytest.mark.clause("L44", "C65")
@pytest.mark.parametrize(
    "command",
    [
        replace(TO_SHARING, purpose="event_security", recipient=None),
        replace(TO_SHARING, purpose="accounting", recipient=None),
        replace(TO_SHARING, purpose="network_exchange", recipient="bank"),
        replace(TO_SHARING, purpose=None, recipient="tawk"),
    ],
)
def test_where_art_21_gives_no_right_the_answer_says_so(command: RaiseObjection) -> None:
    """Consent is withdrawn, a legal duty stays, and a recipient that gets nothing stops nothing."""
    given(PERSON).when(command).then_refused(NotObjectable)


@pytest.mark.clause("C35")
def test_an_objection_names_purposes_and_recipients_of_the_policy() -> None:
    """Under any of their names."""
    given(PERSON).when(replace(TO_SHARING, purpose="astrology")).then_refused(PurposeUnknown)
    given(PERSON).when(replace(TO_SHARING, recipient="nobody")).then_refused(RecipientNotListed)
    given(PERSON).when(replace(TO_SHARING, recipient="Medlemmar")).then(SHARING_RAISED)


@pytest.mark.parametrize(
    ("again", "new"),
    [
        (TO_SHARING, False),
        (replace(TO_SHARING, objection=OTHER), False),
        (replace(TO_SHARING, objection=OTHER, recipient=None), True),
        (replace(TO_SHARING, objection=OTHER, recipient="enpe", purpose="joint_activity"), True),
    ],
)
def test_the_same_objection_is_raised_once(again: RaiseObjection, new: bool) -> None:
    """Same scope, still standing."""
    assert bool(given(PERSON, TO_SHARING).when(again).records) is new


def test_an_objection_that_ended_can_be_raised_anew() -> None:
    """Under a new id."""
    again = replace(TO_SHARING, objection=OTHER)

    assert given(PERSON, TO_SHARING, WITHDRAW).when(again).records
    given(PERSON, TO_SHARING, WITHDRAW).when(TO_SHARING).then_nothing()


def test_what_is_closed_is_not_closed_twice() -> None:
    """An unsubscribe came before the objection."""
    left = Unsubscribe(purpose="newsletter", source="mailchimp")

    given(PERSON, left).when(replace(TO_NEWS, purpose="newsletter")).then(
        replace(NEWS_RAISED, purpose="newsletter"), ABSOLUTE
    )


@pytest.mark.clause("L44")
def test_an_objection_is_upheld() -> None:
    """The processing stops for good."""
    when = given(PERSON, At(NOW, TO_SHARING)).when(UPHOLD)

    when.then(ObjectionGranted(objection=KEY, reason=GrantReason.UPHELD))
    assert when.after.state.objections.by_id[KEY].status is Status.GRANTED
    when.after.when(UPHOLD).then_nothing()


@pytest.mark.clause("L44", "L46")
def test_an_objection_is_overridden_by_grounds_that_a_human_wrote() -> None:
    """Art. 21(1): compelling legitimate grounds, sealed as the proof of the decision."""
    when = given(PERSON, At(NOW, TO_SHARING)).when(OVERRIDE)

    when.then(ObjectionOverridden(objection=KEY))
    [section] = when.records[0].sections
    assert section.personal == {"correspondence.decision": OVERRIDE.grounds}
    assert section.generation == f"request.{KEY}"
    assert "network" not in repr(OVERRIDE)
    assert when.after.state.objections.by_id[KEY].status is Status.OVERRIDDEN
    when.after.when(OVERRIDE).then_nothing()
    for grounds in ("", " \n "):
        given(PERSON, At(NOW, TO_SHARING)).when(replace(OVERRIDE, grounds=grounds)).then_refused(
            GroundsMissing
        )


@pytest.mark.clause("L43")
def test_nothing_outweighs_an_objection_to_news() -> None:
    """Art. 21(3)."""
    given(PERSON, TO_NEWS).when(OVERRIDE).then_refused(ObjectionAbsolute)


@pytest.mark.clause("L44")
def test_a_decision_is_not_turned_round() -> None:
    """A new objection is a new matter."""
    upheld = given(PERSON, At(NOW, TO_SHARING), At(NOW, UPHOLD))
    overridden = given(PERSON, At(NOW, TO_SHARING), ObjectionOverridden(objection=KEY))

    upheld.when(OVERRIDE).then_refused(ObjectionDecided, state="granted")
    overridden.when(UPHOLD).then_refused(ObjectionDecided, state="overridden")
    given(PERSON, TO_SHARING, WITHDRAW).when(UPHOLD).then_refused(
        ObjectionDecided, state="withdrawn"
    )
    given(PERSON, TO_SHARING, WITHDRAW).when(OVERRIDE).then_refused(ObjectionDecided)


@pytest.mark.clause("L44", "C65")
@pytest.mark.parametrize(
    ("raised", "due"),
    [
        (datetime(2026, 3, 5, 9, tzinfo=UTC), date(2026, 4, 7)),  # Easter Sunday and Monday
        (datetime(2026, 8, 31, 9, tzinfo=UTC), date(2026, 9, 30)),
        (datetime(2026, 1, 31, 9, tzinfo=UTC), date(2026, 3, 2)),  # a Saturday
    ],
)
def test_silence_grants_an_objection(raised: datetime, due: date) -> None:
    """Art. 12(3): the month is over at the end of its last day, and with it the weighing."""
    on_the_day = datetime(due.year, due.month, due.day, 23, 59, tzinfo=BRUSSELS).astimezone(UTC)
    day_after = on_the_day + timedelta(minutes=1)
    in_time = given(PERSON, At(raised, TO_SHARING), now=on_the_day)
    too_late = given(PERSON, At(raised, TO_SHARING), now=day_after)

    objection = in_time.state.objections.by_id[KEY]
    requests = in_time.state.rights_requests
    assert objection.due(requests, LAW, on_the_day).last_day == due
    assert objection.status_at(on_the_day, LAW, requests) is Status.PENDING
    assert objection.status_at(day_after, LAW, requests) is Status.GRANTED
    in_time.when(UPHOLD).then(ObjectionGranted(objection=KEY, reason=GrantReason.UPHELD))
    too_late.when(UPHOLD).then(ObjectionGranted(objection=KEY, reason=GrantReason.SILENCE))
    too_late.when(OVERRIDE).then_refused(ObjectionLapsed, due=due)


OBJECTING = ReceiveRequest(
    file=OTHER,
    right=RequestedRight.OBJECTION,
    channel=RequestChannel.EMAIL,
    evidence=OTHER,
    occurred_at=datetime(2026, 3, 5, 9, tzinfo=UTC),
)
ON_THE_DAY_OF_RECEIPT = datetime(2026, 3, 5, 12, tzinfo=UTC)
ASKED = (PERSON, At(ON_THE_DAY_OF_RECEIPT, OBJECTING))
FIRST_MONTH_ENDS, EXTENSION_ENDS = date(2026, 4, 7), date(2026, 6, 5)


def request_of(*history: object) -> UUID:
    """The id of the only request."""
    [key] = given(*history).state.rights_requests.by_id
    return key


EXTEND = ExtendRequest(
    request=request_of(*ASKED),
    ground=ExtensionGround.COMPLEXITY,
    reasons="Twelve systems",
    told_by=RequestChannel.EMAIL,
    decided_by=OTHER,
)


def last_minute(day: date) -> datetime:
    """The last minute of a day in Brussels."""
    return datetime(day.year, day.month, day.day, 23, 59, tzinfo=BRUSSELS).astimezone(UTC)


@pytest.mark.clause("L22", "L44", "C65")
def test_what_extends_a_request_extends_its_objection() -> None:
    """One matter, one clock: silence grants at the end of the third month, not of the first."""
    objected = At(ON_THE_DAY_OF_RECEIPT, TO_SHARING)
    extended = At(datetime(2026, 3, 20, 9, tzinfo=UTC), EXTEND)
    history = (*ASKED, objected, extended)
    first_month_over = given(*history, now=last_minute(FIRST_MONTH_ENDS) + timedelta(minutes=1))
    on_the_day = given(*history, now=last_minute(EXTENSION_ENDS))
    day_after = given(*history, now=last_minute(EXTENSION_ENDS) + timedelta(minutes=1))
    alone = given(*ASKED, objected, now=last_minute(FIRST_MONTH_ENDS) + timedelta(minutes=1))

    first_month_over.when(OVERRIDE).then(ObjectionOverridden(objection=KEY))
    on_the_day.when(UPHOLD).then(ObjectionGranted(objection=KEY, reason=GrantReason.UPHELD))
    day_after.when(UPHOLD).then(ObjectionGranted(objection=KEY, reason=GrantReason.SILENCE))
    day_after.when(OVERRIDE).then_refused(ObjectionLapsed, due=EXTENSION_ENDS)
    alone.when(UPHOLD).then(ObjectionGranted(objection=KEY, reason=GrantReason.SILENCE))
    alone.when(OVERRIDE).then_refused(ObjectionLapsed, due=FIRST_MONTH_ENDS)


@pytest.mark.clause("L24", "L44")
def test_a_question_to_the_person_stops_the_clock_of_the_objection_too() -> None:
    doubt = DoubtIdentity(
        request=EXTEND.request,
        grounds="An unknown address",
        told_by=RequestChannel.EMAIL,
        decided_by=OTHER,
    )
    history = (*ASKED, At(ON_THE_DAY_OF_RECEIPT, TO_SHARING), At(ON_THE_DAY_OF_RECEIPT, doubt))
    much_later = given(*history, now=datetime(2026, 5, 20, 9, tzinfo=UTC))

    much_later.when(UPHOLD).then(ObjectionGranted(objection=KEY, reason=GrantReason.UPHELD))


@pytest.mark.clause("L22", "L44")
def test_an_objection_of_another_day_has_a_month_of_its_own_unless_it_names_the_request() -> None:
    """Nobody's answer is put off by a letter about something else."""
    later = datetime(2026, 3, 10, 9, tzinfo=UTC)
    named = replace(TO_SHARING, request=EXTEND.request)
    extended = At(datetime(2026, 3, 20, 9, tzinfo=UTC), EXTEND)
    in_may = datetime(2026, 5, 4, 9, tzinfo=UTC)
    own = given(*ASKED, At(later, TO_SHARING), extended, now=in_may)
    of_the_request = given(*ASKED, At(later, named), extended, now=in_may)
    unknown = replace(TO_SHARING, request=KEY)
    withdrawn = At(later, WithdrawRequest(request=EXTEND.request, channel=RequestChannel.EMAIL))

    own.when(OVERRIDE).then_refused(ObjectionLapsed, due=date(2026, 4, 10))
    of_the_request.when(OVERRIDE).then(ObjectionOverridden(objection=KEY))
    given(*ASKED).when(unknown).then_refused(RightsRequestUnknown)
    given(*ASKED, withdrawn, now=in_may).when(named).then_refused(RightsRequestUnknown)


def test_silence_changes_no_decision() -> None:
    """Time passes over a pending objection only."""
    state = given(PERSON, At(NOW, TO_SHARING), At(NOW, WITHDRAW)).state

    much_later = datetime(2030, 1, 1, tzinfo=UTC)
    standing = state.objections.by_id[KEY].status_at(much_later, LAW, state.rights_requests)
    assert standing is Status.WITHDRAWN


WITHDRAWN = ObjectionWithdrawn(objection=KEY, restriction_lasts=True)
ANNOUNCED = RestrictionLiftAnnounced(restriction=KEY, channel="letter", ends_on=NOW.date())
TAKE_BACK = WithdrawRequest(request=EXTEND.request, channel=RequestChannel.EMAIL)


@pytest.mark.clause("L20", "L42", "L44", "C65")
def test_a_request_that_is_taken_back_takes_its_objection_back() -> None:
    """Nobody waits, so that silence grants nothing; and the person is told of what ends."""
    objected = At(ON_THE_DAY_OF_RECEIPT, TO_SHARING)
    when = given(*ASKED, objected).when(TAKE_BACK)
    month_over = given(*ASKED, objected, At(ON_THE_DAY_OF_RECEIPT, TAKE_BACK))

    when.then(
        RightsRequestWithdrawn(request=TAKE_BACK.request, channel=TAKE_BACK.channel),
        WITHDRAWN,
        ANNOUNCED,
    )
    objection = month_over.state.objections.by_id[KEY]
    requests = month_over.state.rights_requests
    assert objection.status_at(NOW, LAW, requests) is Status.WITHDRAWN
    month_over.when(UPHOLD).then_refused(ObjectionDecided, state="withdrawn")


@pytest.mark.clause("L20", "L44", "C65")
def test_an_earlier_day_of_taking_back_is_that_of_the_objection_too() -> None:
    """What arrived by post counts from then on."""
    taken_back = replace(
        TAKE_BACK, occurred_at=ON_THE_DAY_OF_RECEIPT, evidence_note="Letter in the file"
    )
    when = given(*ASKED, At(ON_THE_DAY_OF_RECEIPT, TO_SHARING)).when(taken_back)

    assert [one.occurred_at for one in when.records] == [ON_THE_DAY_OF_RECEIPT] * 2 + [None]


@pytest.mark.clause("L43", "L44", "C65")
def test_what_was_decided_and_what_came_alone_outlive_a_request_that_is_taken_back() -> None:
    """Only what waits for the same answer ends with it."""
    objected, upheld = At(ON_THE_DAY_OF_RECEIPT, TO_SHARING), At(ON_THE_DAY_OF_RECEIPT, UPHOLD)
    alone = At(ON_THE_DAY_OF_RECEIPT + timedelta(days=3), TO_SHARING)
    closed = RightsRequestWithdrawn(request=TAKE_BACK.request, channel=TAKE_BACK.channel)

    given(*ASKED, objected, upheld).when(TAKE_BACK).then(closed)
    given(*ASKED, alone).when(TAKE_BACK).then(closed)


@pytest.mark.clause("L38", "L44")
def test_an_objection_of_a_duplicate_ends_with_the_request_that_goes_on() -> None:
    """The survivor answers for both."""
    again = replace(OBJECTING, file=KEY, occurred_at=datetime(2026, 3, 6, 9, tzinfo=UTC))
    asked = given(*ASKED, At(datetime(2026, 3, 6, 12, tzinfo=UTC), again))
    first, second = asked.state.rights_requests.by_id
    on_the_second = replace(TO_SHARING, request=second)
    case = asked.when(on_the_second).after
    for step in (
        VerifyRequest(request=first, proof=IdentityProof.CALLBACK),
        VerifyRequest(request=second, proof=IdentityProof.CALLBACK),
        JoinRequest(request=second, into=first, decided_by=OTHER),
    ):
        case = case.when(step).after

    ended = case.when(replace(TAKE_BACK, request=first)).after
    assert ended.state.objections.by_id[KEY].status is Status.WITHDRAWN


@pytest.mark.clause("L44")
def test_a_person_may_stop_objecting() -> None:
    """To a thing that is weighed: nothing was closed, nothing opens."""
    when = given(PERSON, TO_SHARING).when(WITHDRAW)

    when.then(WITHDRAWN, ANNOUNCED)
    assert when.after.state.objections.by_id[KEY].status is Status.WITHDRAWN
    when.after.when(WITHDRAW).then_nothing()


@pytest.mark.clause("L43")
def test_who_stops_objecting_to_news_gets_news_again() -> None:
    """What the objection closed opens, but for what rests on consent."""
    withdrawn = replace(WITHDRAWN, restriction_lasts=False)

    given(PERSON, TO_NEWS).when(WITHDRAW).then(
        withdrawn,
        SuppressionLifted(purpose="information"),
        SuppressionLifted(purpose="partner_news"),
    )
    given(PERSON, replace(TO_NEWS, purpose="newsletter")).when(WITHDRAW).then(withdrawn)


@pytest.mark.clause("L43")
def test_another_objection_keeps_closed_what_it_covers() -> None:
    """Two noes, one taken back."""
    to_partner_news = replace(TO_NEWS, objection=OTHER, purpose="partner_news")

    given(PERSON, TO_NEWS, to_partner_news).when(WITHDRAW).then(
        replace(WITHDRAWN, restriction_lasts=False), SuppressionLifted(purpose="information")
    )


def test_stopping_to_object_opens_nothing_that_something_else_closed() -> None:
    """The unsubscribe stands."""
    left = Unsubscribe(purpose="information", source="mailchimp")

    given(PERSON, left, TO_NEWS).when(WITHDRAW).then(
        replace(WITHDRAWN, restriction_lasts=False), SuppressionLifted(purpose="partner_news")
    )


@pytest.mark.parametrize("command", [UPHOLD, OVERRIDE, WITHDRAW])
def test_what_was_not_raised_cannot_be_decided(command: object) -> None:
    """An id that nobody knows."""
    given(PERSON).when(command).then_refused(ObjectionUnknown)


@pytest.mark.clause("L43", "L44")
@pytest.mark.parametrize(
    ("status", "purpose", "stops"),
    [
        (Status.PENDING, "network_exchange", True),
        (Status.GRANTED, "network_exchange", True),
        (Status.OVERRIDDEN, "network_exchange", False),
        (Status.OVERRIDDEN, "information", True),
        (Status.WITHDRAWN, "information", False),
        (Status.GRANTED, "accounting", False),
    ],
)
def test_what_an_objection_stops(status: Status, purpose: str, stops: bool) -> None:
    """Pending and granted stop; overridden stops news alone; law goes on."""
    found = POLICY.purpose(purpose)
    assert found is not None
    objection = Objection(
        scope=Scope(), ground=ObjectionGround.OWN_SITUATION, since=NOW, status=status
    )

    assert objection.stops(found) is stops


def test_the_latest_objection_to_a_purpose_counts() -> None:
    """For whether a consent is younger; one to a recipient says nothing of the purpose as such."""
    earlier = NOW - timedelta(days=1)
    state = given(
        PERSON,
        At(earlier, replace(TO_NEWS, purpose="newsletter")),
        At(NOW, replace(TO_NEWS, objection=OTHER, purpose=None)),
        replace(TO_NEWS, objection=UUID(int=7), recipient="mailchimp"),
    ).state

    assert state.objections.since(("newsletter",)) == NOW
    assert state.objections.since(("network_exchange",)) == NOW
    alone = given(PERSON, At(earlier, replace(TO_NEWS, recipient="mailchimp"))).state
    assert alone.objections.since(("information",)) is None


def test_no_personal_value_shows_in_a_command() -> None:
    """What is printed by accident must say nothing."""
    shown = repr(replace(TO_NEWS, statement="My ex works there."))

    assert ADDRESS not in shown
    assert "ex works" not in shown
