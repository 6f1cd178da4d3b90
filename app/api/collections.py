"""Data of a known person: collected for a purpose, corrected, completed (Arts. 5, 6, 16)."""

from typing import Annotated
from uuid import UUID

from fastapi import Response, Security
from pydantic import Field

from app.api.answers import receipted
from app.api.bodies import Body, MomentField, NameField, ReceiptBody, ValueField, WordField
from app.api.call import Call, authorised
from app.api.operations import operation, router
from app.api.subjects import ObtainedBody, RegionField
from app.auth import Scope
from app.domain.collections import CollectData, RectifyData
from app.domain.subjects import DiscoverChild
from app.events.identifiers import Verification
from app.propagation.registration import Registrar
from app.store.on_file import identifiers_on_file

ROUTES = router("collections")

PROBLEMS = (
    "subject-unknown",
    "subject-erased",
    "source-unknown",
    "source-not-yours",
    "category-unknown",
    "category-disabled",
    "value-invalid",
    "under-age",
)
Writer = Annotated[Call, Security(authorised, scopes=[Scope.COLLECTIONS_WRITE])]


class CollectionBody(ObtainedBody):
    """Data obtained from or about a known person, for one purpose."""

    source: NameField = Field(examples=["azavista"])
    flags: list[WordField] = Field(
        default_factory=list,
        description="What the source declares of itself, such as `collects_ip` (C20).",
        max_length=10,
    )
    region: RegionField | None = None
    occurred_at: MomentField | None = None


class RectificationBody(Body):
    """What is right, and what is missing (Art. 16)."""

    source: NameField = Field(examples=["secretariat"])
    data: dict[WordField, ValueField] = Field(
        default_factory=dict,
        description="Data category -> the correct value.",
        examples=[{"contact.name": "Åsa Berg"}],
        max_length=50,
    )
    statements: dict[WordField, ValueField] = Field(
        default_factory=dict,
        description="Data category -> supplementary statement (Art. 16, second sentence).",
        max_length=50,
    )
    verification: Verification | None = Field(
        default=None, description="How control over a corrected address or number was shown."
    )
    region: RegionField | None = None
    occurred_at: MomentField | None = None


class ChildBody(Body):
    """The person turned out to be younger than the policy allows (C75)."""

    source: NameField = Field(examples=["secretariat"])


@operation(
    ROUTES,
    "POST",
    "/v1/subjects/{subject_id}/collections",
    scope=Scope.COLLECTIONS_WRITE,
    answers=ReceiptBody,
    status=201,
    summary="Record data collected",
    problems=(
        *PROBLEMS,
        "purpose-unknown",
        "category-not-allowed-for-purpose",
        "linking-forbidden",
        "subject-suppressed",
        "identifier-taken",
    ),
    clauses=("C6", "C9", "C10", "C12", "C13", "C16", "C19", "C20", "C24"),
    law=("L2", "L4", "L5", "L19"),
    writes=True,
)
async def collect_data(subject_id: UUID, body: CollectionBody, call: Writer) -> Response:
    """Records that data were collected for one purpose of the policy, on its legal basis.

    Only what the purpose's list allows is accepted; special categories do not exist here.
    """
    call.check_source(body.source)
    command = CollectData(
        obtained=body.obtained(),
        source=body.source,
        flags=frozenset(body.flags),
        region=body.region,
        occurred_at=body.occurred_at,
    )
    registrar = Registrar(call.service.ledger, call.service.lookups)
    return receipted(await registrar.collect(subject_id, command, await call.attribution()))


@operation(
    ROUTES,
    "POST",
    "/v1/subjects/{subject_id}/rectifications",
    scope=Scope.COLLECTIONS_WRITE,
    answers=ReceiptBody,
    status=201,
    summary="Correct or complete data",
    problems=(*PROBLEMS, "category-not-held", "identifier-unverified", "identifier-taken"),
    clauses=("C4", "C7", "C80"),
    law=("L6", "L47"),
    writes=True,
)
async def rectify_data(subject_id: UUID, body: RectificationBody, call: Writer) -> Response:
    """Replaces inaccurate values for every purpose that uses them, and adds statements.

    The former value stays in the history, marked as superseded, and is used for nothing. An address
    or number by which the person is found changes only with proof of control over the new one.
    """
    call.check_source(body.source)
    former = await identifiers_on_file(call.service.store, subject_id, body.data)
    command = RectifyData(
        source=body.source,
        personal=body.data,
        statements=body.statements,
        former=former,
        verification=body.verification,
        region=body.region,
        occurred_at=body.occurred_at,
    )
    registrar = Registrar(call.service.ledger, call.service.lookups)
    return receipted(await registrar.rectify(subject_id, command, await call.attribution()))


@operation(
    ROUTES,
    "POST",
    "/v1/subjects/{subject_id}/child-discovery",
    scope=Scope.COLLECTIONS_WRITE,
    answers=ReceiptBody,
    status=201,
    summary="Record that the person is too young",
    problems=("subject-unknown", "subject-erased", "source-unknown", "source-not-yours"),
    clauses=("C74", "C75"),
    law=("L19",),
    writes=True,
)
async def discover_child(subject_id: UUID, body: ChildBody, call: Writer) -> Response:
    """Records that the person is younger than the policy promises: nothing more may be collected.

    The data are to be erased without a request; the erasure is a call of its own.
    """
    call.check_source(body.source)
    command = DiscoverChild(source=body.source)
    receipt = await call.service.ledger.execute(subject_id, command, await call.attribution())
    return receipted(receipt)
