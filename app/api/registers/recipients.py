"""The register of recipients: on which paper and mechanism, and what each can do about a right."""

from typing import Annotated

from fastapi import Query, Response, Security
from pydantic import Field

from app.api.call import Call, authorised
from app.api.operations import router
from app.api.policies import plain
from app.api.registers.answering import Asked, Register, answered, offered
from app.api.registers.words import MechanismWord
from app.auth import Scope
from app.policy.vocabulary import RecipientRole
from app.registers.moments import moment_of
from app.registers.recipients import COLUMNS, rows
from app.registers.rules import Ruled, ruled
from app.registers.table import Part, Question, Row, whole

ROUTES = router("registers")

EXAMPLE = {
    "items": [
        {
            "key": "mailchimp",
            "role": "processor",
            "countries": ["US"],
            "transfer_ground": "dpf",
            "mechanism_at_risk": True,
            "evidence_state": "current",
            "agreement_state": "in-force",
            "privacy_notice_state": "overdue",
            "can_erasure": "api",
        }
    ],
    "next": None,
    "self": "/v1/recipients",
    "stands_at": 31,
    "as_of": None,
}


class RecipientsAsked(Asked):
    """The register narrowed by what a recipient is."""

    role: RecipientRole | None = None
    transfer_ground: MechanismWord = Field(None, description="`eea` or a mechanism.")
    countries: Annotated[str, Field(pattern="^[A-Z]{2}$", max_length=2)] | None = None


async def _read(call: Call, question: Question) -> Part:
    service = call.service
    moment = await moment_of(question.as_of, service.pool, service.ledger.clock())
    found = await ruled(service.rulebook, service.store, question.as_of, moment)
    told = ({**row, **_nested(row, found)} for row in rows(found))
    return whole(told, question, found.stands_at)


def _nested(row: Row, found: Ruled) -> Row:
    """The contract and the policy's own words, whole."""
    contract = found.given.control.contracts.get(row["key"])
    return {
        "contract": plain(contract) if contract else None,
        "declared": plain(found.given.policy.recipients[row["key"]]),
    }


RECIPIENTS = Register(
    name="recipients",
    path="/v1/recipients",
    columns=COLUMNS,
    read=_read,
    about_people=False,
    nested={
        "contract": "The contract or memorandum on record, whole.",
        "declared": "What the policy says of the recipient, whole.",
    },
)


@offered(
    ROUTES,
    RECIPIENTS,
    scope=Scope.REGISTERS_READ,
    summary="List the recipients",
    clauses=(
        *("C35", "C36", "C38", "C39", "C40", "C41", "C42", "C43", "C44", "C45", "C46", "C47"),
        *("C48", "C51", "C52", "C57", "C58"),
    ),
    law=("L32", "L48", "L50", "L55", "L56", "L57", "L58"),
    example=EXAMPLE,
)
async def list_recipients(
    call: Annotated[Call, Security(authorised, scopes=[Scope.REGISTERS_READ])],
    asked: Annotated[RecipientsAsked, Query()],
) -> Response:
    """Lists every recipient that the policy names, with what holds for it on the day.

    Role and country, mechanism and its validity, contract, privacy statement, and by which means
    each right is carried out there: `api`, `manual`, `impossible`, or not known. `as_of`
    asks what held on an earlier day, under the policy and the arrangements of that day.
    """
    return await answered(RECIPIENTS, call, asked)
