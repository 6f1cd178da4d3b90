"""The OpenAPI document: what FastAPI derives, with our problem type in place of its own errors."""

import json
from collections import Counter
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from app.api.operations import PAGE
from app.api.problems import MEDIA_TYPE, PROBLEMS

DESCRIPTION = """Keeps and proves what a privacy policy promises: an append-only ledger of personal
data that can still forget a person.

* **Keys**: `Authorization: Bearer pl_live_…`; each operation names its scope in `x-scope`.
* **Repeatable**: every request that appends carries an `Idempotency-Key`, kept for 7 days.
* **Created**: a person, a rights request, a breach, a subscription: `Location` is where to read it.
* **Preconditions**: the `ETag` of a record is its version; send it back as `If-Match`.
* **Purpose**: whoever reads personal data says for which purpose, and that is recorded.
* **Errors** are RFC 9457 problems; their `type` leads to an explanation; no input is ever echoed.
* `x-clauses` and `x-law` name the clauses of the policy and the rules of law that it serves.
"""

PROBLEM_SCHEMA: dict[str, Any] = {
    "title": "Problem",
    "description": "RFC 9457. Never holds anything that came in. Further members say what it is"
    " about, by the names of ours: a purpose, a recipient, a reason.",
    "additionalProperties": True,
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference", "maxLength": 100},
        "title": {"type": "string", "maxLength": 200},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string", "maxLength": 500},
        "instance": {"type": ["string", "null"], "format": "uri", "maxLength": 100},
        "rules": {"type": "array", "maxItems": 20, "items": {"type": "string", "maxLength": 8}},
        "errors": {
            "type": "array",
            "maxItems": 20,
            "items": {
                "type": "object",
                "properties": {
                    "pointer": {"type": "string", "maxLength": 200},
                    "query": {"type": "string", "maxLength": 200},
                    "header": {"type": "string", "maxLength": 200},
                    "path": {"type": "string", "maxLength": 200},
                    "column": {"description": "Of a table; from 1.", "type": "integer"},
                    "code": {"type": "string", "maxLength": 64},
                    "known": {
                        "description": "Names or words that may stand where an unknown one stood.",
                        "type": "array",
                        "maxItems": 100,
                        "items": {"type": "string", "maxLength": 100},
                    },
                },
            },
        },
    },
}


API_KEY_SCHEME = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "pl_live_<12>_<43><6>",
    "description": "An API key with the scope of the operation: `pdledger client add`.",
}


def install(app: FastAPI) -> None:
    """Makes the application describe itself by `describe`, once."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = describe(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI documents this very assignment


def describe(app: FastAPI) -> dict[str, Any]:
    """The whole document, OpenAPI 3.1."""
    document = get_openapi(
        title=app.title,
        version=app.version,
        summary="A ledger of personal data that can forget",
        description=DESCRIPTION,
        routes=app.routes,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        servers=[{"url": "/"}],
    )
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for derived in ("HTTPValidationError", "ValidationError"):
        schemas.pop(derived, None)
    schemas["Problem"] = PROBLEM_SCHEMA
    document["components"]["securitySchemes"] = {"apiKey": API_KEY_SCHEME}
    document["components"]["examples"] = {slug: _example(slug) for slug in PROBLEMS}
    for operation in _operations(document):
        _replace_derived_errors(operation)
    _share_refusals(document)
    _share_answers(document)
    _share_parameters(document)
    return document


def _example(slug: str) -> dict[str, Any]:
    kind = PROBLEMS[slug]
    return {
        "value": {
            "type": f"/problems/{slug}",
            "title": kind.title,
            "status": kind.status,
            "detail": kind.advice,
            "instance": "urn:uuid:5a6f0a0e-0f4e-4c39-9d1e-6d0f8a0b6f55",
        }
    }


def _operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        operation
        for path in document["paths"].values()
        for operation in path.values()
        if isinstance(operation, dict)
    ]


def _replace_derived_errors(operation: dict[str, Any]) -> None:
    """A 422 of FastAPI's own shape can never be answered: ours stands in its place."""
    content = operation.get("responses", {}).get("422", {}).get("content", {})
    content.pop("application/json", None)


def _share_refusals(document: dict[str, Any]) -> None:
    """Refusals that several operations have in common are described once, under their problems."""
    places: dict[str, list[tuple[dict[str, Any], str]]] = {}
    for operation in _operations(document):
        for status, response in operation["responses"].items():
            content = response.get("content", {})
            if problems := content.get(MEDIA_TYPE, {}).get("examples"):
                name = ".".join([*problems, *(["page"] if PAGE in content else [])])
                places.setdefault(name, []).append((operation["responses"], status))
    shared: dict[str, Any] = {}
    for name, found in sorted(places.items()):
        if len(found) > 1:
            [(responses, status), *_] = found
            shared[name] = responses[status]
            for responses, status in found:
                assert responses[status] == shared[name], "a refusal is described one way"
                responses[status] = {"$ref": f"#/components/responses/{name}"}
    document["components"]["responses"] = shared


def _share_answers(document: dict[str, Any]) -> None:
    """Answers that several operations give alike are described once, under model and status."""
    places: dict[str, list[tuple[dict[str, Any], str]]] = {}
    for operation in _operations(document):
        for status, response in operation["responses"].items():
            places.setdefault(_text(response), []).append((operation["responses"], status))
    for text, found in places.items():
        told = json.loads(text).get("content", {}).get("application/json", {})
        model = told.get("schema", {}).get("$ref", "").rpartition("/")[2]
        if model and len(found) > 1:
            [(responses, status), *_] = found
            name = f"{model}.{status}"
            response = document["components"]["responses"].setdefault(name, responses[status])
            if _text(response) != text:
                continue  # the name stands for another answer already
            for responses, status in found:
                responses[status] = {"$ref": f"#/components/responses/{name}"}


def _share_parameters(document: dict[str, Any]) -> None:
    """Headers and ids that many operations take are described once, each under its name."""
    lists = [operation.get("parameters", []) for operation in _operations(document)]
    counted = Counter(_text(one) for parameters in lists for one in parameters)
    shared: dict[str, Any] = {}
    for text, count in counted.most_common():
        one = json.loads(text)
        if count > 1:
            shared.setdefault(one["name"], one)
    for parameters in lists:
        for place, one in enumerate(parameters):
            if shared.get(one["name"]) == one:
                parameters[place] = {"$ref": f"#/components/parameters/{one['name']}"}
    document["components"]["parameters"] = dict(sorted(shared.items()))


def _text(part: dict[str, Any]) -> str:
    return json.dumps(part, sort_keys=True)
