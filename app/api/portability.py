"""The portability package of one person, and its schema (Art. 20 GDPR)."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Response, Security
from pydantic import BaseModel, ConfigDict, Field

from app.api.answers import answer
from app.api.call import Call, authorised
from app.api.operations import operation, router
from app.auth import Scope
from app.rights.portability import Profile, portability_package
from app.rights.portability_schema import SCHEMA, SCHEMA_PATH

ROUTES = router("rights")

SCHEMA_MEDIA_TYPE = "application/schema+json"
Reader = Annotated[Call, Security(authorised, scopes=[Scope.REPORTS_READ])]


class PortabilityBody(BaseModel):
    """The package; its whole schema is served beside it."""

    package: str = Field(examples=["portability"], max_length=16)
    article: str = Field(max_length=64)
    profile: Profile
    subject_id: UUID
    generated_at: datetime
    position: int = Field(ge=0)
    policy: str = Field(max_length=64)
    data: list[dict[str, Any]] = Field(max_length=100_000)
    files: list[dict[str, Any]] = Field(max_length=100_000)
    statements: list[dict[str, Any]] = Field(max_length=100_000)
    consents: list[dict[str, Any]] = Field(max_length=1000)
    manifest: list[dict[str, Any]] = Field(max_length=10)


class SchemaBody(BaseModel):
    """A JSON Schema, draft 2020-12."""

    model_config = ConfigDict(extra="allow")


@operation(
    ROUTES,
    "GET",
    "/v1/subjects/{subject_id}/portability-package",
    scope=Scope.REPORTS_READ,
    answers=PortabilityBody,
    summary="Hand out a person's data to take along",
    problems=("subject-unknown", "subject-erased", "ledger-busy"),
    clauses=("C68",),
    law=("L35",),
)
async def get_portability_package(
    subject_id: UUID,
    call: Reader,
    profile: Annotated[Profile, Query()] = Profile.PROMISED,
) -> Response:
    """The person's data as JSON, each value with purpose, basis, source and since when.

    `legal` holds what Art. 20 grants: what the person provided, on consent or contract. `promised`
    holds everything in use, as the policy promises. The answer is recorded as a consultation.
    """
    ledger = call.service.ledger
    return answer(await portability_package(ledger, subject_id, profile, call.reading()))


@operation(
    ROUTES,
    "GET",
    SCHEMA_PATH,
    scope=Scope.REPORTS_READ,
    answers=SchemaBody,
    summary="The JSON Schema of a portability package",
    clauses=("C68",),
    law=("L35",),
    media_type=SCHEMA_MEDIA_TYPE,
)
async def get_portability_schema(call: Reader) -> Response:  # noqa: ARG001  # the scope is asked
    """By which whoever receives a package can read it; the package names its SHA-256."""
    return answer(SCHEMA, media_type=SCHEMA_MEDIA_TYPE)
