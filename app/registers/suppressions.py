"""Counts of the suppression register: how many addresses are closed to what, and why (L41).

The register itself holds keyed tokens of addresses, and nobody can tell whose they are.
"""

from typing import Any

import asyncpg
from sqlalchemy import BigInteger, DateTime, bindparam, func, or_, select

from app.projections.statements import Query
from app.projections.suppressions import suppressions as recorded
from app.registers.table import Row, columns
from app.rights.as_of import AsOf
from app.store.tables import suppressions as tokens

COLUMNS = columns(
    purpose="What the addresses are closed to.",
    cause="Why; empty: all causes together.",
    recorded="How often it was recorded.",
    lifted="How many of these a later consent opened again.",
    addresses="Addresses on the register for the purpose; not with a position as `as_of`.",
)

_AT_POSITION = bindparam("position", type_=BigInteger)
_AT_MOMENT = bindparam("moment", type_=DateTime(timezone=True))


def _counting() -> Query:
    known = or_(recorded.c.position <= _AT_POSITION, recorded.c.since <= _AT_MOMENT)
    ended = or_(recorded.c.until_position <= _AT_POSITION, recorded.c.until <= _AT_MOMENT)
    return Query(
        select(
            recorded.c.purpose,
            recorded.c.cause,
            func.count().label("recorded"),
            func.count().filter(ended).label("lifted"),
        )
        .where(known)
        .group_by(func.rollup(recorded.c.purpose, recorded.c.cause))
        .order_by(recorded.c.purpose, recorded.c.cause.nulls_first())
    )


_COUNTING = _counting()
_ADDRESSES = Query(
    select(tokens.c.purpose, func.count().label("addresses"))
    .where(tokens.c.since <= _AT_MOMENT)
    .group_by(tokens.c.purpose)
)


async def rows(pool: "asyncpg.Pool[Any]", cut: AsOf | None, now: Any) -> list[Row]:
    """One row a purpose, then one a cause of it. ``now`` stands for no cut."""
    position = None if cut is None else cut.position
    moment = (now if cut is None else cut.moment) if position is None else None
    found = await _COUNTING.fetch(pool, position=position, moment=moment)
    addresses = {
        row["purpose"]: row["addresses"]
        for row in (await _ADDRESSES.fetch(pool, moment=moment) if moment is not None else ())
    }
    told: list[Row] = []
    for row in found:
        if row["purpose"] is not None:
            whole = row["cause"] is None
            told.append({**row, "addresses": addresses.get(row["purpose"]) if whole else None})
    return told
