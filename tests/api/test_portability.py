"""The portability package: one profile inside the other, readable by its receiver (Art. 20)."""

import hashlib
from typing import Any

import httpx
import pytest
import rfc8785
from openapi_schema_validator import OAS31Validator

from app.service import Service
from tests.conftest import Database
from tests.rights.histories import ACCOUNT, OBJECTION, STATEMENT, TITLE, everything
from tests.rights.people import (
    CONTACT,
    NEWSLETTER,
    collect,
    consent,
    get,
    post,
    register,
    stranger,
)
from tests.serving import Api, count_events

Package = dict[str, Any]
PROVENANCE = {"purpose", "basis", "source", "origin", "since", "policy"}


async def package_of(client: httpx.AsyncClient, person: str, profile: str | None = None) -> Package:
    """The package in one profile; the promised one when none is named."""
    query: dict[str, Any] = {"format": "json"}
    query |= {} if profile is None else {"profile": profile}
    return await get(client, f"{person}/portability-package", **query)


def values(package: Package) -> set[tuple[str, str, str]]:
    """Category, value and purpose of everything in the package."""
    return {(one["category"], one["value"], one["purpose"]) for one in package["data"]}


@pytest.mark.clause("L35", "C68")
async def test_what_the_law_grants_is_within_what_is_promised_and_that_within_the_copy(
    client: httpx.AsyncClient, service: Service
) -> None:
    person = await everything(client, service)

    legal = await package_of(client, person, "legal")
    promised = await package_of(client, person)
    report = await get(client, f"{person}/access-report")

    copied = {
        (one["category"]["key"], one["value"], use["purpose"]["key"])
        for one in report["parts"]["data"]["held"]
        for use in one["held_for"]
        if use["purpose"] is not None
    }
    assert set() < values(legal) < values(promised) < copied


@pytest.mark.clause("L35")
async def test_the_law_grants_what_the_person_provided_on_consent_or_contract(
    client: httpx.AsyncClient,
) -> None:
    """Art. 20(1): neither data on another basis nor data that somebody else provided."""
    person = await register(client, "event_logistics", "newsletter")
    third = {"contact.name": "Zoë from the list"}
    await collect(client, person, "newsletter", third, source="member_organisation")

    legal = await package_of(client, person, "legal")
    promised = await package_of(client, person, "promised")

    assert {one["basis"] for one in legal["data"]} == {"consent"}
    assert {one["origin"] for one in legal["data"]} == {"subject"}
    assert values(legal) == {("contact.email", NEWSLETTER["contact.email"], "newsletter")}
    assert {one["origin"] for one in promised["data"]} == {"subject", "third_party"}


@pytest.mark.clause("C68", "L35")
async def test_everything_in_use_is_promised_with_its_provenance_and_nothing_else(
    client: httpx.AsyncClient, service: Service
) -> None:
    """Not what was superseded, not what the controller decided or the person wrote in a matter."""
    package = await package_of(client, await everything(client, service))

    held = {value for _, value, _ in values(package)}
    assert held == {"Zoë Berg", ACCOUNT, "Inspector"} | {
        CONTACT[key] for key in ("contact.email", "contact.phone", "work.organisation")
    }
    for one in (*package["data"], *package["files"]):
        assert all(one.get(key) for key in PROVENANCE & one.keys())
    assert [one["title"] for one in package["files"]] == [TITLE]
    assert [one["text"] for one in package["statements"]] == [STATEMENT]
    assert OBJECTION not in str(package)
    assert [one["status"] for one in package["consents"]] == ["withdrawn"]


@pytest.mark.clause("C68")
async def test_the_package_fits_the_schema_that_is_served_beside_it(
    client: httpx.AsyncClient, service: Service
) -> None:
    person = await everything(client, service)
    package = await package_of(client, person)
    answer = await client.get(package["schema"]["path"])
    schema = answer.json()

    OAS31Validator.check_schema(schema)
    validator = OAS31Validator(schema)

    assert answer.headers["content-type"] == "application/schema+json"
    assert list(validator.iter_errors(package)) == []
    assert list(validator.iter_errors(await package_of(client, person, "legal"))) == []
    assert list(validator.iter_errors({**package, "profile": "everything"}))
    assert package["schema"]["sha256"] == hashlib.sha256(rfc8785.dumps(schema)).hexdigest()


@pytest.mark.clause("C68")
async def test_the_manifest_hashes_each_part_in_canonical_json(
    client: httpx.AsyncClient, service: Service
) -> None:
    """RFC 8785, by an implementation of it that is not ours."""
    package = await package_of(client, await everything(client, service))

    assert [part["part"] for part in package["manifest"]] == [
        "data",
        "files",
        "statements",
        "consents",
        "transfers",
        "relationships",
        "objections",
        "restrictions",
    ]
    for part in package["manifest"]:
        content = package[part["part"]]
        assert part["count"] == len(content)
        assert part["sha256"] == hashlib.sha256(rfc8785.dumps(content)).hexdigest()


@pytest.mark.clause("C68", "L35")
async def test_a_package_registers_the_same_person_elsewhere(client: httpx.AsyncClient) -> None:
    """The round trip by machine: what was handed out can be taken in as it is."""
    person = await register(client, "event_logistics", "network_exchange")
    await collect(client, person, "payments", {"financial.account": ACCOUNT})
    package = await package_of(client, person)
    await post(client, f"{person}/erasure", {"source": "secretariat"})
    obtained: dict[tuple[str, str | None], dict[str, str]] = {}
    for one in package["data"]:
        of_purpose = obtained.setdefault((one["purpose"], one["occasion"]), {})
        of_purpose[one["category"]] = one["value"]

    body = {
        "source": "self_service",
        "verification": "link",
        "obtained": [
            {"purpose": purpose, "occasion": occasion, "data": data}
            for (purpose, occasion), data in obtained.items()
        ],
    }
    receipt = await post(client, "/v1/subjects", body)
    again = await package_of(client, f"/v1/subjects/{receipt['subject_id']}")

    assert values(again) == values(package)
    assert {(one["category"], one["basis"]) for one in again["data"]} == {
        (one["category"], one["basis"]) for one in package["data"]
    }


async def test_handing_out_a_package_is_recorded_as_a_consultation(
    client: httpx.AsyncClient, api: Api, database: Database
) -> None:
    person = await register(client, "newsletter")
    await post(client, f"{person}/consents", consent())
    before = await count_events(database)
    async with await api.client(scopes=["subjects:read"]) as other:
        refused = await get(other, f"{person}/portability-package", status=403)
    unknown = await get(client, f"{stranger()}/portability-package", status=404)
    wrong = await client.get(f"{person}/portability-package", params={"profile": "all"})
    assert await count_events(database) == before

    await package_of(client, person, "legal")

    assert refused["type"] == "/problems/insufficient-scope"
    assert unknown["type"] == "/problems/subject-unknown"
    assert wrong.json()["type"] == "/problems/validation"
    [read] = (await get(client, f"{person}/access-report"))["consultations"][:1]
    assert read["purpose"]["key"] == "rights_requests"
    assert [one["key"] for one in read["categories"]] == ["contact.email", "contact.name"]
