"""Consents of a person: given with evidence, withdrawn as easily, shown with their history (Art. 7)."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Response, Security
from pydantic import Field

from app.api.answers import receipted
from app.api.bodies import Body, DigestField, LanguageField, NameField, ReceiptBody, WordField
from app.api.call import Call, authorised
from app.api.operations import operation, router
from app.auth import Scope
from app.domain.consents import GiveConsent, WithdrawConsent
from app.domain.evidence import Evidence, Wording
from app.rights.addresses import addresses_on_file

ROUTES = router("consents")


class ConsentBody(Body):
    """One consent with its whole evidence (L12). What proves nothing is refused (L13)."""

    purpose: WordField = Field(examples=["newsletter"])
    wording_sha256: DigestField = Field(description="SHA-256 of the sentence agreed to, in hex.")
    language: LanguageField = Field(examples=["sv"])
    policy: WordField = Field(description="Policy version shown.", examples=["impel-1"])
    method: WordField = Field(examples=["form"])
    source: NameField = Field(description="System in which it was expressed.")
    occurred_at: datetime
    evidence: str = Field(
        description="Where the evidence is kept; sealed.", min_length=1, max_length=500
    )


class WithdrawalBody(Body):
    """A withdrawal needs no reason (Art. 7(3))."""

    source: NameField = Field(examples=["registration_form"])
    occurred_at: datetime | None = None


@operation(
    ROUTES,
    "POST",
    "/v1/subjects/{subject_id}/consents",
    scope=Scope.CONSENTS_WRITE,
    answers=ReceiptBody,
    status=201,
    summary="Record a consent",
    problems=("consent-evidence-invalid", "purpose-unknown", "subject-unknown", "subject-erased"),
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
    evidence = Evidence(
        wording=Wording(digest=body.wording_sha256, language=body.language, policy=body.policy),
        method=body.method,
        source=body.source,
        occurred_at=body.occurred_at,
        reference=body.evidence,
    )
    command = GiveConsent(purpose=body.purpose, evidence=evidence)
    call.check_source(body.source)
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
    problems=("never-consented", "purpose-unknown", "subject-unknown", "subject-erased"),
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
    call.check_source(body.source)
    command = WithdrawConsent(
        purpose=purpose,
        source=body.source,
        addresses=await addresses_on_file(call.service.store, subject_id),
        occurred_at=body.occurred_at,
    )
    return receipted(
        await call.service.ledger.execute(subject_id, command, await call.attribution())
    )
