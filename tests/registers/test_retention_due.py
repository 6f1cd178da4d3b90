"""What falls due by a day: the same as what the execution will destroy, and nothing early."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest

from app.service import Service
from tests.days import today_in_brussels
from tests.registers.reading import rows, table
from tests.rights.people import post, register

pytestmark = pytest.mark.asyncio(loop_scope="module")
PATH = "/v1/retention-due"
TODAY = today_in_brussels()
ENDED = datetime(TODAY.year - 5, 3, 1, 10, tzinfo=UTC)
BEGAN = datetime(TODAY.year - 7, 3, 1, 10, tzinfo=UTC)
LAST_DAY = date(TODAY.year + 2, 3, 1)


async def member(caller: httpx.AsyncClient) -> str:
    """Somebody who took part for years, with the details of that time."""
    began = BEGAN.isoformat()
    relationships = [{"kind": "member", "occurred_at": began}]
    return await register(caller, verification=None, occurred_at=began, relationships=relationships)


async def due(
    caller: httpx.AsyncClient, service: Service, person: str, **query: Any
) -> list[dict[str, Any]]:
    """What falls due of one person."""
    found = await rows(caller, service, PATH, **query)
    return [one for one in found if person.endswith(one["subject_id"])]


@pytest.mark.clause("C32", "C60", "L7", "L40")
async def test_what_ends_by_a_day_is_listed_from_its_last_day_on_and_not_before(
    caller: httpx.AsyncClient, service: Service
) -> None:
    """Seven years after the end of taking part, to the day."""
    person, lasting = await member(caller), await member(caller)
    ended = {"kind": "member", "occurred_at": ENDED.isoformat()}
    before = await service.store.head_position()
    await post(caller, f"{person}/relationships/end", ended)

    early = await due(caller, service, person, by=str(LAST_DAY - timedelta(days=1)))
    [there] = await due(caller, service, person, by=str(LAST_DAY))
    other = await due(caller, service, person, by=str(LAST_DAY), retention_class="fiscal")
    still = await due(caller, service, lasting, by=str(LAST_DAY))
    then = await due(caller, service, person, by=str(LAST_DAY), as_of=str(before))
    as_csv = await table(caller, PATH, by=str(LAST_DAY), columns=["subject_id", "until"])

    assert early == other == still == then == []
    assert (there["retention_class"], there["until"]) == ("participation", str(LAST_DAY))
    assert (there["keep"], there["counted_from"]) == ("P7Y", "participation_end")
    assert {"contact.name", "contact.email"} <= set(there["categories"])
    assert [there["subject_id"], str(LAST_DAY)] in as_csv


@pytest.mark.clause("L42", "L67")
async def test_what_is_held_back_is_not_due(caller: httpx.AsyncClient, service: Service) -> None:
    person = await member(caller)
    ended = {"kind": "member", "occurred_at": ENDED.isoformat()}
    await post(caller, f"{person}/relationships/end", ended)
    ground = {"ground": "legal_claims", "source": "secretariat"}
    before = await due(caller, service, person, by=str(LAST_DAY))

    await post(caller, f"{person}/restrictions", ground)

    assert len(before) == 1
    assert await due(caller, service, person, by=str(LAST_DAY)) == []


@pytest.mark.parametrize("day", ["0001-01-01", "2015-06-01", "2018-05-24", "9999-12-31"])
async def test_a_day_that_no_law_counts_from_is_refused(
    caller: httpx.AsyncClient, day: str
) -> None:
    """It was answered 500."""
    answer = await caller.get(PATH, params={"by": day}, headers={"purpose": "rights_requests"})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["query"] == "by"
