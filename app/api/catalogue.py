"""What can be read about the surface itself: event types with their schemas, and problem types."""

import types
from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from inspect import getdoc
from typing import Annotated, Any, Union, get_args, get_origin
from typing import get_type_hints as type_hints
from uuid import UUID

from fastapi import HTTPException, Path, Response
from pydantic import BaseModel, Field

from app.api.answers import answer
from app.api.operations import operation, router
from app.api.problems import PROBLEMS
from app.events.declare import INTEGER_MAX, EventType, registry
from app.identifiers import WORD_PATTERN

ROUTES = router("catalogue")

DIALECT = "https://json-schema.org/draft/2020-12/schema"
SlugPath = Annotated[str, Path(max_length=64, pattern=r"^[a-z][a-z0-9-]*$")]


class EventTypeBody(BaseModel):
    """One event type: its payload holds closed-vocabulary words, ids, dates and numbers only."""

    name: str = Field(examples=["consent.given"], max_length=64)
    version: int = Field(ge=1)
    description: str = Field(max_length=2000)
    payload: dict[str, Any] = Field(description="JSON Schema of `d` in the entry.")


class EventTypesBody(BaseModel):
    """Every event type of this program."""

    items: list[EventTypeBody] = Field(max_length=500)


class ProblemTypeBody(BaseModel):
    """One problem type."""

    type: str = Field(examples=["/problems/subject-erased"], max_length=100)
    status: int = Field(ge=400, le=599)
    title: str = Field(max_length=200)
    advice: str = Field(max_length=500)


class ProblemTypesBody(BaseModel):
    """Every problem type."""

    items: list[ProblemTypeBody] = Field(max_length=500)


def payload_schema(kind: EventType) -> dict[str, Any]:
    """The JSON Schema of one event type's payload, read from its class."""
    hints = type_hints(kind.cls, include_extras=True)
    return {
        "$schema": DIALECT,
        "type": "object",
        "properties": {name: _schema(hints[name]) for name, _, _ in kind.codec},
        "required": [name for name, _, _ in kind.codec],
        "additionalProperties": False,
    }


_SCALARS: Mapping[Any, dict[str, Any]] = {
    bool: {"type": "boolean"},
    int: {"type": "integer", "minimum": -INTEGER_MAX, "maximum": INTEGER_MAX},
    UUID: {"type": "string", "format": "uuid"},
    datetime: {"type": "string", "format": "date-time"},
    date: {"type": "string", "format": "date"},
}
_WORD = {"type": "string", "pattern": WORD_PATTERN}
_DIGEST = {"type": "string", "pattern": "^[0-9a-f]{64}$"}


def _schema(hint: Any) -> dict[str, Any]:
    origin, args = get_origin(hint), get_args(hint)
    if hint in _SCALARS:
        return dict(_SCALARS[hint])
    if origin is Annotated:
        return dict(_WORD if args[1] == "word" else _DIGEST)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return {"type": "string", "enum": [member.value for member in hint]}
    if origin in (Union, types.UnionType):
        some = next(arg for arg in args if arg is not type(None))
        return {"anyOf": [_schema(some), {"type": "null"}]}
    if origin is tuple:
        return {"type": "array", "items": _schema(args[0])}
    return {
        "type": "object",
        "propertyNames": dict(_WORD),
        "additionalProperties": _schema(args[1]),
    }


@operation(
    ROUTES,
    "GET",
    "/v1/event-types",
    scope=None,
    answers=EventTypesBody,
    summary="List the event types",
    clauses=("C1",),
    law=("L9",),
)
async def list_event_types() -> Response:
    """Lists every event type with the JSON Schema of its payload."""
    items = [
        {
            "name": kind.name,
            "version": kind.version,
            "description": getdoc(kind.cls) or "",
            "payload": payload_schema(kind),
        }
        for kind in registry().values()
    ]
    return answer({"items": items})


@operation(
    ROUTES,
    "GET",
    "/v1/event-types/{event_type}/schemas/{schema_version}",
    scope=None,
    answers=None,
    summary="Show the schema of an event type",
    problems=("not-found",),
    law=("L9",),
    media_type="application/schema+json",
    example={"$schema": DIALECT, "type": "object", "properties": {"purpose": {"type": "string"}}},
)
async def get_event_schema(
    event_type: Annotated[str, Path(max_length=64, pattern=WORD_PATTERN)],
    schema_version: Annotated[int, Path(ge=1, le=1_000)],
) -> Response:
    """Shows the JSON Schema that an event's `dataschema` leads to: of `data`, in that version."""
    kind = registry().get(event_type)
    if kind is None or kind.version != schema_version:
        raise HTTPException(404)
    return answer(payload_schema(kind), media_type="application/schema+json")


def _problem_value(slug: str) -> dict[str, Any]:
    kind = PROBLEMS[slug]
    return {
        "type": f"/problems/{slug}",
        "status": kind.status,
        "title": kind.title,
        "advice": kind.advice,
    }


@operation(
    ROUTES, "GET", "/problems", scope=None, answers=ProblemTypesBody, summary="List problem types"
)
async def list_problem_types() -> Response:
    """Lists every `type` that an error can have, and what to do about it."""
    return answer({"items": [_problem_value(slug) for slug in PROBLEMS]})


@operation(
    ROUTES,
    "GET",
    "/problems/{slug}",
    scope=None,
    answers=ProblemTypeBody,
    summary="Explain a problem type",
    problems=("not-found",),
)
async def get_problem_type(slug: SlugPath) -> Response:
    """Explains one type; the `type` of every problem leads here."""
    if slug not in PROBLEMS:
        raise HTTPException(404)
    return answer(_problem_value(slug))
