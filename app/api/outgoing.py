"""Letters that the ledger writes by itself and puts into the post (C78, C79, C82; L16, L29)."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from fastapi import Response, Security
from pydantic import Field

from app.api.answers import receipted
from app.api.bodies import Body, LanguageField, ReceiptBody
from app.api.call import Call, authorised
from app.api.operations import operation, router
from app.api.policies import published_version
from app.auth import Scope
from app.policy.changes import entry_changes
from app.propagation.outgoing import NoticeNotOwed, Outgoing, outdated
from app.receipts import Receipt
from app.rights.matters import matter_of

ROUTES = router("mails")

PERSON = ("subject-unknown", "subject-erased", "address-missing", "objection-right-untold")
Sender = Annotated[Call, Security(authorised, scopes=[Scope.MAILS_SEND])]


class NoticeKind(StrEnum):
    """Of what the person is told."""

    OBTAINED = "obtained"
    """Of data that came from somebody else (Art. 14)."""
    POLICY_CHANGE = "policy_change"
    """Of a new version of the policy."""


class SpokenBody(Body):
    """In which language to write; without one, the person's own where it is known."""

    language: LanguageField | None = Field(default=None, examples=["sv"])


class NoticeMailBody(SpokenBody):
    """Which notice."""

    kind: NoticeKind = Field(examples=["obtained"])


class PostedBody(ReceiptBody):
    """The receipt, and the id of the mail."""

    mail: UUID


async def _posted(call: Call, receipt: Receipt) -> Response:
    return receipted(receipt, mail=await matter_of(call.service.store, receipt, "mail"))


def _outgoing(call: Call) -> Outgoing:
    return Outgoing(call.service.ledger, call.service.correspondence.post_office)


@operation(
    ROUTES,
    "POST",
    "/v1/subjects/{subject_id}/consents/requests/{request_id}/mail",
    scope=Scope.MAILS_SEND,
    answers=PostedBody,
    status=201,
    summary="Ask by mail for a confirmation",
    problems=("consent-request-unknown", *PERSON),
    clauses=("C25", "C82"),
    law=("L12", "L16", "L45"),
    writes=True,
)
async def mail_consent_request(
    subject_id: UUID, request_id: UUID, body: SpokenBody, call: Sender
) -> Response:
    """Sends the person a link that confirms a consent that was asked for.

    So somebody whose consent an old list claims without proof can be asked for a real one (L16):
    until they confirm, they are not written to for that purpose.
    """
    await call.precondition(subject_id)
    posted = await _outgoing(call).ask_to_confirm(
        subject_id, request_id, body.language, await call.attribution()
    )
    return await _posted(call, posted.receipt)


@operation(
    ROUTES,
    "POST",
    "/v1/subjects/{subject_id}/notices/mail",
    scope=Scope.MAILS_SEND,
    answers=PostedBody,
    status=201,
    summary="Send a notice by mail",
    problems=("notice-not-owed", "subject-restricted", "subject-suppressed", *PERSON),
    clauses=("C15", "C78", "C79"),
    law=("L29", "L45"),
    writes=True,
)
async def mail_notice(subject_id: UUID, body: NoticeMailBody, call: Sender) -> Response:
    """Writes the notice of Art. 14 out of what is held, or tells of a new policy and its refusal.

    Once it left, the person counts as informed; nothing counts as agreed to. What came from others
    is told on paper where there is no address for mails: it is then among the letters to print. Of
    a new policy only those are told who were shown an earlier version, and nobody who said no to
    news: the mail is part of them, and the archive is open to everybody.
    """
    await call.precondition(subject_id)
    attribution, outgoing = await call.attribution(), _outgoing(call)
    if body.kind is NoticeKind.OBTAINED:
        posted = await outgoing.notify(subject_id, body.language, attribution)
        return await _posted(call, posted.receipt)
    ledger = call.service.ledger
    policy = (await ledger.rules()).policy
    before = outdated(await ledger.state(subject_id), policy)
    if before is None:
        raise NoticeNotOwed
    _, former = await published_version(call.service, before)
    changes = entry_changes(former, policy)
    posted = await outgoing.tell_of_change(subject_id, changes, body.language, attribution)
    return await _posted(call, posted.receipt)
