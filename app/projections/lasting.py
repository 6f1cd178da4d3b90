"""Tables whose rows hold from one event to another: closed, not deleted, so the past can be asked.

An erasure of the person deletes them: it redacts the past too.
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    delete,
    insert,
    select,
    update,
)

from app.events.recorded import Recorded
from app.projections.statements import Statement, given
from app.store.tables import READ_MODELS

ENDS = ("until_position", "until", "until_by")
"""Position, time and caller of the event that closed a row."""


def lasting(name: str, *columns: Column[Any], comment: str) -> Table:
    """A table of rows that each one event opens; ``columns`` say what it said."""
    return Table(
        name,
        READ_MODELS,
        Column("subject_id", Uuid, nullable=False),
        Column("version", Integer, nullable=False),
        Column("position", BigInteger, nullable=False),
        Column("since", DateTime(timezone=True), nullable=False),
        Column("occurred_at", DateTime(timezone=True)),
        Column("since_by", Text, nullable=False),
        *columns,
        Column("until_position", BigInteger),
        Column("until", DateTime(timezone=True)),
        Column("until_by", Text),
        PrimaryKeyConstraint("subject_id", "version"),
        comment=comment,
    )


def opening(table: Table, *, later: Iterable[str] = ()) -> Statement:
    """One more row; ``later`` are columns that another event fills."""
    left = frozenset((*ENDS, *later))
    filled = [column for column in table.columns if column.name not in left]
    rows = given(*filled)
    return Statement(rows, insert(table).from_select(filled, select(rows)))


def closing(table: Table, *keys: str, also: Iterable[str] = ()) -> Statement:
    """Ends the open rows of a person that are equal in ``keys``; ``also`` are filled with it."""
    named = ("subject_id", *keys, *ENDS, *also)
    rows = given(*(table.c[name] for name in named))
    same = [table.c[key].is_not_distinct_from(rows.c[key]) for key in keys]
    ended = update(table).where(
        table.c.subject_id == rows.c.subject_id, table.c.until_position.is_(None), *same
    )
    return Statement(rows, ended.values({name: rows.c[name] for name in (*ENDS, *also)}))


def filling(table: Table, key: str, *names: str) -> Statement:
    """Fills columns of the rows with one key, open or not."""
    rows = given(*(table.c[name] for name in ("subject_id", key, *names)))
    meant = update(table).where(
        table.c.subject_id == rows.c.subject_id, table.c[key] == rows.c[key]
    )
    return Statement(rows, meant.values({name: rows.c[name] for name in names}))


def forgetting(table: Table) -> Statement:
    """Deletes every row of a person."""
    rows = given(table.c.subject_id)
    return Statement(rows, delete(table).where(table.c.subject_id == rows.c.subject_id))


def opened(recorded: Recorded[Any]) -> dict[str, Any]:  # Any: what the columns hold
    """What every row says of the event that opened it."""
    return {
        "subject_id": recorded.stream_id,
        "version": recorded.version,
        "position": recorded.position,
        "since": recorded.recorded_at,
        "occurred_at": recorded.occurred_at,
        "since_by": recorded.by,
    }


def closed(recorded: Recorded[Any]) -> dict[str, Any]:  # Any: what the columns hold
    """What a row says of the event that closed it."""
    return {
        "subject_id": recorded.stream_id,
        "until_position": recorded.position,
        "until": recorded.recorded_at,
        "until_by": recorded.by,
    }
