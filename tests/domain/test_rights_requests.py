"""Rights requests as decisions: clock, identity, duties, refusals, and no state without an exit."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given as forall
from hypothesis import settings
from hypothesis import strategies as st

from app.api.rights_request_bodies import FulfilmentBody, RefusalBody, UnidentifiedBody
from app.domain.collections import RectifyData
from app.domain.consultations import RecordInspection, RecordRightsAnswer
from app.domain.decider import Refusal
from app.domain.disclosures import RecordDisclosure
from app.domain.objections import OverrideObjection, RaiseObjection, UpholdObjection
from app.domain.recipients import RecipientNotListed
from app.domain.restrictions import AnnounceLift, LiftRestriction, Restrict
from app.domain.retention import expired
from app.domain.rights_request_answers import HELD_AGAINST, article_of, grounds_against
from app.domain.rights_request_progress import RequestStatus, RightsRequest
from app.domain.rights_request_refusals import (
    AnswerMissing,
    DataHeld,
    DoubtGroundless,
    DoubtTooLate,
    DoubtUnasked,
    ExcessUnproven,
    ExtensionLate,
    ExtensionRepeated,
    ExtensionUnexplained,
    ExtensionUntold,
    GroundInapplicable,
    IdentitySettled,
    NotADuplicate,
    ObjectionStands,
    ReceiptTooOld,
    ReceiptUnevidenced,
    RefusalIncomplete,
    RequesterKnown,
    RightsRequestClosed,
    RightsRequestUnapproved,
    RightsRequestUnknown,
    RightsRequestUnverified,
    StepBeforeReceipt,
    StepUnevidenced,
    SystemMissing,
    TasksOpen,
    TaskUnknown,
    TaskUnreasoned,
)
from app.domain.rights_request_steps import (
    AnswerDoubt,
    ApproveRequest,
    CloseTask,
    CloseUnidentified,
    DoubtIdentity,
    ExtendRequest,
    FulfilRequest,
    JoinRequest,
    MoveRequest,
    OpenTask,
    ReadRequest,
    ReceiveFromStranger,
    ReceiveOnce,
    ReceiveRequest,
    RefuseRequest,
    Remedies,
    TriageRequest,
    VerifyRequest,
    WithdrawRequest,
)
from app.domain.rights_requests import LETTERS
from app.domain.subject import SUBJECT, OccurredLater
from app.domain.subjects import SubjectUnknown
from app.events.consultations import ConsultationRecorded
from app.events.erasures import ErasureExecuted, ErasureRequested, ErasureStep, ErasureTrigger
from app.events.recorded import Record
from app.events.restrictions import RestrictionGround
from app.events.rights_requests import (
    ExtensionGround,
    Fulfilment,
    IdentityProof,
    RefusalGround,
    RequestChannel,
    RequestedRight,
    RequestTrigger,
    RightsRequestApproved,
    RightsRequestDoubtAnswered,
    RightsRequestDoubted,
    RightsRequestExtended,
    RightsRequestJoined,
    RightsRequestMoved,
    RightsRequestReceived,
    RightsRequestRefused,
    RightsRequestTaskClosed,
    RightsRequestTaskOpened,
    RightsRequestTriaged,
    RightsRequestUnidentified,
    RightsRequestVerified,
    RightsRequestWithdrawn,
    TaskKind,
    TaskOutcome,
)
from app.policy.vocabulary import Right
from app.values import replace
from tests.conftest import ROOT
from tests.spec import LAW, NOW, POLICY, At, Given, When, circumstances, given, registration, stored

FILE = UUID("c0a8b1d2-0000-4000-8000-0000000000f1")
OTHER_FILE = UUID("c0a8b1d2-0000-4000-8000-0000000000f2")
CLERK = UUID("c0a8b1d2-0000-4000-8000-0000000000c1")
DIRECTOR = UUID("c0a8b1d2-0000-4000-8000-0000000000c2")
EVIDENCE = UUID("c0a8b1d2-0000-4000-8000-0000000000e1")

MAIL = RequestChannel.EMAIL
PERSON = registration()
RECEIVED_AT = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
ACCESS = ReceiveRequest(
    file=FILE,
    right=RequestedRight.ACCESS,
    channel=MAIL,
    evidence=EVIDENCE,
    occurred_at=RECEIVED_AT,
)
REMEDIES = Remedies(reasons="Because.", complaint="APD/GBA", remedy="The courts")


def asked(*history: object, ask: ReceiveRequest = ACCESS, now: datetime = NOW) -> Given:
    """A person who asked for something, and what was done since; the request is `REQUEST`."""
    return given(PERSON, *today(ask, *history), now=now)


def today(*facts: object) -> list[object]:
    """Facts of this day."""
    return [fact if isinstance(fact, At) else At(NOW, fact) for fact in facts]


def key_of(case: Given, right: RequestedRight | None = None) -> UUID:
    """The id of the only request, or of the only one for a right."""
    [key] = [
        one
        for one, request in case.state.rights_requests.by_id.items()
        if right is None or request.right is right
    ]
    return key


REQUEST = key_of(asked())
"""The second event of the stream is the receipt, so its id is the same in every test."""
VERIFY = VerifyRequest(request=REQUEST, proof=IdentityProof.LOGIN)
APPROVE = ApproveRequest(request=REQUEST, decided_by=CLERK)
DOUBT = DoubtIdentity(request=REQUEST, grounds="An unknown address", told_by=MAIL, decided_by=CLERK)
ANSWER = AnswerDoubt(request=REQUEST, text="It is me")
EXTEND = ExtendRequest(
    request=REQUEST,
    ground=ExtensionGround.COMPLEXITY,
    reasons="Twelve systems",
    told_by=MAIL,
    decided_by=CLERK,
)
FULFIL = FulfilRequest(request=REQUEST, told_by=MAIL, decided_by=CLERK)
REFUSE = RefuseRequest(
    request=REQUEST,
    ground=RefusalGround.RIGHT_NOT_APPLICABLE,
    refused=REMEDIES,
    told_by=MAIL,
    decided_by=CLERK,
)
WITHDRAW = WithdrawRequest(request=REQUEST, channel=MAIL)
UNIDENTIFIED = CloseUnidentified(
    request=REQUEST, reasons="Tell us more", told_by=MAIL, decided_by=CLERK
)
REPORT = RecordRightsAnswer(categories=frozenset({"contact.name"}))


def of(case: Given) -> RightsRequest:
    """The request as it stands."""
    return case.state.rights_requests.by_id[REQUEST]


@pytest.mark.clause("L20", "L23", "C80")
def test_a_request_is_received_with_its_day_and_its_letters() -> None:
    """The clock runs from the receipt; what was written is sealed."""
    asks = replace(ACCESS, text="What do you hold?", reply_address="zoe@stad.example")
    when = given(PERSON).when(asks)

    when.then(
        RightsRequestReceived(
            right=RequestedRight.ACCESS,
            channel=MAIL,
            trigger=RequestTrigger.PERSON,
            language=None,
            system=None,
            stranger=False,
            file=FILE,
            evidence=EVIDENCE,
            proof=None,
            origin=None,
            paused_days=0,
            extended=False,
            due_on=date(2026, 12, 2),
            policy=POLICY.version,
            law=LAW.version,
        )
    )
    [record] = when.records
    assert record.occurred_at == RECEIVED_AT
    [letter] = record.sections
    assert (letter.retention_class, letter.generation) == ("rights-request", f"request.{FILE}")
    assert letter.personal == {
        "correspondence.request": "What do you hold?",
        "correspondence.reply_address": "zoe@stad.example",
    }
    assert "hold" not in repr(asks)


@pytest.mark.clause("L20")
def test_an_earlier_day_needs_evidence_and_the_future_is_refused() -> None:
    bare = replace(ACCESS, evidence=None)

    given(PERSON).when(bare).then_refused(ReceiptUnevidenced)
    given(PERSON).when(replace(bare, evidence_note="  ")).then_refused(ReceiptUnevidenced)
    [noted] = given(PERSON).when(replace(bare, evidence_note="Stamp of 2 November")).records
    assert noted.sections[0].personal == {"correspondence.decision": "Stamp of 2 November"}
    assert given(PERSON).when(replace(bare, occurred_at=NOW)).records
    assert given(PERSON).when(replace(bare, occurred_at=None)).records
    midnight = datetime(2026, 11, 21, 23, 0, tzinfo=UTC)
    assert given(PERSON).when(replace(bare, occurred_at=midnight)).records
    before = replace(bare, occurred_at=midnight - timedelta(seconds=1))
    given(PERSON).when(before).then_refused(ReceiptUnevidenced)
    later = replace(ACCESS, occurred_at=NOW + timedelta(seconds=1))
    given(PERSON).when(later).then_refused(OccurredLater)
    ancient = replace(ACCESS, occurred_at=datetime(2018, 5, 24, 9, tzinfo=UTC))
    given(PERSON).when(ancient).then_refused(ReceiptTooOld)


@pytest.mark.clause("L20", "L38")
def test_the_same_is_asked_for_twice_and_recorded_twice() -> None:
    """No request is refused because another one is there, whoever sent that."""
    again = asked().when(replace(ACCESS, file=OTHER_FILE))

    assert len(again.after.state.rights_requests.by_id) == 2


@pytest.mark.clause("L28")
def test_a_stranger_has_a_stream_and_a_person_has_to_be_known() -> None:
    stranger = given().when(ReceiveFromStranger(asked=ACCESS))

    assert stranger.records[0].event.stranger
    given().when(ACCESS).then_refused(SubjectUnknown)
    given().when(VERIFY).then_refused(SubjectUnknown)
    later = replace(ACCESS, occurred_at=NOW + timedelta(days=1))
    given().when(ReceiveFromStranger(asked=later)).then_refused(OccurredLater)


@pytest.mark.clause("L28")
def test_to_a_stranger_nothing_held_is_an_answer_and_to_nobody_else() -> None:
    stranger = given(*today(ReceiveFromStranger(asked=ACCESS)))
    key = key_of(stranger)
    nothing = replace(FULFIL, request=key, outcome=Fulfilment.NOTHING_HELD)

    after = stranger.when(nothing).after.state.rights_requests.by_id[key]
    assert (after.status, after.outcome) == (RequestStatus.FULFILLED, Fulfilment.NOTHING_HELD)
    asked(VERIFY, APPROVE).when(replace(nothing, request=REQUEST)).then_refused(DataHeld)


@pytest.mark.clause("L28", "L24")
def test_a_stranger_who_is_known_after_all_keeps_day_and_pauses() -> None:
    stranger = given(*today(ReceiveFromStranger(asked=ACCESS)))
    key = key_of(stranger)
    move = MoveRequest(request=key, subject=DIRECTOR, decided_by=CLERK)

    stranger.when(move).then(RightsRequestMoved(request=key, subject=DIRECTOR, decided_by=CLERK))
    asked().when(replace(move, request=REQUEST)).then_refused(RequesterKnown)
    carried = replace(ACCESS, evidence=None, origin=key, paused_days=4, extended=True)
    [record] = given(PERSON).when(carried).records
    assert record.event.due_on == date(2027, 2, 8)
    continued = of(asked(ask=carried))
    assert (continued.paused_days, continued.extended, continued.origin) == (4, True, key)


@pytest.mark.clause("C72")
def test_an_account_is_stopped_in_a_system_of_the_policy() -> None:
    stop = replace(ACCESS, right=RequestedRight.DEACTIVATE_ACCOUNT)

    given(PERSON).when(stop).then_refused(SystemMissing)
    given(PERSON).when(replace(stop, system="acme")).then_refused(RecipientNotListed)
    [record] = given(PERSON).when(replace(stop, system="Basecamp")).records
    assert record.event.system == "basecamp"
    [other] = given(PERSON).when(replace(ACCESS, system="Basecamp")).records
    assert other.event.system is None


@pytest.mark.clause("C72")
@pytest.mark.parametrize("outcome", [TaskOutcome.DONE, TaskOutcome.SELF_DONE])
def test_stopping_an_account_is_a_task_with_evidence(outcome: TaskOutcome) -> None:
    stop = replace(ACCESS, right=RequestedRight.DEACTIVATE_ACCOUNT, system="basecamp")
    case = asked(VERIFY, ask=stop)

    case.when(APPROVE).then(
        RightsRequestApproved(request=REQUEST, decided_by=CLERK, policy=POLICY.version),
        RightsRequestTaskOpened(
            request=REQUEST,
            task=1,
            kind=TaskKind.DEACTIVATE_ACCOUNT,
            recipient="basecamp",
            member=None,
            due_on=date(2026, 12, 2),
        ),
    )
    approved = asked(VERIFY, APPROVE, ask=stop)
    approved.when(FULFIL).then_refused(TasksOpen, open=1)
    close = CloseTask(request=REQUEST, task=1, outcome=outcome, note=" ")
    approved.when(close).then_refused(TaskUnreasoned)
    approved.when(replace(close, task=2, note="x")).then_refused(TaskUnknown)
    done = replace(close, note="Screenshot in file 12")
    [record] = approved.when(done).records
    assert record.event == RightsRequestTaskClosed(request=REQUEST, task=1, outcome=outcome)
    assert record.sections[0].personal == {"correspondence.decision": "Screenshot in file 12"}
    closed = asked(VERIFY, APPROVE, done, ask=stop)
    closed.when(done).then_nothing()
    assert of(closed.when(FULFIL).after).status is RequestStatus.FULFILLED


@pytest.mark.clause("L36")
@pytest.mark.parametrize(
    ("right", "done"),
    [
        (
            RequestedRight.RECTIFICATION,
            RectifyData(source="secretariat", personal={"contact.name": "Zoe Angstrom"}),
        ),
        (
            RequestedRight.RESTRICTION,
            Restrict(restriction=FILE, ground=RestrictionGround.UNLAWFUL, source="email"),
        ),
    ],
)
def test_each_recipient_is_a_task_until_it_was_told_or_excused(
    right: RequestedRight, done: object
) -> None:
    """Art. 19: n recipients, n tasks; none stays open without a word."""
    shares = [
        RecordDisclosure(
            recipients=(name,),
            purpose="event_logistics",
            categories=frozenset({"contact.name"}),
            country="BE",
        )
        for name in ("hotels", "azavista", "hotels")
    ]
    ask = replace(ACCESS, right=right)
    case = given(PERSON, *shares, At(RECEIVED_AT, ask), now=NOW)
    key = key_of(case)
    steps = today(replace(VERIFY, request=key), done, replace(APPROVE, request=key))
    case = given(PERSON, *shares, At(RECEIVED_AT, ask), *steps, now=NOW)
    request = case.state.rights_requests.by_id[key]
    fulfil = replace(FULFIL, request=key)

    told = [(task.kind, task.recipient) for task in request.tasks.values()]
    assert told == [
        (TaskKind.INFORM_RECIPIENT, "azavista"),
        (TaskKind.INFORM_RECIPIENT, "hotels"),
    ]
    case.when(fulfil).then_refused(TasksOpen, open=2)
    first = CloseTask(request=key, task=1, outcome=TaskOutcome.DONE, note="Mail of today")
    second = replace(first, task=2, outcome=TaskOutcome.DISPROPORTIONATE, note="Closed in 2019")
    case.when(first).after.when(fulfil).then_refused(TasksOpen, open=1)
    answered = case.when(first).after.when(second).after.when(fulfil)
    assert answered.records[0].event.outcome is Fulfilment.FULFILLED
    assert len(answered.records[0].event.answers) == 1


@pytest.mark.clause("L36", "L42")
def test_a_restriction_that_was_over_before_the_request_answers_it_not() -> None:
    rest = Restrict(restriction=FILE, ground=RestrictionGround.UNLAWFUL, source="email")
    over = (
        AnnounceLift(restriction=FILE, channel="email"),
        LiftRestriction(restriction=FILE),
    )
    ask = replace(ACCESS, right=RequestedRight.RESTRICTION)
    before = [At(RECEIVED_AT - timedelta(days=9), one) for one in (rest, *over)]

    def answered(earlier: list[At], *since: object) -> When:
        received = (PERSON, *earlier, At(RECEIVED_AT, ask))
        key = key_of(given(*received, now=NOW))
        steps = today(replace(VERIFY, request=key), replace(APPROVE, request=key), *since)
        return given(*received, *steps, now=NOW).when(replace(FULFIL, request=key))

    answered(before).then_refused(AnswerMissing, right="restriction")
    [record] = answered([], rest, *over).records
    assert record.event.answers == (FILE,)


@pytest.mark.clause("L36")
def test_a_task_can_be_added_by_hand() -> None:
    look = OpenTask(request=REQUEST, kind=TaskKind.LOOK_INTO_SYSTEM, recipient="OneDrive")

    asked(look).when(look).then_nothing()
    asked().when(replace(look, recipient="acme")).then_refused(RecipientNotListed)
    assert of(asked(look)).tasks[1].recipient == "onedrive"
    bare = OpenTask(request=REQUEST, kind=TaskKind.ASK_ENGINES)
    assert [task.kind for task in of(asked(look, bare)).tasks.values()] == [
        TaskKind.LOOK_INTO_SYSTEM,
        TaskKind.ASK_ENGINES,
    ]


@pytest.mark.clause("L24", "L38")
def test_doubts_are_reasonable_ones_in_writing_and_in_time() -> None:
    asked().when(replace(DOUBT, grounds=" ")).then_refused(DoubtGroundless)
    asked(VERIFY).when(DOUBT).then_refused(IdentitySettled)
    asked(DOUBT).when(DOUBT).then_nothing()
    late = datetime(2026, 12, 2, 23, 0, tzinfo=UTC)
    asked(now=late).when(DOUBT).then_refused(DoubtTooLate)
    assert asked(now=late - timedelta(seconds=1)).when(DOUBT).records
    early = replace(DOUBT, occurred_at=RECEIVED_AT - timedelta(seconds=1))
    asked().when(early).then_refused(StepBeforeReceipt)
    [record] = asked().when(DOUBT).records
    assert record.event == RightsRequestDoubted(request=REQUEST, told_by=MAIL, decided_by=CLERK)
    assert record.sections[0].personal == {"correspondence.decision": "An unknown address"}
    assert record.sections[0].retention_class == "rights-proof"


def dated(step: Any, moment: datetime) -> Any:
    """A step on an earlier day, with what shows it."""
    return replace(step, occurred_at=moment, evidence_note="Mail header")


@pytest.mark.clause("L20", "L22", "L24", "L25")
@pytest.mark.parametrize("step", [DOUBT, UNIDENTIFIED, EXTEND, REFUSE, WITHDRAW, VERIFY])
def test_a_step_on_an_earlier_day_is_shown_by_something(step: Any) -> None:
    """By a day that nobody can check, an answer that came too late would have been in time."""
    yesterday = NOW - timedelta(days=1)

    bare = replace(step, occurred_at=yesterday)
    asked().when(bare).then_refused(StepUnevidenced)
    asked().when(replace(bare, evidence_note=" ")).then_refused(StepUnevidenced)
    assert asked().when(replace(step, occurred_at=NOW)).records
    assert asked().when(replace(bare, evidence_note="Stamp")).records
    if hasattr(step, "letter"):
        assert asked().when(replace(bare, letter=OTHER_FILE)).records


def test_what_shows_a_day_is_no_part_of_what_the_person_is_told() -> None:
    [record] = asked().when(dated(DOUBT, NOW - timedelta(days=1))).records
    texts = {name: text for one in record.sections for name, text in one.personal.items()}

    assert texts == {
        "correspondence.decision": "An unknown address\n\nMail header",
        "correspondence.message": "An unknown address",
    }


@pytest.mark.clause("L24")
def test_the_clock_goes_on_from_where_it_stood() -> None:
    """Ten days of waiting are ten days more, twice asked or once."""
    doubt = dated(DOUBT, RECEIVED_AT + timedelta(days=3))
    answer = dated(ANSWER, RECEIVED_AT + timedelta(days=13))
    case = asked(doubt, now=NOW)

    case.when(answer).then(
        RightsRequestDoubtAnswered(request=REQUEST, paused_days=10, due_on=date(2026, 12, 14))
    )
    assert of(case).due(LAW, NOW).paused_days == 17
    again = dated(DOUBT, RECEIVED_AT + timedelta(days=15))
    resumed = asked(doubt, answer, again, now=NOW).when(
        dated(ANSWER, RECEIVED_AT + timedelta(days=17))
    )
    assert resumed.records[0].event.paused_days == 12
    asked().when(ANSWER).then_refused(DoubtUnasked)
    before = dated(ANSWER, RECEIVED_AT + timedelta(days=2))
    case.when(before).then_refused(StepBeforeReceipt)


@pytest.mark.clause("L24")
def test_whoever_is_verified_has_answered() -> None:
    case = asked(replace(DOUBT, occurred_at=NOW))

    case.when(VERIFY).then(
        RightsRequestDoubtAnswered(request=REQUEST, paused_days=0, due_on=date(2026, 12, 2)),
        RightsRequestVerified(request=REQUEST, proof=IdentityProof.LOGIN),
    )
    asked().when(VERIFY).then(RightsRequestVerified(request=REQUEST, proof=IdentityProof.LOGIN))
    asked(VERIFY).when(VERIFY).then_nothing()
    at_once = asked(ask=replace(ACCESS, proof=IdentityProof.IN_PERSON))
    assert of(at_once).status is RequestStatus.IDENTITY_CONFIRMED


@pytest.mark.clause("L28")
def test_who_cannot_be_identified_is_told_and_may_say_more() -> None:
    asked().when(replace(UNIDENTIFIED, reasons="")).then_refused(
        RefusalIncomplete, missing=("reasons",)
    )
    asked(VERIFY).when(UNIDENTIFIED).then_refused(IdentitySettled)
    asked(DOUBT).when(UNIDENTIFIED).then(
        RightsRequestUnidentified(request=REQUEST, told_by=MAIL, letter=None, decided_by=CLERK)
    )
    closed = dated(UNIDENTIFIED, RECEIVED_AT + timedelta(days=5))
    answer = dated(ANSWER, RECEIVED_AT + timedelta(days=12))
    reopened = asked(closed, answer)
    assert (of(reopened).status, of(reopened).paused_days) == (RequestStatus.RECEIVED, 7)
    assert of(reopened).closed_at is None
    verified = asked(closed).when(VERIFY).after
    assert of(verified).status is RequestStatus.IDENTITY_CONFIRMED
    asked(closed).when(APPROVE).then_refused(RightsRequestClosed, state="unidentified")


@pytest.mark.clause("L22")
def test_an_extension_is_told_with_reasons_within_the_month() -> None:
    asked().when(EXTEND).then(
        RightsRequestExtended(
            request=REQUEST,
            ground=ExtensionGround.COMPLEXITY,
            told_by=MAIL,
            decided_by=CLERK,
            due_on=date(2027, 2, 2),
            law=LAW.version,
        )
    )
    asked().when(replace(EXTEND, reasons="")).then_refused(ExtensionUnexplained)
    asked().when(replace(EXTEND, told_by=None)).then_refused(ExtensionUntold)
    asked(EXTEND).when(EXTEND).then_refused(ExtensionRepeated)
    end = datetime(2026, 12, 2, 23, 0, tzinfo=UTC)
    asked(now=end).when(EXTEND).then_refused(ExtensionLate, due_on=date(2026, 12, 2))
    assert asked(now=end - timedelta(seconds=1)).when(EXTEND).records
    told = dated(EXTEND, NOW)
    assert asked(now=end).when(told).records, "the letter went out in time, its record did not"
    assert of(asked(EXTEND)).due(LAW, NOW).months == 3


@pytest.mark.clause("L22", "L24")
def test_a_pause_moves_the_month_in_which_an_extension_can_be_told() -> None:
    doubt = dated(DOUBT, RECEIVED_AT + timedelta(days=1))
    answer = dated(ANSWER, RECEIVED_AT + timedelta(days=11))
    end = datetime(2026, 12, 14, 23, 0, tzinfo=UTC)

    assert asked(doubt, answer, now=end - timedelta(seconds=1)).when(EXTEND).records
    asked(doubt, answer, now=end).when(EXTEND).then_refused(ExtensionLate)


@pytest.mark.clause("C69", "L20")
def test_triage_changes_the_right_and_not_the_day() -> None:
    other = replace(ACCESS, right=RequestedRight.OTHER)
    triage = TriageRequest(request=REQUEST, right=RequestedRight.ERASURE, decided_by=CLERK)
    case = asked(ask=other)

    case.when(triage).then(
        RightsRequestTriaged(
            request=REQUEST, right=RequestedRight.ERASURE, system=None, decided_by=CLERK
        )
    )
    after = of(case.when(triage).after)
    assert (after.right, after.asked_as) == (RequestedRight.ERASURE, RequestedRight.OTHER)
    assert after.received_at == RECEIVED_AT
    asked(triage, ask=other).when(triage).then_nothing()
    stop = replace(triage, right=RequestedRight.DEACTIVATE_ACCOUNT)
    case.when(stop).then_refused(SystemMissing)
    approved = asked(VERIFY, APPROVE, triage)
    assert of(approved).status is RequestStatus.IDENTITY_CONFIRMED


@pytest.mark.clause("L9", "L46")
def test_what_is_not_verified_and_approved_is_not_done() -> None:
    asked().when(APPROVE).then_refused(RightsRequestUnverified)
    asked(DOUBT).when(APPROVE).then_refused(RightsRequestUnverified)
    asked(VERIFY, APPROVE).when(APPROVE).then_nothing()
    asked().when(FULFIL).then_refused(RightsRequestUnverified)
    asked(VERIFY).when(FULFIL).then_refused(RightsRequestUnapproved)
    asked(VERIFY, APPROVE).when(FULFIL).then_refused(AnswerMissing, right="access")
    given(PERSON).when(FULFIL).then_refused(RightsRequestUnknown)


@pytest.mark.clause("L9", "L31")
@pytest.mark.parametrize("right", [RequestedRight.ACCESS, RequestedRight.PORTABILITY])
def test_a_report_answers_and_a_look_does_not(right: RequestedRight) -> None:
    """Only what was handed out since the receipt counts."""
    ask = replace(ACCESS, right=right)
    looked = [RecordInspection(purpose="rights_requests"), ReadRequest(request=REQUEST)]
    asked(VERIFY, APPROVE, *looked, ask=ask).when(FULFIL).then_refused(AnswerMissing)
    early = given(PERSON, REPORT, *today(ask))
    assert early.state.rights_requests.done == {}
    case = asked(VERIFY, APPROVE, REPORT, ask=ask)
    [event] = [record.event for record in case.when(FULFIL).records]

    assert len(event.answers) == 1
    named = replace(FULFIL, answers=event.answers)
    assert case.when(named).records[0].event == event
    case.when(replace(FULFIL, answers=(FILE,))).then_refused(AnswerMissing)


@pytest.mark.clause("L9", "C65")
def test_an_objection_is_answered_when_it_is_granted() -> None:
    ask = replace(ACCESS, right=RequestedRight.OBJECTION)
    raised = RaiseObjection(objection=FILE, source="email", purpose="event_logistics")
    pending = asked(VERIFY, APPROVE, At(NOW, raised), ask=ask)

    pending.when(FULFIL).then_refused(AnswerMissing)
    granted = asked(
        VERIFY, APPROVE, At(NOW, raised), At(NOW, UpholdObjection(objection=FILE)), ask=ask
    )
    assert granted.when(FULFIL).records[0].event.answers == (FILE,)


@pytest.mark.clause("L44", "L25", "L43")
def test_nobody_is_refused_what_silence_would_grant_or_has_been_granted() -> None:
    """Told no within the month, the person would have heard yes at its end (Art. 21(1))."""
    ask = replace(ACCESS, right=RequestedRight.OBJECTION)
    raise_one = RaiseObjection(objection=FILE, source="email", request=REQUEST)
    raised = At(NOW, replace(raise_one, purpose="event_logistics"))
    news = At(NOW, replace(raise_one, objection=OTHER_FILE, purpose="newsletter"))
    overridden = At(NOW, OverrideObjection(objection=FILE, grounds="A claim before the court."))
    refuse = replace(REFUSE, ground=RefusalGround.LEGITIMATE_INTEREST)

    waiting = asked(VERIFY, APPROVE, raised, news, ask=ask)
    waiting.when(refuse).then_refused(ObjectionStands, state="pending")
    waiting.when(FULFIL).then_refused(ObjectionStands, state="pending")

    decided = asked(VERIFY, APPROVE, raised, overridden, ask=ask)
    assert isinstance(decided.when(refuse).records[0].event, RightsRequestRefused)

    absolute = asked(VERIFY, APPROVE, news, ask=ask)
    absolute.when(refuse).then_refused(ObjectionStands, state="granted")
    doubted = asked(news, ask=ask).when(replace(REFUSE, ground=RefusalGround.IDENTITY_FAILURE))
    assert isinstance(doubted.records[0].event, RightsRequestRefused)


@pytest.mark.clause("C69", "L25")
def test_a_question_is_answered_in_words() -> None:
    case = asked(VERIFY, APPROVE, ask=replace(ACCESS, right=RequestedRight.OTHER))

    case.when(FULFIL).then_refused(AnswerMissing, right="other")
    [record] = case.when(replace(FULFIL, note="We moved to another host in May.")).records
    assert record.sections[0].personal["correspondence.decision"].startswith("We moved")


@pytest.mark.clause("L25", "L37")
def test_a_part_that_is_not_done_is_refused_like_a_whole() -> None:
    case = asked(VERIFY, APPROVE, REPORT)
    partly = replace(FULFIL, outcome=Fulfilment.PARTLY_FULFILLED)

    case.when(partly).then_refused(GroundInapplicable)
    ground = replace(partly, ground=RefusalGround.THIRD_PARTY_RIGHTS)
    missing = ("reasons", "complaint", "remedy")
    case.when(ground).then_refused(RefusalIncomplete, missing=missing)
    told = replace(ground, refused=REMEDIES, note="All but the mails of others.")
    [record] = case.when(told).records
    assert record.event.ground is RefusalGround.THIRD_PARTY_RIGHTS
    assert record.sections[0].personal["correspondence.decision"] == (
        "All but the mails of others.\n\nBecause.\n\nAPD/GBA\n\nThe courts"
    )
    assert of(case.when(told).after).status is RequestStatus.PARTLY_FULFILLED
    whole = replace(FULFIL, ground=RefusalGround.THIRD_PARTY_RIGHTS)
    assert case.when(whole).records[0].event.ground is None


@pytest.mark.clause("L25", "L38")
@pytest.mark.parametrize("name", ["reasons", "complaint", "remedy"])
def test_a_refusal_without_one_of_three_is_none(name: str) -> None:
    """Art. 12(4)."""
    lacking = replace(REFUSE, refused=replace(REMEDIES, **{name: " \n"}))

    asked().when(lacking).then_refused(RefusalIncomplete, missing=(name,))


@pytest.mark.clause("L25", "L46")
def test_a_refusal_says_on_which_ground_who_and_how() -> None:
    asked().when(REFUSE).then(
        RightsRequestRefused(
            request=REQUEST,
            ground=RefusalGround.RIGHT_NOT_APPLICABLE,
            told_by=MAIL,
            letter=None,
            decided_by=CLERK,
            approved_by=None,
            evidence=0,
            late=False,
            policy=POLICY.version,
            law=LAW.version,
        )
    )
    late = asked(now=NOW + timedelta(days=60)).when(REFUSE).records[0].event
    assert late.late


@pytest.mark.clause("L26", "L38")
@pytest.mark.parametrize("ground", sorted(HELD_AGAINST))
def test_excess_is_proven_by_evidence_and_two_humans(ground: RefusalGround) -> None:
    """Art. 12(5); C-526/24."""
    bare = replace(REFUSE, ground=ground)
    evidence = replace(bare, evidence=("Fourth time this week", " "))

    asked().when(bare).then_refused(ExcessUnproven)
    asked().when(replace(bare, approved_by=DIRECTOR)).then_refused(ExcessUnproven)
    asked().when(evidence).then_refused(ExcessUnproven)
    asked().when(replace(evidence, approved_by=CLERK)).then_refused(ExcessUnproven)
    [record] = asked().when(replace(evidence, approved_by=DIRECTOR)).records
    assert (record.event.evidence, record.event.approved_by) == (1, DIRECTOR)
    assert "Fourth time" in record.sections[0].personal["correspondence.decision"]


@pytest.mark.clause("L25", "L37", "L38")
@pytest.mark.parametrize("right", list(RequestedRight))
def test_a_ground_holds_against_its_own_right_only(right: RequestedRight) -> None:
    """No refusal of access because of archiving, no refusal of erasure because of third parties."""
    ask = replace(ACCESS, right=right, system="basecamp")
    for ground in RefusalGround:
        when = asked(ask=ask).when(
            replace(REFUSE, ground=ground, evidence=("x",), approved_by=DIRECTOR)
        )
        if ground in grounds_against(right):
            assert when.records
        else:
            when.then_refused(GroundInapplicable, right=right.value)
    failure = replace(REFUSE, ground=RefusalGround.IDENTITY_FAILURE)
    asked(VERIFY, ask=ask).when(failure).then_refused(GroundInapplicable)


@pytest.mark.clause("L20", "L38")
def test_only_the_persons_own_earlier_request_takes_in_another() -> None:
    second = replace(ACCESS, file=OTHER_FILE, occurred_at=RECEIVED_AT + timedelta(days=1))
    case = asked(second)
    [other] = [key for key in case.state.rights_requests.by_id if key != REQUEST]
    verify_other = replace(VERIFY, request=other)
    join = JoinRequest(request=other, into=REQUEST, decided_by=CLERK)

    for history in ((), (VERIFY,), (verify_other,)):
        asked(second, *history).when(join).then_refused(NotADuplicate)
    both = asked(second, VERIFY, verify_other)
    both.when(join).then(RightsRequestJoined(request=other, into=REQUEST, decided_by=CLERK))
    backwards = replace(join, request=REQUEST, into=other)
    both.when(backwards).then_refused(NotADuplicate)
    both.when(replace(join, into=other)).then_refused(NotADuplicate)
    both.when(replace(join, into=FILE)).then_refused(NotADuplicate)
    closed = asked(second, VERIFY, verify_other, WITHDRAW)
    closed.when(join).then_refused(NotADuplicate)
    unlike = replace(second, right=RequestedRight.ERASURE)
    asked(unlike, VERIFY, verify_other).when(join).then_refused(NotADuplicate)
    joined = both.when(join).after.state.rights_requests.by_id
    assert joined[other].status is RequestStatus.DUPLICATE
    assert joined[REQUEST].status.open


def test_a_request_is_taken_back_once() -> None:
    asked().when(WITHDRAW).then(RightsRequestWithdrawn(request=REQUEST, channel=MAIL))
    asked(WITHDRAW).when(WITHDRAW).then_nothing()
    asked(REFUSE).when(WITHDRAW).then_refused(RightsRequestClosed, state="refused")


@pytest.mark.clause("L3")
def test_reading_the_letters_is_recorded() -> None:
    [record] = asked().when(ReadRequest(request=REQUEST)).records

    assert isinstance(record.event, ConsultationRecorded)
    assert set(record.event.categories) == set(LETTERS)
    asked().when(ReadRequest(request=FILE)).then_refused(RightsRequestUnknown)


@pytest.mark.clause("L37", "L41")
def test_a_request_is_answered_after_the_person_was_erased() -> None:
    erased = ErasureExecuted(
        erasure=FILE,
        step=ErasureStep.SUBJECT,
        purposes=(),
        categories=(),
        retained=(),
        keys=(),
        classes=(),
        blobs=0,
        identifiers=True,
        root="ab" * 32,
    )
    ordered = ErasureRequested(
        erasure=FILE, trigger=ErasureTrigger.REQUEST, purposes=(), categories=(), source="email"
    )
    state = asked(VERIFY, APPROVE, ask=replace(ACCESS, right=RequestedRight.ERASURE)).state
    for event in (ordered, erased):
        state = SUBJECT.evolve(state, stored(Record(event), state.version + 1, NOW))
    case = Given(state, circumstances())

    assert state.erased
    assert case.when(FULFIL).records[0].event.answers == (FILE,)


@pytest.mark.clause("C79", "L20")
def test_a_button_that_is_pressed_again_asks_for_nothing_new_until_it_is_answered() -> None:
    """The rule is the decider's, so that it holds for clicks at once. A person is never refused."""
    pressed = ReceiveRequest(
        file=FILE,
        right=RequestedRight.DEACTIVATE_ACCOUNT,
        channel=RequestChannel.WEB,
        trigger=RequestTrigger.POLICY_CHANGE,
        system="basecamp",
    )
    once = ReceiveOnce(asked=pressed)
    case = given(PERSON).when(once).after
    [key] = case.state.rights_requests.by_id
    withdrawn = WithdrawRequest(request=key, channel=RequestChannel.WEB)

    case.when(once).then_nothing()
    assert len(case.when(pressed).records) == 1
    for other in (
        replace(pressed, system="travelperk"),
        replace(pressed, right=RequestedRight.ERASURE, system=None),
        replace(pressed, trigger=RequestTrigger.PERSON),
    ):
        assert len(case.when(ReceiveOnce(asked=other)).records) == 1
    assert len(case.when(withdrawn).after.when(once).records) == 1


STEPS: tuple[Any, ...] = (
    TriageRequest(request=REQUEST, right=RequestedRight.ERASURE, decided_by=CLERK),
    TriageRequest(request=REQUEST, right=RequestedRight.ACCESS, decided_by=CLERK),
    DOUBT,
    ANSWER,
    VERIFY,
    EXTEND,
    APPROVE,
    OpenTask(request=REQUEST, kind=TaskKind.LOOK_INTO_SYSTEM),
    CloseTask(request=REQUEST, task=1, outcome=TaskOutcome.DONE, note="Looked"),
    REPORT,
    FULFIL,
    REFUSE,
    WITHDRAW,
    UNIDENTIFIED,
)
ENDS = (FULFIL, REFUSE, WITHDRAW, UNIDENTIFIED)


@pytest.mark.clause("L25", "L28", "C80")
@settings(max_examples=200)
@forall(st.lists(st.sampled_from(STEPS), max_size=14))
def test_no_state_is_without_an_exit(walk: list[Any]) -> None:
    """Whatever happened: somebody who waits can be answered, and what is closed stays closed."""
    case = asked()
    for step in walk:
        try:
            case = case.when(step).after
        except Refusal:
            continue
    request = of(case)
    possible = {type(end) for end in ENDS if _possible(case, end)}

    if request.status.open:
        assert {RefuseRequest, WithdrawRequest} <= possible
        assert request.closed_at is None
    else:
        assert possible <= {WithdrawRequest}
        assert request.closed_at is not None
        assert _possible(case, ANSWER) == (request.status is RequestStatus.UNIDENTIFIED)


@pytest.mark.clause("L24")
@forall(st.lists(st.sampled_from(STEPS), max_size=14))
def test_no_step_brings_the_deadline_forward(walk: list[Any]) -> None:
    """Nor does any start the clock anew."""
    case = asked()
    for step in walk:
        before = of(case).due(LAW, NOW).last_day
        try:
            case = case.when(step).after
        except Refusal:
            continue
        assert of(case).due(LAW, NOW).last_day >= before
        assert of(case).received_at == RECEIVED_AT


def _possible(case: Given, step: object) -> bool:
    try:
        return bool(case.when(step).records) or step is WITHDRAW
    except Refusal:
        return False


@pytest.mark.clause("L46")
def test_nothing_but_a_signed_decision_refuses_anybody() -> None:
    """Art. 22: the surface alone makes a refusal, out of a body that names the human."""
    makers = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "app").rglob("*.py")
        if re.search(r"\b(RefuseRequest|CloseUnidentified)\(", path.read_text(encoding="utf-8"))
        and "class RefuseRequest" not in path.read_text(encoding="utf-8")
    }

    assert makers == {"app/api/rights_request_outcomes.py"}
    for body in (RefusalBody, UnidentifiedBody, FulfilmentBody):
        assert body.model_fields["decided_by"].is_required()
    assert any(
        notice.right is Right.NO_AUTOMATED_DECISION and notice.limits == "None"
        for notice in POLICY.rights.values()
    )


@pytest.mark.clause("L45", "C63")
def test_the_right_to_object_is_told_by_itself_and_exercised_by_machine() -> None:
    """Art. 21(4), (5): a notice of its own, and no form, desk or reason needed."""
    [notice] = [one for one in POLICY.rights.values() if one.right is Right.OBJECTION]
    ask = ReceiveRequest(
        file=FILE,
        right=RequestedRight.OBJECTION,
        channel=RequestChannel.API,
        proof=IdentityProof.LOGIN,
    )
    others = [one for one in POLICY.rights.values() if one is not notice]

    assert "object" in notice.title
    assert not [one for one in others if "object" in f"{one.title} {one.how}".split()]
    assert of(asked(ask=ask)).status is RequestStatus.IDENTITY_CONFIRMED
    assert all(one.how and one.limits for one in POLICY.rights.values())


@pytest.mark.parametrize("status", list(RequestStatus))
def test_every_state_has_its_words_in_the_exchange(status: RequestStatus) -> None:
    """House words: open, in_progress, fulfilled, denied, revoked; nothing ever expires."""
    word, reason = status.exchange

    assert word in {"open", "in_progress", "fulfilled", "denied", "revoked"}
    assert (word == "denied") == (reason not in (None, "need_user_verification"))
    assert status.open or word != "open"


@pytest.mark.clause("L66", "L41")
def test_letters_are_kept_from_the_end_of_their_request() -> None:
    """A year for what the person wrote, five for the proof; not a day while somebody waits."""
    ask = replace(ACCESS, text="What do you hold?")
    at = circumstances(now=datetime(2027, 11, 23, 12, tzinfo=UTC))
    waiting, closed = asked(ask=ask), asked(WITHDRAW, ask=ask)
    [letters] = [key for key, kind in closed.state.data_keys.items() if kind == "rights-request"]
    day_before = circumstances(now=datetime(2027, 11, 22, 12, tzinfo=UTC))

    assert letters not in expired(waiting.state, at)
    assert letters not in expired(closed.state, day_before)
    assert expired(closed.state, at)[letters].until == date(2027, 11, 22)
    reopened = asked(UNIDENTIFIED, ANSWER, ask=ask)
    assert letters not in expired(reopened.state, at)


@pytest.mark.clause("L25")
@pytest.mark.parametrize(
    ("ground", "right", "article"),
    [
        (RefusalGround.THIRD_PARTY_RIGHTS, RequestedRight.ACCESS, "Art. 15(4)"),
        (RefusalGround.THIRD_PARTY_RIGHTS, RequestedRight.PORTABILITY, "Art. 20(4)"),
        (RefusalGround.LEGAL_CLAIMS, RequestedRight.ERASURE, "Art. 17(3)(e)"),
        (RefusalGround.LEGAL_CLAIMS, RequestedRight.OBJECTION, "Art. 21(1)"),
        (RefusalGround.MANIFESTLY_EXCESSIVE, RequestedRight.ACCESS, "Art. 12(5)(b)"),
        (RefusalGround.ARCHIVING, RequestedRight.ERASURE, "Art. 17(3)(d)"),
        (RefusalGround.RIGHT_NOT_APPLICABLE, RequestedRight.OTHER, "Art. 12(4)"),
    ],
)
def test_a_refusal_quotes_the_provision_on_which_it_rests(
    ground: RefusalGround, right: RequestedRight, article: str
) -> None:
    """Art. 12(4): the person can look up, and contest, on what the controller relies."""
    assert article_of(ground, right) == article


@pytest.mark.clause("L33", "L40")
@pytest.mark.parametrize(
    ("right", "waits"),
    [
        (RequestedRight.ACCESS, True),
        (RequestedRight.PORTABILITY, True),
        (RequestedRight.ERASURE, False),
        (RequestedRight.OTHER, False),
    ],
)
def test_only_who_waits_for_a_copy_keeps_what_would_expire(
    right: RequestedRight, *, waits: bool
) -> None:
    """Known to be theirs, and not answered yet: a copy of what was destroyed meanwhile is none."""
    ask = replace(ACCESS, right=right)
    asking = asked(VERIFY, ask=ask)

    assert of(asking).asks_for_copy is waits
    assert not of(asked(ask=ask)).asks_for_copy
    assert not of(asked(VERIFY, WITHDRAW, ask=ask)).asks_for_copy
