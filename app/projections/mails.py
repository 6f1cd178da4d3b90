"""Mails: what was sent to whom about what, and what came of it; never an address or a word (L9)."""

from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, Index, Integer, Text, Uuid

from app.events.mails import (
    MailBounced,
    MailDelivered,
    MailFailed,
    MailQueued,
    MailRequeued,
    MailSent,
    MailWithdrawn,
)
from app.events.recorded import Recorded
from app.projections.lasting import filling, lasting, opened, opening
from app.projections.projection import Projection, Writes

CAME_OF_IT = ("state", "channel", "failure", "code", "attempts", "settled_position", "settled_at")

mails = lasting(
    "mails_v2",
    Column("mail", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("matter", Uuid),
    Column("language", Text, nullable=False),
    Column("policy", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("channel", Text),
    Column("failure", Text),
    Column("code", Integer),
    Column("attempts", Integer),
    Column("settled_position", BigInteger),
    Column("settled_at", DateTime(timezone=True)),
    comment="Mails: one row each, with where it stands now; what it said lies sealed, or is gone.",
)

Index(None, mails.c.mail)  # a message about a delivery names the mail, and nobody

MAILS = Projection("mails", version=2, tables=(mails,))

QUEUE = opening(mails, later=CAME_OF_IT[1:])
SETTLE = filling(mails, "mail", *CAME_OF_IT)


@MAILS.on(MailQueued)
def queued(recorded: Recorded[MailQueued]) -> Writes:
    """It is to be sent."""
    event = recorded.event
    row = QUEUE.write(
        **opened(recorded),
        mail=event.mail,
        kind=event.kind.value,
        matter=event.matter,
        language=event.language,
        policy=event.policy,
        message=event.message,
        state="queued",
    )
    return (row,)


@MAILS.on(MailSent, MailFailed, MailBounced, MailDelivered, MailRequeued, MailWithdrawn)
def settled(recorded: Recorded[Any]) -> Writes:
    """Where it stands now."""
    event = recorded.event
    names = ("channel", "failure", "code", "attempts")
    said = {name: getattr(event, name, None) for name in names}
    row = SETTLE.write(
        subject_id=recorded.stream_id,
        mail=event.mail,
        state=_state(event),
        settled_position=recorded.position,
        settled_at=recorded.recorded_at,
        **{name: getattr(one, "value", one) for name, one in said.items()},
    )
    return (row,)


def _state(event: Any) -> str:  # Any: one of those above
    if isinstance(event, MailBounced) and not event.permanent:
        return "delayed"
    return _STATES[type(event)]


_STATES: dict[type[Any], str] = {
    MailSent: "sent",
    MailFailed: "failed",
    MailBounced: "bounced",
    MailDelivered: "sent",
    MailRequeued: "queued",
    MailWithdrawn: "withdrawn",
}
