"""Whatever a test is answered is what the OpenAPI document says: status, form, members, problem.

Every client of the tests looks at every answer, so an operation that can be refused in a way, or
that answers a member, of which auditors read nothing fails the first test that meets it.
"""

import json
import re
from collections.abc import AsyncIterator, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import httpx
from openapi_schema_validator import OAS31Validator

DOCUMENT: dict[str, Any] = json.loads(
    (Path(__file__).resolve().parents[1] / "openapi.json").read_text(encoding="utf-8")
)
PROBLEM = "application/problem+json"
ANYWHERE = frozenset({"not-found", "method-not-allowed"})
"""Told of a path that is no operation's, though it may look like one."""
SIZE_MAX_BYTES = 100_000
"""A longer answer is one of many alike; looking at each of its members would take seconds."""
ELEMENTS_MAX = 20

Value = Any  # a JSON value


async def as_documented(response: httpx.Response) -> None:
    """AssertionError when the document does not tell of such an answer; names no value in it."""
    request = response.request
    template = _template("GET" if request.method == "HEAD" else request.method, request.url.path)
    if template is None or 300 <= response.status_code < 400:
        return
    method, path = template
    told = DOCUMENT["paths"][path][method]["responses"].get(str(response.status_code))
    flaws = [flaw async for flaw in _flaws(response, told)]
    assert not flaws, f"{request.method} {path} {response.status_code}: {flaws}"


async def _flaws(response: httpx.Response, told: Value) -> AsyncIterator[str]:
    form = response.headers.get("content-type", "").partition(";")[0]
    if form == PROBLEM and response.request.method != "HEAD":
        await response.aread()
        slug = response.json()["type"].rpartition("/")[2]
        if slug in ANYWHERE:
            return
        examples = {} if told is None else _resolved(told)["content"].get(PROBLEM, {})["examples"]
        if slug not in examples:
            yield f"the problem {slug} is not documented"
        for flaw in _misfits({"$ref": "#/components/schemas/Problem"}, response.json()):
            yield flaw
    elif told is None:
        yield "the status is not documented"
    elif form:
        declared = _resolved(told).get("content", {})
        content = {name.partition(";")[0]: kind for name, kind in declared.items()}
        if form not in content:
            yield f"{form} is not documented"
        elif _is_read(response, form):
            await response.aread()
            for flaw in _misfits(content[form].get("schema", {}), response.json()):
                yield flaw


def _is_read(response: httpx.Response, form: str) -> bool:
    size = int(response.headers.get("content-length", 0))
    json_form = form == "application/json" or form.endswith("+json")
    return json_form and response.request.method != "HEAD" and size <= SIZE_MAX_BYTES


def _misfits(schema: Value, value: Value) -> Iterator[str]:
    """Where a value does not fit, and which of its members the schema does not name."""
    if "$ref" in schema:
        for error in _validator(schema["$ref"]).iter_errors(value):
            yield f"{error.json_path} breaks {error.validator}"
        yield from sorted(set(_unnamed(schema, value, "$")))


def _unnamed(schema: Value, value: Value, place: str) -> Iterator[str]:
    schema = _resolved(schema)
    if "anyOf" in schema:
        told = (list(_unnamed(one, value, place)) for one in schema["anyOf"])
        yield from min(told, key=len)
        return
    if isinstance(value, dict) and "properties" in schema:
        for name, member in value.items():
            if name in schema["properties"]:
                yield from _unnamed(schema["properties"][name], member, f"{place}.{name}")
            elif not schema.get("additionalProperties"):
                yield f"{place} has an undocumented member {name}"
    elif isinstance(value, list) and "items" in schema:
        for member in value[:ELEMENTS_MAX]:
            yield from _unnamed(schema["items"], member, f"{place}[]")


def _resolved(part: Value) -> Value:
    while "$ref" in part:
        _, kind, name = part["$ref"].removeprefix("#/").split("/")
        part = DOCUMENT["components"][kind][name]
    return part


@cache
def _validator(reference: str) -> OAS31Validator:
    return OAS31Validator({"$ref": reference, "components": DOCUMENT["components"]})


@cache
def _templates() -> dict[str, list[tuple[re.Pattern[str], str]]]:
    """By method, the operations; those without parameters come first, as in the routes."""
    found: dict[str, list[tuple[re.Pattern[str], str]]] = {}
    for path in sorted(DOCUMENT["paths"], key=lambda one: one.count("{")):
        pattern = re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path)))
        for method in DOCUMENT["paths"][path]:
            found.setdefault(method.upper(), []).append((pattern, path))
    return found


def _template(method: str, path: str) -> tuple[str, str] | None:
    for pattern, template in _templates().get(method, ()):
        if pattern.fullmatch(path):
            return method.lower(), template
    return None
