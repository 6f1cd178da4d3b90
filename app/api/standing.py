"""Answers that wait until projections have read as far as their caller has written (A10)."""

from collections.abc import Iterable
from typing import Annotated

from fastapi import Query

from app.api.call import Call
from app.projections.projection import Projection
from app.registers.waiting import PositionAhead, reached

MinPositionQuery = Annotated[
    int | None,
    Query(ge=0, le=2**53 - 1, description="Waits until the answer knows of this position."),
]


async def caught_up(call: Call, projections: Iterable[Projection], position: int | None) -> None:
    """Returns when all of them show it, at once for None; PositionAhead, ProjectionLagging."""
    if position is None:
        return
    head = await call.service.store.head_position()
    if position > head:
        raise PositionAhead(head=head)
    await reached(call.service.pool, projections, position)
