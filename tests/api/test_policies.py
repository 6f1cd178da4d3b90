"""The policy over HTTP: in force, by version, on a day, and its recipients."""

import httpx
import pytest

from tests.serving import POLICY


@pytest.mark.clause("C1", "C76")
async def test_the_policy_in_force_is_shown_with_its_structure(client: httpx.AsyncClient) -> None:
    current = await client.get("/v1/policies/current")
    named = await client.get(f"/v1/policies/{POLICY}")
    unchanged = await client.get(
        "/v1/policies/current", headers={"if-none-match": current.headers["etag"]}
    )

    assert current.status_code == named.status_code == 200
    assert current.json() == named.json()
    assert current.json()["version"] == POLICY
    assert {"contact.name", "identity.document"} <= {
        one["key"] for one in current.json()["categories"]
    }
    assert unchanged.status_code == 304


@pytest.mark.clause("C77")
async def test_a_day_before_the_first_policy_has_none(client: httpx.AsyncClient) -> None:
    before = await client.get("/v1/policies", params={"as_of": "2000-01-01T00:00:00Z"})
    now = await client.get("/v1/policies", params={"as_of": "2999-01-01T00:00:00Z"})

    assert before.status_code == 404
    assert now.json()["version"] == POLICY


@pytest.mark.clause("C28")
async def test_a_text_that_was_not_supplied_is_a_problem_of_its_own(
    client: httpx.AsyncClient,
) -> None:
    answers = [
        await client.get(f"/v1/policies/{POLICY}/{ending}") for ending in ("texts/sv", "findings")
    ]

    for answer in answers:
        assert answer.json()["type"] == "/problems/policy-text-not-supplied"


@pytest.mark.clause("C35")
async def test_every_recipient_of_the_policy_is_listed(client: httpx.AsyncClient) -> None:
    listed = await client.get("/v1/recipients")

    assert listed.status_code == 200, listed.text
    assert len(str(listed.json())) > 1000
