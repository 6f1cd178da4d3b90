"""The register of recipients: what the policy says, what the desk arranged, what holds on a day."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from app.service import Service
from tests.days import today_in_brussels
from tests.registers.reading import rows, sheet, table
from tests.rights.people import post

pytestmark = pytest.mark.asyncio(loop_scope="module")
PATH = "/v1/recipients"
TODAY = today_in_brussels()


async def listed(caller: httpx.AsyncClient, service: Service, **query: Any) -> dict[str, Any]:
    """The recipients by their keys."""
    return {one["key"]: one for one in await rows(caller, service, PATH, **query)}


@pytest.mark.clause("C39", "C40", "C48", "C57", "C58", "L50")
async def test_paper_statement_and_service_are_told_as_they_are_known(
    caller: httpx.AsyncClient, service: Service
) -> None:
    before = await listed(caller, service)
    await post(caller, f"{PATH}/basecamp/contracts", {"kind": "processing", "since": "2020-01-01"})
    after = await listed(caller, service)

    assert before["basecamp"]["agreement_state"] == "missing"
    assert after["basecamp"]["agreement_state"] == "in-force"
    assert after["basecamp"]["agreement_since"] == "2020-01-01"
    assert before["enpe"]["agreement_state"] == "asserted"
    assert before["bank"]["agreement_state"] == "none-needed"
    assert before["basecamp"]["service_types"] == ["hosting", "storage"]
    assert before["azavista"]["privacy_notice_state"] == "missing"
    assert before["tawk"]["privacy_notice"] == "https://www.tawk.to/privacy-policy/"
    assert before["tawk"]["privacy_notice_state"] == "overdue"
    assert {"google_drive", "x_twitter", "meta"} <= before.keys()


@pytest.mark.clause("C30", "L55", "L56", "L57", "L58")
async def test_a_mechanism_is_told_with_its_validity_and_when_it_was_looked_up(
    caller: httpx.AsyncClient, service: Service
) -> None:
    path = f"{PATH}/mailchimp/transfer-mechanisms"
    before = (await listed(caller, service))["mailchimp"]
    stale = TODAY - timedelta(days=91)
    ground = {"mechanism": "dpf", "since": "2024-01-01"}
    await post(caller, path, {**ground, "evidence_on": str(stale)})
    overdue = (await listed(caller, service))["mailchimp"]
    await post(caller, path, {**ground, "evidence_on": str(TODAY)})
    current = (await listed(caller, service, transfer_ground="dpf"))["mailchimp"]
    others = await listed(caller, service, countries="NL")

    assert before["declared_mechanisms"] == ["privacy_shield"]
    assert (before["transfer_ground"], before["evidence_state"]) == (None, "missing")
    assert (overdue["transfer_ground"], overdue["evidence_state"]) == ("dpf", "overdue")
    assert overdue["evidence_due"] == str(stale + timedelta(days=90))
    assert current["evidence_state"] == "current"
    assert current["mechanism_at_risk"] is True
    assert current["mechanism_valid_from"] == "2023-07-10"
    assert others["azavista"]["transfer_ground"] == "eea"
    assert others["azavista"]["evidence_state"] == "none-needed"


@pytest.mark.clause("L36")
async def test_every_right_has_its_means_with_source_and_day_where_they_are_known(
    caller: httpx.AsyncClient, service: Service
) -> None:
    found = await listed(caller, service)

    assert found["mailchimp"]["can_erasure"] == "api"
    assert found["basecamp"]["can_erasure"] == "manual"
    assert found["google_forms"]["can_rectification"] == "impossible"
    assert found["mailchimp"]["can_restriction"] is None
    told = [one for one in found.values() if one["can_erasure"]]
    assert all(one["can_erasure_source"] and one["can_erasure_checked_on"] for one in told)


@pytest.mark.clause("L9", "L57")
async def test_an_earlier_day_has_the_arrangements_of_that_day(
    caller: httpx.AsyncClient, service: Service
) -> None:
    before = await service.store.head_position()
    await post(caller, f"{PATH}/onedrive/contracts", {"kind": "processing", "since": "2020-01-01"})
    await post(
        caller,
        f"{PATH}/onedrive/transfer-mechanisms",
        {"mechanism": "scc_2021", "since": "2024-01-01", "evidence_on": str(TODAY)},
    )
    now = (await listed(caller, service))["onedrive"]
    then = (await listed(caller, service, as_of=str(before)))["onedrive"]

    assert (now["transfer_ground"], now["agreement_state"]) == ("scc_2021", "in-force")
    assert (then["transfer_ground"], then["agreement_state"]) == (None, "missing")


@pytest.mark.clause("L49")
async def test_a_table_has_the_columns_of_the_page(
    caller: httpx.AsyncClient, service: Service
) -> None:
    found = await rows(caller, service, PATH)
    as_csv, as_sheet = await table(caller, PATH), await sheet(caller, PATH)

    assert as_csv[0] == as_sheet[0]
    assert [line[0] for line in as_csv[1:]] == [one["key"] for one in found]
    assert [line[0] for line in as_sheet[1:]] == [one["key"] for one in found]
    assert set(as_csv[0]) == set(found[0]) - {"contract", "declared"}
