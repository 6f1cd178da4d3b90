"""The desk's arrangements: without paper and mechanism nothing leaves, and with them it may."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from app.service import Service
from tests.days import today_in_brussels
from tests.rights.people import collect, post, register, share

pytestmark = pytest.mark.asyncio(loop_scope="module")

TODAY = today_in_brussels()
DPF = {"mechanism": "dpf", "since": "2024-01-01", "evidence_on": str(TODAY)}
PAPER = {"kind": "processing", "since": "2020-01-01"}


async def ground(client: httpx.AsyncClient, recipient: str) -> Any:
    """On what a transfer to the recipient rests today."""
    items = (await client.get("/v1/recipients")).json()["items"]
    [found] = [one for one in items if one["key"] == recipient]
    return found["transfer_ground"]


async def refused(client: httpx.AsyncClient, person: str, recipient: str, **more: Any) -> str:
    """The type of the problem that a disclosure meets."""
    told = await post(client, f"{person}/disclosures", share(recipient, **more), status=409)
    assert told["rules"]
    return str(told["type"]).removeprefix("/problems/")


@pytest.mark.clause("C30", "C35", "C38", "L50", "L55", "L56")
async def test_a_share_needs_the_paper_and_a_mechanism_and_ends_with_either(
    caller: httpx.AsyncClient, shared_service: Service
) -> None:
    person = await register(caller, verification=None)
    path = "/v1/recipients/google_forms"

    without_paper = await refused(caller, person, "google_forms")
    await post(caller, f"{path}/contracts", PAPER)
    without_ground = await refused(caller, person, "google_forms")
    before = await ground(caller, "google_forms")
    shield = await caller.post(
        f"{path}/transfer-mechanisms", json=DPF | {"mechanism": "privacy_shield"}
    )
    await post(caller, f"{path}/transfer-mechanisms", DPF)
    carried = await ground(caller, "google_forms")
    allowed = await post(caller, f"{person}/disclosures", share("google_forms"))
    await post(
        caller,
        "/v1/transfer-mechanisms/lapses",
        {"mechanism": "dpf", "on": str(TODAY), "recipient": "google_forms"},
    )
    lapsed = await refused(caller, person, "google_forms")

    assert without_paper == "contract-missing"
    assert without_ground == lapsed == "transfer-no-basis"
    assert (shield.status_code, shield.json()["type"]) == (422, "/problems/mechanism-not-in-force")
    assert (before, carried, await ground(caller, "google_forms")) == (None, "dpf", None)
    assert allowed["events"]


@pytest.mark.clause("C30", "L56")
async def test_a_mechanism_that_falls_falls_for_everybody_at_once(
    caller: httpx.AsyncClient,
) -> None:
    person = await register(caller, verification=None)
    for recipient in ("onedrive", "google_drive"):
        await post(caller, f"/v1/recipients/{recipient}/contracts", PAPER)
        await post(
            caller,
            f"/v1/recipients/{recipient}/transfer-mechanisms",
            DPF | {"mechanism": "scc_2021"},
        )
        await post(caller, f"{person}/disclosures", share(recipient))

    fallen = {"mechanism": "scc_2021", "on": str(TODAY)}
    await post(caller, "/v1/transfer-mechanisms/lapses", fallen)

    assert {
        await refused(caller, person, recipient) for recipient in ("onedrive", "google_drive")
    } == {"transfer-no-basis"}


@pytest.mark.clause("C38", "L50")
async def test_a_contract_covers_its_last_day_and_none_after_it(caller: httpx.AsyncClient) -> None:
    person = await register(caller, verification=None)
    path = "/v1/recipients/azavista/contracts"
    await post(caller, path, PAPER)
    await post(caller, f"{path}/end", {"on": str(TODAY)})
    on_the_day = await post(caller, f"{person}/disclosures", share("azavista"))
    await post(caller, path, PAPER)
    await post(caller, f"{path}/end", {"on": str(TODAY - timedelta(days=1))})

    assert on_the_day["events"]
    assert await refused(caller, person, "azavista") in {"contract-missing", "agreement-expired"}


@pytest.mark.clause("C35", "C42", "C43", "C44", "C45", "C46", "C47", "L32")
async def test_everybody_who_may_be_given_data_is_listed_by_name_and_role(
    caller: httpx.AsyncClient,
) -> None:
    items = (await caller.get("/v1/recipients")).json()["items"]

    listed = {one["key"]: one["declared"] for one in items}
    assert {"mailchimp", "azavista", "surveymonkey", "onedrive", "google_drive"} <= listed.keys()
    assert all(one["title"] and one["role"] for one in listed.values())


@pytest.mark.clause("C10", "L5")
async def test_gender_is_refused_until_the_desk_decided_that_it_is_necessary(
    caller: httpx.AsyncClient,
) -> None:
    person = await register(caller, verification=None)
    decision = "/v1/categories/profile.gender/necessity"
    body = {
        "purpose": "event_logistics",
        "source": "registration_form",
        "data": {"profile.gender": "qxzjwoman"},
    }

    async def disabled() -> dict[str, Any]:
        return await post(caller, f"{person}/collections", body, status=422)

    first = await disabled()
    await post(caller, decision, {"outcome": "necessary"})
    collected = await collect(caller, person, "event_logistics", {"profile.gender": "qxzjwoman"})
    await post(caller, decision, {"outcome": "unnecessary"})
    last = await disabled()
    unasked = await caller.post(
        "/v1/categories/contact.name/necessity", json={"outcome": "necessary"}
    )

    assert first["type"] == last["type"] == "/problems/category-disabled"
    assert {"C10", "L5"} <= set(first["rules"])
    assert "qxzjwoman" not in str(first) + str(last)
    assert collected["events"]
    assert unasked.json()["type"] == "/problems/necessity-not-in-question"
