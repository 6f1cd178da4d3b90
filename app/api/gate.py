"""Refuses everything while the log contradicts what was signed of it (503 `log-taken-back`)."""

from typing import Any, Final

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.problems import problem
from app.store.log_standing import TakenBack

OPEN: Final = ("/livez", "/problems/")
"""That the process lives, and what its problem means."""


class Gate:
    """Stands before the application; open unless a start found the log taken back."""

    def __init__(self, app: FastAPI, inner: ASGIApp) -> None:
        self._state = app.state
        self._inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, or answers why none is served."""
        found: TakenBack | None = self._state.taken_back
        if found is None or scope["type"] != "http" or scope["path"].startswith(OPEN):
            await self._inner(scope, receive, send)
            return
        told: dict[str, Any] = {
            "reason": found.reason.value,
            "source": found.source.value,
            "remembered_size": found.remembered,
            "size": found.here,
            **({"witness": found.witness} if found.witness else {}),
        }
        answer = problem("log-taken-back", scope.get("state", {}).get("request_id"), **told)
        await answer(scope, receive, send)
