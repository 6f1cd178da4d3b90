"""A person's profile, field by field, read for one purpose; every reading is recorded (L3)."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Query, Response, Security
from pydantic import BaseModel, Field

from app.api.answers import answer
from app.api.call import Call, authorised, etag
from app.api.operations import operation, router
from app.auth import Scope
from app.domain.accounts import mask_account
from app.domain.consultations import (
    PurposeNotAllowed,
    RecordConsultation,
    RecordRefusedConsultation,
    check_readable,
    check_unrestricted,
)
from app.domain.inheritance import as_one
from app.domain.restrictions import SubjectRestricted
from app.policy.vocabulary import FieldClass
from app.rights.as_of import parse_as_of
from app.rights.merged import other_profiles
from app.rights.person import read_person
from app.rights.profile import ProfileField, profile

ROUTES = router("subjects")


class FieldBody(BaseModel):
    """One value and why it is held."""

    category: str = Field(examples=["contact.email"], max_length=64)
    field_class: FieldClass
    value: str | None = Field(
        description="Masked for financial data unless `reveal` names the category.", max_length=4000
    )
    state: Literal["held", "erased", "lost", "unavailable"] = Field(
        description="`lost` with its key, which was given up: no rule erased it."
    )
    purpose: str = Field(max_length=64)
    basis: str = Field(max_length=64)
    source: str = Field(max_length=64)
    origin: str = Field(max_length=32)
    since: datetime
    retention_class: str = Field(max_length=64)
    occasion: UUID | None
    policy: str = Field(max_length=64)
    rectified: bool


class ProfileBody(BaseModel):
    """What is held and may be read for the purpose."""

    subject_id: UUID
    version: int = Field(ge=0)
    purpose: str = Field(max_length=64)
    as_of: str | None = Field(max_length=40)
    restricted: bool
    fields: list[FieldBody] = Field(max_length=1000)
    other_records: list[dict[str, Any]] = Field(
        description="Other records of the same person, each with a profile of its own.",
        max_length=100,
    )


@operation(
    ROUTES,
    "GET",
    "/v1/subjects/{subject_id}",
    scope=Scope.SUBJECTS_READ,
    answers=ProfileBody,
    summary="Show a person's profile",
    problems=(
        "purpose-unknown",
        "purpose-not-allowed",
        "as-of-malformed",
        "subject-restricted",
        "subject-unknown",
        "subject-erased",
    ),
    clauses=("C4", "C6", "C12", "C64"),
    law=("L3", "L4", "L6", "L42"),
    purpose=True,
)
async def get_subject(
    subject_id: UUID,
    call: Annotated[Call, Security(authorised, scopes=[Scope.SUBJECTS_READ])],
    as_of: Annotated[str | None, Query(max_length=40)] = None,
    reveal: Annotated[list[str] | None, Query(max_length=20)] = None,
) -> Response:
    """Shows what is held for the purpose named in the Purpose header, each value with its why.

    `as_of` (a position or an RFC 3339 time) shows an earlier state; what was erased since stays
    erased. `reveal` asks for categories by name: one that the purpose does not allow is refused,
    and the refusal is recorded.
    """
    service, purpose = call.service, call.purpose()
    rules = await service.ledger.rules()
    person = await read_person(service.store, subject_id, parse_as_of(as_of))
    revealed = frozenset(reveal or ())
    given = rules.at(service.ledger.clock())
    try:
        check_unrestricted(person.state, purpose, given)
        check_readable(person.state, purpose, revealed, given)
    except (PurposeNotAllowed, SubjectRestricted):
        refused = RecordRefusedConsultation(
            purpose=purpose, categories=revealed & frozenset(rules.policy.categories)
        )
        await service.ledger.execute(subject_id, refused, call.reading())
        raise
    shown = profile(person, purpose, given)
    version = etag(shown.state.content_version)
    if call.request.headers.get("if-none-match") == version and as_of is None:
        return Response(status_code=304, headers={"etag": version})
    if shown.categories:
        consulted = RecordConsultation(purpose=purpose, categories=shown.categories)
        await service.ledger.execute(subject_id, consulted, call.reading())
    body = {
        "subject_id": subject_id,
        "version": shown.state.content_version,
        "purpose": purpose,
        "as_of": as_of,
        "restricted": bool(as_one(person.state).restrictions.active),
        "fields": [_value(one, revealed) for one in shown.fields],
        "other_records": other_profiles(person.state),
    }
    return answer(body, headers={"etag": version})


def _value(one: ProfileField, revealed: frozenset[str]) -> dict[str, object]:
    members = asdict(one)
    masked = one.field_class is FieldClass.FINANCIAL and one.category not in revealed
    if masked and one.value is not None:
        members["value"] = mask_account(one.value)
    return members
