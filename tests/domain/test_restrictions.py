"""Restriction: set by decision, by a dispute, by an objection; lifted only when announced."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from app.domain.mails import QueueMail, RecordMailSent
from app.domain.objections import RaiseObjection, UpholdObjection, WithdrawObjection
from app.domain.purpose_limitation import CategoryUnknown, PurposeUnknown
from app.domain.restrictions import (
    AnnounceLift,
    DisputeAccuracy,
    LiftRestriction,
    ObjectionPending,
    Restrict,
    Restriction,
    RestrictionLiftUnannounced,
    RestrictionUnknown,
    lifts_by_itself,
)
from app.domain.scope import Scope
from app.domain.subject import InTurn
from app.events.mails import MailChannel, MailKind
from app.events.objections import ObjectionOverridden, ObjectionWithdrawn
from app.events.recorded import Section
from app.events.restrictions import (
    AccuracyDisputed,
    RestrictionGround,
    RestrictionLiftAnnounced,
    RestrictionLifted,
    RestrictionSet,
)
from app.values import replace
from tests.spec import NOW, At, Given, given, registration

KEY = UUID("a6f5b0f2-6a52-4d8e-9a39-0e1d2b3c4d51")
OTHER = UUID("a6f5b0f2-6a52-4d8e-9a39-0e1d2b3c4d52")
PERSON = registration()
RESTRICT = Restrict(restriction=KEY, ground=RestrictionGround.UNLAWFUL, source="email")
SET = RestrictionSet(
    restriction=KEY, ground=RestrictionGround.UNLAWFUL, purpose=None, source="email"
)
DISPUTE = DisputeAccuracy(
    restriction=KEY, categories=frozenset({"work.title", "contact.name"}), source="email"
)
DISPUTED = AccuracyDisputed(
    restriction=KEY, categories=("contact.name", "work.title"), source="email"
)
ANNOUNCE = AnnounceLift(restriction=KEY, channel="post")
ANNOUNCED = RestrictionLiftAnnounced(restriction=KEY, channel="post", ends_on=None)
LIFT = LiftRestriction(restriction=KEY)
LIFTED = RestrictionLifted(restriction=KEY)
OBJECT = RaiseObjection(
    objection=KEY, source="email", purpose="network_exchange", recipient="members"
)


@pytest.mark.clause("L42")
@pytest.mark.parametrize("ground", list(RestrictionGround))
def test_a_restriction_is_set_on_each_ground(ground: RestrictionGround) -> None:
    """Art. 18(1)(a) to (d)."""
    when = given(PERSON).when(replace(RESTRICT, ground=ground, occurred_at=NOW))

    when.then(replace(SET, ground=ground))
    assert when.records[0].occurred_at == NOW
    assert when.records[0].sections == ()
    assert when.after.state.restrictions.active == {
        KEY: Restriction(ground=ground, scope=Scope(), since=NOW)
    }


@pytest.mark.clause("L42")
def test_a_restriction_can_be_for_one_purpose() -> None:
    """The rest goes on."""
    when = given(PERSON).when(replace(RESTRICT, purpose="payments"))

    when.then(replace(SET, purpose="payments"))
    assert when.after.state.restrictions.active[KEY].scope == Scope(purpose="payments")
    given(PERSON).when(replace(RESTRICT, purpose="astrology")).then_refused(PurposeUnknown)


@pytest.mark.clause("L42")
def test_contested_data_rest_without_a_decision() -> None:
    """Art. 18(1)(a): for as long as it takes to verify them."""
    when = given(PERSON).when(DISPUTE)

    when.then(DISPUTED)
    assert when.after.state.restrictions.active == {
        KEY: Restriction(
            ground=RestrictionGround.ACCURACY,
            scope=Scope(categories=frozenset({"work.title", "contact.name"})),
            since=NOW,
        )
    }
    unknown = replace(DISPUTE, categories=frozenset({"star.sign"}))
    given(PERSON).when(unknown).then_refused(CategoryUnknown)


def test_the_persons_words_are_sealed_in_the_class_of_the_request() -> None:
    """Nothing that somebody wrote is in an event."""
    [record] = given(PERSON).when(replace(DISPUTE, statement="I never was a director")).records

    assert record.sections == (
        Section(
            "rights-request",
            f"request.{KEY}",
            {"correspondence.statement": "I never was a director"},
        ),
    )
    assert "director" not in repr(replace(DISPUTE, statement="I never was a director"))
    [restricted] = given(PERSON).when(replace(RESTRICT, statement="Stop it")).records
    assert restricted.sections[0].personal == {"correspondence.statement": "Stop it"}
    assert "Stop" not in repr(replace(RESTRICT, statement="Stop it"))


@pytest.mark.parametrize(
    ("again", "new"),
    [
        (RESTRICT, False),
        (replace(RESTRICT, restriction=OTHER), False),
        (replace(RESTRICT, restriction=OTHER, ground=RestrictionGround.LEGAL_CLAIMS), True),
        (replace(RESTRICT, restriction=OTHER, purpose="payments"), True),
        (replace(DISPUTE, restriction=OTHER), True),
    ],
)
def test_the_same_restriction_is_set_once(again: object, new: bool) -> None:
    """Same ground, same scope."""
    assert bool(given(PERSON, RESTRICT).when(again).records) is new


@pytest.mark.clause("L42")
def test_a_pending_objection_restricts_by_itself() -> None:
    """Art. 18(1)(d): exactly what the person objects to."""
    state = given(PERSON, At(NOW, OBJECT)).state

    assert state.restrictions.active == {
        KEY: Restriction(
            ground=RestrictionGround.OBJECTION,
            scope=Scope(purpose="network_exchange", recipient="members"),
            since=NOW,
        )
    }


@pytest.mark.clause("L42")
def test_a_restriction_by_the_desk_is_wider_than_one_by_an_objection() -> None:
    """An objection to everything spares what the law demands; the desk's restriction does not."""
    objected = given(PERSON, replace(OBJECT, purpose=None, recipient=None))
    by_desk = replace(RESTRICT, restriction=OTHER, ground=RestrictionGround.OBJECTION)

    objected.when(by_desk).then(replace(SET, restriction=OTHER, ground=RestrictionGround.OBJECTION))


@pytest.mark.clause("L43")
def test_an_objection_that_is_granted_at_once_restricts_nothing() -> None:
    """There is nothing left to weigh."""
    state = given(PERSON, replace(OBJECT, purpose="information", recipient=None)).state

    assert state.restrictions.active == {}


@pytest.mark.clause("L42")
def test_the_restriction_of_an_objection_ends_when_it_is_granted() -> None:
    """The use has stopped for good."""
    after = given(PERSON, OBJECT).when(UpholdObjection(objection=KEY)).after

    assert after.state.restrictions.active == {}
    assert after.state.restrictions.ended.keys() == {KEY}
    after.when(LIFT).then_nothing()
    after.when(ANNOUNCE).then_nothing()


@pytest.mark.clause("L42", "L44")
def test_who_takes_an_objection_back_is_told_before_its_restriction_ends() -> None:
    """Art. 18(3) knows no exception: the letter goes first, and nobody has to remember it."""
    taken_back = given(PERSON, At(NOW, OBJECT), At(NOW, WithdrawObjection(objection=KEY)))
    [announcement] = [
        one for one in taken_back.stream if isinstance(one.event, RestrictionLiftAnnounced)
    ]
    told = lift_told(taken_back, announcement.event_id)

    assert announcement.event == replace(ANNOUNCED, channel="letter", ends_on=NOW.date())
    assert set(taken_back.state.restrictions.active) == {KEY}
    taken_back.when(LIFT).then_refused(RestrictionLiftUnannounced, until=NOW.date())
    assert not lifts_by_itself(KEY, taken_back.state, taken_back.circumstances)
    assert lifts_by_itself(KEY, told.state, told.circumstances)
    told.when(LIFT).then(LIFTED)


@pytest.mark.clause("L42")
def test_an_objection_that_was_withdrawn_at_a_time_ended_its_restriction_with_it() -> None:
    """As the first version of the event meant it: what it lifted stays lifted."""
    earlier = ObjectionWithdrawn(objection=KEY, restriction_lasts=False)
    after = given(PERSON, OBJECT, earlier)

    assert after.state.restrictions.active == {}
    assert not lifts_by_itself(KEY, after.state, after.circumstances)


@pytest.mark.clause("L42", "L44")
def test_nothing_is_lifted_by_itself_that_a_human_has_to_decide() -> None:
    """An objection that was overridden rests until the desk lifts it."""
    after = given(PERSON, At(NOW, OBJECT), At(NOW, ObjectionOverridden(objection=KEY)))
    announced = after.when(replace(ANNOUNCE, ends_on=NOW.date())).after
    told = lift_told(announced, announced.state.restrictions.active[KEY].announced_by)

    told.when(LIFT).then(LIFTED)
    assert not lifts_by_itself(KEY, told.state, told.circumstances)


@pytest.mark.clause("L42", "L44")
def test_an_objection_that_was_overridden_leaves_the_restriction_until_announced() -> None:
    """Art. 18(3): the use does not start again behind the person's back."""
    after = given(PERSON, OBJECT, ObjectionOverridden(objection=KEY))

    assert set(after.state.restrictions.active) == {KEY}
    after.when(LIFT).then_refused(RestrictionLiftUnannounced)
    after.when(ANNOUNCE).after.when(LIFT).then(LIFTED)


@pytest.mark.clause("L42", "L44")
@pytest.mark.parametrize("command", [ANNOUNCE, LIFT])
def test_a_restriction_lasts_while_its_objection_is_pending(command: object) -> None:
    """Art. 18(1)(d)."""
    given(PERSON, At(NOW, OBJECT)).when(command).then_refused(ObjectionPending)


@pytest.mark.clause("L42")
def test_lifting_needs_an_announcement() -> None:
    """Art. 18(3): the person is told before, not after."""
    restricted = given(PERSON, RESTRICT)

    restricted.when(LIFT).then_refused(RestrictionLiftUnannounced)
    announced = restricted.when(ANNOUNCE)
    announced.then(ANNOUNCED)
    assert announced.after.state.restrictions.active[KEY].announced_at == NOW
    announced.after.when(ANNOUNCE).then_nothing()
    lifted = announced.after.when(LIFT)
    lifted.then(LIFTED)
    assert lifted.after.state.restrictions.active == {}
    assert lifted.after.state.restrictions.ended.keys() == {KEY}
    lifted.after.when(LIFT).then_nothing()
    lifted.after.when(ANNOUNCE).then_nothing()
    lifted.after.when(RESTRICT).then_nothing()


@pytest.mark.clause("L42")
def test_a_restriction_that_a_letter_ends_stays_until_the_letter_left_and_its_day_came() -> None:
    """Art. 18(3): told is who was written to, not of whom it was noted that they should be."""
    day = NOW.date() + timedelta(days=3)
    told = given(PERSON, RESTRICT).when(replace(ANNOUNCE, ends_on=day, reasons="Checked."))
    told.then(replace(ANNOUNCED, ends_on=day))
    assert told.records[0].sections[0].personal == {"correspondence.decision": "Checked."}
    announced = told.after.state.restrictions.active[KEY].announced_by
    assert announced is not None
    mail, sent = letter_of(announced)
    then = NOW + timedelta(days=3)
    queued, left = told.after.when(mail).after, told.after.when(InTurn((mail, sent))).after

    for unready in (told.after, queued):
        later(unready, then).when(LIFT).then_refused(RestrictionLiftUnannounced)
    later(left, then - timedelta(days=1)).when(LIFT).then_refused(RestrictionLiftUnannounced)
    later(left, then).when(LIFT).then(LIFTED)


@pytest.mark.clause("L42")
def test_no_restriction_is_announced_to_have_ended() -> None:
    """A day that is over gives nobody notice."""
    over = replace(ANNOUNCE, ends_on=NOW.date() - timedelta(days=1))

    given(PERSON, RESTRICT).when(over).then_refused(RestrictionLiftUnannounced)


def letter_of(announced: UUID) -> tuple[QueueMail, RecordMailSent]:
    """The letter about an announcement: written, and on its way."""
    mail = QueueMail(
        mail=announced,
        kind=MailKind.ANSWER,
        purpose="rights_requests",
        address="zoe@stad.example",
        text="x",
        message="ab" * 32,
        letter="ab" * 32,
        language="sv",
        matter=KEY,
        objection="ab" * 32,
    )
    return mail, RecordMailSent(mail=announced, channel=MailChannel.SMTP)


def lift_told(known: Given, announced: UUID | None) -> Given:
    """The same person, once the letter has left."""
    assert announced is not None
    return known.when(InTurn(letter_of(announced))).after


def later(known: Given, now: datetime) -> Given:
    """The same person at a later time."""
    return Given(known.state, replace(known.circumstances, now=now))


@pytest.mark.clause("L42")
def test_announcing_one_restriction_lifts_no_other() -> None:
    """Each has its own announcement."""
    other = replace(RESTRICT, restriction=OTHER, ground=RestrictionGround.LEGAL_CLAIMS)
    restricted = given(PERSON, RESTRICT, other, ANNOUNCE)

    restricted.when(LiftRestriction(restriction=OTHER)).then_refused(RestrictionLiftUnannounced)
    assert set(restricted.when(LIFT).after.state.restrictions.active) == {OTHER}


@pytest.mark.clause("L42")
@pytest.mark.parametrize("command", [ANNOUNCE, LIFT])
def test_what_was_not_restricted_cannot_be_lifted(command: object) -> None:
    """An id that nobody knows."""
    given(PERSON).when(command).then_refused(RestrictionUnknown)


def test_the_time_of_a_restriction_is_when_it_happened() -> None:
    """A letter restricts from the day on which it came."""
    earlier = NOW - timedelta(days=40)
    state = given(PERSON, replace(RESTRICT, occurred_at=earlier)).state

    assert state.restrictions.active[KEY].since == earlier


@pytest.mark.clause("L42")
def test_a_restriction_that_is_on_is_not_set_again_under_its_id() -> None:
    """A message that comes twice, changed or not, is the same restriction."""
    given(PERSON, RESTRICT).when(
        replace(RESTRICT, ground=RestrictionGround.LEGAL_CLAIMS)
    ).then_nothing()


@pytest.mark.clause("L42")
def test_every_restriction_that_ended_stays_ended() -> None:
    other = replace(RESTRICT, restriction=OTHER, ground=RestrictionGround.LEGAL_CLAIMS)
    lifts = [
        command
        for key in (KEY, OTHER)
        for command in (replace(ANNOUNCE, restriction=key), replace(LIFT, restriction=key))
    ]

    assert given(PERSON, RESTRICT, other, *lifts).state.restrictions.ended.keys() == {KEY, OTHER}


@pytest.mark.clause("L42", "L43")
def test_an_objection_that_restricted_nothing_ends_no_restriction() -> None:
    """Against advertising it is granted at once."""
    state = given(PERSON, replace(OBJECT, purpose="information", recipient=None)).state

    assert state.restrictions.ended == {}
