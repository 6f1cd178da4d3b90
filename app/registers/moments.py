"""The cut of an `as_of`, checked: neither in the future nor before there was anything (A13)."""

from datetime import datetime
from typing import Any

import asyncpg
from sqlalchemy import BigInteger, bindparam, literal_column, select

from app.domain.decider import Refusal
from app.events.declare import moment_text
from app.projections.statements import Query
from app.rights.as_of import AsOf
from app.store.append import PARTITION
from app.store.event_store import EventStore
from app.store.recorded import read_entry
from app.store.tables import events


class AsOfInFuture(Refusal):
    """Nobody knows yet what will have been recorded by then."""

    code = "as-of-in-future"
    rules = ("A13",)


class AsOfBeforeFirstEvent(Refusal):
    """The log begins later: of that day it can say nothing."""

    code = "as-of-before-first-event"
    rules = ("A13",)


_AT_POSITION = Query(
    select(events.c.entry).where(
        events.c.partition == literal_column(str(PARTITION)),
        events.c.position == bindparam("position", type_=BigInteger),
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
    if head < 0:
        raise AsOfBeforeFirstEvent
    began = await _recorded_at(pool, 0)
    if cut.moment is not None and cut.moment < began:
        raise AsOfBeforeFirstEvent(first=moment_text(began))
    return head


async def moment_of(cut: AsOf | None, pool: "asyncpg.Pool[Any]", now: datetime) -> datetime:
    """The cut as a recorded time: of a position, when its event was recorded; without one, now."""
    if cut is None:
        return now
    if cut.position is not None:
        return await _recorded_at(pool, cut.position)
    assert cut.moment is not None, "a cut is a position or a time"
    return cut.moment


async def _recorded_at(pool: "asyncpg.Pool[Any]", position: int) -> datetime:
    [row] = await _AT_POSITION.fetch(pool, position=position)
    return read_entry(row["entry"], position).recorded_at
