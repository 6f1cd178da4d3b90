"""HEAD on what everybody may read, as GET without its content (RFC 9110 §9.3.2).

Caches, monitors and whoever mirrors the log ask so. What has a caller, but for the log, has none:
reading somebody's data is recorded, and a stream has no end that a HEAD could wait for.
"""

from collections.abc import Iterable
from typing import Final

from fastapi.routing import APIRoute
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.operations import PUBLIC

LOG: Final = "/log/"


def takes_head(route: object) -> bool:
    """Whether a route answers HEAD beside the methods that it declares."""
    if not isinstance(route, APIRoute) or "GET" not in (route.methods or ()):
        return False
    return (route.openapi_extra or {}).get("x-scope") == PUBLIC or route.path.startswith(LOG)


class Heads:
    """Asks the application by GET, and passes the head of its answer on."""

    def __init__(self, inner: ASGIApp, routes: Iterable[object]) -> None:
        self._inner = inner
        self._routes = [
            route for route in routes if isinstance(route, APIRoute) and takes_head(route)
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes every other method on as it is."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._inner(scope, receive, send)
            return
        asked = {**scope, "method": "GET"}
        if all(route.matches(asked)[0] is not Match.FULL for route in self._routes):
            await self._inner(scope, receive, send)
            return

        async def head(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        try:
            await self._inner(asked, receive, head)
        finally:
            scope["route"] = asked.get("route")  # for the line of the access log
