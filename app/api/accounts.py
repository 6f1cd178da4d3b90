"""Accounts at third parties, and what a person contributed there (C41, C42, C62, C72)."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Response, Security
from pydantic import BaseModel, Field

from app.api.answers import answer, receipted
from app.api.bodies import Body, DigestField, MomentField, NameField, ReceiptBody
from app.api.call import Call, authorised
from app.api.inspections import INSPECTING, inspect
from app.api.operations import operation, router
from app.api.sources import source_of
from app.auth import Scope
from app.domain.days import day_of
from app.domain.subjects import SubjectUnknown
from app.domain.system_accounts import (
    AskDeactivation,
    DeactivateAccount,
    OpenAccount,
    RecordContribution,
)
from app.events.system_accounts import AccountActor
from app.rights.authorship import accounts_value, contributions_value
from app.rights.person import read_person

ROUTES = router("accounts")

PERSON = ("subject-unknown", "subject-erased")
KNOWN = ("account-unknown", "occurred-in-future", *PERSON)
SOURCED = ("source-unknown", "source-not-yours")
CALLER = Security(authorised, scopes=[Scope.ACCOUNTS_WRITE])


class AccountBody(Body):
    """An account; its user name is collected like any other datum."""

    account: UUID = Field(description="An opaque id of yours; never the user name.")
    system: NameField = Field(examples=["basecamp"])
    source: NameField = Field(examples=["basecamp"])
    occurred_at: MomentField | None = None


class AskBody(Body):
    """The person asked the desk to close the account."""

    source: NameField = Field(examples=["secretariat"])
    occurred_at: MomentField | None = Field(default=None, description="When it was received.")


class DeactivationBody(Body):
    """Who closed it, and what shows it."""

    actor: AccountActor = Field(examples=["self"])
    source: NameField = Field(examples=["basecamp"])
    evidence: DigestField | None = Field(
        default=None, description="SHA-256 of what shows it, in hex; the desk always sends one."
    )
    occurred_at: MomentField | None = None


class ContributionBody(Body):
    """Something that the person contributed; its text stays in the system."""

    contribution: UUID
    account: UUID
    occasion: UUID | None = None
    occurred_at: MomentField | None = None


class AccountsBody(BaseModel):
    """Every account of the person, with the last day for closing the ones that they asked for."""

    subject_id: UUID
    position: int = Field(ge=0)
    accounts: list[dict[str, Any]] = Field(max_length=1000)


class ContributionsBody(BaseModel):
    """What the person is the author of, and how the author is to be shown."""

    subject_id: UUID
    author: str = Field(description="`member` or `former_member`.", max_length=20)
    contributions: list[dict[str, Any]] = Field(max_length=100_000)


@operation(
    ROUTES,
    "POST",
    "/v1/subjects/{subject_id}/accounts",
    scope=Scope.ACCOUNTS_WRITE,
    answers=ReceiptBody,
    status=201,
    summary="Record an account at a third party",
    problems=("recipient-not-listed", "under-age", "occurred-in-future", *SOURCED, *PERSON),
    clauses=("C41", "C42"),
    law=("L32",),
    writes=True,
)
async def open_account(
    subject_id: UUID, body: AccountBody, call: Annotated[Call, CALLER]
) -> Response:
    """Records that the person has an account in a system of the policy."""
    command = OpenAccount(
        account=body.account,
        system=body.system,
        source=await source_of(call, body.source),
        occurred_at=body.occurred_at,
    )
    return await _done(call, subject_id, command)


@operation(
    ROUTES,
    "POST",
    "/v1/subjects/{subject_id}/accounts/{account}/deactivation-requests",
    scope=Scope.ACCOUNTS_WRITE,
    answers=ReceiptBody,
    status=201,
    summary="Record that the desk is to close an account",
    problems=(*SOURCED, *KNOWN),
    clauses=("C72",),
    law=("L20", "L22"),
    writes=True,
)
async def ask_deactivation(
    subject_id: UUID, account: UUID, body: AskBody, call: Annotated[Call, CALLER]
) -> Response:
    """Sets the last day for it: a month from receipt; the list of accounts shows it."""
    command = AskDeactivation(
        account=account,
        source=await source_of(call, body.source),
        occurred_at=body.occurred_at,
    )
    return await _done(call, subject_id, command)


@operation(
    ROUTES,
    "POST",
    "/v1/subjects/{subject_id}/accounts/{account}/deactivation",
    scope=Scope.ACCOUNTS_WRITE,
    answers=ReceiptBody,
    status=201,
    summary="Record that an account is closed",
    problems=("deactivation-unproven", *SOURCED, *KNOWN),
    clauses=("C62", "C72"),
    law=("L9",),
    writes=True,
)
async def deactivate_account(
    subject_id: UUID, account: UUID, body: DeactivationBody, call: Annotated[Call, CALLER]
) -> Response:
    """The person closed it in the system, or the desk did and shows it.

    What the person contributed stays, under their name; it takes an erasure to change that.
    """
    command = DeactivateAccount(
        account=account,
        actor=body.actor,
        source=await source_of(call, body.source),
        evidence=body.evidence,
        occurred_at=body.occurred_at,
    )
    return await _done(call, subject_id, command)


@operation(
    ROUTES,
    "GET",
    "/v1/subjects/{subject_id}/accounts",
    scope=Scope.SUBJECTS_READ,
    answers=AccountsBody,
    summary="Show a person's accounts and what is due",
    problems=(*INSPECTING, *PERSON),
    clauses=("C41", "C42", "C72"),
    law=("L3", "L20"),
    purpose=True,
)
async def list_accounts(
    subject_id: UUID,
    call: Annotated[Call, Security(authorised, scopes=[Scope.SUBJECTS_READ])],
) -> Response:
    """Each account, open, closing until a day, or closed with what shows it.

    The reading is recorded under the purpose that the Purpose header names.
    """
    person = await read_person(call.service.store, subject_id)
    await inspect(call, subject_id)
    given = (await call.service.ledger.rules()).at(call.service.ledger.clock())
    return answer(
        {
            "subject_id": subject_id,
            "position": person.position,
            "accounts": accounts_value(person.state, day_of(given.now, given)),
        }
    )


@operation(
    ROUTES,
    "POST",
    "/v1/subjects/{subject_id}/contributions",
    scope=Scope.ACCOUNTS_WRITE,
    answers=ReceiptBody,
    status=201,
    summary="Record who is the author of a contribution",
    problems=("account-closed", *KNOWN),
    clauses=("C26", "C62"),
    law=("L32",),
    writes=True,
)
async def record_contribution(
    subject_id: UUID, body: ContributionBody, call: Annotated[Call, CALLER]
) -> Response:
    """Records the authorship alone: the text stays in the system where others read it."""
    command = RecordContribution(
        contribution=body.contribution,
        account=body.account,
        occasion=body.occasion,
        occurred_at=body.occurred_at,
    )
    return await _done(call, subject_id, command)


@operation(
    ROUTES,
    "GET",
    "/v1/subjects/{subject_id}/contributions",
    scope=Scope.SUBJECTS_READ,
    answers=ContributionsBody,
    summary="Show what a person is the author of, and how to show the author",
    problems=(*INSPECTING, "subject-unknown"),
    clauses=("C62",),
    law=("L3",),
    purpose=True,
)
async def list_contributions(
    subject_id: UUID,
    call: Annotated[Call, Security(authorised, scopes=[Scope.SUBJECTS_READ])],
) -> Response:
    """A closed account leaves its author as they are; an erased author is a `former_member`.

    Answered of an erased person too: whoever shows a contribution has to know.
    """
    _, _, states = await call.service.ledger.current_states([subject_id])
    state = states[subject_id]
    if not state.registered:
        raise SubjectUnknown
    await inspect(call, subject_id)
    return answer({"subject_id": subject_id, **contributions_value(state)})


async def _done(call: Call, subject_id: UUID, command: object) -> Response:
    return receipted(
        await call.service.ledger.execute(subject_id, command, await call.attribution())
    )
