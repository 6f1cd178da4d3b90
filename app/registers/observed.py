"""What the log shows of each processing activity: what is held, and who was given what (L48).

Aggregates of two projections over everybody, as they stand or as they stood at a cut in time.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import asyncpg
from sqlalchemy import (
    Column,
    ColumnElement,
    DateTime,
    Text,
    bindparam,
    distinct,
    func,
    literal_column,
    or_,
    select,
    true,
    tuple_,
)

from app.projections.profile_tables import HeldState, held
from app.projections.sharing_register import register as shared
from app.projections.statements import Query, given


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """What one recipient was given for one purpose on one ground."""

    purpose: str
    recipient: str
    mechanism: str
    categories: frozenset[str]
    disclosures: int
    people: int
    first: datetime
    last: datetime


@dataclass(slots=True)
class Observed:
    """What was observed of one activity; of none: of purposes that no activity lists."""

    held: dict[str, frozenset[str]] = field(default_factory=dict)
    """Purpose -> categories held for it."""
    flows: list[Flow] = field(default_factory=list)
    sources: frozenset[str] = frozenset()
    people: int = 0

    @property
    def purposes(self) -> frozenset[str]:
        """The purposes that anything is held or was shared for."""
        return frozenset(self.held) | {flow.purpose for flow in self.flows}

    @property
    def categories(self) -> frozenset[str]:
        """The categories that are held or were shared."""
        groups = (*self.held.values(), *(flow.categories for flow in self.flows))
        return frozenset(one for group in groups for one in group)

    @property
    def recipients(self) -> frozenset[str]:
        """Who was given anything."""
        return frozenset(flow.recipient for flow in self.flows)

    @property
    def disclosures(self) -> int:
        """How often."""
        return sum(flow.disclosures for flow in self.flows)


def _before(recorded: ColumnElement[Any]) -> ColumnElement[bool]:
    return recorded <= bindparam("moment", type_=DateTime(timezone=True))


def _holding() -> Query:
    """People and categories by activity and purpose; one row an activity has no purpose."""
    pairs = given(Column("activity", Text), Column("purpose", Text))
    erased = literal_column(f"'{HeldState.ERASED}'", Text)
    at = bindparam("moment", type_=DateTime(timezone=True))
    current = or_(held.c.superseded_at.is_(None), held.c.superseded_at > at)
    return Query(
        select(
            pairs.c.activity,
            held.c.purpose,
            func.array_agg(distinct(held.c.category)).label("categories"),
            func.array_agg(distinct(held.c.source)).label("sources"),
            func.count(distinct(held.c.subject_id)).label("people"),
        )
        .select_from(held.outerjoin(pairs, pairs.c.purpose == held.c.purpose))
        .where(held.c.state != erased, _before(held.c.since), current)
        .group_by(
            func.grouping_sets(tuple_(pairs.c.activity, held.c.purpose), tuple_(pairs.c.activity))
        )
    )


def _flowing() -> Query:
    one = func.unnest(shared.c.categories).table_valued("category").render_derived(name="one")
    return Query(
        select(
            shared.c.purpose,
            shared.c.recipient,
            shared.c.mechanism,
            func.array_agg(distinct(one.c.category)).label("categories"),
            func.count(distinct(shared.c.position)).label("disclosures"),
            func.count(distinct(shared.c.subject_id)).label("people"),
            func.min(shared.c.disclosed_at).label("first"),
            func.max(shared.c.disclosed_at).label("last"),
        )
        .select_from(shared.join(one, true()))
        .where(_before(shared.c.disclosed_at))
        .group_by(shared.c.purpose, shared.c.recipient, shared.c.mechanism)
        .order_by(shared.c.purpose, shared.c.recipient, shared.c.mechanism)
    )


_HOLDING = _holding()
_FLOWING = _flowing()


async def flows(pool: "asyncpg.Pool[Any]", moment: datetime) -> tuple[Flow, ...]:
    """Every flow there had been by then."""
    found = await _FLOWING.fetch(pool, moment=moment)
    return tuple(Flow(**{**dict(row), "categories": frozenset(row["categories"])}) for row in found)


async def observed(
    pool: "asyncpg.Pool[Any]", pairs: Iterable[tuple[str, str]], moment: datetime
) -> dict[str | None, Observed]:
    """Activity -> what was observed by then. ``pairs`` are (activity, purpose), as declared."""
    by_purpose: dict[str, list[str | None]] = {}
    for activity, purpose in pairs:
        by_purpose.setdefault(purpose, []).append(activity)
    rows = json.dumps(
        [
            {"activity": activity, "purpose": purpose}
            for purpose, activities in by_purpose.items()
            for activity in activities
        ]
    )
    found: dict[str | None, Observed] = {}
    for row in await _HOLDING.fetch(pool, rows=rows, moment=moment):
        one = found.setdefault(row["activity"], Observed())
        if row["purpose"] is None:
            one.people, one.sources = row["people"], frozenset(row["sources"])
        else:
            one.held[row["purpose"]] = frozenset(row["categories"])
    for flow in await flows(pool, moment):
        for listed in by_purpose.get(flow.purpose, [None]):
            found.setdefault(listed, Observed()).flows.append(flow)
    return found
