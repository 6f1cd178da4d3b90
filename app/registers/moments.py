"""The cut of an `as_of`, checked: neither in the future nor before there was anything (A13)."""

from datetime import datetime
from typing import Any

import asyncpg
from sqlalchemy import literal_column, select

from app.domain.decider import Refusal
from app.projections.statements import Query
from app.rights.as_of import AsOf
from app.store.append import PARTITION
from app.store.codec import read_entry
from app.store.event_store import EventStore
from app.store.tables import events


class AsOfInFuture(Refusal):
    """Nobody knows yet what will have been recorded by then."""

    code = "as-of-in-future"
    rules = ("A13",)


class AsOfBeforeFirstEvent(Refusal):
    """The log begins later: of that day it can say nothing."""

    code = "as-of-before-first-event"
    rules = ("A13",)


_FIRST = Query(
    select(events.c.entry).where(
        events.c.partition == literal_column(str(PARTITION)),
        events.c.position == literal_column("0"),
    )
)


async def checked(
    cut: AsOf | None, store: EventStore, pool: "asyncpg.Pool[Any]", now: datetime
) -> int:
    """The head of the log; AsOfInFuture, or AsOfBeforeFirstEvent also on an empty log."""
    head = await store.head_position()
    if cut is None:
        return head
    in_future = cut.moment is not None and cut.moment > now
    if in_future or (cut.position is not None and cut.position > head):
        raise AsOfInFuture(head=head)
    first = await _FIRST.fetch(pool)
    if not first:
        raise AsOfBeforeFirstEvent
    began = read_entry(first[0]["entry"], 0).recorded_at
    if cut.moment is not None and cut.moment < began:
        raise AsOfBeforeFirstEvent(first=began)
    return head
