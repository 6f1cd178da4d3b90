"""The certificate of an erasure, for programs, for reading and on paper (Arts. 17, 19; L41)."""

import asyncio
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Response, Security
from pydantic import BaseModel, Field

from app.api.answers import answer
from app.api.bodies import AnswerProofBody
from app.api.call import Call, authorised
from app.api.failures import request_id
from app.api.operations import operation, router
from app.api.problems import problem
from app.auth import Scope
from app.documents.letters import compose
from app.documents.page import content_security_policy
from app.domain.archive import in_force_at
from app.domain.decider import Circumstances
from app.propagation.survivors import records_of
from app.rights.certificate import (
    certificate_letter,
    certificate_value,
    executed_on,
    proving_entries,
    same_erasure,
)
from app.service import Service
from app.store.answer_proofs import AnswerProofs
from app.store.event_store import Stream
from app.values import replace

ROUTES = router("erasure")


class CertificateForm(StrEnum):
    """For a program, to read, on paper."""

    JSON = "json"
    HTML = "html"
    PDF = "pdf"


class CertificateBody(BaseModel):
    """What was destroyed, what stays on which ground until when, and which recipients confirmed."""

    certificate: str = Field(examples=["erasure"], max_length=20)
    article: str = Field(max_length=20)
    erasure: UUID
    final: bool = Field(description="Whether every duty is closed: it never changes again.")
    trigger: str = Field(max_length=20)
    of_everything: bool
    requested_at: datetime
    executed_at: datetime
    closed_at: datetime | None
    policy: str = Field(max_length=64)
    controller: dict[str, str]
    destroyed: list[dict[str, Any]] = Field(
        description="Each retention class with when it reached e1, e2 and e3.", max_length=100
    )
    keys: int = Field(description="Data keys that were destroyed.", ge=0)
    sections: int = Field(description="Sealed sections that went with them.", ge=0)
    found_by_nothing: bool
    retained: list[dict[str, Any]] = Field(max_length=100)
    recipients: list[dict[str, Any]] = Field(max_length=1000)
    suppressed: list[str] = Field(max_length=100)
    entries: list[dict[str, Any]] = Field(
        description="The entries of the log, by which anybody can check it.", max_length=100
    )
    key_epochs: list[dict[str, Any]] = Field(
        description="The key epochs whose end made it unreadable in backups (e3), each with the"
        " entry of that end and where its root was kept.",
        max_length=10_000,
    )
    other_records: list[dict[str, Any]] = Field(
        description="The same of each record that this one stood for.", max_length=100
    )
    proof: AnswerProofBody | None


@operation(
    ROUTES,
    "GET",
    "/v1/subjects/{subject_id}/erasure/{erasure}/certificate",
    scope=Scope.SUBJECTS_READ,
    answers=CertificateBody,
    summary="Issue the certificate of an erasure",
    problems=("certificate-missing", "log-damaged"),
    clauses=("C62", "C66", "C71"),
    law=("L36", "L37", "L41"),
    forms=("text/html", "application/pdf"),
)
async def issue_certificate(
    subject_id: UUID,
    erasure: UUID,
    call: Annotated[Call, Security(authorised, scopes=[Scope.SUBJECTS_READ])],
    *,
    form: Annotated[CertificateForm, Query(alias="format")] = CertificateForm.JSON,
    language: Annotated[
        str, Query(max_length=35, pattern="^[A-Za-z]{2,3}([-_][A-Za-z0-9]{1,8})*$")
    ] = "en",
) -> Response:
    """What the log says of an erasure; it holds no personal data, and needs none to be checked.

    It is provisional while a recipient has yet to answer, and `final` once the erasure is closed.
    E2 and E3 come later and are told with their times. `format` asks for a page or a PDF/UA, in
    `language`. The JSON carries the `proof`: the entries by which each key was made and destroyed,
    and by which the key epochs of its backups ended, each with its path to one checkpoint, for
    `pdledger log verify-answer`. It is null in the fraction of a second until the newest of them is
    in a signed tree; asking again gives it.
    """
    ledger = call.service.ledger
    stream = await ledger.store.read_stream(subject_id)
    given = await _rules_of_then(call.service, executed_on(stream, erasure))
    control = await ledger.store.read_stream(call.service.rulebook.control_stream)
    value = certificate_value(stream, erasure, given, control)
    if value is None:
        return problem("certificate-missing", request_id(call.request))
    value["other_records"] = await _of_other_records(call.service, stream, erasure, control)
    if form is CertificateForm.JSON:
        proof = await _proof(call.service, stream, erasure, control)
        return answer({**value, "proof": proof})
    letter = compose(certificate_letter(value, given), language)
    if form is CertificateForm.PDF:
        return Response(await asyncio.to_thread(letter.pdf), media_type="application/pdf")
    headers = {"content-security-policy": content_security_policy()}
    return Response(letter.html, media_type="text/html", headers=headers)


async def _of_other_records(
    service: Service, stream: Stream, erasure: UUID, control: Stream
) -> list[Any]:
    """The certificates of the records that this one stands for: they went by the same wish."""
    _, *others = await records_of(service.ledger, stream.stream_id)
    extent = (await service.ledger.state(stream.stream_id)).erasures.by_id[erasure].extent
    found = []
    for other in others:
        beside = await service.store.read_stream(other)
        same = same_erasure(beside, extent)
        if same is not None:
            given = await _rules_of_then(service, executed_on(beside, same))
            value = certificate_value(beside, same, given, control) or {}
            proof = await _proof(service, beside, same, control)
            found.append({"subject_id": other, **value, "proof": proof})
    return found


async def _proof(
    service: Service, stream: Stream, erasure: UUID, control: Stream
) -> dict[str, Any] | None:
    proofs = AnswerProofs(service.pool, service.attestation.policy)
    return await proofs.of_each(proving_entries(stream, erasure, control))


async def _rules_of_then(service: Service, moment: datetime | None) -> Circumstances:
    """Today's, but for the policy: what was kept and why is told as the erasure decided it."""
    rules = await service.ledger.rules()
    given = rules.at(service.ledger.clock())
    version = None if moment is None else in_force_at(rules.control.policies, moment)
    if version is None or version == given.policy.version:
        return given
    return replace(given, policy=await service.rulebook.policy(version))
