"""The OpenAPI document for auditors: whole, valid, committed, and true of the routes (A27)."""

import json
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import validate

from app.api.problems import PROBLEMS
from app.auth import Scope
from app.main import create_app
from app.settings import Settings
from tests.api.documented import resolved
from tests.serving import Api

COMMITTED = Path(__file__).resolve().parents[2] / "openapi.json"
DOCUMENT: dict[str, Any] = create_app(Settings()).openapi()
OPERATIONS = [
    pytest.param(operation, id=operation["operationId"])
    for path in DOCUMENT["paths"].values()
    for operation in path.values()
]


def test_the_committed_document_is_the_one_that_is_served() -> None:
    """`make openapi` writes it; a change of the surface shows in the diff."""
    assert json.loads(COMMITTED.read_text(encoding="utf-8")) == json.loads(json.dumps(DOCUMENT))


def test_the_document_is_valid() -> None:
    validate(DOCUMENT)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_operation_tells_an_auditor_what_it_is(operation: dict[str, Any]) -> None:
    assert operation["summary"]
    assert len(operation["description"]) > 20
    assert operation["tags"]
    assert isinstance(operation["x-clauses"], list)
    assert isinstance(operation["x-law"], list)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_operation_names_its_scope_and_demands_it(operation: dict[str, Any]) -> None:
    scope = operation["x-scope"]

    assert scope == "public" or scope in list(Scope)
    assert operation.get("security", []) == ([] if scope == "public" else [{"apiKey": [scope]}])


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_error_is_a_registered_problem(operation: dict[str, Any]) -> None:
    for status, answer in operation["responses"].items():
        if int(status) < 400:
            continue
        response = resolved(answer)
        content = response["content"]
        examples = content.get("application/problem+json", {}).get("examples", {})
        assert examples or set(content) <= {"text/html", "text/x.tlog.size"}
        for slug, example in examples.items():
            assert PROBLEMS[slug].status == int(status)
            assert example == {"$ref": f"#/components/examples/{slug}"}
            assert slug in DOCUMENT["components"]["examples"]
        assert set(content) <= {"application/problem+json", "text/html", "text/x.tlog.size"}


def test_every_string_that_comes_in_has_a_bound() -> None:
    """A28: what has no maximum is an invitation."""
    unbounded = [
        f"{name}.{member}"
        for name, schema in DOCUMENT["components"]["schemas"].items()
        if name.endswith("Body") and schema.get("additionalProperties") is False
        for member, rule in schema.get("properties", {}).items()
        if rule.get("type") == "string"
        and not {"maxLength", "format", "enum", "const"} & rule.keys()
    ]

    assert unbounded == []


async def test_the_documentation_asks_nobody_else(api: Api) -> None:
    """A30: no page, style or script of it names another host."""
    async with api.anonymous() as reader:
        page = await reader.get("/docs")
        start = await reader.get("/docs/start.js")
        assets = [
            await reader.get(f"/docs/{name}")
            for name in ("swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png")
        ]
        document = await reader.get("/openapi.json")

    assert page.status_code == 200
    assert "//" not in page.text.replace("<!doctype", "").replace("</", "<")
    assert "validatorUrl: null" in start.text
    assert "http" not in start.text
    assert {asset.status_code for asset in assets} == {200}
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert document.json()["openapi"].startswith("3.1")


async def test_the_catalogue_describes_every_event_type_and_problem(api: Api) -> None:
    async with api.anonymous() as reader:
        events = (await reader.get("/v1/event-types")).json()["items"]
        problems = (await reader.get("/problems")).json()["items"]
        one = await reader.get("/problems/subject-erased")

    assert {event["name"] for event in events} >= {"consent.given", "erasure.executed"}
    assert all(event["description"] and event["payload"]["type"] == "object" for event in events)
    assert {problem["type"] for problem in problems} == {f"/problems/{slug}" for slug in PROBLEMS}
    assert one.json()["status"] == 410
