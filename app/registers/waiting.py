"""Waiting until projections have read as far as a caller has written (A10)."""

from collections.abc import Iterable
from typing import Any

import asyncpg

from app.domain.decider import Refusal
from app.projections.positions import wait_for
from app.projections.projection import Projection

WAIT_S = 2.0


class PositionAhead(Refusal):
    """The position is not given yet: another ledger's, or this one's before a restore."""

    code = "position-ahead"
    rules = ("A17",)


class ProjectionLagging(Exception):
    """A register has not read that far yet, and did not within the time that a caller waits."""


async def reached(
    pool: "asyncpg.Pool[Any]", projections: Iterable[Projection], position: int
) -> None:
    """Returns when every projection shows the event at ``position``; else ProjectionLagging."""
    for projection in projections:
        if not await wait_for(pool, projection, position, timeout_s=WAIT_S):
            raise ProjectionLagging(projection.name)
