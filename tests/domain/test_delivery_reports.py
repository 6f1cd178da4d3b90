"""What a message about a delivery does to a mail, wherever that stands (L9, L29)."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import pytest

from app.domain.delivery_reports import SKEW, Delivery, DeliveryReport, MailNotLeft, step
from app.domain.mails import Mail, MailState, RecordMailBounced, RecordMailDelivered
from app.events.mails import MailChannel
from app.values import replace
from tests.domain.test_mails import (
    BOUNCED,
    DELAYED,
    DELIVERED,
    FAILED,
    MAIL,
    PERSON,
    QUEUE,
    REQUEUE,
    SENT,
    WITHDRAW,
)
from tests.spec import NOW, given

POSTED: Final = replace(SENT, channel=MailChannel.POST)
BY_HAND: Final = replace(SENT, channel=MailChannel.HAND)
TELLS: Final = {
    Delivery.BOUNCED: RecordMailBounced(mail=MAIL, permanent=True),
    Delivery.DELAYED: RecordMailBounced(mail=MAIL, permanent=False),
    Delivery.DELIVERED: RecordMailDelivered(mail=MAIL),
}
HISTORIES: Final[dict[str, tuple[tuple[object, ...], set[Delivery]]]] = {
    "sent": ((SENT,), {Delivery.BOUNCED, Delivery.DELAYED}),
    "sent by hand": ((BY_HAND,), {Delivery.BOUNCED, Delivery.DELAYED}),
    "delayed": ((SENT, DELAYED), {Delivery.BOUNCED, Delivery.DELIVERED}),
    "delayed and arrived": ((SENT, DELAYED, DELIVERED), {Delivery.BOUNCED}),
    "returned": ((SENT, BOUNCED), set()),
    "returned and posted": ((SENT, BOUNCED, POSTED), set()),
    "delayed and posted": ((SENT, DELAYED, POSTED), set()),
    "posted": ((POSTED,), set()),
    "given up": ((FAILED,), set()),
    "withdrawn": ((WITHDRAW,), set()),
    "sent once more": ((SENT, BOUNCED, REQUEUE, SENT), {Delivery.BOUNCED, Delivery.DELAYED}),
    "arrived, late again": (
        (SENT, DELAYED, DELIVERED, BOUNCED, REQUEUE, SENT),
        {Delivery.BOUNCED, Delivery.DELAYED},
    ),
}
"""What became of a mail, and which reports say something new of it."""


def mail_after(*history: object) -> Mail:
    """The mail, as it stands after some steps."""
    return given(PERSON, QUEUE, *history).state.mails.by_id[MAIL]


def report(delivery: Delivery, about: datetime | None = None) -> DeliveryReport:
    """One that tells it of the mail."""
    return DeliveryReport(mail=MAIL, delivery=delivery, status="5.1.1", about=about)


@pytest.mark.clause("L9", "L29")
@pytest.mark.parametrize("delivery", Delivery)
@pytest.mark.parametrize("history", HISTORIES)
def test_a_report_is_recorded_where_it_says_something_new(history: str, delivery: Delivery) -> None:
    """A late delay undoes no arrival, and nothing that is told of a mail undoes a letter posted."""
    steps, new = HISTORIES[history]
    told = step(mail_after(*steps), report(delivery))

    assert told == (TELLS[delivery] if delivery in new else None)
    if told is not None:
        given(PERSON, QUEUE, *steps).when(told)  # the decider takes it


@pytest.mark.parametrize("delivery", Delivery)
@pytest.mark.parametrize("history", [(), (SENT, BOUNCED, REQUEUE), (FAILED, REQUEUE)])
def test_of_a_mail_that_waits_to_be_sent_nothing_is_known_yet(
    history: tuple[object, ...], delivery: Delivery
) -> None:
    """The relay may answer before its own yes is recorded here: it is asked to come again."""
    with pytest.raises(MailNotLeft):
        step(mail_after(*history), report(delivery))


@pytest.mark.parametrize(
    "again",
    [(REQUEUE, SENT), (REQUEUE,), (replace(BY_HAND, occurred_at=NOW - timedelta(days=31)),)],
)
def test_what_is_told_of_an_earlier_attempt_says_nothing_of_a_later_one(
    again: tuple[object, ...],
) -> None:
    """The same report is read once more, or comes after a human has asked for another attempt."""
    mail = mail_after(SENT, BOUNCED, *again)
    assert mail.again_at is not None
    before, about_then = mail.again_at - SKEW - timedelta(seconds=1), mail.again_at - SKEW

    assert step(mail, report(Delivery.BOUNCED, before)) is None
    if mail.state is MailState.QUEUED:
        with pytest.raises(MailNotLeft):
            step(mail, report(Delivery.BOUNCED, about_then))
    else:
        assert step(mail, report(Delivery.BOUNCED, about_then)) == TELLS[Delivery.BOUNCED]


def test_of_a_mail_that_was_tried_once_every_report_is_about_that() -> None:
    """Whatever the clock of the other server says."""
    mail = mail_after(SENT)
    assert mail.again_at is None
    long_ago = datetime(1970, 1, 1, tzinfo=NOW.tzinfo)
    assert step(mail, report(Delivery.BOUNCED, long_ago)) == TELLS[Delivery.BOUNCED]


def test_another_mail_is_left_as_it_is() -> None:
    other = UUID(int=1)
    told = step(mail_after(SENT), replace(report(Delivery.BOUNCED), mail=other))
    assert told == RecordMailBounced(mail=other, permanent=True)
