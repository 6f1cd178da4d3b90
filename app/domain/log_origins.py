"""A log that lost signed entries goes on under another origin, and says so (L9)."""

from app.events.log_origins import LogReopened
from app.events.recorded import Record
from app.values import Value


class ReopenLog(Value, frozen=True, kw_only=True):
    """The log has another origin from here on. Names are given by their SHA-256."""

    former_origin: str
    origin: str
    lost_size: int
    lost_root: str | None
    kept_size: int


def reopened(command: ReopenLog, known: LogReopened | None) -> tuple[Record, ...]:
    """The record of it; none when the newest one gave this log its name already."""
    if known is not None and known.origin == command.origin:
        return ()
    event = LogReopened(
        former_origin=command.former_origin,
        origin=command.origin,
        lost_size=command.lost_size,
        lost_root=command.lost_root,
        kept_size=command.kept_size,
    )
    return (Record(event),)
