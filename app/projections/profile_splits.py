"""Profiles once some values turned out to be another person's: they are no longer this one's."""

from sqlalchemy import ARRAY, Column, DateTime, Integer, Text, any_, literal_column, update

from app.events.recorded import Recorded
from app.events.splits import SplitApproved, SplitSide
from app.projections.profile_tables import HeldState, held
from app.projections.profiles import PROFILES
from app.projections.projection import Writes
from app.projections.statements import Statement, given


def _leaving() -> Statement:
    rows = given(
        held.c.subject_id,
        Column("versions", ARRAY(Integer)),
        Column("at", DateTime(timezone=True)),
    )
    gone = literal_column(f"'{HeldState.ERASED}'", Text)
    changed = update(held).where(
        held.c.subject_id == rows.c.subject_id,
        held.c.version == any_(rows.c.versions),
        held.c.state != gone,
    )
    return Statement(rows, changed.values(state=gone, erased_at=rows.c.at))


LEAVE = _leaving()


@PROFILES.on(SplitApproved)
def split(recorded: Recorded[SplitApproved]) -> Writes:
    """What begins the other person's stream is collected there anew."""
    event = recorded.event
    if event.side is SplitSide.OFFSHOOT:
        return ()
    return (
        LEAVE.write(
            subject_id=recorded.stream_id,
            versions=event.versions,
            at=recorded.recorded_at,
        ),
    )
