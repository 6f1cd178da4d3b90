"""The identifiers that lead to a person, opened for a change that must name their values."""

from collections.abc import Iterable
from uuid import UUID

from app.domain.subject import SUBJECT, fold
from app.store.event_store import EventStore
from app.vault.sealing import Sealed


async def identifiers_on_file(
    store: EventStore, subject_id: UUID, categories: Iterable[str]
) -> dict[int, str]:
    """Identifier (the version that claimed it) -> its normalised value, for some categories."""
    wanted = frozenset(categories)
    stream = await store.read_stream(subject_id, with_blobs=True)
    state = fold(SUBJECT.initial, stream.events)
    found: dict[int, str] = {}
    for version, held in state.identifiers.active.items():
        if held.category in wanted:
            opened = store.open_section(stream, held.value_at, held.retention_class)
            if isinstance(opened, Sealed) and held.category in opened.personal:
                found[version] = opened.personal[held.category]
    return found
