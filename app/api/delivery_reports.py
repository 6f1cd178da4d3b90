"""Messages about deliveries over HTTP: what mail servers tell of our mails (RFC 3464; L9, L29)."""

import asyncio
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import HTTPException, Request, Response, Security
from pydantic import Field

from app.api.answers import receipted
from app.api.bodies import ReceiptBody
from app.api.call import Call, authorised
from app.api.operations import operation, router
from app.auth import Scope
from app.domain.delivery_reports import Delivery
from app.propagation.delivery_reports import (
    SIZE_MAX,
    DeliveryReportForeign,
    read_delivery_report,
)
from app.propagation.told_deliveries import record_delivery
from app.registers.mails import whose
from app.values import replace

ROUTES = router("mails")

MESSAGE: Final = "message/rfc822"

EXAMPLE: Final = """\
From: MAILER-DAEMON@relay.example
To: info@controller.example
Subject: Undelivered Mail Returned to Sender
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

The mail could not be delivered.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; relay.example

Final-Recipient: rfc822; ada@stad.example
Action: failed
Status: 5.1.1

--b
Content-Type: text/rfc822-headers

Message-ID: <6f1c2f7e3a524d0e9a5e0d7a7a1c9b10@controller.example>

--b--
"""

BODY: Final[dict[str, Any]] = {  # Any: a JSON value
    "required": True,
    "description": "The message as it came (RFC 5322).",
    "content": {
        MESSAGE: {
            "schema": {"type": "string", "format": "binary", "maxLength": SIZE_MAX},
            "example": EXAMPLE,
        }
    },
}


class DeliveryReportBody(ReceiptBody):
    """What was read, and the receipt of what was recorded of it."""

    mail: UUID
    outcome: Delivery = Field(
        description="What the report tells: `bounced` is given up, `delayed` is tried further,"
        " `relayed` is told no more of.",
        examples=["bounced"],
    )
    status_code: str = Field(
        description="The code of RFC 3463; it is told here and not kept.",
        pattern=r"^[245]\.[0-9]{1,3}\.[0-9]{1,3}$",
        max_length=9,
        examples=["5.1.1"],
    )


@operation(
    ROUTES,
    "POST",
    "/v1/mails/delivery-reports",
    scope=Scope.MAILS_REPORT,
    answers=DeliveryReportBody,
    status=201,
    summary="Take in a message about a delivery",
    problems=(
        *("delivery-report-unreadable", "delivery-report-foreign", "mail-not-left"),
        *("mail-unknown", "mail-settled", "projection-lagging"),
    ),
    clauses=("C80",),
    law=("L9", "L29"),
    writes=True,
    body=BODY,
)
async def take_delivery_report(
    request: Request, call: Annotated[Call, Security(authorised, scopes=[Scope.MAILS_REPORT])]
) -> Response:
    """Records what a mail server tells of a mail of ours: delayed, arrived, or come back for good.

    What came back waits under `/v1/mail-tasks`, and what it was to tell is owed again, as when a
    human had entered it. The mail is found by its Message-ID or envelope id (RFC 3461), never by
    the address; of several recipients the gravest outcome counts. What is told twice, too late or
    of an earlier attempt changes nothing: 200 without events. Nothing else of the message is kept.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != MESSAGE:
        raise HTTPException(415)
    content = await request.body()
    if len(content) > SIZE_MAX:
        raise HTTPException(413)
    attribution = await call.attribution(reads_body=False)
    key = attribution.idempotency
    attribution = replace(attribution, idempotency=key and replace(key, body=content))
    report = await asyncio.to_thread(read_delivery_report, content)
    service = call.service
    subject_id = await whose(service.pool, service.store, report.mail)
    if subject_id is None:
        raise DeliveryReportForeign
    await call.precondition(subject_id)
    ledger = service.ledger
    receipt = await ledger.repeated(attribution) or await record_delivery(
        ledger, subject_id, report, attribution
    )
    return receipted(receipt, mail=report.mail, outcome=report.delivery, status_code=report.status)
