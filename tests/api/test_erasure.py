"""Erasure over HTTP: previewed, carried out, told, closed; then nobody is there (Art. 17)."""

from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from app.domain.erasure_steps import RequestErasure
from app.receipts import Attribution
from app.service import Service
from app.store.integrity import verify
from app.values import replace
from tests.conftest import Database
from tests.rights.people import (
    CONTACT,
    collect,
    consent,
    get,
    post,
    register,
    share,
    stranger,
)
from tests.serving import Api, count_events

ORDER = {"source": "secretariat"}
ACCOUNT = {"contact.name": CONTACT["contact.name"], "financial.account": "BE71096123456769"}


async def profile(client: httpx.AsyncClient, person: str, purpose: str) -> dict[str, str]:
    """Category -> value of what may be read for a purpose."""
    answer = await client.get(person, headers={"Purpose": purpose})
    assert answer.status_code == 200, answer.text
    return {one["category"]: one["value"] for one in answer.json()["fields"]}


async def found(client: httpx.AsyncClient, kind: str) -> int:
    """The status of looking the person up."""
    body = {"kind": kind, "value": CONTACT[f"contact.{kind}"]}
    return (await client.post("/v1/subjects:lookup", json=body)).status_code


async def assert_sound(service: Service) -> None:
    """Every chain, leaf, blob and hole of the log is explained by the log."""
    async with service.pool.acquire() as connection:
        verification = await verify(connection)
    assert verification.sound, verification.findings


@pytest.mark.clause("C70", "C71", "L37")
async def test_a_preview_says_what_goes_what_stays_and_who_is_told_and_writes_nothing(
    client: httpx.AsyncClient, database: Database
) -> None:
    person = await register(client)
    await collect(client, person, "payments", ACCOUNT)
    await post(client, f"{person}/disclosures", share("hotels", country="BE"))
    before = await count_events(database)

    plan = await get(client, f"{person}/erasure/preview")
    posted = await post(client, f"{person}/erasure", {**ORDER, "preview": True}, status=200)

    assert posted == plan
    assert await count_events(database) == before
    [participation] = plan["erased"]
    assert participation["retention_class"] == "participation"
    assert {one["key"] for one in participation["categories"]} == set(CONTACT)
    [fiscal] = plan["retained"]
    assert fiscal["retention_class"] == "fiscal"
    assert fiscal["exemption"] == "legal_obligation"
    assert fiscal["ground"] == "Art. 17(3)(b)"
    assert "CIR 92 art. 315" in fiscal["norm"]
    assert fiscal["until"].endswith("-12-31")
    assert [one["key"] for one in plan["recipients_to_tell"]] == ["hotels"]
    assert set(plan["suppressed"]) == {"information", "newsletter", "partner_news"}


@pytest.mark.clause("C66", "C70", "L37", "L41")
async def test_whoever_is_erased_is_gone_and_the_log_stays_whole(
    client: httpx.AsyncClient, service: Service
) -> None:
    person = await register(client, "event_logistics", "newsletter")
    await post(client, f"{person}/consents", consent())
    await post(client, f"{person}/disclosures", share("hotels", country="BE"))

    erased = await post(client, f"{person}/erasure", {**ORDER, "statement": "Forget me."})

    assert erased["erasure"]["stage"] == "executed"
    assert [event["type"] for event in erased["events"]] == [
        "erasure.requested",
        "erasure.prepared",
        "erasure.recipient-added",
        "erasure.executed",
    ]
    for path in (
        "/access-report",
        "/portability-package",
        "/disclosures",
        "/consents",
        "/objections",
    ):
        gone = await get(client, f"{person}{path}", status=410)
        assert gone["type"] == "/problems/subject-erased"
    assert (await client.get(person, headers={"Purpose": "event_logistics"})).status_code == 410
    assert [await found(client, "email"), await found(client, "phone")] == [404, 404]
    refused = await post(client, f"{person}/consents", consent(), status=410)
    assert refused["type"] == "/problems/subject-erased"
    await assert_sound(service)


@pytest.mark.clause("L41")
async def test_whoever_registers_again_is_somebody_else_and_gets_no_news(
    client: httpx.AsyncClient,
) -> None:
    """The suppression outlives the erasure; nothing else links the two."""
    person = await register(client, "event_logistics", "newsletter")
    await post(client, f"{person}/erasure", ORDER)

    again = await register(client)
    news = {"purpose": "newsletter", "data": {"contact.email": CONTACT["contact.email"]}}
    imported = {"source": "import", "obtained": [news]}
    answer = await post(client, "/v1/subjects", imported, status=202)

    assert again != person
    assert answer == {"status": "suppressed"}


@pytest.mark.clause("L34", "C61")
async def test_how_far_an_erasure_has_come_is_told_class_by_class_without_personal_data(
    client: httpx.AsyncClient,
) -> None:
    person = await register(client)
    await collect(client, person, "payments", ACCOUNT)
    erased = await post(client, f"{person}/erasure", ORDER)
    path = f"{person}/erasure/{erased['erasure']['erasure']}"

    early = {"level": "e2", "classes": ["fiscal"]}
    refused = await post(client, f"{path}/assurance", early, status=409)
    await post(client, f"{path}/assurance", {"level": "e2", "classes": ["participation"]})
    told = await get(client, f"{person}/erasure")

    assert refused["type"] == "/problems/level-not-reached"
    assert told["erased"] is True
    [erasure] = told["erasures"]
    [participation] = erasure["erased"]
    levels = participation["levels"]
    assert levels["e1"] < levels["e2"]
    assert levels["e3"] is None
    [fiscal] = erasure["retained"]
    assert fiscal["norm"]
    assert fiscal["until"]
    assert not [value for value in (*CONTACT.values(), *ACCOUNT.values()) if value in str(told)]


@pytest.mark.clause("L37", "C70")
async def test_one_category_goes_and_the_rest_stays_readable(
    client: httpx.AsyncClient, service: Service
) -> None:
    """Erasing less than a key seals the remainder anew first (DESIGN 2.7)."""
    person = await register(client)
    await collect(client, person, "network_exchange", {"work.title": "Inspector"})

    erased = await post(client, f"{person}/erasure", {**ORDER, "categories": ["contact.phone"]})

    assert "sections.resealed" in [event["type"] for event in erased["events"]]
    assert erased["erasure"]["of_everything"] is False
    kept = {key: value for key, value in CONTACT.items() if key != "contact.phone"}
    assert await profile(client, person, "event_logistics") == kept
    assert await profile(client, person, "network_exchange") == {"work.title": "Inspector"}
    assert [await found(client, "email"), await found(client, "phone")] == [200, 404]
    await collect(client, person, "network_exchange", {"work.title": "Chief inspector"})
    report = await get(client, f"{person}/access-report")
    assert CONTACT["contact.phone"] not in str(report)
    assert "Chief inspector" in str(report)
    await assert_sound(service)


@pytest.mark.clause("L37", "L47")
async def test_a_statement_goes_with_the_data_that_it_completes(client: httpx.AsyncClient) -> None:
    person = await register(client)
    body = {"source": "secretariat", "statements": {"contact.phone": "Only before noon."}}
    await post(client, f"{person}/rectifications", body)

    await post(client, f"{person}/erasure", {**ORDER, "categories": ["contact.phone"]})

    assert "Only before noon." not in str(await get(client, f"{person}/access-report"))


@pytest.mark.clause("L37")
async def test_one_purpose_goes_and_what_another_needs_stays(
    client: httpx.AsyncClient, service: Service
) -> None:
    person = await register(client, "event_logistics", "newsletter")

    await post(client, f"{person}/erasure", {**ORDER, "purposes": ["event_logistics"]})

    newsletter = await profile(client, person, "newsletter")
    assert newsletter["contact.email"] == CONTACT["contact.email"]
    report = await get(client, f"{person}/access-report")
    assert CONTACT["contact.phone"] not in str(report)
    await assert_sound(service)


@pytest.mark.clause("C71", "L37")
async def test_what_a_human_keeps_names_its_exemption_ground_and_last_day(
    client: httpx.AsyncClient,
) -> None:
    person = await register(client)
    keep = {
        "retention_class": "participation",
        "exemption": "open_transaction",
        "ground": "art_17_3_e",
        "until": "2027-06-30",
    }
    ungrounded = {**ORDER, "keeps": [{**keep, "exemption": "because"}]}
    refused = await client.post(f"{person}/erasure", json={**ungrounded, "preview": True})

    plan = await post(
        client, f"{person}/erasure", {**ORDER, "keeps": [keep], "preview": True}, status=200
    )
    erased = await post(client, f"{person}/erasure", {**ORDER, "keeps": [keep]})

    assert refused.json()["type"] == "/problems/exemption-ungrounded"
    assert plan["erased"] == []
    [kept] = erased["erasure"]["retained"]
    assert kept["ground"] == "Art. 17(3)(e)"
    assert kept["until"] == "2027-06-30"


@pytest.mark.clause("L36", "L32", "C70")
async def test_an_erasure_closes_once_every_recipient_was_told(
    client: httpx.AsyncClient, service: Service
) -> None:
    """Art. 19: exactly the recipients that were given something; then what telling needed goes."""
    person = await register(client)
    await post(client, f"{person}/disclosures", share("hotels", "hosts", country="BE"))
    erased = await post(client, f"{person}/erasure", ORDER)
    path = f"{person}/erasure/{erased['erasure']['erasure']}"
    assert set(erased["erasure"]["untold"]) == {"hotels", "hosts"}

    early = await post(client, f"{path}/closing", status=409)
    stray = {"recipient": "enpe", "outcome": "informed"}
    refused = await post(client, f"{path}/recipients", stray, status=409)
    for recipient, outcome in (("Hotels", "informed"), ("hosts", "impossible")):
        await post(client, f"{path}/recipients", {"recipient": recipient, "outcome": outcome})
    closed = await post(client, f"{path}/closing")
    again = await post(client, f"{path}/closing")

    assert early["type"] == "/problems/recipients-uninformed"
    assert refused["type"] == "/problems/recipient-not-concerned"
    assert closed["erasure"]["stage"] == again["erasure"]["stage"] == "closed"
    assert closed["events"][-1]["type"] == "erasure.executed"
    assert again["events"] == closed["events"]
    left = await service.pool.fetch(
        "SELECT DISTINCT class FROM ledger.keyring WHERE subject_id = $1 AND state <> 'erased'",
        UUID(person.rpartition("/")[2]),
    )
    assert [row["class"] for row in left] == ["mail"], "the letter about it, for a month"
    await assert_sound(service)


@pytest.mark.clause("C75")
async def test_a_childs_data_are_erased_without_a_request(client: httpx.AsyncClient) -> None:
    person = await register(client)
    order = {**ORDER, "trigger": "child_data"}
    refused = await post(client, f"{person}/erasure", order, status=409)
    await post(client, f"{person}/child-discovery", ORDER)

    erased = await post(client, f"{person}/erasure", order)

    assert refused["type"] == "/problems/child-not-discovered"
    assert erased["erasure"]["stage"] == "executed"


async def test_a_repeated_request_erases_once_and_is_answered_the_same(
    client: httpx.AsyncClient, database: Database
) -> None:
    person = await register(client)
    headers = {"Idempotency-Key": "9b0c"}
    first = await client.post(f"{person}/erasure", json=ORDER, headers=headers)
    events = await count_events(database)

    second = await client.post(f"{person}/erasure", json=ORDER, headers=headers)
    fresh = await post(client, f"{person}/erasure", ORDER, status=410)

    assert (second.status_code, second.json()) == (201, first.json())
    assert second.headers["idempotent-replayed"] == "true"
    assert fresh["type"] == "/problems/subject-erased"
    assert await count_events(database) == events


async def test_without_an_eraser_login_nothing_is_begun(
    client: httpx.AsyncClient, service: Service, api: Api, database: Database
) -> None:
    person = await register(client)
    before = await count_events(database)
    powerless = Api(replace(service, eraser=None), api.settings)
    async with await powerless.client() as other:
        refused = await post(other, f"{person}/erasure", ORDER, status=503)
        plan = await get(other, f"{person}/erasure/preview")

    assert refused["type"] == "/problems/eraser-unavailable"
    assert plan["erased"]
    assert await count_events(database) == before


async def test_a_request_is_taken_back_while_nothing_is_destroyed(
    client: httpx.AsyncClient, service: Service
) -> None:
    person = await register(client)
    subject_id, erasure = person.rpartition("/")[2], uuid4()
    await service.ledger.execute(
        UUID(subject_id),
        RequestErasure(erasure=erasure, source="secretariat"),
        Attribution(by="tests"),
    )

    await post(client, f"{person}/erasure/{erasure}/withdrawal")
    [told] = (await get(client, f"{person}/erasure"))["erasures"]
    done = await post(client, f"{person}/erasure", ORDER)
    late = await post(
        client, f"{person}/erasure/{done['erasure']['erasure']}/withdrawal", status=409
    )

    assert told["stage"] == "withdrawn"
    assert late["type"] == "/problems/erasure-irrevocable"


async def test_a_wrong_erasure_is_refused_and_nothing_is_written(
    client: httpx.AsyncClient, database: Database
) -> None:
    person = await register(client)
    before = await count_events(database)
    wrong: list[tuple[dict[str, Any], str]] = [
        ({**ORDER, "purposes": ["holidays"]}, "purpose-unknown"),
        ({**ORDER, "categories": ["diet"]}, "category-unknown"),
        ({"source": "nowhere"}, "source-unknown"),
        ({**ORDER, "trigger": "boredom"}, "validation"),
    ]
    for body, code in wrong:
        refused = await client.post(f"{person}/erasure", json=body)
        assert refused.json()["type"] == f"/problems/{code}"
    for unknown in (
        f"{person}/erasure/{uuid4()}/closing",
        f"{person}/erasure/{uuid4()}/withdrawal",
    ):
        refused = await client.post(unknown, json={})
        assert refused.json()["type"] == "/problems/erasure-unknown"
    nobody = await post(client, f"{stranger()}/erasure", ORDER, status=404)
    unseen = await get(client, f"{stranger()}/erasure", status=404)

    assert nobody["type"] == unseen["type"] == "/problems/subject-unknown"
    assert await count_events(database) == before
