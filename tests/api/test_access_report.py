"""The access report against an oracle that reads the raw rows: nothing is missing (Art. 15)."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from app.service import Service
from app.store.integrity import verify
from tests.conftest import Database
from tests.rights.histories import ACCOUNT, OBJECTION, STATEMENT, TITLE, Raw, everything, raw
from tests.rights.people import (
    CONTACT,
    NEWSLETTER,
    collect,
    get,
    post,
    register,
    share,
    stranger,
)
from tests.serving import Api, count_events

Report = dict[str, Any]


async def report_of(client: httpx.AsyncClient, person: str, **query: Any) -> Report:
    """The report in English, whatever the person's language."""
    return await get(client, f"{person}/access-report", **{"language": "en", **query})


def pointed_at(report: Report, pointer: str) -> Any:
    """What a JSON pointer leads to (RFC 6901)."""
    found: Any = report
    for part in pointer.strip("/").split("/"):
        found = found[int(part)] if isinstance(found, list) else found[part]
    return found


def keys(values: list[Report]) -> set[str]:
    """The keys of named things."""
    return {one["key"] for one in values}


def assert_complete(report: Report, rows: Raw) -> None:
    """Everything that the raw rows hold is in the report, and nothing that they do not hold."""
    held = report["parts"]["data"]["held"]
    assert [line["event_id"] for line in report["timeline"]] == [core["id"] for core in rows.cores]
    assert [line["facts"] for line in report["timeline"]] == [core["d"] for core in rows.cores]
    assert {(one["retention_class"], one["category"]["key"], one["value"]) for one in held} == {
        (retention_class, category, value) for _, retention_class, category, value in rows.values
    }
    left = {category for _, _, category, _ in rows.values}
    for collected in rows.of("data.collected"):
        for category in left & collected["held"].keys():
            assert_sourced(held, category, collected)


def assert_sourced(held: list[Report], category: str, collected: Report) -> None:
    """Art. 15(1)(a), (g): a value that is still held says for what and from whom it was got."""
    stated = [
        use
        for one in held
        if one["category"]["key"] == category
        for use in one["held_for"]
        if use["purpose"]["key"] == collected["purpose"]
    ]
    assert stated
    assert collected["source"] in {use["source"]["key"] for use in stated}
    assert {use["basis"]["key"] for use in stated} == {collected["basis"]}


@pytest.mark.clause("C64", "L31", "L32", "L33")
async def test_nothing_that_the_ledger_holds_is_missing_from_the_report(
    client: httpx.AsyncClient, service: Service
) -> None:
    """Art. 15(1), (3): the copy is everything, from whatever place it came in."""
    person = await everything(client, service)

    report = await report_of(client, person)

    rows = await raw(service, person)
    assert_complete(report, rows)
    values = {value for *_, value in rows.values}
    assert values > {*CONTACT.values(), "Zoë Berg", STATEMENT, OBJECTION, TITLE, ACCOUNT}


@pytest.mark.clause("L31", "C1", "C49")
async def test_every_letter_of_article_15_is_answered_in_the_policys_six_parts(
    client: httpx.AsyncClient, service: Service
) -> None:
    report = await report_of(client, await everything(client, service))

    assert list(report["parts"]) == ["data", "purposes", "sharing", "storage", "choices", "contact"]
    letters = {provision.split()[0] for provision in report["articles"]}
    assert letters >= {f"15(1)({letter})" for letter in "abcdefgh"} | {"15(2)", "15(3)", "15(4)"}
    for pointer in report["articles"].values():
        assert pointed_at(report, pointer)
    parts = report["parts"]
    assert len(parts["choices"]["rights"]) == 9
    assert parts["choices"]["complaint"]["authority"].startswith("Autorité")
    assert parts["choices"]["automated_decisions"] == {"exist": False, "logic": "none"}
    assert "sites of others" in parts["sharing"]["links"]
    assert parts["contact"]["controller"]["email"] == "info@impel.eu"
    assert parts["contact"]["policy"]["version"] == report["policy"] == "impel-1"
    assert parts["contact"]["notices_shown"][0]["language"] == "sv"


@pytest.mark.clause("L31", "C71")
async def test_each_value_says_how_long_it_is_kept_and_counted_from_what(
    client: httpx.AsyncClient, service: Service
) -> None:
    """Art. 15(1)(d)."""
    report = await report_of(client, await everything(client, service))

    retention = {one["retention_class"]: one for one in report["parts"]["storage"]["retention"]}
    classes = {one["retention_class"] for one in report["parts"]["data"]["held"]}
    assert retention.keys() == classes
    assert retention["participation"]["keep"] == "P7Y"
    assert retention["participation"]["counted_from"] == "participation_end"
    assert retention["participation"]["until"] is None
    assert retention["fiscal"]["until"].endswith("-12-31")
    assert "CIR 92" in retention["fiscal"]["norm"]


@pytest.mark.clause("L31", "L32", "C45", "C46")
async def test_the_recipients_are_exactly_those_who_were_given_something_by_name(
    client: httpx.AsyncClient, service: Service
) -> None:
    """C-154/21: named recipients, not categories of them."""
    person = await everything(client, service)

    sharing = (await report_of(client, person))["parts"]["sharing"]

    disclosed = (await raw(service, person)).of("data.disclosed")
    assert keys(sharing["recipients"]) == {one["recipient"] for one in disclosed}
    assert len(sharing["disclosures"]) == len(disclosed) == 4
    named = {one["key"]: one["title"] for one in sharing["recipients"]}
    assert named["google_forms"] == "Google Forms"
    safeguards = {one["recipient"]["key"]: one["safeguard"]["key"] for one in sharing["transfers"]}
    assert safeguards == {"mailchimp": "dpf", "google_forms": "dpf"}


@pytest.mark.clause("L33")
async def test_consultations_are_told_with_date_and_purpose_and_without_who(
    client: httpx.AsyncClient, service: Service
) -> None:
    """C-579/21: when and for what, refused ones too; the report's own reading among them."""
    person = await everything(client, service)

    report = await report_of(client, person)

    rows = await raw(service, person)
    consulted = rows.of("consultation.recorded", "consultation.refused")
    told = report["consultations"]
    assert [one["purpose"]["key"] for one in told] == [one["purpose"] for one in consulted]
    assert [one["refused"] for one in told] == [False, True, False]
    assert told[-1]["purpose"]["key"] == "rights_requests"
    assert {core["by"] for core in rows.cores}.isdisjoint(_texts(report))
    assert report["parts"]["data"]["redactions"]


@pytest.mark.clause("C43")
async def test_files_are_listed_by_system_title_and_date(
    client: httpx.AsyncClient, service: Service
) -> None:
    report = await report_of(client, await everything(client, service))

    [file] = report["parts"]["data"]["files"]
    assert file["system"]["title"] == "OneDrive"
    assert file["title"] == TITLE
    assert file["date"]
    assert file["holds"]["key"] == "signature.attendance"


@pytest.mark.clause("L6", "L47", "L31")
async def test_a_corrected_value_is_told_as_superseded_and_a_statement_with_what_it_completes(
    client: httpx.AsyncClient, service: Service
) -> None:
    report = await report_of(client, await everything(client, service))

    held = {one["value"]: one for one in report["parts"]["data"]["held"]}
    assert held[CONTACT["contact.name"]]["status"] == "superseded"
    assert held["Zoë Berg"]["status"] == "resting"  # every use is restricted
    assert [one["key"] for one in held[STATEMENT]["completes"]] == ["work.title"]
    assert held[OBJECTION]["status"] == "on_record"


@pytest.mark.clause("L31", "L42", "L43", "C65", "C67")
async def test_what_the_person_stopped_is_told_as_stored_and_not_as_used(
    client: httpx.AsyncClient,
) -> None:
    """The letter said that the use has ended: the report that follows must not say otherwise."""
    person = await register(client, "information", "network_exchange", contact=NEWSLETTER)
    desk = {"source": "secretariat"}
    await post(client, f"{person}/objections", {"purpose": "information", **desk})
    objected = await statuses(client, person)
    named = {"ground": "accuracy", "categories": ["contact.name"], **desk}
    await post(client, f"{person}/restrictions", named)
    disputed = await statuses(client, person)
    page = await client.get(
        f"{person}/access-report", params={"language": "en"}, headers={"Accept": "text/html"}
    )

    assert objected["information", "contact.email"] == "resting"
    assert objected["network_exchange", "contact.email"] == "in_use"
    assert disputed["network_exchange", "contact.name"] == "resting"
    assert disputed["network_exchange", "contact.email"] == "in_use"
    assert "only stored, not used" in page.text


async def statuses(client: httpx.AsyncClient, person: str) -> dict[tuple[str, str], str]:
    """What the report says of each value, by the purpose and the category that it is held for."""
    held = (await report_of(client, person))["parts"]["data"]["held"]
    return {
        (use["purpose"]["key"], one["category"]["key"]): one["status"]
        for one in held
        for use in one["held_for"]
        if use["basis"] is not None
    }


@pytest.mark.clause("L31", "C64")
async def test_choices_are_told_with_their_history(
    client: httpx.AsyncClient, service: Service
) -> None:
    choices = (await report_of(client, await everything(client, service)))["parts"]["choices"]

    [newsletter] = choices["consents"]
    assert [step["type"] for step in newsletter["history"]] == [
        "consent.given",
        "consent.withdrawn",
    ]
    assert [one["status"] for one in choices["objections"]] == ["pending"]
    assert {one["ground"] for one in choices["restrictions"]["active"]} == {"objection", "unlawful"}
    assert [one["purpose"]["key"] for one in choices["suppressions"]] == ["newsletter"]


@pytest.mark.clause("L31")
async def test_as_of_tells_what_was_held_on_that_day(
    client: httpx.AsyncClient, service: Service
) -> None:
    """Recorded time or position; the report itself is recorded today."""
    person = await register(client)
    then = await post(client, f"{person}/disclosures", share("hotels", country="BE"))
    await collect(client, person, "network_exchange", {"work.title": "Inspector"})
    await post(client, f"{person}/disclosures", share("hosts", country="BE"))

    by_position = await report_of(client, person, as_of=str(then["position"]))
    by_time = await report_of(client, person, as_of=then["events"][0]["recorded_at"])

    assert by_position["parts"] == by_time["parts"]
    assert "Inspector" not in str(by_position)
    assert keys(by_position["parts"]["sharing"]["recipients"]) == {"hotels"}
    assert by_position["position"] == then["position"]
    rows = await raw(service, person)
    assert len(by_position["timeline"]) == then["events"][0]["version"] < len(rows.cores)


@pytest.mark.clause("L31", "L41")
async def test_no_cut_in_the_past_resurrects_what_was_erased(
    client: httpx.AsyncClient, service: Service
) -> None:
    """A13: an erasure redacts the past too; what stayed is still readable at every cut."""
    person = await register(client)
    before = (await get(client, f"{person}/disclosures"))["position"]
    order = {"source": "secretariat", "categories": ["contact.phone"]}
    await post(client, f"{person}/erasure", order)

    then = await report_of(client, person, as_of=str(before))

    held = {one["category"]["key"]: one["value"] for one in then["parts"]["data"]["held"]}
    assert held == {key: value for key, value in CONTACT.items() if key != "contact.phone"}
    assert CONTACT["contact.phone"] not in str(await report_of(client, person))
    assert_complete(await report_of(client, person), await raw(service, person))

    await post(client, f"{person}/erasure", {"source": "secretariat"})
    gone = await get(client, f"{person}/access-report", status=410, as_of=str(before))
    assert gone["type"] == "/problems/subject-erased"


@pytest.mark.clause("L33")
async def test_nobody_elses_data_are_in_the_report(client: httpx.AsyncClient) -> None:
    """Art. 15(4): another person's canary never appears."""
    person = await register(client)
    canary = {"contact.name": "Canary Kanarek", "contact.email": "canary@elsewhere.example"}
    other = await register(client, contact=canary)
    occasion = stranger().rpartition("/")[2]
    for path in (person, other):
        await collect(
            client, path, "event_logistics", {"event.registration": "day one"}, occasion=occasion
        )

    report = str(await report_of(client, person))

    assert not [value for value in (*canary.values(), other.rpartition("/")[2]) if value in report]


async def test_asking_for_a_report_needs_its_scope_and_is_recorded(
    client: httpx.AsyncClient, api: Api, service: Service, database: Database
) -> None:
    person = await register(client)
    before = await count_events(database)
    async with await api.client(scopes=["subjects:read"]) as other:
        refused = await get(other, f"{person}/access-report", status=403)
    nobody = await get(client, f"{stranger()}/access-report", status=404)
    malformed = await client.get(f"{person}/access-report", params={"as_of": "yesterday"})
    assert await count_events(database) == before

    await report_of(client, person)

    assert refused["type"] == "/problems/insufficient-scope"
    assert nobody["type"] == "/problems/subject-unknown"
    assert malformed.json()["type"] == "/problems/as-of-malformed"
    assert await count_events(database) == before + 1
    async with service.pool.acquire() as connection:
        assert (await verify(connection)).sound


@pytest.mark.clause("L9", "L31", "L33")
async def test_reports_made_at_the_same_time_each_tell_a_whole_history(
    client: httpx.AsyncClient, service: Service
) -> None:
    """Each is written while its reading is recorded; what others recorded meanwhile is in it."""
    person = await everything(client, service)

    reports = await asyncio.gather(*[report_of(client, person) for _ in range(6)])

    ends = []
    for report in reports:
        told = [line["event_id"] for line in report["timeline"]]
        proved = [json.loads(one["entry"].split("\n")[0]) for one in report["proof"]["entries"]]
        readings = [one for one in report["timeline"] if one["type"].startswith("consultation.")]
        assert [line["version"] for line in report["timeline"]] == list(range(1, len(told) + 1))
        assert [core["id"] for core in proved] == told[: len(proved)]
        assert proved[-1]["t"] == "consultation.recorded"
        assert report["summary"]["events"] == report["chain"]["version"] == len(told)
        assert len(readings) == len(report["consultations"]) == report["summary"]["consultations"]
        assert report["position"] == report["chain"]["position"]
        ends.append(proved[-1]["id"])
    assert len(set(ends)) == len(reports)
    assert_complete(await report_of(client, person), await raw(service, person))


def _texts(value: Any) -> set[str]:
    """Every text that a JSON value holds."""
    if isinstance(value, dict):
        return {text for member in value.values() for text in _texts(member)}
    if isinstance(value, list):
        return {text for member in value for text in _texts(member)}
    return {value} if isinstance(value, str) else set()
