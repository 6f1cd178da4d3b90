"""Assessments over HTTP: what nobody weighed is a finding until somebody did."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.days import today_in_brussels
from tests.rights.people import get, post

READING = {"purpose": "rights_requests"}


@pytest.mark.clause("L9", "L44", "C37")
async def test_a_missing_assessment_is_a_finding_until_it_is_recorded(
    client: httpx.AsyncClient,
) -> None:
    client.headers.update(READING)
    body = {
        "assessment": str(uuid4()),
        "purpose": "photos",
        "document_sha256": "ab" * 32,
        "assessed_on": today_in_brussels().isoformat(),
        "outcome": "prevails",
    }
    before = await unweighed(client)

    receipt = await post(client, "/v1/legitimate-interest-assessments", body)
    listed = (await get(client, "/v1/legitimate-interest-assessments"))["items"]
    refused = await post(
        client, "/v1/legitimate-interest-assessments", {**body, "purpose": "newsletter"}, status=422
    )

    assert [event["type"] for event in receipt["events"]] == ["legitimate-interest.assessed"]
    assert {"photos", "photo_website", "network_exchange"} <= before
    assert before - await unweighed(client) == {
        one["purpose"] for one in listed if one["assessed_purpose"] == "photos"
    }
    assert refused["type"] == "/problems/no-interest-to-assess"


async def unweighed(client: httpx.AsyncClient) -> set[str]:
    """The purposes of which anything in the register says that nobody weighed the interest."""
    found: set[str] = set()
    following: str | None = None
    while True:
        asked: dict[str, Any] = {} if following is None else {"cursor": following}
        part = await get(client, "/v1/findings", **asked)
        for row in part["items"]:
            if row["code"] == "interest-missing" or "weigh" in row["title"]:
                found |= set(row["evidence"])
        following = part["next"]
        if following is None:
            return found
