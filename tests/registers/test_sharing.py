"""The sharing register over HTTP: filters, pages, cuts, forms, and what it refuses."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from app.events.registers import RegisterConsulted, RegisterForm
from app.service import Service
from tests.registers.reading import page, refused, rows, sheet, table
from tests.rights.people import arrange, post, register, share
from tests.serving import Api

pytestmark = pytest.mark.asyncio(loop_scope="module")
PATH = "/v1/disclosures"


@pytest.fixture(scope="module")
def people() -> list[str]:
    """Paths of the people of this module, filled by the first test."""
    return []


async def shared(caller: httpx.AsyncClient, service: Service, people: list[str]) -> list[str]:
    """Four people of whom something was shared with two recipients."""
    if not people:
        await arrange(service, "google_forms", "azavista")
        for _ in range(4):
            person = await register(caller, verification=None)
            await post(caller, f"{person}/disclosures", share("google_forms", "azavista"))
            people.append(person)
        await rows(caller, service, PATH)  # once the register has read them
    return people


@pytest.mark.clause("L48", "L59", "C35")
async def test_who_got_what_of_whom_and_on_which_ground_is_listed_and_filtered(
    caller: httpx.AsyncClient, service: Service, people: list[str]
) -> None:
    await shared(caller, service, people)

    every = await rows(caller, service, PATH)
    forms = await rows(caller, service, PATH, recipient="google_forms")
    inside = await rows(caller, service, PATH, mechanism="eea", categories="contact.email")
    nothing = await rows(caller, service, PATH, purpose="newsletter")

    assert len(every) == 8
    assert [one["position"] for one in every] == sorted(one["position"] for one in every)
    assert {f"/v1/subjects/{one['subject_id']}" for one in forms} == set(people)
    assert {(one["recipient"], one["mechanism"]) for one in forms} == {("google_forms", "dpf")}
    assert {(one["recipient"], one["country"]) for one in inside} == {("azavista", "nl")}
    assert len(inside) == 4
    assert every[0]["categories"] == ["contact.email", "contact.name"]
    assert nothing == []


@pytest.mark.clause("L48")
async def test_pages_follow_each_other_and_a_cursor_belongs_to_its_query(
    caller: httpx.AsyncClient, service: Service, people: list[str]
) -> None:
    await shared(caller, service, people)
    whole = await rows(caller, service, PATH)

    paged = await rows(caller, service, PATH, limit=3)
    first = await page(caller, PATH, limit=3, recipient="azavista")
    other = await refused(caller, PATH, cursor=first["next"], recipient="google_forms")
    unfiltered = await refused(caller, PATH, cursor=first["next"])
    tampered = await refused(caller, PATH, cursor="A" + first["next"][1:], recipient="azavista")

    assert paged == whole
    assert first["self"] == f"{PATH}?limit=3&recipient=azavista"
    assert other == unfiltered == tampered == (400, "cursor-invalid")


@pytest.mark.clause("L9", "L49")
async def test_an_earlier_day_is_answered_as_it_was_known_then(
    caller: httpx.AsyncClient, service: Service, people: list[str]
) -> None:
    await shared(caller, service, people)
    every = await rows(caller, service, PATH)

    by_position = await rows(caller, service, PATH, as_of=str(every[2]["position"]))
    by_time = await rows(caller, service, PATH, as_of=every[4]["disclosed_at"])
    span = await rows(
        caller,
        service,
        PATH,
        recorded_from=every[2]["disclosed_at"],
        recorded_before=every[4]["disclosed_at"],
    )
    ahead = datetime.now(UTC) + timedelta(days=1)
    before = datetime(2001, 1, 1, tzinfo=UTC)

    assert by_position == every[:3]
    assert every[:5] == by_time[:5]
    assert {one["disclosed_at"] for one in by_time[5:]} <= {every[4]["disclosed_at"]}
    assert [one["position"] for one in span] == [one["position"] for one in every[2:4]]
    assert await refused(caller, PATH, as_of=ahead.isoformat()) == (422, "as-of-in-future")
    assert await refused(caller, PATH, as_of="900000") == (422, "as-of-in-future")
    assert await refused(caller, PATH, as_of=before.isoformat()) == (
        422,
        "as-of-before-first-event",
    )
    assert await refused(caller, PATH, as_of="yesterday") == (400, "as-of-malformed")
    assert await refused(caller, PATH, min_position=900000) == (422, "position-ahead")


@pytest.mark.clause("L49")
async def test_the_three_forms_say_the_same(
    caller: httpx.AsyncClient, service: Service, people: list[str]
) -> None:
    await shared(caller, service, people)
    names = ["recipient", "categories", "position"]
    wanted = await rows(caller, service, PATH, columns=names)

    as_csv = await table(caller, PATH, columns=names)
    as_sheet = await sheet(caller, PATH, columns=names)
    negotiated = await caller.get(PATH, headers={"accept": "text/csv"})

    assert all(set(one) == set(names) for one in wanted)
    assert as_csv[0] == as_sheet[0] == ["position", "recipient", "categories"]
    told = [[one["position"], one["recipient"], "; ".join(one["categories"])] for one in wanted]
    assert as_sheet[1:] == told
    assert as_csv[1:] == [[str(number), *texts] for number, *texts in told]
    assert negotiated.headers["content-disposition"] == 'attachment; filename="disclosures.csv"'
    assert int(negotiated.headers["ledger-position"]) >= wanted[-1]["position"]


@pytest.mark.clause("L3", "L9")
async def test_a_reading_names_its_purpose_and_is_one_event(
    caller: httpx.AsyncClient, service: Service, api: Api, people: list[str]
) -> None:
    await shared(caller, service, people)
    before = await service.store.head_position()

    first = await page(caller, PATH, limit=5, recipient="azavista", purpose="event_logistics")
    body = await page(caller, PATH, limit=2)
    await page(caller, PATH, limit=2, cursor=body["next"])
    await table(caller, PATH)
    async with await api.client() as purposeless:
        nameless = await refused(purposeless, PATH)
        purposeless.headers["purpose"] = "astrology"
        unknown = await refused(purposeless, PATH)
    after = await service.store.head_position()
    stream = await service.pool.fetchval("SELECT register_stream FROM ledger.ledger_identity")
    read = (await service.store.read_stream(stream)).events[-3:]

    assert nameless == (400, "purpose-header-missing")
    assert unknown == (422, "purpose-unknown")
    assert after - before == 3, "a further page belongs to the first"
    assert [one.event.form for one in read] == [RegisterForm.JSON] * 2 + [RegisterForm.CSV]
    assert read[0].event == RegisterConsulted(
        register="disclosures",
        purpose="rights_requests",
        form=RegisterForm.JSON,
        filters=("purpose", "recipient"),
        stands_at=first["stands_at"],
    )


async def test_what_the_register_does_not_know_is_refused_and_not_repeated(
    caller: httpx.AsyncClient,
) -> None:
    unknown = await caller.get(PATH, params={"qxzjname": "Zoë"})
    column = await caller.get(PATH, params={"columns": "qxzjcolumn"})
    form = await refused(caller, PATH, format="pdf")

    assert (unknown.status_code, unknown.json()["type"]) == (422, "/problems/validation")
    assert (column.status_code, column.json()["type"]) == (422, "/problems/column-unknown")
    assert "subject_id" in column.json()["columns"]
    assert "qxzj" not in unknown.text + column.text
    assert form == (422, "validation")
