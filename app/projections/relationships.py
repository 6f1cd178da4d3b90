"""Relationships: who takes part in what, since when, until when (C2, C3; L40)."""

from sqlalchemy import Column, DateTime, Text, Uuid

from app.events.erasures import ErasureExecuted
from app.events.recorded import Recorded
from app.events.relationships import RelationshipEnded, RelationshipStarted
from app.projections.lasting import closed, closing, forgetting, lasting, opened, opening
from app.projections.projection import Projection, Writes

relationships = lasting(
    "relationships_v1",
    Column("kind", Text, nullable=False),
    Column("organisation", Uuid),
    Column("occasion", Uuid),
    Column("policy", Text, nullable=False),
    Column("ended_at", DateTime(timezone=True)),
    comment="Relationships: one row each, open while it lasts.",
)

RELATIONSHIPS = Projection("relationships", version=1, tables=(relationships,))

START = opening(relationships, later=("ended_at",))
END = closing(relationships, "kind", "organisation", "occasion", also=("ended_at",))
FORGET = forgetting(relationships)


@RELATIONSHIPS.on(RelationshipStarted)
def started(recorded: Recorded[RelationshipStarted]) -> Writes:
    """A relationship lasts from here on."""
    event = recorded.event
    return (
        START.write(
            **opened(recorded),
            kind=event.kind,
            organisation=event.organisation,
            occasion=event.occasion,
            policy=event.policy,
        ),
    )


@RELATIONSHIPS.on(RelationshipEnded)
def ended(recorded: Recorded[RelationshipEnded]) -> Writes:
    """The period of the policy is counted from when it happened, not from when it was told."""
    event = recorded.event
    return (
        END.write(
            **closed(recorded),
            kind=event.kind,
            organisation=event.organisation,
            occasion=event.occasion,
            ended_at=recorded.happened_at,
        ),
    )


@RELATIONSHIPS.on(ErasureExecuted)
def erased(recorded: Recorded[ErasureExecuted]) -> Writes:
    """Whoever was erased never took part in anything."""
    return (FORGET.write(subject_id=recorded.stream_id),) if recorded.event.of_everything else ()
