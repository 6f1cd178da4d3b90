"""Which letters a person is owed: each once, by its own event, and none that says a thing twice."""

from datetime import timedelta
from uuid import UUID

import pytest

from app.domain.collections import CollectData
from app.domain.erasure_steps import InformRecipient
from app.domain.letters_owed import owed
from app.domain.mails import QueueMail
from app.domain.objections import OverrideObjection, RaiseObjection, UpholdObjection
from app.domain.obtaining import Obtained
from app.domain.restrictions import AnnounceLift, DisputeAccuracy, Restrict
from app.domain.rights_request_steps import ReceiveFromStranger, ReceiveRequest, WithdrawRequest
from app.events.erasures import ErasureExecuted, ErasureRecipientInformed, InformOutcome
from app.events.mails import MailKind
from app.events.objections import (
    GrantReason,
    ObjectionCause,
    ObjectionGranted,
    ObjectionOverridden,
    ObjectionRaised,
)
from app.events.recorded import Recorded
from app.events.restrictions import (
    AccuracyDisputed,
    RestrictionGround,
    RestrictionLiftAnnounced,
    RestrictionSet,
)
from app.events.rights_requests import (
    RequestChannel,
    RequestedRight,
    RightsRequestDoubted,
    RightsRequestExtended,
    RightsRequestFulfilled,
    RightsRequestReceived,
    RightsRequestRefused,
    RightsRequestUnidentified,
    RightsRequestWithdrawn,
)
from app.values import replace
from tests.domain import test_rights_requests as requests
from tests.domain.test_erasures import CLOSE, EXECUTED
from tests.spec import NOW, At, Given, given, registration

KEY = UUID("b1a4c7d2-31f5-4f0e-8a66-2d9e8c1f7a01")
PERSON = registration("newsletter", "network_exchange")
SHARING = RaiseObjection(
    objection=KEY, source="email", purpose="network_exchange", recipient="members"
)
NEWS = RaiseObjection(
    objection=KEY,
    source="email",
    purpose="information",
    addresses=("zoe.angstrom@stad.example",),
)
RESTRICT = Restrict(restriction=KEY, ground=RestrictionGround.UNLAWFUL, source="email")
DISPUTE = DisputeAccuracy(restriction=KEY, categories=frozenset({"contact.name"}), source="email")
EARLIER = NOW - timedelta(days=2)
LETTER = UUID("b1a4c7d2-31f5-4f0e-8a66-2d9e8c1f7a02")


def owing(person: Given) -> list[Recorded[object]]:
    """The events whose letter is not in the post."""
    return list(owed(person.stream, person.state, person.circumstances))


def kinds(person: Given) -> list[type]:
    """Of what kind they are."""
    return [type(one.event) for one in owing(person)]


@pytest.mark.clause("L20", "L25")
def test_what_is_answered_already_is_not_confirmed_with_a_day_that_is_over() -> None:
    """Entered after its day together with its end: the letter about the end says all."""
    long_ago = NOW - timedelta(days=90)
    asked = replace(ASKED, occurred_at=long_ago, evidence_note="Stamp")
    waiting = given(PERSON, At(NOW, asked))
    [key] = waiting.state.rights_requests.by_id
    closed = waiting.when(WithdrawRequest(request=key, channel=RequestChannel.POST)).after
    objected = given(PERSON, At(NOW, replace(SHARING, occurred_at=long_ago)))

    assert kinds(waiting) == [RightsRequestReceived]
    assert kinds(closed) == [RightsRequestWithdrawn]
    assert kinds(objected) == []
    assert kinds(objected.when(UpholdObjection(objection=KEY)).after) == [ObjectionGranted]


ASKED = ReceiveRequest(
    file=LETTER, right=RequestedRight.RECTIFICATION, channel=RequestChannel.POST, language="sv"
)


def posted(recorded: Recorded[object]) -> QueueMail:
    """The letter about an event, handed to the post."""
    return QueueMail(
        mail=recorded.event_id,
        kind=MailKind.ANSWER,
        purpose="rights_requests",
        address="zoe@stad.example",
        text="From: a\r\n\r\nWe have received your request.",
        message="ab" * 32,
        letter="cd" * 32,
        language="sv",
        objection="ef" * 32,
    )


def asking(right: RequestedRight) -> ReceiveRequest:
    """A request for one right, which came in today."""
    return replace(requests.ACCESS, right=right, occurred_at=None, evidence=None)


@pytest.mark.clause("L25")
def test_a_letter_is_owed_until_it_is_queued_and_never_again() -> None:
    """The log says it: a crash between the event and its letter loses nothing and doubles none."""
    asked = given(PERSON, asking(RequestedRight.ACCESS))
    [receipt] = owing(asked)
    assert isinstance(receipt.event, RightsRequestReceived)

    assert owing(asked.when(posted(receipt)).after) == []
    two = given(PERSON, RESTRICT, asking(RequestedRight.ACCESS))
    first, second = owing(two)
    assert first.version < second.version
    assert owing(two.when(posted(first)).after) == [second]


def test_what_tells_the_person_nothing_owes_no_letter() -> None:
    data = CollectData(
        source="secretariat",
        obtained=Obtained(purpose="network_exchange", personal={"work.title": "Inspektör"}),
    )

    assert owing(given(PERSON, data)) == []
    assert kinds(requests.asked(requests.VERIFY)) == [RightsRequestReceived]


@pytest.mark.clause("L25", "L28")
def test_a_request_that_goes_on_elsewhere_is_not_confirmed_twice() -> None:
    """A stranger was told when the request came; under their name it is the same request."""
    stranger = given(ReceiveFromStranger(asked=asking(RequestedRight.ACCESS)))
    moved = replace(asking(RequestedRight.ACCESS), origin=LETTER)

    assert kinds(stranger) == [RightsRequestReceived]
    assert owing(given(PERSON, moved)) == []


STEPS = {
    RightsRequestDoubted: requests.DOUBT,
    RightsRequestExtended: requests.EXTEND,
    RightsRequestRefused: requests.REFUSE,
    RightsRequestWithdrawn: requests.WITHDRAW,
}


@pytest.mark.clause("L22", "L24", "L25")
@pytest.mark.parametrize("kind", STEPS)
def test_each_step_of_a_request_that_the_person_must_hear_of_owes_a_letter(kind: type) -> None:
    assert kinds(requests.asked(STEPS[kind])) == [RightsRequestReceived, kind]


ANSWERED = (requests.VERIFY, requests.APPROVE, requests.REPORT, requests.FULFIL)


@pytest.mark.clause("L25", "L28")
def test_the_answer_and_that_somebody_cannot_be_identified_owe_a_letter() -> None:
    answered = requests.asked(*ANSWERED)
    unknown = requests.asked(requests.DOUBT, requests.UNIDENTIFIED)

    assert kinds(answered)[-1] is RightsRequestFulfilled
    assert kinds(unknown)[-1] is RightsRequestUnidentified


@pytest.mark.clause("L25")
def test_the_ledger_writes_no_second_letter_where_the_desk_keeps_its_own() -> None:
    kept = requests.asked(replace(requests.REFUSE, letter=LETTER))

    assert kinds(kept) == [RightsRequestReceived]


@pytest.mark.clause("L22")
def test_what_the_desk_told_on_an_earlier_day_is_not_told_again() -> None:
    """A step that is recorded on the day on which it was told is told by the ledger."""
    earlier = replace(requests.EXTEND, occurred_at=EARLIER, evidence_note="letter of the 20th")
    same_day = replace(requests.EXTEND, occurred_at=NOW - timedelta(hours=2))

    assert kinds(requests.asked(earlier)) == [RightsRequestReceived]
    assert kinds(requests.asked(same_day)) == [RightsRequestReceived, RightsRequestExtended]


@pytest.mark.clause("L42")
@pytest.mark.parametrize(
    ("command", "kind"), [(RESTRICT, RestrictionSet), (DISPUTE, AccuracyDisputed)]
)
def test_a_restriction_is_told_once_by_itself_or_by_the_answer_to_a_request(
    command: object, kind: type
) -> None:
    """A request for another right answers nothing of it."""
    asked, other = asking(RequestedRight.RESTRICTION), asking(RequestedRight.ACCESS)

    assert kinds(given(PERSON, command)) == [kind]
    assert kinds(given(PERSON, asked, command)) == [RightsRequestReceived]
    assert kinds(given(PERSON, other, command)) == [RightsRequestReceived, kind]
    assert kinds(given(PERSON, command, asked)) == [kind, RightsRequestReceived]


@pytest.mark.clause("L42")
def test_a_restriction_after_the_end_of_the_request_is_told_by_itself() -> None:
    asked = asking(RequestedRight.RESTRICTION)
    withdraw = At(NOW - timedelta(days=3), requests.WITHDRAW)
    before, same, after = (
        At(NOW - timedelta(days=3) + delta, RESTRICT)
        for delta in (-timedelta(hours=1), timedelta(), timedelta(hours=1))
    )
    both = [RightsRequestReceived, RightsRequestWithdrawn]

    assert kinds(given(requests.PERSON, asked, before, withdraw)) == both
    assert kinds(given(requests.PERSON, asked, withdraw, same)) == both
    assert kinds(given(requests.PERSON, asked, withdraw, after)) == [*both, RestrictionSet]


@pytest.mark.clause("L42")
def test_the_end_of_a_restriction_is_told_where_it_names_its_day() -> None:
    """Art. 18(3); without a day, the desk has told it by means of its own."""
    by_letter = AnnounceLift(restriction=KEY, channel="post", ends_on=NOW.date())
    by_desk = AnnounceLift(restriction=KEY, channel="phone")

    told = given(PERSON, RESTRICT, At(NOW, by_letter))
    assert kinds(told) == [RestrictionSet, RestrictionLiftAnnounced]
    assert kinds(given(PERSON, RESTRICT, At(NOW, by_desk))) == [RestrictionSet]


@pytest.mark.clause("L44")
def test_an_objection_that_is_weighed_is_confirmed_unless_a_request_for_it_is() -> None:
    asked, other = asking(RequestedRight.OBJECTION), asking(RequestedRight.ERASURE)

    assert kinds(given(PERSON, SHARING)) == [ObjectionRaised]
    assert ObjectionRaised not in kinds(given(PERSON, asked, SHARING))
    assert ObjectionRaised in kinds(given(PERSON, other, SHARING))


@pytest.mark.clause("L25", "L44")
@pytest.mark.parametrize(
    ("decision", "kind"),
    [
        (UpholdObjection(objection=KEY), ObjectionGranted),
        (OverrideObjection(objection=KEY, grounds="The exchange is its aim."), ObjectionOverridden),
    ],
)
def test_the_decision_on_an_objection_is_told_by_itself_or_with_the_request(
    decision: object, kind: type
) -> None:
    asked = asking(RequestedRight.OBJECTION)

    assert kinds(given(PERSON, SHARING, decision))[-1] is kind
    assert kind not in kinds(given(PERSON, asked, SHARING, decision))


@pytest.mark.clause("L25", "L44")
def test_what_silence_granted_is_told_also_while_the_request_still_waits_for_its_answer() -> None:
    """Nobody answered it: the person must not wait for that to hear that the use has ended."""
    asked = asking(RequestedRight.OBJECTION)
    silent = At(NOW + timedelta(days=40), UpholdObjection(objection=KEY, overdue=True))
    waiting = given(PERSON, asked, SHARING, silent)

    [*_, last] = owing(waiting)
    assert isinstance(last.event, ObjectionGranted)
    assert last.event.reason is GrantReason.SILENCE


@pytest.mark.clause("L43")
def test_a_no_to_news_that_came_by_letter_is_confirmed_as_granted() -> None:
    """One letter: what is absolute is not confirmed as something to be weighed."""
    assert kinds(given(PERSON, NEWS)) == [ObjectionGranted]
    asked = asking(RequestedRight.OBJECTION)
    assert kinds(given(PERSON, asked, NEWS)) == [RightsRequestReceived]


@pytest.mark.clause("L43")
@pytest.mark.parametrize(
    "answered",
    [
        {"source": "self_service"},
        {"source": "mailchimp"},
        {"cause": ObjectionCause.COMPLAINT},
        {"cause": ObjectionCause.UNDELIVERABLE},
    ],
    ids=str,
)
def test_a_no_to_news_that_was_answered_where_it_was_said_owes_no_letter(
    answered: dict[str, str],
) -> None:
    """On a page of ours, by the tool that sends the news, or by an address that refuses mail."""
    assert owing(given(PERSON, replace(NEWS, **answered))) == []


@pytest.mark.clause("L44")
@pytest.mark.parametrize("source", ["self_service", "basecamp"])
def test_a_decision_after_weighing_is_told_wherever_the_objection_came_from(source: str) -> None:
    upheld = given(PERSON, replace(SHARING, source=source), UpholdObjection(objection=KEY))

    assert kinds(upheld)[-1] is ObjectionGranted


def test_each_no_to_news_is_judged_by_where_it_was_said_itself() -> None:
    """The earlier one was said on a page of ours, the later one in a letter."""
    on_page = replace(NEWS, source="self_service", purpose="newsletter")
    by_letter = replace(NEWS, objection=LETTER)

    [owes] = owing(given(PERSON, on_page, by_letter))
    assert owes.event.objection == LETTER  # type: ignore[attr-defined]  # a granted objection


@pytest.mark.clause("C66")
def test_an_erasure_has_its_certificate_and_the_closing_has_none() -> None:
    """Told by its own letter also while the request is open: it is the proof of the act."""
    executed = given(*EXECUTED)
    told = executed
    for inform in informing():
        told = told.when(inform).after

    assert kinds(executed) == [ErasureExecuted]
    assert kinds(told.when(CLOSE).after) == [ErasureExecuted]


def informing(outcome: InformOutcome = InformOutcome.INFORMED) -> tuple[InformRecipient, ...]:
    """Both recipients are told."""
    return tuple(
        InformRecipient(erasure=CLOSE.erasure, recipient=recipient, outcome=outcome)
        for recipient in ("contact_db", "basecamp")
    )


@pytest.mark.clause("L36", "C66")
def test_who_asked_for_an_erasure_hears_once_that_every_recipient_was_told() -> None:
    """Art. 19: of the last one, when the certificate had left before it could name them all."""
    executed = given(*EXECUTED)
    [certificate] = owing(executed)
    first, second = informing()

    lettered = executed.when(posted(certificate)).after
    half = lettered.when(first).after
    whole = half.when(second).after

    assert owing(half) == []
    [last] = owing(whole)
    assert isinstance(last.event, ErasureRecipientInformed)
    assert last.event.recipient == "basecamp"


@pytest.mark.clause("L36")
def test_a_certificate_written_after_the_last_recipient_was_told_says_it_itself() -> None:
    person = given(*EXECUTED)
    for inform in informing():
        person = person.when(inform).after
    [certificate] = owing(person)
    assert isinstance(certificate.event, ErasureExecuted)

    later = Given(
        person.state, replace(person.circumstances, now=NOW + timedelta(1)), person.stream
    )
    assert owing(later.when(posted(certificate)).after) == []


@pytest.mark.clause("L36")
def test_a_recipient_that_still_holds_the_data_is_not_told_of_as_done() -> None:
    executed = given(*EXECUTED)
    [certificate] = owing(executed)
    person = executed.when(posted(certificate)).after
    first, second = informing()

    person = person.when(first).after
    person = person.when(replace(second, outcome=InformOutcome.STILL_PRESENT)).after
    assert owing(person) == []
    assert kinds(person.when(second).after) == [ErasureRecipientInformed]


@pytest.mark.clause("L36")
def test_the_answer_to_the_request_tells_of_the_recipients_while_it_is_open() -> None:
    asked = At(NOW, asking(RequestedRight.ERASURE))
    executed = given(*EXECUTED[:3], asked, *EXECUTED[3:])
    receipt, certificate = owing(executed)
    person = executed.when(posted(receipt)).after.when(posted(certificate)).after

    for inform in informing():
        person = person.when(inform).after
    assert owing(person) == []


@pytest.mark.clause("L36")
def test_the_last_word_on_an_erasure_is_still_owed_after_its_closing() -> None:
    """The closing destroys what nobody needs now; the person has not heard of it for that."""
    executed = given(*EXECUTED)
    [certificate] = owing(executed)
    person = executed.when(posted(certificate)).after
    for inform in informing():
        person = person.when(inform).after
    [last] = owing(person)

    closed = person.when(CLOSE).after
    assert owing(closed) == [last]
    assert owing(closed.when(posted(last)).after) == []


@pytest.mark.clause("L43")
@pytest.mark.parametrize("source", ["secretariat", "registration_form"])
def test_a_no_to_news_that_a_human_wrote_down_is_confirmed_by_letter(source: str) -> None:
    """Known to the policy, and run by nobody else: the person has seen no answer there."""
    assert kinds(given(PERSON, replace(NEWS, source=source))) == [ObjectionGranted]
