"""The operations of the OpenAPI document, with a body of each that fits its schema."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from app.main import create_app
from app.settings import Settings

DOCUMENT: dict[str, Any] = create_app(Settings()).openapi()
_SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]

WORDS = {
    "event_type": "consent.given",
    "policy": "impel-1",
    "language": "sv",
    "code": "X4",
    "slug": "validation",
    "system": "mailchimp",
}
"""What stands for a parameter that is neither an id nor any word."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation, callable on a person who does not exist."""

    method: str
    template: str
    scope: str
    name: str
    schema: dict[str, Any] | None = field(repr=False)
    demands_key: bool
    statuses: frozenset[int] = field(repr=False)

    @property
    def path(self) -> str:
        """The template with every parameter filled in."""
        return re.sub(r"{(\w+)}", lambda match: _parameter(match[1]), self.template)

    def takes(self, member: str) -> bool:
        """Whether its body has a member of that name."""
        return self.schema is not None and member in properties(self.schema)

    def body(self) -> Any:  # Any: a JSON value
        """The smallest body that fits."""
        return None if self.schema is None else smallest(self.schema)


def _operations() -> Iterator[Operation]:
    for template, methods in DOCUMENT["paths"].items():
        for method, declared in methods.items():
            content = declared.get("requestBody", {}).get("content", {})
            yield Operation(
                method=method.upper(),
                template=template,
                scope=declared["x-scope"],
                name=declared["operationId"],
                schema=content.get("application/json", {}).get("schema"),
                demands_key=any(
                    one.get("$ref", "").endswith("/Idempotency-Key")
                    for one in declared.get("parameters", [])
                ),
                statuses=frozenset(int(status) for status in declared["responses"]),
            )


def smallest(schema: dict[str, Any]) -> Any:  # Any: a JSON value
    """A value that fits a schema of ours, optional members left out."""
    if "$ref" in schema:
        return smallest(_SCHEMAS[schema["$ref"].rpartition("/")[2]])
    if "enum" in schema:
        return schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    if schema.get("examples"):
        return schema["examples"][0]
    if "anyOf" in schema:
        return smallest(schema["anyOf"][0])
    return _of_type(schema)


def properties(schema: dict[str, Any]) -> dict[str, Any]:
    """The members of a body and their schemas."""
    found: dict[str, Any] = _SCHEMAS[schema["$ref"].rpartition("/")[2]]["properties"]
    return found


def extremes(schema: dict[str, Any]) -> list[Any]:  # Any: JSON values
    """Values at the edges of what a schema lets through."""
    if "$ref" in schema:
        inner = _SCHEMAS[schema["$ref"].rpartition("/")[2]]
        if "properties" not in inner:
            return extremes(inner)
        fitting = smallest(schema)
        return [
            fitting | {name: value}
            for name, member in inner["properties"].items()
            for value in extremes(member)
        ]
    if "anyOf" in schema:
        return [value for one in schema["anyOf"] for value in extremes(one)]
    match schema.get("type"), schema.get("format"):
        case "array", _:
            return [[], *([value] for value in extremes(schema["items"]))]
        case "object", _ if "additionalProperties" in schema:
            return [{"contact.name": one} for one in extremes(schema["additionalProperties"])]
        case "string", _:
            return _texts(schema)
        case "integer", _:
            return [-1, 0, 2**63, 10**40]
        case _:
            return [None]


def _texts(schema: dict[str, Any]) -> list[Any]:  # Any: texts, and numbers that pass for times
    match schema.get("format"):
        case "date":
            return ["0001-01-01", "9999-12-31"]
        case "date-time":
            return ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", 10**13, -(10**11)]
        case "uuid":
            return ["00000000-0000-0000-0000-000000000000", "f" * 32]
        case _:
            size = schema.get("maxLength", 4000)
            return ["\U0001d518" * size, "\u202e" * size, " " * size, "a" * size]


def _of_type(schema: dict[str, Any]) -> Any:  # Any: a JSON value
    match schema.get("type"), schema.get("format"):
        case "object", _:
            required = schema.get("required", [])
            return {name: smallest(schema["properties"][name]) for name in required}
        case "array", _:
            return [smallest(schema["items"])] if schema.get("minItems") else []
        case "string", "date-time":
            return "2026-11-20T10:00:00Z"
        case "string", "date":
            return "2026-11-20"
        case "string", "uuid":
            return str(uuid4())
        case "string", _ if "0-9a-f]{64}" in schema.get("pattern", ""):
            return "ab" * 32
        case "string", _:
            return "word"
        case (("integer" | "number"), _):
            return schema.get("minimum", 1)
        case "boolean", _:
            return True
    raise AssertionError(f"no value for a schema of type {schema.get('type')}")


def _parameter(name: str) -> str:
    schema = _IN_PATHS[name]
    if schema.get("format") == "uuid":
        return str(uuid4())
    if schema.get("type") == "integer" or name in {"identifier", "position"}:
        return "1"
    return str(WORDS.get(name) or schema.get("enum", ["newsletter"])[0])


def _in_paths() -> Iterator[tuple[str, dict[str, Any]]]:
    for methods in DOCUMENT["paths"].values():
        for declared in methods.values():
            for one in map(resolved, declared.get("parameters", [])):
                if one["in"] == "path":
                    schema = one["schema"]
                    name = schema.get("$ref", "").rpartition("/")[2]
                    yield one["name"], _SCHEMAS[name] if name else schema


def resolved(part: dict[str, Any]) -> dict[str, Any]:
    """What a reference to a part that several operations share stands for."""
    while "$ref" in part:
        _, kind, name = part["$ref"].removeprefix("#/").split("/")
        part = DOCUMENT["components"][kind][name]
    return part


_IN_PATHS = dict(_in_paths())
"""Parameter of a path -> the schema of its values."""

OPERATIONS = tuple(_operations())
"""Every operation, in the order of the document."""
