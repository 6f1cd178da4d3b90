"""Declares an operation once: route, scope, problems, headers, and the rules that it serves."""

from collections.abc import Callable, Sequence
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from app.api.problems import MEDIA_TYPE, PROBLEMS
from app.api.strict_json import StrictRoute
from app.auth import Scope

PUBLIC = "public"
"""The `x-scope` of an operation that needs no key."""

Endpoint = Callable[..., Any]

ALWAYS = ("not-authenticated", "insufficient-scope", "method-not-allowed", "internal")
READING = (
    "validation",
    "policy-unpublished",
    "ledger-unavailable",
    "log-taken-back",
    "answer-too-slow",
)
WRITING = (
    "malformed-json",
    "unsupported-media-type",
    "body-too-large",
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
    body: Any = None,  # Any: an OpenAPI request body
) -> Callable[[Endpoint], Endpoint]:
    """Adds the decorated coroutine as a route; its docstring becomes the description.

    ``scope`` None makes it public. ``writes`` demands an Idempotency-Key and honours If-Match;
    ``purpose`` demands the Purpose header. ``example`` is an answer; ``forms`` are the media types
    that it can have beside. ``body`` describes one that is read as a stream: any other is derived.
    """
    headers = [IDEMPOTENCY_HEADER, IF_MATCH_HEADER] if writes else []
    headers += [PURPOSE_HEADER] if purpose else []
    slugs = (*(ALWAYS if scope else ALWAYS[2:]), *READING, *(WRITING if writes else ()), *problems)
    slugs = (*slugs, *(("purpose-header-missing",) if purpose else ()))
    extra: dict[str, Any] = {"x-clauses": list(clauses), "x-law": list(law)}
    extra["x-scope"] = scope.value if scope else PUBLIC
    extra["security"] = [{"apiKey": [scope.value]}] if scope else []
    if headers:
        extra["parameters"] = headers
    if body is not None:
        extra["requestBody"] = body
    responses = _responses(slugs, status, example, media_type)
    for form in forms:
        responses.setdefault(status, {"content": {}})["content"][form] = {
            "schema": {"type": "string", "format": "binary"}
        }

    def add(endpoint: Endpoint) -> Endpoint:
        routes.add_api_route(
            path,
            endpoint,
            methods=[method],
            response_model=answers,
            status_code=status,
            summary=summary,
            responses=responses,
            openapi_extra=extra,
        )
        return endpoint

    return add


def _responses(
    slugs: Sequence[str], status: int, example: Any, media_type: str
) -> dict[int | str, dict[str, Any]]:
    """One response a status, naming every problem type that it can carry."""
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
    if example is not None:
        by_status[status] = {"content": {media_type: {"example": example}}}
    return by_status
