"""Dates are written: a number is none, on any operation (the document says `string`)."""

import json
from typing import Any

import httpx
import pytest

from tests.api.documented import DOCUMENT, OPERATIONS, Operation, properties


def dated(operation: Operation) -> list[str]:
    """The members of its body that are dates or times."""
    if operation.schema is None or "$ref" not in operation.schema:
        return []
    members: dict[str, Any] = properties(operation.schema)
    return [name for name, schema in members.items() if '"format": "date' in json.dumps(schema)]


CASES = [
    pytest.param(one, name, id=f"{one.name} {name}") for one in OPERATIONS for name in dated(one)
]


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("operation", "name"), CASES)
async def test_no_number_is_a_date(
    caller: httpx.AsyncClient, operation: Operation, name: str
) -> None:
    for wrong in (1732270000, 1732270000.5, "1732270000", "20241122", True):
        body = {**operation.body(), name: wrong}
        answer = await caller.post(operation.path, json=body)
        assert (answer.status_code, answer.json()["type"]) == (422, "/problems/validation"), wrong
        assert [one["pointer"] for one in answer.json()["errors"]] == [f"/{name}"]


def test_there_are_dates_on_many_operations() -> None:
    assert len(CASES) > 10
    assert DOCUMENT["openapi"].startswith("3.")
