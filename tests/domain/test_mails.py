"""Mails: the right to object before all else, each settled once, and no restricted person wooed."""

from datetime import timedelta
from uuid import UUID

import pytest

from app.domain.mails import (
    ADDRESS,
    MESSAGE,
    MailSettled,
    MailState,
    MailUnknown,
    ObjectionRightUntold,
    QueueMail,
    RecordMailBounced,
    RecordMailDelivered,
    RecordMailFailed,
    RecordMailSent,
    RequeueMail,
    WithdrawMail,
)
from app.domain.objections import RaiseObjection
from app.domain.periods import sealed_values
from app.domain.purpose_limitation import PurposeUnknown
from app.domain.restrictions import Restrict, SubjectRestricted
from app.domain.subject import SUBJECT
from app.domain.suppressions import SubjectSuppressed
from app.events.mails import (
    MailBounced,
    MailChannel,
    MailDelivered,
    MailFailed,
    MailFailure,
    MailKind,
    MailQueued,
    MailRequeued,
    MailSent,
    MailWithdrawn,
)
from app.events.restrictions import RestrictionGround
from app.values import replace
from tests.spec import NOW, Given, given, registration

MAIL = UUID("d4c1f0a7-93e4-4c5b-8b1e-77a1c0de5a01")
OTHER = UUID("d4c1f0a7-93e4-4c5b-8b1e-77a1c0de5a02")
MATTER = UUID("d4c1f0a7-93e4-4c5b-8b1e-77a1c0de5a03")
NOTICE = "0b" * 32
PERSON = registration("newsletter")
QUEUE = QueueMail(
    mail=MAIL,
    kind=MailKind.ANSWER,
    purpose="rights_requests",
    address="zoe@stad.example",
    text="From: a\r\n\r\nWe have received your request.",
    message="ab" * 32,
    letter="cd" * 32,
    language="sv",
    matter=MATTER,
    objection=NOTICE,
)
SECOND = replace(QUEUE, mail=OTHER, objection=None)
NEWS = replace(SECOND, unsubscribe="newsletter")
SENT = RecordMailSent(mail=MAIL, channel=MailChannel.SMTP)
FAILED = RecordMailFailed(mail=MAIL, failure=MailFailure.EXHAUSTED, code=451, attempts=9)
BOUNCED = RecordMailBounced(mail=MAIL, permanent=True)
DELAYED = RecordMailBounced(mail=MAIL, permanent=False)
DELIVERED = RecordMailDelivered(mail=MAIL)
REQUEUE = RequeueMail(mail=MAIL)
WITHDRAW = WithdrawMail(mail=MAIL)
STEPS = {
    "sent": (SENT, MailSent(mail=MAIL, channel=MailChannel.SMTP, attempts=1)),
    "failed": (
        FAILED,
        MailFailed(mail=MAIL, failure=MailFailure.EXHAUSTED, code=451, attempts=9),
    ),
    "bounced": (BOUNCED, MailBounced(mail=MAIL, permanent=True)),
    "delayed": (DELAYED, MailBounced(mail=MAIL, permanent=False)),
    "delivered": (DELIVERED, MailDelivered(mail=MAIL)),
    "queued": (REQUEUE, MailRequeued(mail=MAIL)),
    "withdrawn": (WITHDRAW, MailWithdrawn(mail=MAIL)),
}
LEADING = {"delivered": "sent"}
"""Where a step leads to that is no word for a state."""
HISTORIES: dict[str, tuple[object, ...]] = {
    "queued": (),
    "sent": (SENT,),
    "failed": (FAILED,),
    "bounced": (SENT, BOUNCED),
    "delayed": (SENT, DELAYED),
    "withdrawn": (WITHDRAW,),
}
"""How a mail comes to stand where it does."""
FOLLOWING = {
    "queued": {"sent", "failed", "withdrawn"},
    "sent": {"bounced", "delayed"},
    "delayed": {"bounced", "delivered", "sent", "queued"},
    "failed": {"sent", "queued", "withdrawn"},
    "bounced": {"sent", "queued", "withdrawn"},
    "withdrawn": set[str](),
}


def stands(person: Given, mail: UUID = MAIL) -> MailState:
    """Where the mail stands."""
    return person.state.mails.by_id[mail].state


@pytest.mark.clause("L9", "L45")
def test_a_message_is_queued_with_its_hashes_and_its_words_sealed() -> None:
    """Neither the address nor the text is in the clear; both go when the matter is forgotten."""
    when = given(PERSON).when(QUEUE)

    when.then(
        MailQueued(
            mail=MAIL,
            kind=MailKind.ANSWER,
            purpose="rights_requests",
            matter=MATTER,
            language="sv",
            policy="impel-1",
            letter="cd" * 32,
            message="ab" * 32,
            objection=NOTICE,
            unsubscribe=None,
        )
    )
    [record] = when.records
    [section] = record.sections
    assert section.personal == {ADDRESS: QUEUE.address, MESSAGE: QUEUE.text}
    assert section.generation.endswith(str(MATTER)), "it goes with its matter"
    assert (record.claims, record.suppressions) == ((), ())
    assert QUEUE.address not in repr(record)
    when.after.when(QUEUE).then_nothing()


@pytest.mark.clause("L9")
def test_what_lies_sealed_beside_a_mail_is_known_to_whoever_counts_its_period() -> None:
    """Art. 5(1)(e): what is not listed would never be forgotten."""
    person = given(PERSON, QUEUE)
    mail = person.state.mails.by_id[MAIL]

    listed = [one for one in sealed_values(person.state) if one.category in {ADDRESS, MESSAGE}]
    assert [one.category for one in listed] == [MESSAGE, ADDRESS]
    [seal] = person.stream[-1].seals
    for one in listed:
        assert one.key_id == seal.key_id
        assert one.place == (person.state.version, seal.retention_class)
        assert (one.purpose, one.since) == ("rights_requests", mail.queued_at)


def test_a_letter_without_an_address_is_printed_and_seals_its_text_alone() -> None:
    [record] = given(PERSON).when(replace(QUEUE, address="")).records
    assert [dict(one.personal) for one in record.sections] == [{MESSAGE: QUEUE.text}]


@pytest.mark.clause("L45")
def test_the_first_message_to_a_person_tells_of_the_right_to_object() -> None:
    """Art. 21(4): at the latest with the first one; whatever became of that one since."""
    given(PERSON).when(SECOND).then_refused(ObjectionRightUntold)

    for history in HISTORIES.values():
        [record] = given(PERSON, QUEUE, *history).when(SECOND).records
        assert record.event.objection is None
    given(PERSON, QUEUE, SECOND).when(replace(SECOND, mail=MATTER)).then(
        replace(given(PERSON, QUEUE).when(SECOND).records[0].event, mail=MATTER)
    )


@pytest.mark.clause("L42")
def test_news_does_not_reach_a_restricted_person_and_a_letter_that_is_owed_does() -> None:
    restrict = Restrict(restriction=OTHER, ground=RestrictionGround.UNLAWFUL, source="email")

    given(PERSON, QUEUE, restrict).when(NEWS).then_refused(SubjectRestricted)
    assert given(PERSON, QUEUE, restrict).when(SECOND).records
    [news] = given(PERSON, QUEUE).when(NEWS).records
    assert news.event.unsubscribe == "newsletter"


@pytest.mark.clause("L43", "C65")
@pytest.mark.parametrize("addresses", [(), ("zoe@stad.example",)])
def test_news_does_not_reach_who_objected_to_it_and_a_letter_that_is_owed_does(
    addresses: tuple[str, ...],
) -> None:
    """Also where no address could be put on the register: the objection itself says no."""
    no = RaiseObjection(
        objection=OTHER, source="secretariat", purpose="newsletter", addresses=addresses
    )
    [*_, other] = given(PERSON, QUEUE).when(replace(NEWS, unsubscribe="information")).records

    given(PERSON, QUEUE, no).when(NEWS).then_refused(SubjectSuppressed)
    assert given(PERSON, QUEUE, no).when(replace(SECOND, mail=MATTER)).records
    assert other.event.unsubscribe == "information"


@pytest.mark.clause("L1")
def test_a_mail_for_a_purpose_that_the_policy_does_not_know_is_not_queued() -> None:
    given(PERSON).when(replace(QUEUE, purpose="curiosity")).then_refused(PurposeUnknown)


@pytest.mark.clause("L9")
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("before", HISTORIES)
def test_a_mail_goes_from_step_to_step_and_says_where_it_stands(before: str, step: str) -> None:
    """What came of it is recorded where it can have come of it, and repeated to no effect."""
    person = given(PERSON, QUEUE, *HISTORIES[before])
    command, event = STEPS[step]
    assert stands(person) == before

    then = LEADING.get(step, step)
    if then == before:
        person.when(command).then_nothing()
    elif step in FOLLOWING[before]:
        person.when(command).then(event)
        assert stands(person.when(command).after) == then
    else:
        person.when(command).then_refused(MailSettled, state=before)


@pytest.mark.parametrize("step", STEPS)
def test_nothing_becomes_of_a_mail_that_the_person_does_not_have(step: str) -> None:
    command, _ = STEPS[step]
    given(PERSON, replace(QUEUE, mail=OTHER)).when(command).then_refused(MailUnknown)


def test_what_became_of_one_mail_is_nothing_that_became_of_another() -> None:
    person = given(PERSON, QUEUE, SECOND, SENT)
    assert (stands(person), stands(person, OTHER)) == (MailState.SENT, MailState.QUEUED)


@pytest.mark.clause("L42")
@pytest.mark.parametrize("standing", HISTORIES)
def test_a_mail_has_left_when_it_was_sent_and_did_not_come_back(standing: str) -> None:
    """Art. 18(3) asks that the person was told: a letter in the queue, or returned, told nobody."""
    mail = given(PERSON, QUEUE, *HISTORIES[standing]).state.mails.by_id[MAIL]
    assert mail.left is (standing in {"sent", "delayed"})


@pytest.mark.parametrize("command", [SENT, BOUNCED], ids=["sent", "bounced"])
def test_what_a_human_records_later_bears_the_day_on_which_it_was(
    command: RecordMailSent | RecordMailBounced,
) -> None:
    yesterday = NOW - timedelta(days=1)
    before = HISTORIES["queued" if command is SENT else "sent"]

    [record] = given(PERSON, QUEUE, *before).when(replace(command, occurred_at=yesterday)).records
    assert record.occurred_at == yesterday


def test_a_mail_whose_words_were_destroyed_is_still_on_record() -> None:
    """Its section is read back without a seal: that it was queued, and for what, stays."""
    [*before, queued] = given(PERSON, QUEUE).stream
    state = SUBJECT.initial
    for recorded in (*before, replace(queued, seals=())):
        state = SUBJECT.evolve(state, recorded)
    mail = state.mails.by_id[MAIL]

    assert (mail.retention_class, mail.key_id) == ("", None)
    assert (mail.kind, mail.matter, mail.message) == (MailKind.ANSWER, MATTER, "ab" * 32)
