"""The id of the matter that a receipt is about: a consent asked for, an objection ..."""

from uuid import UUID

from app.receipts import Receipt
from app.store.event_store import EventStore


async def matter_of(store: EventStore, receipt: Receipt, member: str) -> UUID | None:
    """The id as it stands in the log, so that a repeated request gets the first one's.

    ``member`` is the field of the events that names it; None when no event of the receipt has it.
    """
    if not receipt.lines:
        return None
    first, last = receipt.lines[0].version, receipt.lines[-1].version
    for recorded in await store.read_events(receipt.stream_id, first, last):
        matter = getattr(recorded.event, member, None)
        if isinstance(matter, UUID):
            return matter
    return None
