"""May these people's data go to one recipient for one purpose: many answers, one position."""

from collections.abc import Iterable
from typing import Annotated, Any
from uuid import UUID

from fastapi import Response, Security
from pydantic import BaseModel, ConfigDict, Field

from app.api.answers import answer
from app.api.bodies import Body, NameField, WordField
from app.api.call import Call, authorised
from app.api.operations import operation, router
from app.api.problems import refusal_members
from app.auth import Scope
from app.domain.decider import Circumstances
from app.domain.disclosures import CountryUnknown
from app.domain.permissions import Allowed, Denied, Use, use_of
from app.domain.permissions import answer as permission
from app.domain.purpose_limitation import (
    CategoryUnknown,
    PurposeMissing,
    PurposeUnknown,
    source_named,
)
from app.domain.subject import SubjectState

ROUTES = router("permissions")

SUBJECTS_MAX = 10_000

_UNKNOWN_WORDS = (CategoryUnknown, PurposeUnknown, PurposeMissing, CountryUnknown)
"""The question itself is wrong; every other no is an answer about each person."""


class PermissionsBody(Body):
    """One question about many people."""

    subjects: list[UUID] = Field(min_length=1, max_length=SUBJECTS_MAX)
    purpose: WordField = Field(examples=["newsletter"])
    recipient: NameField = Field(examples=["mailchimp"])
    categories: list[WordField] = Field(
        default=[],
        description="What would be shared; empty when that is not known yet.",
        max_length=100,
        examples=[["contact.name", "contact.email"]],
    )
    source: NameField | None = Field(
        default=None, description="The system from which the data would be taken (C18, C54)."
    )
    country: str | None = Field(
        default=None,
        description="ISO 3166 alpha-2, which case of a group of recipients is meant.",
        pattern=r"^[A-Za-z]{2}$",
        max_length=2,
    )


class PermissionBody(BaseModel):
    """The answer for one person; further members say what a refusal is about, as its problem."""

    model_config = ConfigDict(extra="allow")

    subject_id: UUID
    allowed: bool
    mechanism: str | None = Field(
        default=None, description="The transfer ground: `eea` or a mechanism.", max_length=64
    )
    reason: str | None = Field(
        default=None, description="The problem type a disclosure would be refused with."
    )
    rules: list[str] = Field(default=[], max_length=20)


class PermissionsAnswer(BaseModel):
    """The answers, in the order of the question, true at one position of the log."""

    position: int = Field(description="Not below the head when the question arrived.", ge=-1)
    policy: str = Field(max_length=64)
    purpose: str = Field(max_length=64)
    recipient: str = Field(max_length=100)
    answers: list[PermissionBody] = Field(max_length=SUBJECTS_MAX)


@operation(
    ROUTES,
    "POST",
    "/v1/permissions:check",
    scope=Scope.PERMISSIONS_CHECK,
    answers=PermissionsAnswer,
    summary="Ask for which people a share would be allowed",
    problems=(
        "malformed-json",
        "unsupported-media-type",
        "body-too-large",
        "purpose-unknown",
        "category-unknown",
        "source-unknown",
    ),
    clauses=("C35", "C36", "C38", "C65", "C73"),
    law=("L42", "L43", "L44", "L55", "L56"),
    example={
        "position": 4711,
        "policy": "impel-1",
        "purpose": "newsletter",
        "recipient": "mailchimp",
        "answers": [
            {
                "subject_id": "9f2c1c5e-3d0b-4f4e-8a55-0c6b8d7f1a10",
                "allowed": False,
                "reason": "consent-missing",
                "rules": ["C25", "L11", "L14", "L16", "L17"],
                "purpose": "newsletter",
            }
        ],
    },
)
async def check_permissions(
    body: PermissionsBody,
    call: Annotated[Call, Security(authorised, scopes=[Scope.PERMISSIONS_CHECK])],
) -> Response:
    """Answers for each person whether the share would be allowed, and if not, why.

    All answers are true at the one position that is stated, which is never below the head when
    the question arrived. It is advice: record the disclosure first, and share after its 201.
    """
    ledger = call.service.ledger
    position, rules, states = await ledger.current_states(tuple(dict.fromkeys(body.subjects)))
    given = rules.at(ledger.clock())
    use = _use(body, given)
    return answer(
        {
            "position": position,
            "policy": rules.policy.version,
            "purpose": body.purpose,
            "recipient": body.recipient if isinstance(use, Denied) else use.recipient.key,
            "answers": _answers(body.subjects, use, states),
        }
    )


def _use(body: PermissionsBody, given: Circumstances) -> Use | Denied:
    source = None if body.source is None else source_named(body.source, given.policy).key
    use = use_of(
        body.purpose,
        body.recipient,
        body.categories,
        given,
        source=source,
        country=body.country,
    )
    if isinstance(use, Denied) and issubclass(use.refusal, _UNKNOWN_WORDS):
        raise use.raised()
    return use


def _answers(
    subjects: Iterable[UUID], use: Use | Denied, states: dict[UUID, SubjectState]
) -> list[dict[str, Any]]:  # Any: JSON values
    return [{"subject_id": one, **_value(permission(use, states[one]))} for one in subjects]


def _value(found: Allowed | Denied) -> dict[str, Any]:  # Any: JSON values
    if isinstance(found, Allowed):
        return {"allowed": True, "mechanism": found.mechanism}
    return {"allowed": False, "reason": found.code, **refusal_members(found.raised())}
