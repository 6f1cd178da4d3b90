"""Mails to people: what waits, what a human is to do, and what came of it (C73, C80; L9)."""

import asyncio
from datetime import datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTPUTF8
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from fastapi import Query, Response, Security
from pydantic import BaseModel, Field

from app.api.answers import answer, receipted
from app.api.bodies import Body, MomentField, ReceiptBody, WordField
from app.api.call import Call, authorised
from app.api.inspections import INSPECTING, inspect
from app.api.operations import operation, router
from app.auth import Scope
from app.documents.pdf import pdf
from app.domain.decider import Refusal
from app.domain.links import RevokeLinks
from app.domain.mails import (
    MESSAGE,
    MailUnknown,
    RecordMailBounced,
    RecordMailDelivered,
    RecordMailSent,
    RequeueMail,
    WithdrawMail,
)
from app.domain.purpose_limitation import purpose_named
from app.domain.subject import SUBJECT, fold
from app.domain.subjects import SubjectUnknown
from app.events.mails import MailChannel
from app.propagation.mailing import Outcome as SettledBy
from app.propagation.mailing import with_notice
from app.propagation.messages import printable
from app.vault.link_tokens import LinkKind
from app.vault.sealing import Sealed

ROUTES = router("mails")

PERSON = ("subject-unknown", "subject-erased")
PDF = "application/pdf"
Sender = Annotated[Call, Security(authorised, scopes=[Scope.MAILS_SEND])]


class NotAMailing(Refusal):
    """One click ends a mailing; it must not stop anything else for the person, such as payments."""

    code = "not-a-mailing"
    rules = ("C73", "L43")


class Outcome(StrEnum):
    """What a human reports of a mail."""

    SENT = "sent"
    """Sent from a mail program."""
    POSTED = "posted"
    """Sent on paper."""
    BOUNCED = "bounced"
    """It came back for good."""
    DELAYED = "delayed"
    """It came back for now, such as from a full mailbox."""
    DELIVERED = "delivered"
    """It was delayed, and arrived after all."""
    RETRY = "retry"
    """It is to be tried again, unchanged."""
    WITHDRAWN = "withdrawn"
    """It is not to be sent."""


class OutcomeBody(Body):
    """What came of a mail, on a human's word."""

    outcome: Outcome = Field(examples=["posted"])
    occurred_at: MomentField | None = None


class LinkBody(Body):
    """For what a link is wanted: for a mailing of a purpose, or about the policy in force."""

    kind: str = Field(pattern="^(mailing|policy)$", max_length=16, examples=["mailing"])
    purpose: WordField | None = Field(
        default=None, description="The mailing that it ends.", examples=["newsletter"]
    )


class LinkAnswer(BaseModel):
    """A link for one person; whoever has it can use it, so it goes into a mail and nowhere else."""

    url: str = Field(max_length=500, examples=["https://ledger.example/unsubscribe/AmV4YW1wbGU"])


class MailTask(BaseModel):
    """A mail that has not left."""

    mail: UUID
    subject_id: UUID
    queued_at: datetime
    attempts: int = Field(ge=0)
    due_at: datetime
    reason: str | None = Field(max_length=32, examples=["timed_out"])
    code: int | None = Field(ge=0, le=999, examples=[451])


class MailTasksBody(BaseModel):
    """Mails that wait, oldest first."""

    relay: bool = Field(description="False: nothing is sent here, and each is a human's to send.")
    items: list[MailTask] = Field(max_length=200)


@operation(
    ROUTES,
    "GET",
    "/v1/mail-tasks",
    scope=Scope.MAILS_SEND,
    answers=MailTasksBody,
    summary="List the mails that have not left",
    clauses=("C80",),
    law=("L9", "L27"),
    example={
        "relay": False,
        "items": [
            {
                "mail": "6f1c2f7e-3a52-4d0e-9a5e-0d7a7a1c9b10",
                "subject_id": "7f3c1f52-9c3e-4a52-8f1f-2f6b3a1c7d10",
                "queued_at": "2026-11-22T10:00:00Z",
                "attempts": 0,
                "due_at": "2026-11-22T10:00:00Z",
                "reason": None,
                "code": None,
            }
        ],
    },
)
async def list_mail_tasks(
    call: Sender, limit: Annotated[int, Query(ge=1, le=200)] = 50
) -> Response:
    """Lists what waits, why, and when it is tried again; without a relay, what a human is to send.

    `to_be_printed` is a letter to somebody who has no address for mails, or wants it on paper,
    `returned` one that came back, `given_up` one that no relay took: either told nobody, and waits
    until it was posted, sent by hand, tried again or called off. To print: the PDF at
    `/v1/subjects/{subject_id}/mails/{mail}/letter`. Nothing here says to whom or what.
    """
    service = call.service
    waiting = await service.correspondence.queue.waiting(limit)
    items = [
        {
            "mail": one.mail,
            "subject_id": one.subject_id,
            "queued_at": one.queued_at,
            "attempts": one.attempts,
            "due_at": one.due_at,
            "reason": one.reason,
            "code": one.code,
        }
        for one in waiting
    ]
    return answer({"relay": service.correspondence.smtp is not None, "items": items})


@operation(
    ROUTES,
    "GET",
    "/v1/subjects/{subject_id}/mails/{mail_id}/message",
    scope=Scope.MAILS_SEND,
    answers=None,
    summary="Fetch a mail as it is sent",
    problems=("mail-unknown", *INSPECTING, *PERSON),
    clauses=("C80",),
    law=("L3", "L9"),
    purpose=True,
    media_type="message/rfc822",
)
async def show_mail_message(subject_id: UUID, mail_id: UUID, call: Sender) -> Response:
    """The message byte for byte, for whoever sends it by hand or wants to compare its hash.

    404 once it is erased with its retention class. The reading is recorded under the purpose that
    the Purpose header names.
    """
    message = await _message(call, subject_id, mail_id)
    return Response(message, media_type="message/rfc822")


@operation(
    ROUTES,
    "GET",
    "/v1/subjects/{subject_id}/mails/{mail_id}/letter",
    scope=Scope.MAILS_SEND,
    answers=None,
    summary="Fetch a letter to print it",
    problems=("mail-unknown", *INSPECTING, *PERSON),
    clauses=("C80",),
    law=("L3", "L27"),
    purpose=True,
    media_type="application/pdf",
)
async def show_mail_letter(subject_id: UUID, mail_id: UUID, call: Sender) -> Response:
    """What a human prints where nobody can be mailed, or a mail came back.

    It is the PDF that is enclosed in the message, or else its text. 404 once it is erased with its
    retention class. The reading is recorded under the purpose that the Purpose header names.
    """
    message = message_from_bytes(await _message(call, subject_id, mail_id), policy=SMTPUTF8)
    assert isinstance(message, EmailMessage), "the policy says so"
    for part in message.iter_attachments():
        if part.get_content_type() == PDF:
            return Response(part.get_content(), media_type=PDF)
    made = await asyncio.to_thread(pdf, printable(message))
    return Response(made, media_type=PDF)


async def _message(call: Call, subject_id: UUID, mail_id: UUID) -> bytes:
    """The message of a mail, byte for byte; the reading is on record. MailUnknown once erased."""
    store = call.service.store
    stream = await store.read_stream(subject_id, with_blobs=True)
    mail = fold(SUBJECT.initial, stream.events).mails.by_id.get(mail_id)
    if mail is None:
        raise MailUnknown
    await inspect(call, subject_id)
    opened = store.open_section(stream, mail.version, mail.retention_class)
    if not isinstance(opened, Sealed):
        raise MailUnknown
    return opened.personal[MESSAGE].encode()


@operation(
    ROUTES,
    "POST",
    "/v1/subjects/{subject_id}/mails/{mail_id}/outcome",
    scope=Scope.MAILS_SEND,
    answers=ReceiptBody,
    status=201,
    summary="Record what came of a mail",
    problems=("mail-unknown", "mail-settled", "occurred-in-future", *PERSON),
    clauses=("C80",),
    law=("L9", "L29"),
    writes=True,
)
async def record_mail_outcome(
    subject_id: UUID, mail_id: UUID, body: OutcomeBody, call: Sender
) -> Response:
    """Records that a human sent it, that it came back, that it is tried again, or is not sent."""
    await call.precondition(subject_id)
    ledger = call.service.ledger
    command = _command(mail_id, body)
    mail = (await ledger.state(subject_id)).mails.by_id.get(mail_id)
    # What a mail is about never changes; whether it is there is the decider's to say.
    told = command if mail is None else with_notice(command, mail)
    receipt = await ledger.execute(subject_id, told, await call.attribution())
    return receipted(receipt)


def _command(mail: UUID, body: OutcomeBody) -> SettledBy:
    at = body.occurred_at
    match body.outcome:
        case Outcome.SENT:
            return RecordMailSent(mail=mail, channel=MailChannel.HAND, occurred_at=at)
        case Outcome.POSTED:
            return RecordMailSent(mail=mail, channel=MailChannel.POST, occurred_at=at)
        case Outcome.BOUNCED:
            return RecordMailBounced(mail=mail, permanent=True, occurred_at=at)
        case Outcome.DELAYED:
            return RecordMailBounced(mail=mail, permanent=False, occurred_at=at)
        case Outcome.DELIVERED:
            return RecordMailDelivered(mail=mail, occurred_at=at)
        case Outcome.RETRY:
            return RequeueMail(mail=mail)
        case Outcome.WITHDRAWN:
            return WithdrawMail(mail=mail)


@operation(
    ROUTES,
    "POST",
    "/v1/subjects/{subject_id}/links",
    scope=Scope.MAILS_SEND,
    answers=LinkAnswer,
    summary="Make a link for a mail to one person",
    problems=(
        "malformed-json",
        "unsupported-media-type",
        "purpose-missing",
        "purpose-unknown",
        "not-a-mailing",
        *PERSON,
    ),
    clauses=("C73", "C79"),
    law=("L14", "L43"),
    example={"url": "https://ledger.example/unsubscribe/AmV4YW1wbGU"},
)
async def make_link(subject_id: UUID, body: LinkBody, call: Sender) -> Response:
    """A link that ends a mailing with one click, for the header and the foot of each of its mails.

    Or, with the kind `policy`, one by which the person can say no to the policy in force.
    """
    service = call.service
    policy = (await service.ledger.rules()).policy
    if not (await service.ledger.state(subject_id)).registered:
        raise SubjectUnknown
    kind = LinkKind.MAILING if body.kind == "mailing" else LinkKind.POLICY
    about = policy.version
    if kind is LinkKind.MAILING:
        purpose = purpose_named(body.purpose or "", policy)
        if not purpose.direct_marketing:
            raise NotAMailing(purpose=purpose.key)
        about = purpose.key
    return answer({"url": await service.correspondence.post_office.link(kind, subject_id, about)})


@operation(
    ROUTES,
    "POST",
    "/v1/subjects/{subject_id}/links/revocation",
    scope=Scope.MAILS_SEND,
    answers=ReceiptBody,
    status=201,
    summary="Revoke every link of a person",
    problems=PERSON,
    clauses=("C73",),
    writes=True,
)
async def revoke_links(subject_id: UUID, call: Sender) -> Response:
    """Ends every link that was given to the person so far; mails sent from now on have new ones."""
    receipt = await call.service.ledger.execute(subject_id, RevokeLinks(), await call.attribution())
    return receipted(receipt)
