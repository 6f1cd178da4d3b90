"""A short way beside FastAPI's layers for what is plainly valid: path, query, body, caller's key.

Finding the route, the layers of exception handling and the solving of dependencies cost a third of
an append (docs/decisions/0004-hot-path.md). Whatever is not valid at first sight goes FastAPI's way
all the same, with its body read again from memory, so every error of a request has one origin.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from inspect import iscoroutinefunction
from typing import Any

from fastapi import FastAPI, Response
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import request_params_to_args
from fastapi.routing import APIRoute
from fastapi.security import SecurityScopes
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.strict_json import Asked, StrictRequest, asked_of_query, is_json

Fault = Callable[[Any, Exception], Any]
"""A handler of exceptions, as an application registers it."""

Segments = tuple[str | None, ...]
"""A path in parts; None stands for a parameter."""


class ShortWay:
    """Answers plain requests of ``app`` itself and passes every other one on.

    A route is plain when it asks for nothing but its path, one JSON body or, where it reads, a
    query, and guards that look at the request alone, and when no other route of its method could
    answer the same path.
    """

    def __init__(self, app: FastAPI, routes: Iterable[object]) -> None:
        if app.user_middleware:
            raise TypeError("a middleware of the application would be passed by")
        self._app = app
        self._faults: dict[type[Any], Fault] = dict(app.exception_handlers)
        self._routes = _plain_routes([one for one in routes if isinstance(one, APIRoute)])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request, or has it answered."""
        if scope["type"] != "http" or scope.get("root_path"):
            await self._app(scope, receive, send)
            return
        parts = scope["path"].split("/")
        for plain in self._routes.get((scope["method"], len(parts), parts[-1]), ()):
            path = plain.parameters(parts)
            if path is not None:
                scope.update(app=self._app, route=plain.route, path_params=path)
                await self._answer(plain, scope, receive, send)
                return
        await self._app(scope, receive, send)

    async def _answer(self, plain: "_Plain", scope: Scope, receive: Receive, send: Send) -> None:
        request = StrictRequest(scope, receive)
        answer: ASGIApp | None
        try:
            answer = None if plain.asked.flaws(request) else await plain.answer(request)
        except Exception as fault:  # noqa: BLE001  # as the application would handle it, or not
            answer = await self._handled(request, fault)
        if answer is None:
            body: bytes = await request.body()
            await self._app(scope, _again(body, receive), send)
        else:
            await answer(scope, receive, send)

    async def _handled(self, request: StrictRequest, fault: Exception) -> ASGIApp:
        for kind in type(fault).__mro__:
            if kind is not Exception and kind in self._faults:
                answer: ASGIApp = await self._faults[kind](request, fault)
                return answer
        raise fault  # the envelope records and answers it


@dataclass(frozen=True, slots=True)
class _Plain:
    """What FastAPI made of one route's signature, which stays its only declaration."""

    route: APIRoute
    template: Segments
    names: tuple[tuple[int, str], ...]
    guards: tuple[tuple[str, Callable[..., Any], dict[str, Any]], ...]
    fields: tuple[Any, ...]  # of the path; Any: FastAPI's own type
    queried: tuple[Any, ...]  # what a route that reads asks of the query
    body: Any  # None of a route that reads
    asked: Asked

    def parameters(self, parts: list[str]) -> dict[str, str] | None:
        """The parameters in the path; None when it is another route's."""
        for expected, part in zip(self.template, parts, strict=True):
            if part != expected and (expected is not None or not part):
                return None
        return {name: parts[index] for index, name in self.names}

    async def answer(self, request: StrictRequest) -> Response | None:
        """The route's answer; None for a request that FastAPI is to refuse."""
        body = None
        if self.body is not None:
            if not is_json(request.headers.get("content-type", "")) or not await request.body():
                return None
            if request.scope["query_string"]:
                return None
            body = await request.json()
        values: dict[str, Any] = {}
        # The caller before the body's content: who has no key learns nothing of the schema.
        for name, guard, asked in self.guards:
            values[name] = await guard(request, **asked)
        for field in self.fields:
            values[field.name], errors = field.validate(request.path_params[field.alias])
            if errors:
                return None
        if self.queried:
            told, errors = request_params_to_args(self.queried, request.query_params)
            if errors:
                return None
            values |= told
        if self.body is not None:
            values[self.body.name], errors = self.body.validate(body)
            if errors:
                return None
        dependant = self.route.dependant
        if dependant.request_param_name:
            values[dependant.request_param_name] = request
        assert dependant.call is not None
        answer: Response = await dependant.call(**values)
        return answer


def _plain_routes(routes: list[APIRoute]) -> dict[tuple[str, int, str], list[_Plain]]:
    """Plain routes by method, number of parts and last part, which a path shows at once."""
    alike: dict[tuple[str, int], list[tuple[Segments, APIRoute]]] = {}
    for route in routes:
        template = _segments(route)
        for method in route.methods or ():
            alike.setdefault((method, len(template)), []).append((template, route))
    found: dict[tuple[str, int, str], list[_Plain]] = {}
    for (method, length), templates in alike.items():
        for template, route in templates:
            last = template[-1]
            if (
                last
                and _is_plain(route)
                and not any(
                    other is not route and _overlap(template, its) for its, other in templates
                )
            ):
                found.setdefault((method, length, last), []).append(_plain(route, template))
    return found


def _segments(route: APIRoute) -> Segments:
    return tuple(None if part[:1] == "{" else part for part in route.path.split("/"))


def _overlap(one: Segments, other: Segments) -> bool:
    """Whether a path exists that both templates match; they have the same number of parts."""
    return all(a == b or a is None or b is None for a, b in zip(one, other, strict=True))


def _plain(route: APIRoute, template: Segments) -> _Plain:
    parts, dependant = route.path.split("/"), route.dependant
    return _Plain(
        route=route,
        template=template,
        names=tuple((n, part[1:-1]) for n, part in enumerate(parts) if part[:1] == "{"),
        guards=tuple(map(_guard, dependant.dependencies)),
        fields=tuple(dependant.path_params),
        queried=tuple(dependant.query_params),
        body=route.body_field,
        asked=asked_of_query(route),
    )


def _is_plain(route: APIRoute) -> bool:
    """Whether nothing but path, body or query, and guards that look at the request is asked for."""
    dependant = route.dependant
    return (
        (_reads(route) if route.body_field is None else _writes(route))
        and dependant.call is not None
        and not _asks_more(dependant)
        and all(
            guard.name
            and guard.request_param_name == "request"
            and not _asks_more(guard)
            and not (guard.path_params or guard.query_params)
            and not (guard.body_params or guard.dependencies)
            for guard in dependant.dependencies
        )
    )


def _writes(route: APIRoute) -> bool:
    return route.dependant.body_params == [route.body_field] and not route.dependant.query_params


def _reads(route: APIRoute) -> bool:
    """Whether it answers a GET, with a response of its own making that nothing is to be made of."""
    made = route.endpoint.__annotations__.get("return")
    responds = isinstance(made, type) and issubclass(made, Response)
    return route.methods == {"GET"} and responds and iscoroutinefunction(route.endpoint)


def _asks_more(dependant: Dependant) -> bool:
    return bool(
        dependant.header_params
        or dependant.cookie_params
        or dependant.websocket_param_name
        or dependant.http_connection_param_name
        or dependant.response_param_name
        or dependant.background_tasks_param_name
    )


def _guard(guard: Dependant) -> tuple[str, Callable[..., Any], dict[str, Any]]:
    scopes = SecurityScopes([*(guard.parent_oauth_scopes or ()), *(guard.own_oauth_scopes or ())])
    named = guard.security_scopes_param_name
    assert guard.call is not None
    return str(guard.name), guard.call, {named: scopes} if named else {}


def _again(body: bytes, receive: Receive) -> Receive:
    """The request's messages with its body, read already, in front."""
    unread: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def messages() -> Message:
        return unread.pop() if unread else await receive()

    return messages
