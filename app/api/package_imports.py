"""A portability package taken in: our own, on another ledger of ours (Art. 20; L35, C68)."""

import asyncio
import binascii
from base64 import b64decode
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Header, HTTPException, Query, Request, Response, Security
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.api.answers import answer
from app.api.bodies import DigestField, LanguageField, MomentField, NameField, ValueField, WordField
from app.api.call import Call, authorised
from app.api.operations import operation, router
from app.api.strict_json import is_json, parse
from app.auth import Scope
from app.domain.evidence import Wording
from app.domain.objections import Status
from app.events.identifiers import Verification
from app.events.objections import ObjectionCause
from app.events.restrictions import RestrictionGround
from app.propagation.packages import OpenedPackage, opened_package
from app.propagation.packed_objections import PackedObjection, PackedRestriction
from app.propagation.registration import Registrar
from app.propagation.taking_in import (
    TRANSFER,
    Intake,
    Package,
    PackedFile,
    PackedRelationship,
    PackedStatement,
    PackedStep,
    PackedValue,
)
from app.values import replace

ROUTES = router("imports")

ZIP = "application/zip"


class _Part(BaseModel):
    """A part of a package; members that only people read are passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class ValuePart(_Part):
    """One value, with why it was held."""

    category: WordField
    value: ValueField
    purpose: WordField
    source: WordField
    since: MomentField
    occasion: UUID | None = None


class FilePart(_Part):
    """One file in another system."""

    system: NameField
    title: ValueField
    date: MomentField
    category: WordField
    purpose: WordField
    source: WordField


class StatementPart(_Part):
    """One supplementary statement."""

    completes: list[WordField] = Field(max_length=50)
    text: str = Field(min_length=1, max_length=20_000)
    since: MomentField


class StepPart(_Part):
    """One step of a consent."""

    type: WordField
    occurred_at: MomentField
    wording: DigestField | None = None
    language: LanguageField | None = None
    policy: WordField | None = None
    method: WordField | None = None
    source: WordField | None = None
    evidence: ValueField | None = None

    def step(self, purpose: str) -> PackedStep:
        """As it is carried out."""
        return PackedStep(
            purpose=purpose,
            type=self.type,
            occurred_at=self.occurred_at,
            source=self.source or "",
            wording=Wording(
                digest=self.wording or "", language=self.language or "", policy=self.policy or ""
            ),
            method=self.method or "",
            evidence=self.evidence or "",
        )


class ConsentPart(_Part):
    """One consent with its history."""

    purpose: WordField
    history: list[StepPart] = Field(max_length=1_000)


class TransferPart(_Part):
    """One explicit consent to a transfer that stands."""

    purpose: WordField
    recipient: WordField
    country: str | None = Field(default=None, max_length=2)
    wording_sha256: DigestField
    language: LanguageField
    policy: WordField
    method: WordField
    source: WordField
    since: MomentField
    evidence: ValueField | None = None

    def step(self) -> PackedStep:
        """As it is carried out."""
        return PackedStep(
            purpose=self.purpose,
            type=TRANSFER,
            occurred_at=self.since,
            source=self.source,
            wording=Wording(digest=self.wording_sha256, language=self.language, policy=self.policy),
            method=self.method,
            evidence=self.evidence or "",
            recipient=self.recipient,
            country=self.country,
        )


class RelationshipPart(_Part):
    """How the person takes part, or took part."""

    kind: WordField
    organisation: UUID | None = None
    occasion: UUID | None = None
    since: MomentField | None = None
    ended_at: MomentField | None = None


class ObjectionPart(_Part):
    """What the person objects to."""

    purpose: WordField | None = None
    recipient: WordField | None = None
    cause: ObjectionCause = ObjectionCause.PERSON
    source: WordField
    since: MomentField
    status: Literal[Status.PENDING, Status.GRANTED]


class RestrictionPart(_Part):
    """What rests."""

    ground: RestrictionGround
    purpose: WordField | None = None
    categories: list[WordField] = Field(default_factory=list, max_length=200)
    source: WordField
    since: MomentField


class ControllerPart(_Part):
    """Who made the package."""

    name: str = Field(min_length=1, max_length=200)


class PackagePart(_Part):
    """A package, as far as it is taken in."""

    package: str = Field(pattern="^portability$")
    controller: ControllerPart
    data: list[ValuePart] = Field(max_length=10_000)
    files: list[FilePart] = Field(default_factory=list, max_length=10_000)
    statements: list[StatementPart] = Field(default_factory=list, max_length=1_000)
    consents: list[ConsentPart] = Field(default_factory=list, max_length=1_000)
    transfers: list[TransferPart] = Field(default_factory=list, max_length=1_000)
    relationships: list[RelationshipPart] = Field(default_factory=list, max_length=1_000)
    objections: list[ObjectionPart] = Field(default_factory=list, max_length=1_000)
    restrictions: list[RestrictionPart] = Field(default_factory=list, max_length=1_000)

    def read(self) -> Package:
        """As it is carried out."""
        return Package(
            controller=self.controller.name,
            values=tuple(PackedValue(**one.model_dump()) for one in self.data),
            files=tuple(PackedFile(**one.model_dump()) for one in self.files),
            statements=tuple(
                PackedStatement(completes=tuple(one.completes), text=one.text, since=one.since)
                for one in self.statements
            ),
            steps=(
                *(
                    one.step(consent.purpose)
                    for consent in self.consents
                    for one in consent.history
                ),
                *(transfer.step() for transfer in self.transfers),
            ),
            relationships=tuple(
                PackedRelationship(**one.model_dump()) for one in self.relationships
            ),
            objections=tuple(PackedObjection(**one.model_dump()) for one in self.objections),
            restrictions=tuple(
                PackedRestriction(**{**one.model_dump(), "categories": tuple(one.categories)})
                for one in self.restrictions
            ),
        )


class TakenInBody(BaseModel):
    """What became of the package."""

    status: str = Field(description="recorded or suppressed.", max_length=16)
    subject_id: UUID | None
    position: int | None = Field(ge=0)
    signed: bool = Field(description="By a key that this ledger trusts.")
    recorded: int = Field(description="Commands that recorded something.", ge=0)
    unproven: int = Field(description="Consents that are but claims here.", ge=0)
    left_out: list[str] = Field(
        description="Problem types, by their last part, that kept a part out.", max_length=30_000
    )


@operation(
    ROUTES,
    "POST",
    "/v1/imports/packages",
    scope=Scope.IMPORTS_WRITE,
    answers=TakenInBody,
    status=201,
    summary="Take a portability package in",
    problems=(
        *("package-unreadable", "package-untrusted", "package-empty", "identifier-taken"),
        *("purpose-unknown", "source-unknown", "category-unknown", "category-disabled"),
        *("category-not-allowed-for-purpose", "value-invalid", "under-age", "occurred-in-future"),
    ),
    clauses=("C68",),
    law=("L12", "L16", "L35", "L42", "L44"),
    writes=True,
    more={202: {"model": TakenInBody, "description": "Nothing may be kept: `suppressed`."}},
    example={
        "status": "recorded",
        "subject_id": "9d3c6c8e-5f1b-4c57-9f5e-2f1d0c6a7b10",
        "position": 41,
        "signed": True,
        "recorded": 7,
        "unproven": 0,
        "left_out": [],
    },
)
async def import_package(
    request: Request,
    call: Annotated[Call, Security(authorised, scopes=[Scope.IMPORTS_WRITE])],
    *,
    verification: Annotated[
        Verification | None,
        Query(description="How the person showed control over the identifiers, if they did."),
    ] = None,
    verification_key: Annotated[
        str | None,
        Header(
            pattern=r"^[A-Za-z0-9+/]{43}=$",
            max_length=44,
            description="The public key that must have signed the zip, in base64: one of those that"
            " this ledger trusts. Without it any of them will do.",
        ),
    ] = None,
) -> Response:
    """Records the values of a package with their purposes, sources and times, and its consents.

    The body is the zip, or its data.json. Consents keep their proof when the zip was signed by a
    key that this ledger trusts (its own, and those of `LEDGER_PACKAGE_KEYS`), and were given to
    this controller; otherwise they are claims, and open nothing. A withdrawal is always kept. What
    a policy in force does not allow is left out and named. 202 `suppressed` when nothing may be
    kept because the address asked not to be used again.
    """
    kind = request.headers.get("content-type", "")
    content = await request.body()
    zipped = kind.partition(";")[0].strip().lower() == ZIP
    if not (zipped or is_json(kind)):
        raise HTTPException(415)

    def read() -> tuple[Package, bool]:
        """Millions of bytes: on a thread, so that nobody else waits for them."""
        opened = OpenedPackage(content, signed=False)
        if zipped:
            opened = opened_package(content, call.service.package_keys, _key(verification_key))
        return _validated(parse(opened.data)).read(), opened.signed

    package, signed = await asyncio.to_thread(read)
    attribution = await call.attribution(reads_body=False)
    key = attribution.idempotency
    attribution = replace(attribution, idempotency=key and replace(key, body=content))
    registrar = Registrar(call.service.ledger, call.service.lookups)
    intake = Intake(call.service.ledger, registrar, attribution)
    taken = await intake.take_in(package, proven=signed, verification=verification)
    return answer(
        {
            "status": "suppressed" if taken.subject_id is None else "recorded",
            "subject_id": taken.subject_id,
            "position": taken.position,
            "signed": signed,
            "recorded": taken.recorded,
            "unproven": taken.unproven,
            "left_out": taken.left_out,
        },
        201 if taken.subject_id is not None else 202,
    )


def _key(text: str | None) -> bytes | None:
    try:
        return None if text is None else b64decode(text, validate=True)
    except binascii.Error:
        raise HTTPException(400) from None


def _validated(value: Any) -> PackagePart:  # Any: a JSON value
    try:
        return PackagePart.model_validate(value)
    except ValidationError as invalid:
        errors = [{**one, "loc": ("body", *one["loc"])} for one in invalid.errors()]
    raise RequestValidationError(errors)
