"""The register of profiles: the same as each person's own profile, opened page by page."""

from typing import Any
from uuid import UUID

import httpx
import pytest

from app.events.consultations import ConsultationRecorded
from app.events.registers import RegisterConsulted
from app.service import Service
from app.store import section_pages
from app.vault.sealing import unseal
from tests.registers.reading import page, refused, rows, sheet, table
from tests.rights.people import CONTACT, collect, post, register
from tests.serving import Api

pytestmark = pytest.mark.asyncio(loop_scope="module")
PATH = "/v1/subjects"
FOR = {"purpose": "event_logistics"}


async def held(caller: httpx.AsyncClient, person: str, **query: Any) -> dict[str, str]:
    """What the person's own profile shows for the purpose."""
    answer = await caller.get(person, headers=FOR, params=query)
    assert answer.status_code == 200, answer.text
    return {one["category"]: one["value"] for one in answer.json()["fields"]}


async def listed(
    caller: httpx.AsyncClient, service: Service, purpose: str = "event_logistics", **query: Any
) -> dict[str, Any]:
    """Path of a person -> their row."""
    caller.headers["purpose"] = purpose
    try:
        found = await rows(caller, service, PATH, **query)
    finally:
        caller.headers["purpose"] = "rights_requests"
    return {f"{PATH}/{one['subject_id']}": one for one in found}


@pytest.mark.clause("L3", "L4", "C4", "C6")
async def test_a_row_says_what_the_profile_says_and_the_reading_is_recorded_of_each(
    caller: httpx.AsyncClient, service: Service
) -> None:
    people = [await register(caller, verification=None) for _ in range(3)]
    await collect(caller, people[0], "event_logistics", {"contact.phone": "+32470999999"})
    await collect(caller, people[1], "payments", {"financial.account": "BE68539007547034"})

    found = await listed(caller, service, limit=2)
    elsewhere = await listed(caller, service, source="azavista")
    here = await listed(caller, service, source="registration_form", columns=["subject_id"])
    payments = await listed(caller, service, "payments")
    streams = [await service.store.read_stream(UUID(one.rpartition("/")[2])) for one in people]
    last = [stream.events[-1].event for stream in streams]

    for person in people:
        assert {key: found[person][key] for key in CONTACT} == await held(caller, person)
    assert found[people[0]]["contact.phone"] == "+32470999999"
    assert not elsewhere
    assert here.keys() == found.keys()
    assert "financial.account" not in found[people[1]]
    assert payments[people[1]]["financial.account"] == "****7034"
    assert isinstance(last[0], ConsultationRecorded)
    assert last[0].purpose == "event_logistics"
    assert set(CONTACT) <= set(last[0].categories)
    assert last[1] == ConsultationRecorded(
        purpose="payments", field_classes=last[1].field_classes, categories=("financial.account",)
    )


@pytest.mark.clause("L4")
async def test_what_is_not_shown_is_not_opened(
    caller: httpx.AsyncClient, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await register(caller, "event_logistics", "newsletter", verification=None)
    opened: list[bytes] = []

    def counted(cipher: Any, blob: bytes, *, bound_to: bytes) -> Any:
        opened.append(blob)
        return unseal(cipher, blob, bound_to=bound_to)

    head = await service.store.head_position()
    await page(caller, PATH, min_position=head, limit=1)
    monkeypatch.setattr(section_pages, "unseal", counted)

    bare = await listed(caller, service, columns=["subject_id", "source"])
    nothing = len(opened)
    named = await listed(caller, service, columns=["subject_id", "contact.name"])

    assert bare[person] == {"subject_id": person.rpartition("/")[2], "source": "registration_form"}
    assert nothing == 0
    assert len(opened) == len(set(opened)) == len(named)
    assert named[person]["contact.name"] == CONTACT["contact.name"]
    assert await refused(caller, PATH, columns=["contact.name", "financial.account"]) == (
        422,
        "column-unknown",
    )


@pytest.mark.clause("L42", "C66", "C67")
async def test_who_is_restricted_is_left_out_and_so_is_who_was_erased(
    caller: httpx.AsyncClient, service: Service
) -> None:
    restricted, partly, erased = [await register(caller, verification=None) for _ in range(3)]
    ground = {"ground": "legal_claims", "source": "secretariat"}
    await post(caller, f"{restricted}/restrictions", ground)
    await post(caller, f"{partly}/restrictions", {**ground, "purpose": "newsletter"})
    before = await service.store.head_position()
    order = {"trigger": "request", "source": "secretariat"}
    await post(caller, f"{erased}/erasure", order)

    found = await listed(caller, service)
    earlier = await listed(caller, service, as_of=str(before))

    assert restricted not in found
    assert found[partly]["contact.name"] == CONTACT["contact.name"]
    assert erased not in found
    assert erased not in earlier, "an erasure redacts the past"


@pytest.mark.clause("L42", "C67")
async def test_who_is_restricted_on_another_record_of_theirs_is_left_out_too(
    caller: httpx.AsyncClient, service: Service, api: Api
) -> None:
    """A restriction of one record of a merged person is one of each, until the merge is undone."""
    one, other = [await register(caller, verification=None) for _ in range(2)]
    await post(caller, f"{other}/restrictions", {"ground": "unlawful", "source": "secretariat"})
    pair = {"survivor": one.rpartition("/")[2], "absorbed": other.rpartition("/")[2]}
    merge = (await post(caller, "/v1/merges", {**pair, "ground": "control"}))["merge"]
    before = await listed(caller, service)
    async with await api.client() as approver:
        await post(approver, f"/v1/merges/{merge}/approve", pair)
        merged = await listed(caller, service)
        await post(approver, f"/v1/merges/{merge}/revert", pair)
    after = await listed(caller, service)

    assert one in before
    assert one not in merged
    assert one in after


@pytest.mark.clause("L6", "L9")
async def test_an_earlier_day_shows_what_was_held_then(
    caller: httpx.AsyncClient, service: Service
) -> None:
    person = await register(caller, verification=None)
    before = await service.store.head_position()
    later = await register(caller, verification=None)
    correction = {"source": "secretariat", "data": {"contact.phone": "+32470000001"}}
    await post(caller, f"{person}/rectifications", correction)

    now = await listed(caller, service)
    then = await listed(caller, service, as_of=str(before))

    assert now[person]["contact.phone"] == "+32470000001"
    assert then[person]["contact.phone"] == CONTACT["contact.phone"]
    assert {key: then[person][key] for key in CONTACT} == await held(
        caller, person, as_of=str(before)
    )
    assert later in now
    assert later not in then


@pytest.mark.clause("L6")
async def test_a_page_is_never_behind_the_person_it_shows(
    caller: httpx.AsyncClient, service: Service
) -> None:
    """The projection may lag; what a person had corrected a moment ago is shown corrected."""
    person = await register(caller, verification=None)
    head = await service.store.head_position()
    await page(caller, PATH, min_position=head, limit=1)
    correction = {"source": "secretariat", "data": {"work.title": "Jurist"}}
    await collect(caller, person, "event_logistics", {"work.title": "Inspektör"})

    await post(caller, f"{person}/rectifications", correction)
    at_once = await listed(caller, service, min_position=0)

    assert at_once[person]["work.title"] == "Jurist"


@pytest.mark.clause("L49")
async def test_the_three_forms_hold_the_same_people_and_one_event_says_who_read(
    caller: httpx.AsyncClient, service: Service
) -> None:
    names = ["subject_id", "contact.name", "contact.phone"]
    found = await listed(caller, service, columns=names)
    caller.headers["purpose"] = "event_logistics"

    as_csv = await table(caller, PATH, columns=names)
    as_sheet = await sheet(caller, PATH, columns=names)
    caller.headers["purpose"] = "rights_requests"
    stream = await service.pool.fetchval("SELECT register_stream FROM ledger.ledger_identity")
    last = (await service.store.read_stream(stream)).events[-1].event

    told = [[one[name] for name in names] for one in found.values()]
    assert as_csv[0] == as_sheet[0] == names
    assert as_sheet[1:] == told
    assert [[cell.removeprefix("'") for cell in line] for line in as_csv[1:]] == told
    assert all(line[2].startswith("'+") for line in as_csv[1:])
    assert isinstance(last, RegisterConsulted)
    assert (last.register, last.purpose, last.form.value) == ("profiles", "event_logistics", "xlsx")
