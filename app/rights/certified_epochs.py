"""What a certificate says of key epochs: by whose end its data are in no backup any more (E3; L34).

Named are the epochs that had begun before the data were destroyed; their ends, and the beginning of
the next one, which came later, are the entries that prove it.
"""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from app.domain.epochs import EPOCH_EVENTS
from app.domain.subject import SUBJECT, fold
from app.events.epochs import EpochDestroyed, EpochOpened, EpochRestored
from app.events.erasures import ErasureLevel
from app.events.recorded import Recorded
from app.store.event_store import Stream

Value = dict[str, Any]


def destructions(stream: Stream, erasure: UUID) -> tuple[int, ...]:
    """The positions at which something went that is in no backup any more."""
    progress = fold(SUBJECT.initial, stream.events).erasures.by_id[erasure]
    places = (
        progress.destroyed_at.get(key)
        for key, reached in progress.levels.items()
        if ErasureLevel.BACKUPS_UNREADABLE in reached
    )
    return tuple(place for place in places if place is not None)


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
    places = destructions(stream, erasure)
    if not places:
        return
    steps = [
        (recorded, entry)
        for recorded, entry in zip(control.events, control.entries, strict=True)
        if isinstance(recorded.event, EPOCH_EVENTS)
    ]
    begun = [
        (key, one.position)
        for one, _ in steps
        if one.position is not None
        for key in _opened_by(one.event)
    ]
    # Which epochs had begun by then is told by the next one, for each class that went.
    following = {min((key for key, at in begun if at > place), default=0) for place in places}
    for recorded, entry in steps:
        event = recorded.event
        ends = isinstance(event, EpochDestroyed) and event.epoch < max(following)
        if ends or not following.isdisjoint(_opened_by(event)):
            yield recorded, entry


def _opened_by(event: Any) -> tuple[int, ...]:
    """The epochs that began with an event: one, or those of a newer keyring."""
    if isinstance(event, EpochRestored):
        return event.opened
    return (event.epoch,) if isinstance(event, EpochOpened) else ()
