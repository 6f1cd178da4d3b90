"""Suppressions: how often addresses were closed to a purpose and why, never which (L41)."""

from sqlalchemy import Column, Text

from app.events.recorded import Recorded
from app.events.suppressions import SuppressionLifted, SuppressionRecorded
from app.projections.lasting import closed, closing, lasting, opened, opening
from app.projections.projection import Projection, Writes

suppressions = lasting(
    "suppressions_v1",
    Column("purpose", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("source", Text, nullable=False),
    comment="Suppressions: one row each, kept after an erasure; the subject is the register itself"
    " where nobody was known.",
)

SUPPRESSIONS = Projection("suppressions", version=1, tables=(suppressions,))

SUPPRESS = opening(suppressions)
LIFT = closing(suppressions, "purpose")


@SUPPRESSIONS.on(SuppressionRecorded)
def suppressed(recorded: Recorded[SuppressionRecorded]) -> Writes:
    """The addresses beside the event are closed to one purpose."""
    event = recorded.event
    return (
        SUPPRESS.write(
            **opened(recorded),
            purpose=event.purpose,
            cause=event.cause.value,
            source=event.source,
        ),
    )


@SUPPRESSIONS.on(SuppressionLifted)
def lifted(recorded: Recorded[SuppressionLifted]) -> Writes:
    """A later consent opens the purpose again for this person."""
    return (LIFT.write(**closed(recorded), purpose=recorded.event.purpose),)
