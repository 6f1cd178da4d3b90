"""Two records that are one person: proposed by one, approved by another, and reverted (L6, L33)."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Response, Security
from pydantic import BaseModel, Field

from app.api.answers import answer, receipted
from app.api.bodies import Body, ReceiptBody
from app.api.call import Call, authorised
from app.api.inspections import INSPECTING, inspect
from app.api.operations import operation, router
from app.auth import Scope
from app.domain.merges import ReleaseMatters
from app.events.merges import MergeGround
from app.receipts import Receipt
from app.rights.matters import matter_of
from app.rights.merged import merges_value
from app.rights.merging import (
    Pair,
    approve_merge,
    propose_merge,
    reject_merge,
    renew_matters,
    revert_merge,
)
from app.rights.person import read_person

ROUTES = router("merges")

PERSON = ("subject-unknown", "subject-erased", "subject-absorbed")
DECIDING = ("merge-unknown", "merge-settled", *PERSON)
EXAMPLE = {
    "merge": "5a0f1c1e-2f0e-4b58-9a58-0d8f4f6f2a11",
    "subject_id": "9d3c6c8e-5f1b-4c57-9f5e-2f1d0c6a7b10",
    "version": 9,
    "position": 41,
    "events": [],
}


class PairBody(Body):
    """The two records: whoever decides on a merge names both."""

    survivor: UUID = Field(description="The record that stands for both.")
    absorbed: UUID = Field(description="The record that takes no more commands.")

    def pair(self) -> Pair:
        """As the rights read it."""
        return Pair(self.survivor, self.absorbed)


class MergeBody(PairBody):
    """Two records that seem to be one person, and how that was seen."""

    ground: MergeGround = Field(examples=["control"])
    finding: UUID | None = Field(
        default=None, description="The possible duplicate that it answers; approval clears it."
    )


class MergedBody(ReceiptBody):
    """The receipt on the survivor's record, and the id that both records have in common."""

    merge: UUID


class MergesBody(BaseModel):
    """What the record says of other records of the same person."""

    subject_id: UUID
    position: int = Field(ge=0)
    merges: list[dict[str, Any]] = Field(max_length=1000)


@operation(
    ROUTES,
    "POST",
    "/v1/merges",
    scope=Scope.MERGES_PROPOSE,
    answers=MergedBody,
    status=201,
    summary="Propose that two records are one person",
    problems=("merge-open", "merge-with-itself", *PERSON),
    law=("L6", "L9"),
    writes=True,
    example=EXAMPLE,
)
async def propose(
    body: MergeBody,
    call: Annotated[Call, Security(authorised, scopes=[Scope.MERGES_PROPOSE])],
) -> Response:
    """Puts a proposal on both records. Nothing changes until another client approves it."""
    receipt = await propose_merge(
        call.service.ledger,
        body.pair(),
        await call.attribution(),
        ground=body.ground,
        finding=body.finding,
    )
    return receipted(receipt, merge=await matter_of(call.service.store, receipt, "merge"))


@operation(
    ROUTES,
    "POST",
    "/v1/merges/{merge}/approve",
    scope=Scope.MERGES_APPROVE,
    answers=MergedBody,
    status=201,
    summary="Approve a merge that somebody else proposed",
    problems=("approver-is-proposer", *DECIDING),
    law=("L6", "L8", "L33"),
    writes=True,
    example=EXAMPLE,
)
async def approve(
    merge: UUID,
    body: PairBody,
    call: Annotated[Call, Security(authorised, scopes=[Scope.MERGES_APPROVE])],
) -> Response:
    """From now on the survivor stands for both: look-ups lead there, and the other one is closed.

    No data move. The survivor inherits every objection, restriction, suppression and consent of
    the other record; the strictest of both decides. Each record is reported from itself.
    """
    receipt = await approve_merge(call.service.ledger, merge, body.pair(), await call.attribution())
    return _answered(merge, receipt)


@operation(
    ROUTES,
    "POST",
    "/v1/merges/{merge}/reject",
    scope=Scope.MERGES_APPROVE,
    answers=MergedBody,
    status=201,
    summary="Reject a proposed merge",
    problems=DECIDING,
    law=("L6", "L9"),
    writes=True,
)
async def reject(
    merge: UUID,
    body: PairBody,
    call: Annotated[Call, Security(authorised, scopes=[Scope.MERGES_APPROVE])],
) -> Response:
    """Ends the proposal on both records: they are two people, or nobody can tell."""
    receipt = await reject_merge(call.service.ledger, merge, body.pair(), await call.attribution())
    return _answered(merge, receipt)


@operation(
    ROUTES,
    "POST",
    "/v1/merges/{merge}/revert",
    scope=Scope.MERGES_APPROVE,
    answers=MergedBody,
    status=201,
    summary="Take a merge back",
    problems=DECIDING,
    law=("L6", "L33"),
    writes=True,
)
async def revert(
    merge: UUID,
    body: PairBody,
    call: Annotated[Call, Security(authorised, scopes=[Scope.MERGES_APPROVE])],
) -> Response:
    """Lets each record stand for itself again, as it stood before.

    What was objected to, restricted, suppressed or taken back meanwhile holds for both: nobody
    knows which of the two people said it.
    """
    receipt = await revert_merge(call.service.ledger, merge, body.pair(), await call.attribution())
    return _answered(merge, receipt)


@operation(
    ROUTES,
    "POST",
    "/v1/merges/{merge}/renewal",
    scope=Scope.MERGES_APPROVE,
    answers=MergedBody,
    status=201,
    summary="Read the absorbed record again",
    problems=("merge-unknown", *PERSON),
    law=("L42", "L44"),
    writes=True,
)
async def renew(
    merge: UUID,
    body: PairBody,
    call: Annotated[Call, Security(authorised, scopes=[Scope.MERGES_APPROVE])],
) -> Response:
    """Replaces what the survivor inherited by what the absorbed record says now.

    To be called after an objection or a restriction of the absorbed record was ended there; until
    then the survivor is decided on more strictly than need be, never less.
    """
    receipt = await renew_matters(call.service.ledger, merge, body.pair(), await call.attribution())
    return _answered(merge, receipt)


@operation(
    ROUTES,
    "POST",
    "/v1/subjects/{subject_id}/inherited-matters/{merge}/release",
    scope=Scope.MERGES_APPROVE,
    answers=ReceiptBody,
    status=201,
    summary="Release what a reverted merge or a split left behind",
    problems=("merge-open", *PERSON),
    law=("L6",),
    writes=True,
)
async def release_matters(
    subject_id: UUID,
    merge: UUID,
    call: Annotated[Call, Security(authorised, scopes=[Scope.MERGES_APPROVE])],
) -> Response:
    """Ends what is inherited once the person said that it was the other one who said it."""
    command = ReleaseMatters(merge=merge)
    return receipted(
        await call.service.ledger.execute(subject_id, command, await call.attribution())
    )


@operation(
    ROUTES,
    "GET",
    "/v1/subjects/{subject_id}/merges",
    scope=Scope.SUBJECTS_READ,
    answers=MergesBody,
    summary="Show which other records are, or may be, the same person",
    problems=(*INSPECTING, "subject-unknown", "subject-erased"),
    law=("L3", "L6", "L33"),
    purpose=True,
)
async def list_merges(
    subject_id: UUID,
    call: Annotated[Call, Security(authorised, scopes=[Scope.SUBJECTS_READ])],
) -> Response:
    """Proposals that wait, merges in force, and what each made this record inherit.

    The reading is recorded under the purpose that the Purpose header names.
    """
    person = await read_person(call.service.store, subject_id)
    await inspect(call, subject_id)
    return answer(
        {
            "subject_id": subject_id,
            "position": person.position,
            "merges": merges_value(person.state),
        }
    )


def _answered(merge: UUID, receipt: Receipt) -> Response:
    return receipted(receipt, merge=merge)
