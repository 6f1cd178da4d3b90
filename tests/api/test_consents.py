"""Consents over HTTP: proven, confirmed, withdrawn as easily, and handed out as a receipt."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from app.service import Service
from tests.conftest import Database
from tests.rights.people import (
    CONTACT,
    NEWSLETTER,
    WORDING,
    arrange,
    collect,
    consent,
    get,
    post,
    register,
    share,
    stranger,
)
from tests.serving import count_events


@pytest.mark.clause("C25", "L12", "L14")
async def test_a_consent_has_its_proof_and_opens_its_purpose(
    client: httpx.AsyncClient, service: Service
) -> None:
    await arrange(service, "mailchimp")
    person = await register(client, "newsletter")
    mailing = share("mailchimp", purpose="newsletter")
    without = await post(client, f"{person}/disclosures", mailing, status=409)

    await post(client, f"{person}/consents", consent())
    allowed = await post(client, f"{person}/disclosures", mailing)
    told = await get(client, f"{person}/consents")

    assert without["type"] == "/problems/consent-missing"
    assert allowed["events"]
    [newsletter] = told["consents"]
    assert newsletter["status"] == "given"
    assert newsletter["proof"]["wording_sha256"] == WORDING
    assert {newsletter["proof"][key] for key in ("method", "language", "policy", "source")} == {
        "form",
        "sv",
        "impel-1",
        "registration_form",
    }
    assert "4711" not in str(told)


@pytest.mark.clause("L14", "L15", "C73")
async def test_a_consent_is_withdrawn_at_once_and_nothing_revives_it(
    client: httpx.AsyncClient, service: Service
) -> None:
    """Art. 7(3): as easily as it was given, for the future, and for the addresses on file."""
    await arrange(service, "mailchimp")
    person = await register(client, "newsletter")
    given = consent()
    await post(client, f"{person}/consents", given)

    await post(client, f"{person}/consents/newsletter/withdrawal", {"source": "self_service"})
    refused = await post(
        client, f"{person}/disclosures", share("mailchimp", purpose="newsletter"), status=409
    )
    again = await post(client, f"{person}/consents", given, status=409)
    suppressed = await service.lookups.suppressed_purposes(
        [CONTACT["contact.email"]], ["newsletter"]
    )

    assert refused["type"] == "/problems/subject-suppressed"
    assert again["type"] == "/problems/consent-outdated"
    assert suppressed == {"newsletter"}


@pytest.mark.clause("C73", "L16")
async def test_withdrawing_twice_records_once(client: httpx.AsyncClient) -> None:
    person = await register(client, "newsletter")
    await post(client, f"{person}/consents", consent())
    body = {"source": "self_service"}
    await post(client, f"{person}/consents/newsletter/withdrawal", body)

    second = await post(client, f"{person}/consents/newsletter/withdrawal", body, status=200)

    assert second["events"] == []


NO_PROOF: list[Any] = [
    pytest.param(
        {"method": "policy_acceptance"}, id="accepted policy", marks=pytest.mark.clause("C5")
    ),
    pytest.param(
        {"method": "chat_use"}, id="using the chat", marks=pytest.mark.clause("C55", "L13")
    ),
    pytest.param({"method": "registration"}, id="registering", marks=pytest.mark.clause("C29")),
    pytest.param({"method": "browser_settings"}, id="browser", marks=pytest.mark.clause("L13")),
    pytest.param({"method": "telepathy"}, id="unknown method", marks=pytest.mark.clause("L12")),
    pytest.param({"policy": "impel-0"}, id="no such policy", marks=pytest.mark.clause("L12")),
    pytest.param(
        {"occurred_at": (datetime.now(UTC) + timedelta(days=1)).isoformat()},
        id="tomorrow",
        marks=pytest.mark.clause("L12"),
    ),
    pytest.param({"evidence": " "}, id="blank evidence", marks=pytest.mark.clause("L12", "L16")),
]


@pytest.mark.parametrize("changed", NO_PROOF)
async def test_what_is_no_evidence_is_refused_and_nothing_is_written(
    client: httpx.AsyncClient, database: Database, changed: dict[str, str]
) -> None:
    person = await register(client, "newsletter")
    before = await count_events(database)

    refused = await post(client, f"{person}/consents", consent(**changed), status=422)

    assert refused["type"] == "/problems/consent-evidence-invalid"
    assert await count_events(database) == before


@pytest.mark.clause("C25", "L12")
async def test_a_consent_without_a_part_of_its_evidence_does_not_fit_the_schema(
    client: httpx.AsyncClient,
) -> None:
    person = await register(client, "newsletter")
    whole = consent()
    for missing in ("wording_sha256", "language", "method", "source", "occurred_at", "evidence"):
        part = {key: value for key, value in whole.items() if key != missing}
        refused = await post(client, f"{person}/consents", part, status=422)

        assert refused["errors"] == [{"pointer": f"/{missing}", "code": "missing"}]


@pytest.mark.clause("C31")
async def test_asking_for_consent_where_another_basis_holds_is_refused(
    client: httpx.AsyncClient,
) -> None:
    person = await register(client)
    refused = await post(client, f"{person}/consents", consent("event_logistics"), status=409)

    assert refused["type"] == "/problems/consent-not-applicable"


@pytest.mark.clause("C25", "L12")
async def test_a_double_opt_in_counts_from_its_confirmation(
    client: httpx.AsyncClient, service: Service
) -> None:
    await arrange(service, "mailchimp")
    person = await register(client, "newsletter")
    wording = {
        key: value
        for key, value in consent().items()
        if key in ("purpose", "wording_sha256", "language", "policy", "source")
    }
    asked = await post(client, f"{person}/consents/requests", wording)
    mailing = share("mailchimp", purpose="newsletter")
    waiting = await post(client, f"{person}/disclosures", mailing, status=409)

    now = datetime.now(UTC).isoformat()
    confirmation = {"occurred_at": now, "evidence": "click in message 17"}
    path = f"{person}/consents/requests/{asked['request']}/confirmation"
    await post(client, path, confirmation)
    again = await post(client, path, confirmation, status=200)

    assert waiting["type"] == "/problems/consent-missing"
    assert again["events"] == []
    await post(client, f"{person}/disclosures", mailing)
    [newsletter] = (await get(client, f"{person}/consents"))["consents"]
    assert newsletter["proof"]["method"] == "double_opt_in"
    assert newsletter["proof"]["request"] == asked["request"]
    assert [step["type"] for step in newsletter["history"]] == [
        "consent.requested",
        "consent.confirmed",
    ]


async def test_a_repeated_request_for_consent_is_told_the_first_ones_id(
    client: httpx.AsyncClient,
) -> None:
    person = await register(client, "newsletter")
    body = {
        key: consent()[key] for key in ("purpose", "wording_sha256", "language", "policy", "source")
    }
    headers = {"Idempotency-Key": "6f2a"}

    first = await client.post(f"{person}/consents/requests", json=body, headers=headers)
    second = await client.post(f"{person}/consents/requests", json=body, headers=headers)

    assert first.json()["request"] == second.json()["request"]
    assert second.headers["idempotent-replayed"] == "true"


async def test_an_unknown_confirmation_is_refused(client: httpx.AsyncClient) -> None:
    person = await register(client, "newsletter")
    body = {"occurred_at": datetime.now(UTC).isoformat(), "evidence": "click"}
    unknown = stranger().rpartition("/")[2]

    refused = await post(
        client, f"{person}/consents/requests/{unknown}/confirmation", body, status=409
    )

    assert refused["type"] == "/problems/consent-request-unknown"


@pytest.mark.clause("C29")
async def test_a_transfer_outside_the_area_needs_a_consent_of_its_own(
    client: httpx.AsyncClient,
) -> None:
    """Art. 49(1)(a): explicit, and apart from the consent to the purpose."""
    person = await register(client)
    security = {"contact.name": CONTACT["contact.name"], "identity.document": "X1234567"}
    await post(client, f"{person}/consents", consent("event_security"))
    await collect(client, person, "event_security", security)
    abroad = share("hosts", purpose="event_security", country="US") | {
        "categories": ["identity.document"]
    }
    refused = await post(client, f"{person}/disclosures", abroad, status=409)

    transfer = consent("event_security", recipient="hosts", country="US")
    await post(client, f"{person}/consents/transfers", transfer)
    receipt = await post(client, f"{person}/disclosures", abroad)
    told = await get(client, f"{person}/consents")

    assert refused["type"] == "/problems/transfer-consent-missing"
    assert receipt["events"]
    [agreed] = told["transfers"]
    assert (agreed["purpose"], agreed["recipient"], agreed["country"]) == (
        "event_security",
        "hosts",
        "us",
    )


@pytest.mark.clause("C25", "L12")
async def test_the_receipt_is_a_record_of_iso_27560_in_json_ld(
    client: httpx.AsyncClient, service: Service
) -> None:
    """ISO/IEC TS 27560 as profiled by W3C DPV: header, processing, parties, events."""
    person = await register(client, "newsletter")
    await post(client, f"{person}/consents", consent())
    await post(client, f"{person}/consents/newsletter/withdrawal", {"source": "self_service"})

    answer = await client.get(f"{person}/consents/newsletter/receipt")

    receipt = answer.json()
    assert answer.headers["content-type"] == "application/ld+json"
    assert receipt["@type"] == "dpv:ConsentReceipt"
    assert receipt["dct:conformsTo"]["@id"].endswith("dpv-27560#receipt-eu-gdpr")
    [record] = receipt["dpv:hasRecordOfActivity"]
    assert record["dct:conformsTo"]["@id"].endswith("dpv-27560#record-eu-gdpr")
    assert record["dpv:hasDataSubject"]["dct:identifier"] == person.rpartition("/")[2]
    assert record["dpv:hasLegalBasis"]["@id"].endswith("gdpr#A6-1-a")
    assert record["dpv:hasJurisdiction"] == {"@id": "loc:BE"}
    assert record["dpv:hasConsentControl"]["@type"] == "dpv:WithdrawConsent"
    controller = record["dpv:hasDataController"]
    for mandatory in ("@type", "dct:identifier", "dpv:hasName", "dpv:hasAddress", "dpv:hasContact"):
        assert controller[mandatory], mandatory
    assert controller["dpv:hasName"] == "IMPEL"
    assert record["dpv:hasAuthority"]["@id"] == "legal-be:DPA-BE"
    assert {right["@type"][1] for right in record["dpv:hasRight"]} >= {
        "eu-gdpr:A7-3",
        "eu-gdpr:A15",
        "eu-gdpr:A77",
    }
    process = record["dpv:hasProcess"]
    assert process["dpv:hasPurpose"]["dct:identifier"] == "newsletter"
    assert {one["dct:identifier"] for one in process["dpv:hasRecipient"]} == {
        "mailchimp",
        "contact_db",
    }
    public_url = service.correspondence.public_url
    assert public_url.startswith("http://")
    contacts = {one["dct:identifier"]: one["dpv:hasContact"] for one in process["dpv:hasRecipient"]}
    assert contacts == {
        "mailchimp": "https://www.intuit.com/privacy/statement/",
        "contact_db": "info@impel.eu",
    }
    address = record["dpv:hasConsentControl"]["dpv:isExercisedAt"]
    assert address == f"{public_url}{person}/consents/newsletter/withdrawal"
    [about] = {one["@id"] for one in record["dpv:hasNotice"] if "Privacy" in one["@type"]}
    assert about == f"{public_url}/v1/policies/impel-1"
    assert len(process["dpv:hasStorageCondition"]) == 2
    given, withdrawn = record["dpv:hasConsentStatus"]
    assert given["@type"] == ["dpv:ConsentGiven", "dpv:ExpressedConsent"]
    assert given["dpv:hasIndicationMethod"] == "form"
    assert withdrawn["@type"] == ["dpv:ConsentWithdrawn"]
    for state in (given, withdrawn):
        assert state["dpv:isIndicatedBy"] == {"@id": "dpv:DataSubject"}
        assert state["dpv:isIndicatedAtTime"]["@value"].endswith("Z")
        assert state["dpv:hasDuration"]["@type"] == "dpv:UntilEventDuration"
    assert record["dct:isVersionOf"]["@id"] == f"urn:uuid:{given['dct:identifier']}"
    assert {notice["@type"] for notice in record["dpv:hasNotice"]} == {
        "dpv:ConsentNotice",
        "dpv:PrivacyNotice",
    }


async def test_there_is_no_receipt_for_what_was_never_consented(client: httpx.AsyncClient) -> None:
    person = await register(client, "newsletter")
    none = await get(client, f"{person}/consents/newsletter/receipt", status=409)
    unknown = await get(client, f"{person}/consents/world_peace/receipt", status=422)

    assert none["type"] == "/problems/never-consented"
    assert unknown["type"] == "/problems/purpose-unknown"


@pytest.mark.clause("C47")
async def test_a_source_is_recorded_under_its_own_key(client: httpx.AsyncClient) -> None:
    person = await register(client, "newsletter", contact=NEWSLETTER)
    await post(client, f"{person}/consents", consent(source="Sign-up form"))
    await post(client, f"{person}/consents/newsletter/withdrawal", {"source": "Desk"})
    unknown = await post(
        client, f"{person}/consents/newsletter/withdrawal", {"source": "Nobody & Co"}, status=422
    )

    [newsletter] = (await get(client, f"{person}/consents"))["consents"]
    assert [step["source"] for step in newsletter["history"]] == [
        "registration_form",
        "secretariat",
    ]
    assert unknown["type"] == "/problems/source-unknown"
