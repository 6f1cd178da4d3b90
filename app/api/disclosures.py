"""Shares of a person's data: recorded before they happen, or refused with the reason (C35)."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Response, Security
from pydantic import BaseModel, Field

from app.api.answers import answer, receipted
from app.api.bodies import Body, MomentField, NameField, ReceiptBody, WordField
from app.api.call import Call, authorised
from app.api.inspections import INSPECTING, inspect
from app.api.operations import operation, router
from app.api.paging import CursorQuery, LimitQuery, cursor, page, place_of
from app.api.sources import source_of
from app.auth import Scope
from app.domain.disclosures import RecordDisclosure
from app.domain.permissions import REFUSALS
from app.propagation.registration import REGISTRAR, Registrar
from app.rights.as_of import parse_as_of
from app.rights.person import read_person
from app.rights.sharing import disclosure_value, disclosures, recipients_value

ROUTES = router("disclosures")


class DisclosureBody(Body):
    """One share with one or more recipients; all of them are allowed, or nothing is recorded."""

    recipients: list[NameField] = Field(
        description="Keys of the policy or names that its alias table knows.",
        min_length=1,
        max_length=50,
        examples=[["azavista"]],
    )
    purpose: WordField = Field(examples=["event_logistics"])
    categories: list[WordField] = Field(
        min_length=1, max_length=100, examples=[["contact.name", "contact.email"]]
    )
    member: UUID | None = Field(
        default=None, description="Which one, when the recipient is a group such as the members."
    )
    country: str | None = Field(
        default=None,
        description="ISO 3166 alpha-2, where that one is.",
        pattern=r"^[A-Za-z]{2}$",
        max_length=2,
    )
    source: NameField | None = Field(
        default=None, description="The system from which the data are taken (C18, C54)."
    )
    occasion: UUID | None = None
    occurred_at: MomentField | None = Field(
        default=None, description="Only for a share that took place already."
    )


class DisclosuresBody(BaseModel):
    """Who got what about the person, when and for what, by name."""

    subject_id: UUID
    position: int = Field(ge=0)
    recipients: list[dict[str, Any]] = Field(
        description="Every recipient, by name, whatever the page.", max_length=100_000
    )
    items: list[dict[str, Any]] = Field(description="Single shares, oldest first.", max_length=200)
    next: str | None = Field(description="Cursor of the next page.", max_length=200)
    self: str = Field(max_length=200)


@operation(
    ROUTES,
    "POST",
    "/v1/subjects/{subject_id}/disclosures",
    scope=Scope.DISCLOSURES_WRITE,
    answers=ReceiptBody,
    status=201,
    summary="Record a share before it happens",
    problems=(
        *(refusal.code for refusal in REFUSALS),
        "disclosure-empty",
        "country-unknown",
        "source-unknown",
        "source-not-yours",
        "occurred-in-future",
    ),
    clauses=("C18", "C23", "C29", "C30", "C35", "C36", "C38", "C47", "C54"),
    law=("L4", "L17", "L42", "L43", "L44", "L55", "L56"),
    writes=True,
)
async def record_disclosure(
    subject_id: UUID,
    body: DisclosureBody,
    call: Annotated[Call, Security(authorised, scopes=[Scope.DISCLOSURES_WRITE])],
) -> Response:
    """Records that data go to recipients for a purpose, or refuses it and says why.

    Share only after the 201: an objection, a withdrawal or a restriction that was acknowledged
    before can then not be overtaken.
    """
    command = RecordDisclosure(
        recipients=tuple(body.recipients),
        purpose=body.purpose,
        categories=frozenset(body.categories),
        member=body.member,
        country=body.country,
        source=None if body.source is None else await source_of(call, body.source),
        occasion=body.occasion,
        occurred_at=body.occurred_at,
    )
    attribution = await call.attribution()
    await _heed_opt_outs(call, subject_id)
    return receipted(await call.service.ledger.execute(subject_id, command, attribution))


async def _heed_opt_outs(call: Call, subject_id: UUID) -> None:
    """An impersonal address may be mailed until it opts out; nobody is found by one who does.

    So an opt-out that came to the register alone is looked up here, before the share (L17).
    """
    ledger = call.service.ledger
    if not (await ledger.state(subject_id)).mailboxes.impersonal:
        return
    policy = (await ledger.rules()).policy
    registrar = Registrar(ledger, call.service.lookups)
    await registrar.settle(subject_id, await call.addresses_of(subject_id), REGISTRAR, policy)


@operation(
    ROUTES,
    "GET",
    "/v1/subjects/{subject_id}/disclosures",
    scope=Scope.DISCLOSURES_READ,
    answers=DisclosuresBody,
    summary="Show who got what, when and for what",
    problems=(
        "subject-unknown",
        "subject-erased",
        "as-of-malformed",
        "cursor-invalid",
        *INSPECTING,
    ),
    clauses=("C35", "C41", "C42", "C43", "C44", "C45", "C46", "C47"),
    law=("L3", "L31", "L32"),
    purpose=True,
)
async def list_disclosures(
    subject_id: UUID,
    call: Annotated[Call, Security(authorised, scopes=[Scope.DISCLOSURES_READ])],
    *,
    as_of: Annotated[str | None, Query(max_length=40)] = None,
    limit: LimitQuery = 50,
    cursor_: CursorQuery = None,
) -> Response:
    """Every recipient by name, and every single share with its purpose and transfer ground.

    `as_of` (a position or an RFC 3339 time) answers who had what on that day. The reading is
    recorded under the purpose that the Purpose header names, once for all pages.
    """
    store = call.service.store
    listing = f"disclosures/{subject_id}/{as_of or ''}"
    after = place_of(store, listing, cursor_)
    person = await read_person(store, subject_id, parse_as_of(as_of))
    await inspect(call, subject_id, further=after > 0)
    given = (await call.service.ledger.rules()).at(call.service.ledger.clock())
    shares = [one for one in disclosures(person) if one.version > after]
    shown = shares[:limit]
    following = cursor(store, listing, shown[-1].version) if len(shares) > limit else None
    body, headers = page(
        [disclosure_value(one, given.policy) for one in shown],
        f"/v1/subjects/{subject_id}/disclosures",
        following=following,
    )
    told = {"subject_id": subject_id, "position": person.position}
    # The header's address would lack `as_of`: then the cursor in the body counts alone.
    return answer(
        {**told, "recipients": recipients_value(person, given), **body},
        headers=headers if as_of is None else None,
    )
