"""Declares an operation once: route, scope, problems, headers, and the rules that it serves."""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, get_type_hints

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.responses import JSONResponse, Response

from app.api.bodies import Body, ReceiptBody
from app.api.problems import MEDIA_TYPE, PROBLEMS
from app.api.strict_json import StrictRoute
from app.auth import Scope

PUBLIC = "public"
"""The `x-scope` of an operation that needs no key."""

Endpoint = Callable[..., Any]

PAGE = "text/html"
BINARY = {"schema": {"type": "string", "format": "binary"}}
UNCHANGED = "It stood already: nothing was recorded."

ALWAYS = ("not-authenticated", "insufficient-scope", "method-not-allowed", "internal")
READING = (
    "validation",
    "policy-unpublished",
    "ledger-unavailable",
    "log-taken-back",
    "answer-too-slow",
)
BODIED = ("malformed-json", "unsupported-media-type", "body-too-large")
WRITING = (
    *BODIED,
    "idempotency-key-missing",
    "idempotency-key-invalid",
    "idempotency-key-reused",
    "precondition-malformed",
    "version-mismatch",
    "subject-absorbed",
    "ledger-busy",
)

IDEMPOTENCY_HEADER = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "Makes the request repeatable for 7 days; a fresh UUID for each new request.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    "example": "8e03978e-40d5-43e8-bc93-6894a57f9324",
}
IF_MATCH_HEADER = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "description": "The ETag of the record that you decided on; 412 when it has changed since.",
    "schema": {"type": "string", "maxLength": 16},
    "example": '"7"',
}
PURPOSE_HEADER = {
    "name": "Purpose",
    "in": "header",
    "required": True,
    "description": "The purpose of the policy that the data is read for; it is recorded (L3).",
    "schema": {"type": "string", "maxLength": 64},
    "example": "event_logistics",
}


def router(tag: str) -> APIRouter:
    """A router whose routes read JSON strictly."""
    return APIRouter(
        tags=[tag],
        route_class=StrictRoute,
        generate_unique_id_function=lambda route: route.name,
    )


def operation(
    routes: APIRouter,
    method: str,
    path: str,
    *,
    scope: Scope | None,
    answers: type[BaseModel] | None,
    summary: str,
    status: int = 200,
    problems: Sequence[str] = (),
    clauses: Sequence[str] = (),
    law: Sequence[str] = (),
    writes: bool = False,
    purpose: bool = False,
    example: Any = None,  # Any: a JSON value
    media_type: str = "application/json",
    forms: Sequence[str] = (),
    pages: Sequence[int] = (),
    more: Mapping[int | str, dict[str, Any]] | None = None,  # Any: parts of an OpenAPI response
    body: Any = None,  # Any: an OpenAPI request body
) -> Callable[[Endpoint], Endpoint]:
    """Adds the decorated coroutine as a route; its docstring becomes the description.

    ``scope`` None makes it public. ``writes`` demands an Idempotency-Key and honours If-Match;
    ``purpose`` demands the Purpose header. ``example`` is an answer; ``forms`` are the media types
    that it can have beside; ``pages`` are the statuses that are told on a page, too, and ``more``
    the answers of other statuses that are no problems. ``body`` describes one that is read as a
    stream: any other is derived.
    """
    headers = [IDEMPOTENCY_HEADER, IF_MATCH_HEADER] if writes else []
    headers += [PURPOSE_HEADER] if purpose else []
    extra = {
        "x-clauses": list(clauses),
        "x-law": list(law),
        "x-scope": scope.value if scope else PUBLIC,
        "security": [{"apiKey": [scope.value]}] if scope else [],
        **({"parameters": headers} if headers else {}),
        **({} if body is None else {"requestBody": body}),
    }

    def add(endpoint: Endpoint) -> Endpoint:
        slugs = (
            *(ALWAYS if scope else ALWAYS[2:]),
            *READING,
            *(WRITING if writes else ()),
            *problems,
            *_of_the_body(endpoint),
            *(("purpose-header-missing",) if purpose else ()),
        )
        responses = _refusals(slugs, pages)
        if status in (201, 202) and answers is not None and issubclass(answers, ReceiptBody):
            responses[200] = {"model": answers, "description": UNCHANGED}
        responses |= {**(more or {}), status: _success(example, media_type, forms)}
        routes.add_api_route(
            path,
            endpoint,
            methods=[method],
            response_model=answers,
            response_class=_answering(media_type, model=answers is not None),
            status_code=status,
            summary=summary,
            responses=responses,
            openapi_extra=extra,
        )
        return endpoint

    return add


def _of_the_body(endpoint: Endpoint) -> Iterator[str]:
    """What can be wrong with the JSON that an endpoint reads."""
    for name, kind in get_type_hints(endpoint).items():
        if name != "return" and inspect.isclass(kind) and issubclass(kind, Body):
            yield from BODIED
            if "occurred_at" in kind.model_fields:
                yield "occurred-in-future"


def _answering(media_type: str, *, model: bool) -> type[Response]:
    """What FastAPI takes the media type of an answer from; no answer is made by it."""
    base = JSONResponse if model or media_type == "application/json" else Response
    return type("Answer", (base,), {"media_type": media_type})


def _success(example: Any, media_type: str, forms: Sequence[str]) -> dict[str, Any]:
    """The answer in every media type that it can have; its schema comes from the model."""
    content: dict[str, Any] = {form: dict(BINARY) for form in forms}
    if example is not None:
        content.setdefault(media_type, {})["example"] = example
    return {"content": content} if content else {}


def _refusals(slugs: Sequence[str], pages: Sequence[int]) -> dict[int | str, dict[str, Any]]:
    """One response a status, naming every problem type that it can carry; some are pages, too."""
    by_status: dict[int | str, dict[str, Any]] = {}
    for slug in dict.fromkeys(slugs):
        kind = PROBLEMS[slug]
        entry = by_status.setdefault(
            kind.status,
            {
                "description": "",
                "content": {
                    MEDIA_TYPE: {
                        "schema": {"$ref": "#/components/schemas/Problem"},
                        "examples": {},
                    }
                },
            },
        )
        entry["description"] += f"{kind.title}. "
        entry["content"][MEDIA_TYPE]["examples"][slug] = {"$ref": f"#/components/examples/{slug}"}
    for entry in by_status.values():
        entry["description"] = entry["description"].strip()
    for status in pages:
        entry = by_status.setdefault(status, {"description": "Told on a page.", "content": {}})
        entry["content"][PAGE] = {"schema": {"type": "string"}}
    return by_status
