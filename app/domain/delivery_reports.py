"""What a message about a delivery does to the mail that it is about (RFC 3464; L9, L29).

It comes late, twice, out of its order, or about an attempt that a human has long made good.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, assert_never
from uuid import UUID

from app.domain.decider import Refusal
from app.domain.mails import Mail, MailState, RecordMailBounced, RecordMailDelivered
from app.events.mails import MailChannel

SKEW: Final = timedelta(minutes=5)
"""By how much the clock of another server may be behind ours."""


class Delivery(StrEnum):
    """What is told of a delivery, the gravest first."""

    BOUNCED = "bounced"
    """It is given up: the mail came back for good."""
    DELAYED = "delayed"
    """It is tried further."""
    RELAYED = "relayed"
    """It went on to where nothing more is told; nobody knows whether it arrived."""
    DELIVERED = "delivered"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryReport:
    """All that is read of a message: no address, and no word of it."""

    mail: UUID
    delivery: Delivery
    status: str
    """The code of RFC 3463, such as 5.1.1."""
    about: datetime | None
    """When the mail reached the server that tells of it, or else when this was told."""


class MailNotLeft(Refusal):
    """By the log the mail has not left: the record of that is still to come, or another attempt."""

    code = "mail-not-left"
    rules = ("L9",)


def step(mail: Mail, report: DeliveryReport) -> RecordMailBounced | RecordMailDelivered | None:
    """What is to be recorded; None where the report tells nothing that changes anything."""
    if mail.by is MailChannel.POST or _of_an_earlier_attempt(mail, report):
        return None
    if mail.state is MailState.QUEUED:
        raise MailNotLeft
    match report.delivery:
        case Delivery.BOUNCED if mail.left:
            return RecordMailBounced(mail=report.mail, permanent=True)
        case Delivery.DELAYED if mail.state is MailState.SENT and not mail.arrived:
            return RecordMailBounced(mail=report.mail, permanent=False)
        case Delivery.DELIVERED if mail.state is MailState.DELAYED:
            return RecordMailDelivered(mail=report.mail)
        case Delivery.BOUNCED | Delivery.DELAYED | Delivery.RELAYED | Delivery.DELIVERED:
            return None
        case _:
            assert_never(report.delivery)


def _of_an_earlier_attempt(mail: Mail, report: DeliveryReport) -> bool:
    if mail.again_at is None or report.about is None:
        return False
    return report.about < mail.again_at - SKEW
