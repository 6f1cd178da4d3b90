"""Whether the process lives and whether it may serve (A24)."""

from typing import Any

import asyncpg
from fastapi import Request, Response
from pydantic import BaseModel, Field

from app.api.answers import answer
from app.api.operations import operation, router
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
    problems=("ledger-unavailable", "policy-unpublished"),
)
async def readyz(request: Request) -> Response:
    """Reads the head of the log and the policy in force; 503 when either cannot be had."""
    service: Service = request.app.state.service
    try:
        position = await service.store.head_position()
        rules = await service.rulebook.refresh()
    except (asyncpg.PostgresError, asyncpg.InterfaceError):
        raise ConnectionError from None
    body: dict[str, Any] = {
        "status": "ready",
        "position": position,
        "policy": rules.policy.version,
    }
    return answer(body)
