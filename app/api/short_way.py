"""FastAPI's handler with a short way for what is plainly valid: path, JSON body, the caller's key.

Solving dependencies FastAPI's way costs a fifth of an append (docs/decisions/0004-hot-path.md).
Whatever is not valid at first sight goes that way all the same, so every error has one origin.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from fastapi.security import SecurityScopes

Handler = Callable[[Request], Awaitable[Response]]


def shortened(route: APIRoute, handler: Handler) -> Handler:
    """``handler`` itself for a route that asks for more than path, one JSON body and a caller."""
    dependant, call = route.dependant, route.dependant.call
    if not _is_plain(dependant) or dependant.body_params != [route.body_field] or call is None:
        return handler
    [body_field], path_fields = dependant.body_params, dependant.path_params
    guards = [(guard, _scopes(guard)) for guard in dependant.dependencies]

    async def short(request: Request) -> Response:
        if not await request.body():
            return await handler(request)
        body = await request.json()
        # The caller before the body's content: who has no key learns nothing of the schema.
        values: dict[str, Any] = {
            str(guard.name): await _answer(guard, request, scopes) for guard, scopes in guards
        }
        path = request.path_params
        given = [(body_field, body), *((field, path[field.alias]) for field in path_fields)]
        for field, text in given:
            values[field.name], errors = field.validate(text)
            if errors:
                return await handler(request)
        if dependant.request_param_name:
            values[dependant.request_param_name] = request
        answer: Response = await call(**values)
        return answer

    return short


def _is_plain(dependant: Dependant) -> bool:
    """Whether nothing but path, body and guards that look at the request alone is asked for."""
    return not _asks_more(dependant) and all(
        guard.name
        and guard.request_param_name
        and not _asks_more(guard)
        and not (guard.path_params or guard.body_params or guard.dependencies)
        for guard in dependant.dependencies
    )


def _asks_more(dependant: Dependant) -> bool:
    return bool(
        dependant.query_params
        or dependant.header_params
        or dependant.cookie_params
        or dependant.websocket_param_name
        or dependant.http_connection_param_name
        or dependant.response_param_name
        or dependant.background_tasks_param_name
    )


def _scopes(guard: Dependant) -> SecurityScopes:
    return SecurityScopes([*(guard.parent_oauth_scopes or ()), *(guard.own_oauth_scopes or ())])


async def _answer(guard: Dependant, request: Request, scopes: SecurityScopes) -> Any:
    asked: dict[str, Any] = {str(guard.request_param_name): request}
    if guard.security_scopes_param_name:
        asked[guard.security_scopes_param_name] = scopes
    assert guard.call is not None
    return await guard.call(**asked)
