"""The policy over HTTP: its structure, its text byte for byte, and what is wrong with it."""

import hashlib
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from app.cli.publication import publish
from app.policy.loader import load, packaged_structure
from app.service import Service
from tests.conftest import ROOT
from tests.serving import POLICY, Api

pytestmark = pytest.mark.asyncio(loop_scope="module")

SHARED = Path(os.environ.get("LEDGER_SHARED", ROOT.parent / "shared"))
TEXT = SHARED / "policy" / "impel-privacy-policy.sv.txt"
MISSING = "not given: policy/impel-privacy-policy.sv.txt (in LEDGER_SHARED, or in ../shared)"
VERSION = f"/v1/policies/{POLICY}"
SUPPLIED = f"{VERSION}/texts/sv"
ALL_CODES = [f"PL{number:02}" for number in range(1, 28)]


@pytest.mark.clause("C4", "C76", "L30")
async def test_the_policy_in_force_is_shown_to_everybody_whole(
    shared_api: Api,
) -> None:
    policy = load(packaged_structure(POLICY))
    async with shared_api.anonymous() as anybody:
        current = await anybody.get("/v1/policies/current")
        named = await anybody.get(VERSION)

    shown = current.json()
    assert current.status_code == 200
    assert shown == named.json()
    assert shown["version"] == POLICY
    assert shown["structure_sha256"] == hashlib.sha256(packaged_structure(POLICY)).hexdigest()
    assert {one["key"] for one in shown["purposes"]} == {one.key for one in policy.all_purposes()}
    assert {one["key"] for one in shown["categories"]} == policy.categories.keys()
    assert {one["key"] for one in shown["recipients"]} == policy.recipients.keys()
    assert {one["key"] for one in shown["retention_classes"]} == policy.retention_classes.keys()
    assert all(one["legal_basis"] for one in shown["purposes"])
    for one in shown["purposes"]:
        declared = policy.purpose(one["key"])
        assert declared is not None
        assert one["retention_by_category"] == dict(declared.retention_by_category)
        assert one["categories"] == sorted(declared.categories)


async def test_an_unchanged_policy_is_not_sent_again(shared_api: Api) -> None:
    async with shared_api.anonymous() as anybody:
        first = await anybody.get(VERSION)
        again = await anybody.get(VERSION, headers={"if-none-match": first.headers["etag"]})

    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.clause("C77")
async def test_the_policy_of_an_earlier_day_is_the_one_published_last_before_it(
    shared_api: Api,
) -> None:
    async with shared_api.anonymous() as anybody:
        published = (await anybody.get(VERSION)).json()["published_at"]
        earlier = datetime.fromisoformat(published) - timedelta(microseconds=1)
        then = await anybody.get("/v1/policies", params={"as_of": published})
        later = await anybody.get("/v1/policies", params={"as_of": datetime.now(UTC).isoformat()})
        before = await anybody.get("/v1/policies", params={"as_of": earlier.isoformat()})

    assert then.json()["version"] == later.json()["version"] == POLICY
    assert (before.status_code, before.json()["type"]) == (404, "/problems/not-found")


async def test_unknown_versions_and_languages_are_not_there(shared_api: Api) -> None:
    async with shared_api.anonymous() as anybody:
        answers = [
            await anybody.get(path)
            for path in (
                "/v1/policies/impel-0",
                "/v1/policies/impel-0/texts/sv",
                "/v1/policies/impel-0/findings",
                f"{VERSION}/texts/fi",
            )
        ]

    assert {(one.status_code, one.json()["type"]) for one in answers} == {
        (404, "/problems/not-found")
    }


@pytest.mark.clause("C77")
async def test_a_text_that_nobody_supplied_is_a_problem_of_its_own_with_its_hash(
    shared_api: Api,
) -> None:
    async with shared_api.anonymous() as anybody:
        text = await anybody.get(SUPPLIED)
        findings = await anybody.get(f"{VERSION}/findings")
        [listed] = (await anybody.get(VERSION)).json()["texts"]

    for answer in (text, findings):
        assert (answer.status_code, answer.json()["type"]) == (
            404,
            "/problems/policy-text-not-supplied",
        )
        assert answer.json()["sha256"] == load(packaged_structure(POLICY)).texts["sv"].sha256
    assert listed["supplied"] is False
    assert listed["url"] == SUPPLIED


@pytest.mark.skipif(not TEXT.is_file(), reason=MISSING)
@pytest.mark.clause("C28", "C77", *ALL_CODES, "L30")
async def test_a_text_once_supplied_is_served_byte_for_byte_and_read_for_its_findings(
    shared_api: Api, shared_service: Service, caller: httpx.AsyncClient
) -> None:
    """The last test of the module: a text once supplied stays."""
    given = TEXT.read_bytes()
    done = await publish(shared_service, packaged_structure(POLICY), {"sv": given})
    again = await publish(shared_service, packaged_structure(POLICY), {"sv": given})

    async with shared_api.anonymous() as anybody:
        text = await anybody.get(SUPPLIED)
        findings = (await anybody.get(f"{VERSION}/findings")).json()["findings"]
    shown = (await caller.get(VERSION)).json()

    named = load(packaged_structure(POLICY)).texts["sv"].sha256
    linted = [one for one in findings if one["code"] in ALL_CODES]
    assert (done.texts, again.texts) == (("sv",), ())
    assert text.content == given
    assert hashlib.sha256(text.content).hexdigest() == named
    assert text.headers["etag"] == f'"{named}"'
    assert text.headers["content-language"] == "sv"
    assert text.headers["content-type"] == "text/plain; charset=utf-8"
    assert [one["code"] for one in linted] == ALL_CODES
    assert all(one["clauses"] and one["language"] == "sv" for one in linted)
    assert len(findings) > len(linted)
    assert [one["supplied"] for one in shown["texts"]] == [True]
