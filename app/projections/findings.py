"""Findings about people: what the ledger noticed, and how a human cleared it (C75)."""

from sqlalchemy import Column, Text, Uuid

from app.events.erasures import ErasureExecuted
from app.events.findings import FindingCleared, FindingRaised
from app.events.recorded import Recorded
from app.projections.lasting import closed, closing, forgetting, lasting, opened, opening
from app.projections.projection import Projection, Writes

findings = lasting(
    "findings_v1",
    Column("finding", Uuid, nullable=False),
    Column("code", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("occasion", Uuid),
    Column("resolution", Text),
    comment="Findings about people: one row each, open until a human judged it.",
)

FINDINGS = Projection("findings", version=1, tables=(findings,))

RAISE = opening(findings, later=("resolution",))
CLEAR = closing(findings, "finding", also=("resolution",))
FORGET = forgetting(findings)


@FINDINGS.on(FindingRaised)
def raised(recorded: Recorded[FindingRaised]) -> Writes:
    """Something waits for a human."""
    event = recorded.event
    return (
        RAISE.write(
            **opened(recorded),
            finding=event.finding,
            code=event.code.value,
            source=event.source,
            occasion=event.occasion,
        ),
    )


@FINDINGS.on(FindingCleared)
def cleared(recorded: Recorded[FindingCleared]) -> Writes:
    """Who cleared it stands in the entry."""
    event = recorded.event
    return (
        CLEAR.write(**closed(recorded), finding=event.finding, resolution=event.resolution.value),
    )


@FINDINGS.on(ErasureExecuted)
def erased(recorded: Recorded[ErasureExecuted]) -> Writes:
    """What was noticed about somebody who was erased concerns nobody any more."""
    return (FORGET.write(subject_id=recorded.stream_id),) if recorded.event.of_everything else ()
