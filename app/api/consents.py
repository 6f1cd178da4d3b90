"""Consents: asked for, given with evidence, withdrawn as easily, shown with history (Art. 7)."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Query, Response, Security
from pydantic import BaseModel, Field

from app.api.answers import answer, receipted
from app.api.bodies import (
    ENCODER,
    Body,
    DigestField,
    LanguageField,
    MomentField,
    NameField,
    ReceiptBody,
    WordField,
)
from app.api.call import Call, authorised
from app.api.inspections import INSPECTING, inspect
from app.api.operations import operation, router
from app.api.sources import source_of
from app.auth import Scope
from app.clock import random_id
from app.domain.consents import (
    ConfirmConsent,
    GiveConsent,
    GiveExplicitTransferConsent,
    RequestConsent,
    WithdrawConsent,
)
from app.domain.evidence import Evidence, Wording
from app.rights.consent_history import consents_value
from app.rights.consent_record import MEDIA_TYPE, consent_receipt
from app.rights.matters import matter_of
from app.rights.person import read_person
from app.vault.jws import MEDIA_TYPE as JWS_MEDIA_TYPE
from app.vault.jws import compact_jws

ROUTES = router("consents")

REFUSED = ("purpose-unknown", "source-unknown", "source-not-yours", "occurred-in-future")
PERSON = ("subject-unknown", "subject-erased")


class WordingBody(Body):
    """What the person read before agreeing."""

    purpose: WordField = Field(examples=["newsletter"])
    wording_sha256: DigestField = Field(description="SHA-256 of the sentence agreed to, in hex.")
    language: LanguageField = Field(examples=["sv"])
    policy: WordField = Field(description="Policy version shown.", examples=["impel-1"])
    source: NameField = Field(
        description="System in which it was expressed.", examples=["registration_form"]
    )

    def wording(self) -> Wording:
        """As the decider takes it."""
        return Wording(digest=self.wording_sha256, language=self.language, policy=self.policy)


class ConsentBody(WordingBody):
    """One consent with its whole evidence (L12). What proves nothing is refused (L13)."""

    method: WordField = Field(examples=["form"])
    occurred_at: MomentField
    evidence: str = Field(
        description="Where the evidence is kept; sealed.", min_length=1, max_length=500
    )

    def proof(self, source: str) -> Evidence:
        """As the decider takes it."""
        return Evidence(
            wording=self.wording(),
            method=self.method,
            source=source,
            occurred_at=self.occurred_at,
            reference=self.evidence,
        )


class TransferConsentBody(ConsentBody):
    """An explicit consent to one transfer outside the EEA, apart from every other (L60, C29)."""

    recipient: NameField = Field(examples=["hosts"])
    country: str | None = Field(
        default=None,
        description="ISO 3166 alpha-2; needed where the recipient is a group.",
        pattern=r"^[A-Za-z]{2}$",
        max_length=2,
        examples=["CH"],
    )


class ConfirmationBody(Body):
    """The answer from the address that was entered: the second step of a double opt-in."""

    occurred_at: MomentField
    evidence: str = Field(
        description="Where the answer is kept; sealed.", min_length=1, max_length=500
    )


class WithdrawalBody(Body):
    """A withdrawal needs no reason (Art. 7(3))."""

    source: NameField = Field(examples=["registration_form"])
    occurred_at: MomentField | None = None


class RequestedBody(ReceiptBody):
    """The receipt, and the id under which the confirmation is expected."""

    request: UUID


class ConsentsBody(BaseModel):
    """Where each consent stands, and everything that happened to it."""

    subject_id: UUID
    position: int = Field(ge=0)
    consents: list[dict[str, Any]] = Field(max_length=1000)
    transfers: list[dict[str, Any]] = Field(max_length=1000)


class ConsentReceiptBody(BaseModel):
    """A consent receipt of ISO/IEC TS 27560 in the terms of W3C DPV, as JSON-LD."""

    model_config = {"extra": "allow"}


@operation(
    ROUTES,
    "POST",
    "/v1/subjects/{subject_id}/consents",
    scope=Scope.CONSENTS_WRITE,
    answers=ReceiptBody,
    status=201,
    summary="Record a consent",
    problems=(
        "consent-evidence-invalid",
        "consent-not-applicable",
        "consent-outdated",
        "value-invalid",
        "under-age",
        *REFUSED,
        *PERSON,
    ),
    clauses=("C5", "C25", "C31", "C55"),
    law=("L12", "L13", "L16"),
    writes=True,
)
async def give_consent(
    subject_id: UUID,
    body: ConsentBody,
    call: Annotated[Call, Security(authorised, scopes=[Scope.CONSENTS_WRITE])],
) -> Response:
    """Records that the person agreed to one purpose after reading one wording.

    Wording, language, policy version, method, time, source and evidence are all required; a
    pre-ticked box, the use of a service or an accepted policy is not evidence.
    """
    source = await source_of(call, body.source)
    command = GiveConsent(purpose=body.purpose, evidence=body.proof(source))
    return receipted(
        await call.service.ledger.execute(subject_id, command, await call.attribution())
    )


@operation(
    ROUTES,
    "POST",
    "/v1/subjects/{subject_id}/consents/transfers",
    scope=Scope.CONSENTS_WRITE,
    answers=ReceiptBody,
    status=201,
    summary="Record an explicit consent to a transfer",
    problems=(
        "consent-evidence-invalid",
        "consent-outdated",
        "recipient-not-listed",
        "under-age",
        *REFUSED,
        *PERSON,
    ),
    clauses=("C29",),
    law=("L12", "L56"),
    writes=True,
)
async def give_transfer_consent(
    subject_id: UUID,
    body: TransferConsentBody,
    call: Annotated[Call, Security(authorised, scopes=[Scope.CONSENTS_WRITE])],
) -> Response:
    """Records that the person explicitly agreed to one transfer outside the EEA (Art. 49(1)(a)).

    It is asked for on its own, after its risks were told; registering for an event is none.
    """
    command = GiveExplicitTransferConsent(
        purpose=body.purpose,
        recipient=body.recipient,
        evidence=body.proof(await source_of(call, body.source)),
        country=body.country,
    )
    return receipted(
        await call.service.ledger.execute(subject_id, command, await call.attribution())
    )


@operation(
    ROUTES,
    "POST",
    "/v1/subjects/{subject_id}/consents/requests",
    scope=Scope.CONSENTS_WRITE,
    answers=RequestedBody,
    status=201,
    summary="Ask for a consent that the person still has to confirm",
    problems=(
        "consent-evidence-invalid",
        "consent-not-applicable",
        "under-age",
        *REFUSED,
        *PERSON,
    ),
    clauses=("C25",),
    law=("L12",),
    writes=True,
)
async def request_consent(
    subject_id: UUID,
    body: WordingBody,
    call: Annotated[Call, Security(authorised, scopes=[Scope.CONSENTS_WRITE])],
) -> Response:
    """The first step of a double opt-in: an address was entered, and nothing is allowed yet.

    The answer names the request; it is a consent once the person confirms it in time.
    """
    command = RequestConsent(
        request=random_id(),
        purpose=body.purpose,
        wording=body.wording(),
        source=await source_of(call, body.source),
    )
    receipt = await call.service.ledger.execute(subject_id, command, await call.attribution())
    return receipted(receipt, request=await matter_of(call.service.store, receipt, "request"))


@operation(
    ROUTES,
    "POST",
    "/v1/subjects/{subject_id}/consents/requests/{request_id}/confirmation",
    scope=Scope.CONSENTS_WRITE,
    answers=ReceiptBody,
    status=201,
    summary="Confirm a consent that was asked for",
    problems=(
        "consent-request-unknown",
        "consent-evidence-invalid",
        "consent-outdated",
        "under-age",
        *REFUSED,
        *PERSON,
    ),
    clauses=("C25",),
    law=("L12",),
    writes=True,
)
async def confirm_consent(
    subject_id: UUID,
    request_id: UUID,
    body: ConfirmationBody,
    call: Annotated[Call, Security(authorised, scopes=[Scope.CONSENTS_WRITE])],
) -> Response:
    """The second step of a double opt-in: the person answered from that address."""
    command = ConfirmConsent(
        request=request_id, occurred_at=body.occurred_at, reference=body.evidence
    )
    return receipted(
        await call.service.ledger.execute(subject_id, command, await call.attribution())
    )


@operation(
    ROUTES,
    "POST",
    "/v1/subjects/{subject_id}/consents/{purpose}/withdrawal",
    scope=Scope.CONSENTS_WRITE,
    answers=ReceiptBody,
    status=201,
    summary="Withdraw a consent",
    problems=("never-consented", *REFUSED, *PERSON),
    clauses=("C73",),
    law=("L14", "L15"),
    writes=True,
)
async def withdraw_consent(
    subject_id: UUID,
    purpose: WordField,
    body: WithdrawalBody,
    call: Annotated[Call, Security(authorised, scopes=[Scope.CONSENTS_WRITE])],
) -> Response:
    """Withdraws one consent, effective at once for the future; what was done before stays lawful.

    The person's addresses go into the suppression register, so that no import revives the mailing.
    """
    command = WithdrawConsent(
        purpose=purpose,
        source=await source_of(call, body.source),
        addresses=await call.addresses_of(subject_id),
        occurred_at=body.occurred_at,
    )
    return receipted(
        await call.service.ledger.execute(subject_id, command, await call.attribution())
    )


@operation(
    ROUTES,
    "GET",
    "/v1/subjects/{subject_id}/consents",
    scope=Scope.CONSENTS_READ,
    answers=ConsentsBody,
    summary="Show every consent with its history",
    problems=(*INSPECTING, *PERSON),
    clauses=("C25", "C73"),
    law=("L3", "L12", "L16"),
    purpose=True,
)
async def list_consents(
    subject_id: UUID,
    call: Annotated[Call, Security(authorised, scopes=[Scope.CONSENTS_READ])],
) -> Response:
    """Where each consent stands, and each step of it: asked, given, confirmed, withdrawn, unproven.

    The evidence itself stays sealed; the person gets it with the access report. The reading is
    recorded under the purpose that the Purpose header names.
    """
    person = await read_person(call.service.store, subject_id)
    await inspect(call, subject_id)
    rules = await call.service.ledger.rules()
    return answer(
        {
            "subject_id": subject_id,
            "position": person.position,
            **consents_value(person, rules.policy),
        }
    )


@operation(
    ROUTES,
    "GET",
    "/v1/subjects/{subject_id}/consents/{purpose}/receipt",
    scope=Scope.CONSENTS_READ,
    answers=ConsentReceiptBody,
    summary="The consent as an ISO/IEC TS 27560 receipt, signed if wanted",
    problems=("never-consented", "consent-not-applicable", *INSPECTING, *PERSON),
    clauses=("C25",),
    law=("L3", "L12"),
    purpose=True,
    media_type=MEDIA_TYPE,
    forms=(JWS_MEDIA_TYPE,),
)
async def show_consent_receipt(
    subject_id: UUID,
    purpose: WordField,
    call: Annotated[Call, Security(authorised, scopes=[Scope.CONSENTS_READ])],
    form: Annotated[Literal["plain", "signed"], Query()] = "plain",
) -> Response:
    """The consent record that the person can keep, in the W3C Data Privacy Vocabulary.

    It holds every event of the consent, so that one look tells whether it is in force. With
    `form=signed` it comes as a compact JWS, which anybody can check offline by the public key under
    /v1/signing-keys. The reading is recorded under the purpose that the Purpose header names.
    """
    person = await read_person(call.service.store, subject_id)
    rules = await call.service.ledger.rules()
    given = rules.at(call.service.ledger.clock())
    receipt = consent_receipt(person, purpose, given, call.service.correspondence.public_url)
    await inspect(call, subject_id)
    if form == "plain":
        return answer(receipt, media_type=MEDIA_TYPE)
    signed = compact_jws(call.service.signer, ENCODER.encode(receipt), MEDIA_TYPE)
    return Response(signed, media_type=JWS_MEDIA_TYPE)
