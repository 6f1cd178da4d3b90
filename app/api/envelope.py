"""The outermost ASGI layer: request id, size limit, every failure as a problem, one log line.

Pure ASGI: BaseHTTPMiddleware buffers streams and loses context. The log line holds the route's
template, never the path, a query, a body or an exception's text (S27).
"""

import time
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import structlog
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.problems import problem
from app.api.tracing import Spans
from app.clock import random_id

SECURITY_HEADERS: Mapping[bytes, bytes] = {
    b"cache-control": b"no-store",
    b"referrer-policy": b"no-referrer",
    b"x-content-type-options": b"nosniff",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
}

_log: Any = structlog.get_logger("pdledger.access")


class BodyTooLarge(HTTPException):
    """The body passed the limit while it was read.

    An HTTPException only because FastAPI turns every other error of a body into one of its own.
    """

    def __init__(self) -> None:
        super().__init__(413)


class Envelope:
    """Wraps the whole application."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        body_size_max_bytes: int,
        unlimited: frozenset[str] = frozenset(),
        spans: Spans | None = None,
    ) -> None:
        self._app = app
        self._spans = spans
        self._body_size_max = body_size_max_bytes
        self._unlimited = unlimited
        """Paths that stream their body and limit its lines themselves."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request, whatever happens inside."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(self, scope, receive, send)
        if self._spans is None:
            await exchange.run()
            return
        with self._spans.of(scope, exchange.request_id) as told:
            await exchange.run()
            told(exchange.status, exchange.failure)

    def size_limit(self, scope: Scope) -> int | None:
        """The limit of the request's body in bytes, or None where its lines are limited."""
        return None if scope["path"] in self._unlimited else self._body_size_max

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The application inside."""
        await self._app(scope, receive, send)


class _Exchange:
    """One request and its answer. Owned by one task."""

    def __init__(self, envelope: Envelope, scope: Scope, receive: Receive, send: Send) -> None:
        self._envelope, self._scope, self._receive, self._send = envelope, scope, receive, send
        self.request_id: UUID = random_id()
        self._limit = envelope.size_limit(scope)
        self._received = 0
        self.status = 0
        self.failure: str | None = None
        """The type of what no route and no handler answered."""
        scope.setdefault("state", {})["request_id"] = self.request_id

    async def run(self) -> None:
        """Runs the application; what it does not answer is answered here."""
        started = time.perf_counter()
        try:
            if self._declared_too_large():
                await self._problem("body-too-large")
            elif self._scope["path"].endswith("\n"):
                # Routes are matched by `$`, which is also true before a last line feed: one
                # resource would have two addresses, and a cache would keep both.
                await self._problem("not-found")
            else:
                await self._envelope.answer(self._scope, self._limited_receive, self._stamped_send)
        except BodyTooLarge:
            await self._problem("body-too-large")
        except Exception as fault:  # noqa: BLE001  # loop head of a request: recorded, answered
            self.failure = type(fault).__qualname__
            await self._problem("internal")
        finally:
            _log.info(
                "request",
                method=self._scope["method"],
                route=getattr(self._scope.get("route"), "path", None),
                status=self.status,
                duration_ms=round((time.perf_counter() - started) * 1000, 1),
                request_id=str(self.request_id),
                **({"failure": self.failure} if self.failure else {}),
            )

    def _declared_too_large(self) -> bool:
        if self._limit is None:
            return False
        for name, value in self._scope["headers"]:
            if name == b"content-length" and value.isdigit():
                return int(value) > self._limit
        return False

    async def _limited_receive(self) -> Message:
        message = await self._receive()
        if self._limit is not None and message["type"] == "http.request":
            self._received += len(message.get("body", b""))
            if self._received > self._limit:
                raise BodyTooLarge
        return message

    async def _stamped_send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = message.setdefault("headers", [])
            present = [name for name, _ in headers]
            headers += [pair for pair in SECURITY_HEADERS.items() if pair[0] not in present]
            headers.append((b"x-request-id", str(self.request_id).encode()))
        await self._send(message)

    async def _problem(self, slug: str) -> None:
        if self.status:
            return  # the answer is under way: the connection is cut instead
        await problem(slug, self.request_id)(self._scope, self._receive, self._stamped_send)
