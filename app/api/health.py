"""Whether the process lives and whether it may serve (A24)."""

from typing import Any

import asyncpg
from fastapi import Request, Response
from pydantic import BaseModel, Field

from app.api.answers import answer
from app.api.operations import operation, router
from app.projections import PROJECTIONS
from app.projections.positions import status
from app.registers.waiting import ProjectionLagging
from app.service import Service

ROUTES = router("operations")


class LiveBody(BaseModel):
    """The process answers."""

    status: str = Field(examples=["live"], max_length=16)


class ReadyBody(BaseModel):
    """Everything that serving needs is there."""

    status: str = Field(examples=["ready"], max_length=16)
    position: int = Field(description="Head of the log.", ge=-1)
    policy: str | None = Field(max_length=64)
    lag_s: float = Field(
        description="How long the oldest event has waited that a projection has not read.", ge=0
    )


@operation(
    ROUTES, "GET", "/livez", scope=None, answers=LiveBody, summary="Tell that the process lives"
)
async def livez() -> Response:
    """Answers without touching the database."""
    return answer({"status": "live"})


@operation(
    ROUTES,
    "GET",
    "/readyz",
    scope=None,
    answers=ReadyBody,
    summary="Tell whether the service may serve",
    problems=("ledger-unavailable", "policy-unpublished", "projection-lagging"),
)
async def readyz(request: Request) -> Response:
    """Reads the head of the log, the policy in force and how far the projections have come.

    503 when any of it cannot be had, a projection lags too far behind, or the log contradicts what
    was signed of it: then nothing at all is served.
    """
    service: Service = request.app.state.service
    lag_max_s: float = request.app.state.settings.ready_lag_max_s
    try:
        position = await service.store.head_position()
        rules = await service.rulebook.refresh()
        lag_s = max(one.lag_s for one in await status(service.pool, PROJECTIONS))
    except (asyncpg.PostgresError, asyncpg.InterfaceError):
        raise ConnectionError from None
    if lag_s > lag_max_s:
        raise ProjectionLagging
    body: dict[str, Any] = {
        "status": "ready",
        "position": position,
        "policy": rules.policy.version,
        "lag_s": round(lag_s, 3),
    }
    return answer(body)
