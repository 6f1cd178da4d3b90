"""Merges that wait for somebody, and merges in force: which records belong together (0011)."""

from sqlalchemy import BigInteger, Column, DateTime, Text, Uuid

from app.events.erasures import ErasureExecuted
from app.events.merges import MergeApproved, MergeProposed, MergeRejected, MergeReverted
from app.events.recorded import Recorded
from app.projections.lasting import (
    closed,
    closing,
    filling,
    forgetting,
    lasting,
    opened,
    opening,
)
from app.projections.projection import Projection, Writes

merges = lasting(
    "merges_v1",
    Column("merge", Uuid, nullable=False),
    Column("side", Text, nullable=False),
    Column("other", Uuid, nullable=False),
    Column("ground", Text, nullable=False),
    Column("finding", Uuid),
    Column("approved_position", BigInteger),
    Column("approved_at", DateTime(timezone=True)),
    Column("approved_by", Text),
    comment="Merges: one row a record, open until rejected or reverted.",
)

MERGES = Projection("merges", version=1, tables=(merges,))

_APPROVED = ("approved_position", "approved_at", "approved_by")

PROPOSE = opening(merges, later=_APPROVED)
APPROVE = filling(merges, "merge", *_APPROVED)
END = closing(merges, "merge")
FORGET = forgetting(merges)


@MERGES.on(MergeProposed)
def proposed(recorded: Recorded[MergeProposed]) -> Writes:
    """It waits for somebody else."""
    event = recorded.event
    return (
        PROPOSE.write(
            **opened(recorded),
            merge=event.merge,
            side=event.side.value,
            other=event.other,
            ground=event.ground.value,
            finding=event.finding,
        ),
    )


@MERGES.on(MergeApproved)
def approved(recorded: Recorded[MergeApproved]) -> Writes:
    """One stands for both."""
    return (
        APPROVE.write(
            subject_id=recorded.stream_id,
            merge=recorded.event.merge,
            approved_position=recorded.position,
            approved_at=recorded.recorded_at,
            approved_by=recorded.by,
        ),
    )


@MERGES.on(MergeRejected, MergeReverted)
def ended(recorded: Recorded[MergeRejected | MergeReverted]) -> Writes:
    """Each stands for itself."""
    return (END.write(**closed(recorded), merge=recorded.event.merge),)


@MERGES.on(ErasureExecuted)
def erased(recorded: Recorded[ErasureExecuted]) -> Writes:
    """Nothing links a person who was erased to another record."""
    return (FORGET.write(subject_id=recorded.stream_id),) if recorded.event.of_everything else ()
