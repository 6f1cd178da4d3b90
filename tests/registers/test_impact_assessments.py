"""What an impact assessment is filled in with: declared, observed, and what is left to people."""

from typing import Any

import httpx
import pytest

from app.policy.loader import load_packaged
from app.registers.belgian_model import Language, headings
from app.service import Service
from tests.registers.reading import refused, rows, sheet, table
from tests.rights.people import arrange, post, register, share

pytestmark = pytest.mark.asyncio(loop_scope="module")
PATH = "/v1/impact-assessments"
POLICY = load_packaged("impel-1")


def by_question(found: list[dict[str, Any]], activity: str) -> dict[str, dict[str, Any]]:
    """The rows of one activity by what is asked."""
    return {one["question"]: one for one in found if one["activity"] == activity}


@pytest.mark.clause("L54")
async def test_every_activity_has_every_element_of_article_35(
    caller: httpx.AsyncClient, service: Service
) -> None:
    """(a) description to (d) measures, and who is asked; what only people can say stays empty."""
    found = await rows(caller, service, PATH)

    assert {one["activity"] for one in found} >= POLICY.activities.keys()
    for key in POLICY.activities:
        mine = [one for one in found if one["activity"] == key]
        assert list(dict.fromkeys(one["element"] for one in mine)) == [
            *("description", "necessity", "risks", "measures", "consultation")
        ]
        assert {one["provision"] for one in mine} == {
            *(f"Art. 35(7)({part})" for part in "abcd"),
            *("Art. 35(2)", "Art. 35(9)", "Art. 35(11)", "Art. 36(1)"),
        }
        assert len({one["question"] for one in mine}) == len(mine)
        assert all(one["answer"] == [] for one in mine if one["origin"] == "open")
        assert {one["origin"] for one in mine} == {"declared", "observed", "open"}


@pytest.mark.clause("L54")
async def test_it_is_filled_in_from_the_policy_the_log_and_the_findings(
    caller: httpx.AsyncClient, service: Service
) -> None:
    """The same words as the record of processing; a transfer without a mechanism is a risk."""
    await arrange(service, "basecamp")
    person = await register(caller, "network_exchange")
    before = by_question(await rows(caller, service, PATH), "membership")
    shared = share("basecamp", purpose="network_exchange", categories=["contact.name"])
    await post(caller, f"{person}/disclosures", shared)
    found = await rows(caller, service, PATH)
    after = by_question(found, "membership")
    [record] = [
        one
        for one in await rows(caller, service, "/v1/processing-records")
        if one["activity"].endswith(" membership")
    ]

    assert after[headings(Language.EN)["recipients"]]["answer"] == record["recipients"]
    seen = {one["provision"] for one in after.values() if one["answer"] == ["basecamp"]}
    assert seen == {"Art. 35(7)(a)"}
    assert all(one["answer"] != ["basecamp"] for one in before.values())
    weighed = "Legitimate interests, and whether they were weighed"
    assert after[weighed]["answer"] == ["network_exchange: missing"]
    newsletter = by_question(found, "newsletter")
    assert newsletter[weighed]["answer"] == []
    risks = after["Open findings"]["answer"]
    assert any(one.startswith("interest-missing: ") for one in risks)
    assert not any(
        one.startswith("interest-missing: ") for one in newsletter["Open findings"]["answer"]
    )


async def test_it_is_narrowed_translated_and_taken_as_a_table(
    caller: httpx.AsyncClient, service: Service
) -> None:
    """One activity, what is left to answer, in a language of the authority, into a spreadsheet."""
    asked = {"activity": "newsletter", "origin": "open", "element": "consultation"}
    found = await rows(caller, service, PATH, language="fr", **asked)

    assert [one["question"] for one in found] == [
        "Avis du service de protection des données",
        "Avis des personnes concernées ou de leurs représentants",
        "Si l'autorité de contrôle doit être consultée au préalable",
        "Quand l'analyse doit être réexaminée",
    ]
    head, *lines = await table(caller, PATH, language="nl", activity="newsletter")
    assert head == ["activity", "element", "provision", "question", "answer", "origin"]
    assert len(lines) == len(await rows(caller, service, PATH, activity="newsletter"))
    assert (await sheet(caller, PATH, activity="newsletter"))[0] == head
    unknown = await caller.get(PATH, params={"activity": "no-such"})
    assert (unknown.status_code, "newsletter" in unknown.text) == (422, True)
    assert await refused(caller, PATH, element="fate") == (422, "validation")
    assert await refused(caller, PATH, language="sv") == (422, "validation")
