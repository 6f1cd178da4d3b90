"""One record that holds two people: values of some events begin another record (Art. 5(1)(d))."""

from typing import Annotated
from uuid import UUID

from fastapi import Response, Security
from pydantic import Field

from app.api.answers import receipted
from app.api.bodies import Body, ReceiptBody
from app.api.call import Call, authorised
from app.api.operations import operation, router
from app.auth import Scope
from app.rights.matters import matter_of
from app.rights.splitting import approve_split, propose_split, reject_split

ROUTES = router("splits")

PERSON = ("subject-unknown", "subject-erased", "subject-absorbed")
DECIDING = ("split-unknown", "split-settled", *PERSON)


class RecordBody(Body):
    """The record that holds two people."""

    subject_id: UUID


class SplitBody(RecordBody):
    """The events whose values are another person's."""

    versions: list[Annotated[int, Field(ge=1)]] = Field(
        description="Versions of `data.collected`, `data.rectified` or `identifier.claimed`.",
        examples=[[4, 5]],
        min_length=1,
        max_length=500,
    )


class SplitReceiptBody(ReceiptBody):
    """The receipt on the record, and the id of the split."""

    split: UUID


class SeparatedBody(SplitReceiptBody):
    """The receipt on the record, and the other person's new record."""

    offshoot: UUID = Field(description="The record that now holds the values.")


@operation(
    ROUTES,
    "POST",
    "/v1/splits",
    scope=Scope.MERGES_PROPOSE,
    answers=SplitReceiptBody,
    status=201,
    summary="Propose that a record holds two people",
    problems=("split-indivisible", *PERSON),
    law=("L6", "L9"),
    writes=True,
)
async def propose_separation(
    body: SplitBody,
    call: Annotated[Call, Security(authorised, scopes=[Scope.MERGES_PROPOSE])],
) -> Response:
    """Names the events that are about the other person; nothing changes until it is approved."""
    receipt = await propose_split(
        call.service.ledger, body.subject_id, body.versions, await call.attribution()
    )
    return receipted(receipt, split=await matter_of(call.service.store, receipt, "split"))


@operation(
    ROUTES,
    "POST",
    "/v1/splits/{split}/approve",
    scope=Scope.MERGES_APPROVE,
    answers=SeparatedBody,
    status=201,
    summary="Approve a split that somebody else proposed",
    problems=("approver-is-proposer", "split-indivisible", *DECIDING),
    law=("L6", "L8", "L33"),
    writes=True,
)
async def approve_separation(
    split: UUID,
    body: RecordBody,
    call: Annotated[Call, Security(authorised, scopes=[Scope.MERGES_APPROVE])],
) -> Response:
    """Collects the values anew on a record of their own and closes them on this one.

    What they had superseded is in use again. Identifiers that rest on them lead to the new record.
    Whatever the person of this record said no to holds for both, until it is released. To undo a
    split, merge the two records.
    """
    offshoot, receipt = await approve_split(
        call.service.ledger, body.subject_id, split, await call.attribution()
    )
    return receipted(receipt, split=split, offshoot=offshoot)


@operation(
    ROUTES,
    "POST",
    "/v1/splits/{split}/reject",
    scope=Scope.MERGES_APPROVE,
    answers=SplitReceiptBody,
    status=201,
    summary="Reject a proposed split",
    problems=DECIDING,
    law=("L6", "L9"),
    writes=True,
)
async def reject_separation(
    split: UUID,
    body: RecordBody,
    call: Annotated[Call, Security(authorised, scopes=[Scope.MERGES_APPROVE])],
) -> Response:
    """Ends the proposal: the values stay where they are."""
    receipt = await reject_split(
        call.service.ledger, body.subject_id, split, await call.attribution()
    )
    return receipted(receipt, split=split)
