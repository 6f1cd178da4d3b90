"""What the record says about a person is read for a purpose, and the reading is recorded (L3)."""

from typing import Any

import httpx
import pytest

from tests.rights.people import get, post, register

LISTS = ("events", "consents", "disclosures", "objections", "restrictions")


@pytest.mark.clause("L3")
@pytest.mark.parametrize("listing", [*LISTS, "consents/newsletter/receipt"])
async def test_every_reading_about_a_person_names_a_purpose_of_the_register(
    client: httpx.AsyncClient, listing: str
) -> None:
    """L3: every read call names a purpose."""
    person = await register(client, "newsletter")
    asked = {"purpose": "newsletter", "wording_sha256": "ab" * 32, "language": "sv"}
    source = {"policy": "impel-1", "source": "registration_form"}
    await post(client, f"{person}/consents/requests", {**asked, **source})
    unnamed = await client.get(f"{person}/{listing}", headers={"Purpose": ""})
    unknown = await client.get(f"{person}/{listing}", headers={"Purpose": "curiosity"})
    named = await client.get(f"{person}/{listing}", headers={"Purpose": "newsletter"})

    assert (unnamed.status_code, unnamed.json()["type"]) == (
        400,
        "/problems/purpose-header-missing",
    )
    assert (unknown.status_code, unknown.json()["type"]) == (422, "/problems/purpose-unknown")
    assert named.status_code == 200
    report = await get(client, f"{person}/access-report")
    read, *_ = report["consultations"]
    assert (read["purpose"]["key"], read["categories"]) == ("newsletter", [])


@pytest.mark.clause("L3")
async def test_the_pages_of_one_listing_are_one_reading(client: httpx.AsyncClient) -> None:
    """Each page would otherwise make the next one longer."""
    person = await register(client, "newsletter")
    types: list[str] = []
    query: dict[str, Any] = {"limit": 1}
    while True:
        page = await get(client, f"{person}/events", **query)
        types += [one["type"] for one in page["items"]]
        if page["next"] is None:
            break
        query["cursor"] = page["next"]

    assert types.count("consultation.recorded") == 1
    assert types[-1] == "consultation.recorded"
