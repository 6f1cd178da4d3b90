"""What a certificate says of key epochs: by whose end its data are in no backup any more (E3; L34).

Named are the epochs that had begun before the data were destroyed; their ends, and the beginning of
the next one, which came later, are the entries that prove it.
"""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from app.domain.epochs import EPOCH_EVENTS
from app.domain.subject import SUBJECT, fold
from app.events.epochs import EpochDestroyed, EpochOpened
from app.events.erasures import ErasureLevel
from app.events.recorded import Recorded
from app.store.event_store import Stream

Value = dict[str, Any]


def last_destruction(stream: Stream, erasure: UUID) -> int | None:
    """The latest position at which something went that is in no backup any more."""
    progress = fold(SUBJECT.initial, stream.events).erasures.by_id[erasure]
    places = [
        progress.destroyed_at.get(key)
        for key, reached in progress.levels.items()
        if ErasureLevel.BACKUPS_UNREADABLE in reached
    ]
    return max((place for place in places if place is not None), default=None)


def epoch_rows(stream: Stream, erasure: UUID, control: Stream) -> list[Value]:
    """The epochs that had to end, each with the entry of its end."""
    return [
        {
            "epoch": recorded.event.epoch,
            "destroyed_at": recorded.recorded_at,
            "custody": recorded.event.custody.value,
            "root": recorded.event.root.value,
            "position": recorded.position,
            "leaf_hash": recorded.leaf_hash.hex(),
        }
        for recorded, _ in _proving(stream, erasure, control)
        if isinstance(recorded.event, EpochDestroyed)
    ]


def epoch_entries(stream: Stream, erasure: UUID, control: Stream) -> list[tuple[int, bytes]]:
    """Position and entry of what proves it."""
    found = []
    for recorded, entry in _proving(stream, erasure, control):
        assert recorded.position is not None, "an event that was read has a position"
        found.append((recorded.position, entry))
    return found


def _proving(
    stream: Stream, erasure: UUID, control: Stream
) -> Iterator[tuple[Recorded[Any], bytes]]:
    last = last_destruction(stream, erasure)
    if last is None:
        return
    steps = [
        (recorded, entry)
        for recorded, entry in zip(control.events, control.entries, strict=True)
        if isinstance(recorded.event, EPOCH_EVENTS)
    ]
    opened = {one.event.epoch: one for one, _ in steps if isinstance(one.event, EpochOpened)}
    later = (key for key, one in opened.items() if one.position is not None and one.position > last)
    after = min(later, default=0)
    for recorded, entry in steps:
        event = recorded.event
        ends = isinstance(event, EpochDestroyed) and event.epoch < after
        if ends or (isinstance(event, EpochOpened) and event.epoch == after):
            yield recorded, entry
