"""What a person has to do with the controller: relationships, notices shown, files, identifiers."""

from typing import Annotated
from uuid import UUID

from fastapi import Response, Security
from pydantic import Field

from app.api.answers import receipted
from app.api.bodies import (
    Body,
    DigestField,
    MomentField,
    NameField,
    ReceiptBody,
    ValueField,
    WordField,
)
from app.api.call import Call, authorised
from app.api.operations import operation, router
from app.api.subjects import NoticeBody, RegionField, RelationshipBody
from app.auth import Scope
from app.domain.files import ReferenceFile
from app.domain.identifiers import ClaimIdentifier, VerifyIdentifier
from app.domain.relationships import EndRelationship
from app.events.identifiers import Verification
from app.propagation.registration import Registrar

ROUTES = router("relationships")

PERSON = ("subject-unknown", "subject-erased")
SOURCED = ("source-unknown", "source-not-yours")
Writer = Annotated[Call, Security(authorised, scopes=[Scope.SUBJECTS_WRITE])]


class FileBody(Body):
    """A reference to a file that lies in another system; its title is sealed (C13, C16, C43)."""

    system: NameField = Field(examples=["onedrive"])
    title: ValueField = Field(examples=["Attendance list, plenary"])
    category: WordField = Field(examples=["signature.attendance"])
    purpose: WordField = Field(examples=["payments"])
    source: NameField = Field(examples=["secretariat"])
    file: UUID | None = Field(default=None, description="The file's own id, when it is a UUID.")
    digest: DigestField | None = Field(
        default=None, description="SHA-256 in hex of the file's own id, when it is no UUID."
    )
    occasion: UUID | None = None
    occurred_at: MomentField | None = None


class IdentifierBody(Body):
    """One more address or number by which the person is found (C7)."""

    category: WordField = Field(examples=["contact.email"])
    value: ValueField = Field(examples=["asa@konsult.example"])
    purpose: WordField = Field(examples=["network_exchange"])
    source: NameField = Field(examples=["registration_form"])
    verification: Verification
    region: RegionField | None = None
    occurred_at: MomentField | None = None


class VerificationBody(Body):
    """How the person showed control over an identifier."""

    verification: Verification
    occurred_at: MomentField | None = None


async def _execute(call: Call, subject_id: UUID, command: object) -> Response:
    receipt = await call.service.ledger.execute(subject_id, command, await call.attribution())
    return receipted(receipt)


@operation(
    ROUTES,
    "POST",
    "/v1/subjects/{subject_id}/relationships",
    scope=Scope.SUBJECTS_WRITE,
    answers=ReceiptBody,
    status=201,
    summary="Start a relationship",
    problems=(*PERSON, "relationship-unknown", "under-age"),
    clauses=("C2", "C3", "C26"),
    law=("L40",),
    writes=True,
)
async def start_relationship(subject_id: UUID, body: RelationshipBody, call: Writer) -> Response:
    """Records membership, participation, attendance ...; periods wait while it lasts."""
    return await _execute(call, subject_id, body.command())


@operation(
    ROUTES,
    "POST",
    "/v1/subjects/{subject_id}/relationships/end",
    scope=Scope.SUBJECTS_WRITE,
    answers=ReceiptBody,
    status=201,
    summary="End a relationship",
    problems=(*PERSON, "relationship-unknown"),
    clauses=("C26", "C32"),
    law=("L40",),
    writes=True,
)
async def end_relationship(subject_id: UUID, body: RelationshipBody, call: Writer) -> Response:
    """Records that taking part ended: the policy's period is counted from here."""
    command = EndRelationship(
        kind=body.kind,
        organisation=body.organisation,
        occasion=body.occasion,
        occurred_at=body.occurred_at,
    )
    return await _execute(call, subject_id, command)


@operation(
    ROUTES,
    "POST",
    "/v1/subjects/{subject_id}/notices",
    scope=Scope.SUBJECTS_WRITE,
    answers=ReceiptBody,
    status=201,
    summary="Record that a notice was shown",
    problems=(*PERSON, "notice-unknown"),
    clauses=("C5",),
    law=("L29",),
    writes=True,
)
async def show_notice(subject_id: UUID, body: NoticeBody, call: Writer) -> Response:
    """Records which version the person was shown, when and in which language. It is no consent."""
    return await _execute(call, subject_id, body.command())


@operation(
    ROUTES,
    "POST",
    "/v1/subjects/{subject_id}/files",
    scope=Scope.SUBJECTS_WRITE,
    answers=ReceiptBody,
    status=201,
    summary="Refer to a file",
    problems=(
        *PERSON,
        *SOURCED,
        "file-unnamed",
        "purpose-unknown",
        "category-unknown",
        "category-not-allowed-for-purpose",
        "under-age",
    ),
    clauses=("C13", "C16", "C43"),
    law=("L2",),
    writes=True,
)
async def reference_file(subject_id: UUID, body: FileBody, call: Writer) -> Response:
    """Records that a file about the person lies in a system; the ledger keeps no file."""
    call.check_source(body.source)
    command = ReferenceFile(
        system=body.system,
        title=body.title,
        category=body.category,
        purpose=body.purpose,
        source=body.source,
        file=body.file,
        digest=_keyed(call, subject_id, body.digest),
        occasion=body.occasion,
        occurred_at=body.occurred_at,
    )
    return await _execute(call, subject_id, command)


def _keyed(call: Call, subject_id: UUID, digest: str | None) -> str | None:
    """The digest under a key of ours: an id that is a name could be guessed from it otherwise."""
    return digest and call.service.store.vault.file_mac(subject_id, digest).hex()


@operation(
    ROUTES,
    "POST",
    "/v1/subjects/{subject_id}/identifiers",
    scope=Scope.SUBJECTS_WRITE,
    answers=ReceiptBody,
    status=201,
    summary="Add an identifier",
    problems=(
        *PERSON,
        *SOURCED,
        "identifier-taken",
        "not-an-identifier",
        "value-invalid",
        "purpose-unknown",
        "category-unknown",
        "category-not-allowed-for-purpose",
        "under-age",
    ),
    clauses=("C7", "C8"),
    writes=True,
)
async def claim_identifier(subject_id: UUID, body: IdentifierBody, call: Writer) -> Response:
    """Lets the person be found by one more address or number that they showed to be theirs."""
    call.check_source(body.source)
    command = ClaimIdentifier(
        category=body.category,
        value=body.value,
        purpose=body.purpose,
        source=body.source,
        verification=body.verification,
        region=body.region,
        occurred_at=body.occurred_at,
    )
    registrar = Registrar(call.service.ledger, call.service.lookups)
    return receipted(await registrar.claim(subject_id, command, await call.attribution()))


@operation(
    ROUTES,
    "POST",
    "/v1/subjects/{subject_id}/identifiers/{identifier}/verification",
    scope=Scope.SUBJECTS_WRITE,
    answers=ReceiptBody,
    status=201,
    summary="Verify an identifier",
    problems=(*PERSON, "identifier-unknown"),
    clauses=("C7",),
    writes=True,
)
async def verify_identifier(
    subject_id: UUID, identifier: int, body: VerificationBody, call: Writer
) -> Response:
    """Records that the person showed control; ``identifier`` is the version that claimed it."""
    command = VerifyIdentifier(
        identifier=identifier, verification=body.verification, occurred_at=body.occurred_at
    )
    return await _execute(call, subject_id, command)
