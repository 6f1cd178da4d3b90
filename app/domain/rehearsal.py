"""Records as they would be read back: for deciding what comes next before anything is stored."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from app.events.recorded import Record, Recorded
from app.identifiers import EventId

NOWHERE: Final = EventId(UUID(int=0))


def rehearsed(
    records: Sequence[Record], *, after_version: int, now: datetime
) -> Iterator[Recorded[Any]]:
    """The records as the next events of a stream, for folding alone: no ids, no keys, no bytes."""
    for version, record in enumerate(records, after_version + 1):
        yield Recorded(
            event=record.event,
            event_id=NOWHERE,
            stream_id=NOWHERE,
            version=version,
            position=None,
            recorded_at=now,
            occurred_at=record.occurred_at,
            by="",
            previous=None,
            leaf_hash=b"",
        )
