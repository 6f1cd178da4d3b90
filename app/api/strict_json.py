"""Reads JSON strictly: one UTF-8 value, no duplicate keys, NUL, lone surrogates or NaN (S31).

Parsers that disagree on a duplicate key are how a check and its use see two different bodies.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NoReturn, get_args, get_origin

from fastapi import HTTPException, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.routing import Match
from starlette.types import Scope

DEPTH_MAX = 32
STRICT = "/v1/"
"""Under it, a query has no name that the operation does not know."""


class MalformedJson(HTTPException):
    """The body cannot be accepted. Holds nothing of it.

    An HTTPException only because FastAPI turns every other error of a body into one of its own.
    """

    def __init__(self) -> None:
        super().__init__(400)


class UnsupportedMediaType(HTTPException):
    """The body is labelled as something else than the operation reads."""

    def __init__(self) -> None:
        super().__init__(415)


def parse(body: bytes) -> Any:  # Any: a JSON value
    """The JSON value of ``body``; MalformedJson for everything that parsers disagree on."""
    try:
        text = body.decode("utf-8")
        value = _DECODER.decode(text)
        # Escapes can write what UTF-8 cannot: only then is a walk over the strings needed.
        if "\\u" in text:
            _check_strings(value)
    except (ValueError, RecursionError):
        raise MalformedJson from None
    if text.count("[") + text.count("{") > DEPTH_MAX and _depth(value) > DEPTH_MAX:
        raise MalformedJson
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a key stands twice")
    return members


def _constant(_name: str) -> NoReturn:
    raise ValueError("not a JSON number")


def _check_strings(value: Any) -> None:
    if isinstance(value, str):
        value.encode("utf-8")  # a lone surrogate cannot be encoded
        if "\x00" in value:
            raise ValueError("NUL in a string")
    elif isinstance(value, dict):
        for key, member in value.items():
            _check_strings(key)
            _check_strings(member)
    elif isinstance(value, list):
        for member in value:
            _check_strings(member)


def _depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(_depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(_depth, value), default=0)
    return 0


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant)


class StrictRequest(Request):
    """A request whose JSON is read by `parse`, once."""

    async def json(self) -> Any:
        """The parsed body; the idempotency fingerprint is taken over the same value."""
        if not hasattr(self, "_json"):
            self._json = parse(await self.body())
        return self._json


class StrictRoute(APIRoute):
    """A route whose request is a StrictRequest; every router of the API uses it."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether the route answers; most are told apart by how the path ends, at a tenth."""
        if not scope["path"].endswith(self.path.rpartition("}")[2]):
            return Match.NONE, {}
        return super().matches(scope)

    def get_route_handler(self) -> Callable[[Request], Any]:
        """Wraps FastAPI's handler, so that body, dependencies and checks read one parsed value."""
        handler = super().get_route_handler()
        reads_json, asked = self.body_field is not None, asked_of_query(self)

        async def strict(request: Request) -> Response:
            if flaws := asked.flaws(request):
                raise RequestValidationError(flaws)
            if reads_json and not is_json(request.headers.get("content-type", "")):
                raise UnsupportedMediaType
            answer: Response = await handler(StrictRequest(request.scope, request.receive))
            return answer

        return strict


@dataclass(frozen=True, slots=True)
class Asked:
    """What the query of a route may say."""

    names: frozenset[str] | None
    """None where the route looks at them itself."""
    several: frozenset[str] | None
    """Those that may be there more than once; None where nobody counts."""

    def flaws(self, request: Request) -> list[dict[str, Any]]:  # Any: as Pydantic tells them
        """A name that nobody reads, or one of which a single value would be read."""
        if not request.scope["query_string"]:
            return []
        told = request.query_params
        if self.names is not None and not self.names.issuperset(told):
            return [{"loc": ("query", ""), "type": "extra_forbidden"}]
        if self.several is None or len(told.multi_items()) == len(told):
            return []
        return [
            {"loc": ("query", name), "type": "repeated"}
            for name in told
            if name not in self.several and len(told.getlist(name)) > 1
        ]


def asked_of_query(route: APIRoute) -> Asked:
    """What the query of a route may say.

    A question with `as_of` must not be answered as if it had none, nor a rehearsal carried out; nor
    one about two recipients as if it were about the last. A page for people takes whatever a mail
    program adds to its address.
    """
    if not route.path.startswith(STRICT):
        return Asked(None, None)
    names, several, own = set[str](), set[str](), False
    for field in queried(route.dependant):
        told = field.field_info.annotation
        names.add(field.alias)
        if _is_model(told):
            own = True
            members = told.model_fields.items()
            several |= {one.alias or name for name, one in members if _is_list(one.annotation)}
        elif _is_list(told):
            several.add(field.alias)
    return Asked(None if own else frozenset(names), frozenset(several))


def queried(dependant: Dependant) -> Iterator[Any]:  # Any: FastAPI's own type of a field
    """Every field of a query that a route reads, by itself or through what it depends on."""
    yield from dependant.query_params
    for one in dependant.dependencies:
        yield from queried(one)


def _is_model(annotation: Any) -> bool:  # Any: a type, or a form of one
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _is_list(annotation: Any) -> bool:  # Any: a type, or a form of one
    return get_origin(annotation) is list or any(map(_is_list, get_args(annotation)))


def is_json(content_type: str) -> bool:
    """Whether a media type is JSON, whatever its parameters."""
    if content_type == "application/json":
        return True
    kind = content_type.partition(";")[0].strip().lower()
    return kind == "application/json" or (
        kind.startswith("application/") and kind.endswith("+json")
    )
