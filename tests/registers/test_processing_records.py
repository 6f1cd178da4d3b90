"""The Art. 30 record: field by field, beside what happens, in three languages and three forms."""

import re
from dataclasses import replace
from typing import Any

import httpx
import pytest

from app.documents.delimited import text_of
from app.policy.loader import load_packaged
from app.registers.belgian_model import COLUMNS, Language, headings
from app.registers.processing_records import records
from app.registers.rules import ruled
from app.service import Service
from app.values import replace as given_of
from tests.days import today_in_brussels
from tests.registers.reading import refused, rows, sheet, table
from tests.rights.people import arrange, collect, post, register, share

pytestmark = pytest.mark.asyncio(loop_scope="module")
PATH = "/v1/processing-records"
TODAY = str(today_in_brussels())
MODEL = (
    *("controller_name", "controller_number", "controller_phone", "controller_email"),
    *("protection_officer", "protection_officer_phone", "protection_officer_internal"),
    *("process", "process_owner", "activity", "description", "purposes", "legal_bases"),
    *("processing_type", "data_functional", "data_gdpr", "persons", "sources", "recipients"),
    *("retention", "transfers", "safeguards", "measures", "processors", "impact_assessment"),
)


async def by_key(caller: httpx.AsyncClient, service: Service, **query: Any) -> dict[str, Any]:
    """The record by the keys of the activities."""
    found = await rows(caller, service, PATH, **query)
    return {one["activity"].split(" ")[-1]: one for one in found}


@pytest.mark.clause("L48", "C3", "C33", "C39", "C40", "C58", "C59", "C60", "L51")
async def test_every_element_of_article_30_is_there_for_every_activity(
    caller: httpx.AsyncClient, service: Service
) -> None:
    """(a) controller to (g) measures, concrete periods and not "see Basecamp"."""
    found = await by_key(caller, service)
    policy = load_packaged("impel-1")

    assert found.keys() == policy.activities.keys()
    filled = (
        *("controller_email", "protection_officer", "purposes", "legal_bases", "persons"),
        *("data_functional", "data_gdpr", "retention", "measures", "description"),
    )
    for one in found.values():
        assert [name for name in filled if not one[name]] == []
        assert one["controller_name"].startswith("IMPEL")
        assert all(re.search(r": [0-9]+ (day|month|year)", kept) for kept in one["retention"])
        assert any("TLS 1.2" in measure for measure in one["measures"])
    membership = found["membership"]
    assert membership["recipients"] == [
        "Basecamp",
        "Contact database",
        "Members of the network",
        "OneDrive",
    ]
    assert membership["transfers"] == [
        "Basecamp: US",
        "Members of the network: differs by case",
        "OneDrive: US",
    ]
    assert "Basecamp: no ground" in membership["safeguards"]
    assert membership["processors"] == ["Basecamp: contract missing", "OneDrive: contract missing"]
    assert found["membership"]["retention"] == [
        "Details of people who take part: 7 years from the end of taking part"
    ]


@pytest.mark.clause("L48", "L55", "L57", "L59")
async def test_what_happens_stands_beside_what_is_declared_with_the_drift_between_them(
    caller: httpx.AsyncClient, service: Service
) -> None:
    await arrange(service, "google_forms", "azavista", "onedrive")
    person = await register(caller, verification=None)
    await register(caller, verification=None)
    await collect(caller, person, "event_logistics", {"profile.language": "sv"})
    await post(caller, f"{person}/disclosures", share("google_forms", "azavista", "onedrive"))
    before = await service.store.head_position()

    events = (await by_key(caller, service))["events"]
    fallen = {"mechanism": "dpf", "on": TODAY, "recipient": "google_forms"}
    await post(caller, "/v1/transfer-mechanisms/lapses", fallen)
    after = (await by_key(caller, service))["events"]
    then = (await by_key(caller, service, as_of=str(before)))["events"]

    assert events["observed_people"] == 2
    assert events["observed_purposes"] == ["event_logistics"]
    assert {"contact.name", "contact.email", "profile.language"} <= set(
        events["observed_categories"]
    )
    assert events["observed_recipients"] == ["azavista", "google_forms", "onedrive"]
    assert events["observed_mechanisms"] == ["azavista: eea", "google_forms: dpf", "onedrive: dpf"]
    assert events["observed_disclosures"] == 3
    assert events["sources"] == ["Registration form"]
    assert (
        events["drift"]
        == then["drift"]
        == [
            "undeclared category: profile.language",
            "undeclared category: work.organisation",
            "undeclared recipient: onedrive",
        ]
    )
    assert after["drift"] == [*events["drift"], "transfer without valid mechanism: google_forms"]


@pytest.mark.clause("L49")
@pytest.mark.parametrize("language", list(Language))
async def test_a_spreadsheet_reads_back_to_the_same_rows_in_the_order_of_the_model(
    caller: httpx.AsyncClient, service: Service, language: Language
) -> None:
    names = list(COLUMNS.names)
    found = await rows(caller, service, PATH, language=language.value)

    read = await sheet(caller, PATH, language=language.value)
    as_csv = await table(caller, PATH, language=language.value)

    assert names[: len(MODEL)] == list(MODEL)
    assert read[0] == [headings(language)[name] for name in names]
    told = [[text_of(one[name]) for name in names] for one in found]
    assert [[text_of(cell) for cell in line] for line in read[1:]] == told
    assert [[cell.removeprefix("'") for cell in line] for line in as_csv[1:]] == told
    assert as_csv[0] == names


@pytest.mark.clause("L49")
async def test_the_three_languages_differ_in_words_and_in_nothing_else(
    caller: httpx.AsyncClient, service: Service
) -> None:
    told = {one: await by_key(caller, service, language=one.value) for one in Language}

    assert len({tuple(headings(one).values()) for one in Language}) == 3
    assert all(list(headings(one)) == list(COLUMNS.names) for one in Language)
    french, dutch = told[Language.FR]["newsletter"], told[Language.NL]["newsletter"]
    assert french["legal_bases"][0].startswith("Consentement, ")
    assert dutch["legal_bases"][0].startswith("Toestemming, ")
    assert (french["process"], dutch["process"]) == ("Lettre d'information", "Nieuwsbrief")
    assert "Nom complet" in told[Language.FR]["membership"]["data_functional"]
    assert told[Language.NL]["membership"]["retention"][0].endswith(
        ": 7 jaar vanaf het einde van de deelname"
    )
    for name in ("activity", "observed_categories", "observed_people", "observed_recipients"):
        assert len({str([one[name] for one in rows_.values()]) for rows_ in told.values()}) == 1
    assert await refused(caller, PATH, language="de") == (422, "validation")


@pytest.mark.clause("L49")
@pytest.mark.parametrize("language", [Language.FR, Language.NL])
async def test_nothing_of_the_packaged_policy_is_left_in_english(
    caller: httpx.AsyncClient, service: Service, language: Language
) -> None:
    found = await rows(caller, service, PATH, language=language.value)

    assert "[en]" not in str(found)


@pytest.mark.clause("L49")
async def test_what_nobody_has_translated_says_that_it_is_english(service: Service) -> None:
    """A controller's own policy is read in every language before anybody translates it."""
    given = (await ruled(service.rulebook, service.store, None, service.ledger.clock())).given
    activity = replace(given.policy.activities["surveys"], title="Weekly questions", note=None)
    policy = replace(given.policy, activities={"surveys": activity})
    changed = given_of(given, policy=policy)

    [french] = records(changed, {}, Language.FR)
    [english] = records(changed, {}, Language.EN)

    assert french["process"] == french["description"] == "Weekly questions [en]"
    assert english["process"] == "Weekly questions"
    assert "[en]" not in str(french["purposes"])
