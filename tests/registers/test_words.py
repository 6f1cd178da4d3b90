"""Filters by words that nobody knows: told with the words there are, instead of an empty list."""

import httpx
import pytest

from app.service import Service
from tests.api.test_notices import published
from tests.registers.reading import rows
from tests.rights.people import consent, post, register

pytestmark = pytest.mark.asyncio(loop_scope="module")

MARKER = "zzz_nobody"
READING = {"purpose": "rights_requests"}
FILTERS = [
    ("/v1/consents", "purpose", "newsletter"),
    ("/v1/consents", "method", "form"),
    ("/v1/consents", "policy", "impel-1"),
    ("/v1/disclosures", "recipient", "mailchimp"),
    ("/v1/disclosures", "purpose", "event_logistics"),
    ("/v1/disclosures", "mechanism", "eea"),
    ("/v1/disclosures", "categories", "contact.email"),
    ("/v1/impact-assessments", "activity", "membership"),
    ("/v1/mails", "kind", "notice"),
    ("/v1/notices", "policy", "impel-1"),
    ("/v1/notices", "channel", "form"),
    ("/v1/objections", "purpose", "photo_website"),
    ("/v1/objections", "recipient", "basecamp"),
    ("/v1/recipients", "transfer_ground", "dpf"),
    ("/v1/relationships", "kind", "member"),
    ("/v1/restrictions", "purpose", "event_logistics"),
    ("/v1/retention-due", "retention_class", "participation"),
    ("/v1/subjects", "source", "registration_form"),
    ("/v1/suppressions", "purpose", "newsletter"),
]


@pytest.mark.parametrize(("path", "name", "word"), FILTERS)
async def test_a_word_that_is_not_known_is_told_with_those_that_are(
    caller: httpx.AsyncClient, path: str, name: str, word: str
) -> None:
    answer = await caller.get(path, params={name: MARKER}, headers=READING)

    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/validation")
    [error] = answer.json()["errors"]
    assert (error["query"], error["code"]) == (name, "enum")
    assert word in error["known"]
    assert MARKER not in answer.text
    known = await caller.get(path, params={name: word}, headers=READING)
    assert known.status_code == 200, known.text


async def test_words_of_an_earlier_policy_find_what_was_recorded_under_it(
    caller: httpx.AsyncClient, service: Service
) -> None:
    """The version itself is the word that no later one has."""
    person = await register(caller)
    await post(caller, f"{person}/consents", consent())
    await published(service, version="impel-2")

    [act] = await rows(caller, service, "/v1/consents", policy="impel-1")
    assert person.endswith(act["subject_id"])
    assert await rows(caller, service, "/v1/consents", policy="impel-2") == []
    refused = await caller.get("/v1/consents", params={"policy": MARKER}, headers=READING)
    assert refused.json()["errors"][0]["known"] == ["impel-1", "impel-2"]
