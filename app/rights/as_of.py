"""A person's stream as it stood at a time or a position; an erasure redacts the past too (A13)."""

from dataclasses import dataclass
from datetime import UTC, datetime

from app.store.event_store import Stream
from app.values import replace


class AsOfMalformed(ValueError):
    """Neither a position of the log nor an RFC 3339 time with its offset."""


@dataclass(frozen=True, slots=True)
class AsOf:
    """A cut: by position, or by recorded time. The occurred time is shown, never used as a cut."""

    position: int | None = None
    moment: datetime | None = None

    def cut(self, stream: Stream) -> Stream:
        """The events up to the cut. Keys stay as they are today: what is erased stays so."""
        kept = sum(
            1
            for recorded in stream.events
            if (self.position is None or (recorded.position or 0) <= self.position)
            and (self.moment is None or recorded.recorded_at <= self.moment)
        )
        return replace(stream, events=stream.events[:kept], entries=stream.entries[:kept])


def parse_as_of(text: str | None) -> AsOf | None:
    """The cut that a caller named; None when there is none."""
    if text is None:
        return None
    if text.isascii() and text.isdigit() and len(text) <= 18:
        return AsOf(position=int(text))
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise AsOfMalformed
        return AsOf(moment=moment.astimezone(UTC))
    except (ValueError, OverflowError):  # no time, or outside the calendar once it is in UTC
        raise AsOfMalformed from None
