"""The register of mails over HTTP (L9)."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query, Response, Security

from app.api.call import Call, authorised
from app.api.operations import router
from app.api.registers.answering import AskedOverTime, Register, answered, offered
from app.auth import Scope
from app.events.mails import MailKind
from app.projections import MAILS
from app.registers.mails import COLUMNS, LISTING
from app.registers.table import Part, Question

ROUTES = router("registers")

EXAMPLE = {
    "items": [
        {
            "position": 4711,
            "subject_id": "7f3c1f52-9c3e-4a52-8f1f-2f6b3a1c7d10",
            "mail": "6f1c2f7e-3a52-4d0e-9a5e-0d7a7a1c9b10",
            "kind": "consent_confirmation",
            "state": "sent",
            "channel": "smtp",
            "since": "2026-11-22T10:00:00Z",
        }
    ],
    "next": None,
    "self": "/v1/mails?state=sent",
    "stands_at": 8124,
    "as_of": None,
}


class MailsAsked(AskedOverTime):
    """The register narrowed by what a mail is about, and where it stands."""

    state: Literal["queued", "sent", "delayed", "failed", "bounced", "withdrawn"] | None = None
    kind: MailKind | None = None
    subject_id: UUID | None = None


async def _read(call: Call, question: Question) -> Part:
    return await LISTING.part(call.service.pool, question)


REGISTER = Register(
    name="mails",
    path="/v1/mails",
    columns=COLUMNS,
    read=_read,
    about_people=True,
    projections=(MAILS,),
)


@offered(
    ROUTES,
    REGISTER,
    scope=Scope.REGISTERS_READ,
    summary="List the mails",
    clauses=("C73", "C80"),
    law=("L3", "L9", "L27"),
    example=EXAMPLE,
)
async def list_mails(
    call: Annotated[Call, Security(authorised, scopes=[Scope.REGISTERS_READ])],
    asked: Annotated[MailsAsked, Query()],
) -> Response:
    """Lists every mail to a person: about what, when, in which state, with the hash of the message.

    What failed or came back waits for a human; what has not left is under /v1/mail-tasks, too.
    """
    return await answered(REGISTER, call, asked)
