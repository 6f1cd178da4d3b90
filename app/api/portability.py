"""The portability package of one person, and its schema (Art. 20 GDPR)."""

import asyncio
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Request, Response, Security
from pydantic import BaseModel, ConfigDict, Field

from app.api.answers import answer
from app.api.call import Call, authorised
from app.api.operations import operation, router
from app.auth import Scope
from app.events.transmissions import Profile
from app.rights.portability import portable
from app.rights.portability_package import packed
from app.rights.portability_schema import SCHEMA, SCHEMA_PATH

ROUTES = router("rights")

SCHEMA_MEDIA_TYPE = "application/schema+json"
ZIP_MEDIA_TYPE = "application/zip"
ZIP_NAME = "your-data.zip"
Reader = Annotated[Call, Security(authorised, scopes=[Scope.REPORTS_READ])]


class Form(StrEnum):
    """In what form the package is handed out."""

    JSON = "json"
    ZIP = "zip"


class PortabilityBody(BaseModel):
    """The package; its whole schema is served beside it."""

    package: str = Field(examples=["portability"], max_length=16)
    article: str = Field(max_length=64)
    profile: Profile
    structure: dict[str, str] = Field(
        alias="schema", description="Where its JSON Schema is, and the SHA-256 of that."
    )
    subject_id: UUID
    as_of: datetime
    position: int = Field(ge=0)
    policy: str = Field(max_length=64)
    controller: dict[str, str]
    other_records: list[dict[str, Any]] = Field(
        description="Other records of the same person, each with a package of its own.",
        max_length=100,
    )
    data: list[dict[str, Any]] = Field(max_length=100_000)
    files: list[dict[str, Any]] = Field(max_length=100_000)
    statements: list[dict[str, Any]] = Field(max_length=100_000)
    consents: list[dict[str, Any]] = Field(max_length=1000)
    transfers: list[dict[str, Any]] = Field(max_length=1000)
    relationships: list[dict[str, Any]] = Field(max_length=1000)
    objections: list[dict[str, Any]] = Field(max_length=1000)
    restrictions: list[dict[str, Any]] = Field(max_length=1000)
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
    forms=(ZIP_MEDIA_TYPE,),
)
async def get_portability_package(
    subject_id: UUID,
    call: Reader,
    *,
    profile: Annotated[Profile, Query()] = Profile.PROMISED,
    form: Annotated[
        Form | None, Query(alias="format", description="In place of an Accept header.")
    ] = None,
    language: Annotated[
        str | None,
        Query(
            max_length=16,
            pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$",
            description="Of README.html; without it, the language of the person.",
        ),
    ] = None,
) -> Response:
    """The person's data, each value with purpose, basis, source and since when.

    It is a zip with a page for the person, JSON with its schema, tables, a vCard, a JSContact card,
    the consents as ISO/IEC TS 27560 records, and a signed manifest; with `Accept: application/json`
    or `format=json` it is the data alone. `legal` holds what Art. 20 grants: what the person
    provided, on consent or contract. `promised` holds everything in use, as the policy promises.
    The same state is the same bytes. The answer is recorded as a consultation.
    """
    ledger = call.service.ledger
    found = await portable(ledger, subject_id, profile, call.reading())
    if form is Form.JSON or (form is None and _wants_json(call.request)):
        return answer(found.value)
    origin = call.service.correspondence.public_url
    content = await asyncio.to_thread(packed, found, call.service.signer, origin, language)
    named = {"content-disposition": f'attachment; filename="{ZIP_NAME}"'}
    return Response(content, headers=named, media_type=ZIP_MEDIA_TYPE)


def _wants_json(request: Request) -> bool:
    accepted = {
        one.partition(";")[0].strip() for one in request.headers.get("accept", "").split(",")
    }
    return "application/json" in accepted and ZIP_MEDIA_TYPE not in accepted


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
