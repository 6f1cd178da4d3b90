"""Breaches over HTTP: whom each reaches, who is told, the clock; on a real service."""

import csv
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from app.events.consultations import ConsultationRecorded
from app.events.registers import RegisterConsulted
from app.service import Service
from tests.registers.reading import page, refused, rows
from tests.rights.people import CONTACT, arrange, get, post, register, share
from tests.serving import Api

pytestmark = pytest.mark.asyncio(loop_scope="module")
PATH = "/v1/breaches"
TELLING = {"purpose": "breach_notification"}
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
Value = dict[str, Any]


def moment(**before: float) -> str:
    """A moment of the past, as a body has it."""
    return (datetime.now(UTC) - timedelta(**before)).isoformat()


def breach(**more: Any) -> Value:
    """The body of a breach of which the controller became aware just now."""
    return {
        "nature": ["confidentiality"],
        "recipient": "azavista",
        "from": LONG_AGO.isoformat(),
        "aware_at": moment(seconds=1),
        **more,
    }


async def detect(caller: httpx.AsyncClient, **more: Any) -> str:
    """A breach is recorded; its path."""
    return f"{PATH}/{(await post(caller, PATH, breach(**more)))['breach']}"


async def radius(caller: httpx.AsyncClient, service: Service, **asked: Any) -> Value:
    """Whom a breach would reach, by all that has been written so far."""
    body = {"recipient": "azavista", "from": LONG_AGO.isoformat(), **asked}
    head = await service.store.head_position()
    return await post(caller, f"{PATH}:radius?min_position={head}", body, status=200)


async def people(caller: httpx.AsyncClient, path: str, **query: Any) -> dict[str, Value]:
    """Whom to tell, by path of their record."""
    found: dict[str, Value] = {}
    while True:
        answer = await caller.get(f"{path}/people", params=query, headers=TELLING)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        found |= {f"/v1/subjects/{one['subject_id']}": one for one in body["items"]}
        if body["next"] is None:
            return found
        query["cursor"] = body["next"]


@pytest.fixture(scope="module")
def cast() -> dict[str, str]:
    """Paths of the people of this module, filled by the first test."""
    return {}


async def told_to(
    caller: httpx.AsyncClient, service: Service, cast: dict[str, str]
) -> dict[str, str]:
    """Five people whose data one recipient got; one objects to news, one is restricted, one erased.

    A sixth, of whom it got nothing.
    """
    if cast:
        return cast
    await arrange(service, "azavista", "google_forms", "mailchimp")
    for name in ("plain", "objector", "restricted", "erased", "partly", "untouched"):
        contact = {"contact.name": CONTACT["contact.name"], "contact.email": f"{name}@stad.example"}
        cast[name] = await register(caller, contact=contact)
        if name != "untouched":
            wanted = ["contact.name"] if name == "partly" else ["contact.name", "contact.email"]
            body = share("azavista") | {"categories": wanted}
            await post(caller, f"{cast[name]}/disclosures", body)
    objection = {"purpose": "information", "source": "secretariat"}
    await post(caller, f"{cast['objector']}/objections", objection)
    unlawful = {"ground": "unlawful", "source": "secretariat"}
    await post(caller, f"{cast['restricted']}/restrictions", unlawful)
    await post(caller, f"{cast['erased']}/erasure", {"source": "secretariat"})
    return cast


@pytest.mark.clause("L52")
async def test_whom_a_breach_reaches_is_counted_with_those_erased_since(
    caller: httpx.AsyncClient, service: Service, cast: dict[str, str]
) -> None:
    """Art. 33(3)(a): people and data concerned, by category."""
    await told_to(caller, service, cast)

    found = await radius(caller, service)
    names = await radius(caller, service, categories=["contact.name"])
    elsewhere = await radius(caller, service, recipient="mailchimp")

    assert found | {"stands_at": 0} == {
        "people": 5,
        "erased": 1,
        "reachable": 4,
        "records": 9,
        "categories": [
            {"category": "contact.email", "people": 4},
            {"category": "contact.name", "people": 5},
        ],
        "stands_at": 0,
    }
    assert found["stands_at"] <= await service.store.head_position()
    assert (names["people"], names["records"]) == (5, 5)
    assert elsewhere | {"stands_at": 0} == {
        "people": 0,
        "erased": 0,
        "reachable": 0,
        "records": 0,
        "categories": [],
        "stands_at": 0,
    }


@pytest.mark.clause("L52")
async def test_what_lay_there_is_reached_whenever_it_came_and_what_passed_only_in_the_span(
    caller: httpx.AsyncClient, service: Service, cast: dict[str, str]
) -> None:
    await told_to(caller, service, cast)
    now = moment()

    before = await radius(caller, service, to=moment(days=1))
    after_all = await radius(caller, service, **{"from": now})
    passing = await radius(caller, service, **{"from": now}, exposure="transmitted")
    passed = await radius(caller, service, exposure="transmitted", to=now)

    assert before["people"] == 0, "nothing had been shared yet"
    assert after_all["people"] == 5, "it lies there still"
    assert passing["people"] == 0
    assert passed["people"] == 5


@pytest.mark.clause("L52")
async def test_a_source_holds_what_people_gave_there_and_so_does_the_recipient_that_runs_it(
    caller: httpx.AsyncClient, service: Service, cast: dict[str, str]
) -> None:
    await told_to(caller, service, cast)
    await register(caller, source="google_forms", verification=None)

    of_source = await radius(caller, service, recipient=None, source="Google Forms")
    of_operator = await radius(caller, service, recipient="google_forms")
    of_another = await radius(caller, service, recipient=None, source="registration_form")
    of_all = await radius(caller, service, recipient=None)

    assert (of_source["people"], of_source["records"]) == (1, 4)
    assert of_operator | {"stands_at": 0} == of_source | {"stands_at": 0}
    assert of_another["people"] == 6
    assert (of_all["people"], of_all["erased"]) == (7, 1)


@pytest.mark.clause("L52")
async def test_the_own_systems_expose_nothing_that_was_erased_before(
    caller: httpx.AsyncClient, service: Service, cast: dict[str, str]
) -> None:
    await told_to(caller, service, cast)

    found = await radius(caller, service, recipient=None, **{"from": moment()})

    assert (found["people"], found["erased"]) == (found["reachable"], 0)
    assert found["people"] >= 5


@pytest.mark.clause("L53", "L3")
async def test_who_objected_is_told_who_was_erased_cannot_be(
    caller: httpx.AsyncClient, service: Service, cast: dict[str, str]
) -> None:
    """Art. 34: a breach notice is no advertising; each address opened is on record."""
    known = await told_to(caller, service, cast)
    path = await detect(caller)

    found = await people(caller, path, limit=3)
    ids_only = await people(caller, path, columns=["subject_id", "categories"])

    assert set(found) == {known[one] for one in ("plain", "objector", "restricted", "partly")}
    assert found[known["objector"]]["addresses"] == ["objector@stad.example"]
    assert found[known["restricted"]]["addresses"] == ["restricted@stad.example"]
    assert found[known["partly"]]["categories"] == ["contact.name"]
    assert {key: one["categories"] for key, one in ids_only.items()} == {
        key: one["categories"] for key, one in found.items()
    }
    stream = await service.store.read_stream(UUID(known["objector"].rpartition("/")[2]))
    readings = [one.event for one in stream.events if isinstance(one.event, ConsultationRecorded)]
    assert [(one.purpose, one.categories) for one in readings] == [
        ("breach_notification", ("contact.email",))
    ]
    register_stream = await service.pool.fetchval(
        "SELECT register_stream FROM ledger.ledger_identity"
    )
    last = await service.store.read_last(register_stream)
    assert last is not None
    assert isinstance(last.event, RegisterConsulted)
    assert last.event.register == f"breach-people.{path.rpartition('/')[2]}"
    assert last.event.purpose == "breach_notification"


@pytest.mark.clause("L53")
async def test_the_list_is_read_for_its_purpose_by_those_who_tell_people(
    caller: httpx.AsyncClient, service: Service, api: Api, cast: dict[str, str]
) -> None:
    await told_to(caller, service, cast)
    path = f"{await detect(caller)}/people"
    other = f"{await detect(caller)}/people"

    async with await api.client(["breaches:read", "breaches:write"]) as reader:
        scope = await reader.get(path, headers=TELLING)
    first = (await caller.get(path, params={"limit": 1}, headers=TELLING)).json()
    async with await api.client() as desk:
        nameless = await refused(desk, path)
        desk.headers.update({"purpose": "newsletter"})
        wrong = await refused(desk, path)
        desk.headers.update(TELLING)
        foreign = await refused(desk, other, cursor=first["next"])
        nobody = await refused(desk, f"{PATH}/{uuid4()}/people")
        ahead = await refused(desk, path, as_of=moment(days=-1))
        table = await desk.get(path, params={"format": "csv"})

    assert (scope.status_code, scope.json()["scope"]) == (403, "breaches:notify")
    assert nameless == (400, "purpose-header-missing")
    assert wrong == (403, "purpose-not-allowed")
    assert foreign == (400, "cursor-invalid")
    assert nobody == (404, "breach-unknown")
    assert ahead == (422, "as-of-in-future")
    lines = list(csv.reader(StringIO(table.text.removeprefix("\ufeff"), newline="")))
    assert lines[0] == ["subject_id", "categories", "addresses"]
    assert len(lines) == 5
    assert ["contact.email; contact.name", "objector@stad.example"] in [one[1:] for one in lines]


@pytest.mark.clause("L53")
async def test_the_list_of_an_earlier_position_has_those_who_were_reached_by_then(
    caller: httpx.AsyncClient, service: Service, cast: dict[str, str]
) -> None:
    known = await told_to(caller, service, cast)
    path = await detect(caller)
    at = await service.store.head_position()
    later = await register(caller, verification=None)
    await post(caller, f"{later}/disclosures", share("azavista"))

    then = await people(caller, path, as_of=str(at), columns=["subject_id"])
    now = await people(caller, path, columns=["subject_id"])
    await post(caller, f"{later}/erasure", {"source": "secretariat"})

    assert set(now) - set(then) == {later}
    assert known["plain"] in then


@pytest.mark.clause("L52", "L53")
async def test_a_breach_from_awareness_to_the_last_person_told(
    caller: httpx.AsyncClient, service: Service, cast: dict[str, str]
) -> None:
    await told_to(caller, service, cast)
    aware = datetime.now(UTC) - timedelta(hours=1)
    path = await detect(caller, aware_at=aware.isoformat(), categories=["contact.email"])
    fresh = await get(caller, path)

    warned = {"audience": "authority", "complete": False}
    await post(caller, f"{path}/notifications", warned)
    unassessed = await caller.post(
        f"{path}/notifications", json={"audience": "authority", "complete": True}
    )
    counted = {"risk": "high", "measures": ["contained"], "consequences": ["phishing"]}
    await post(caller, f"{path}/assessments", counted)
    at = await service.store.head_position()
    await post(caller, f"{path}/notifications", {"audience": "authority", "complete": True})
    due = await get(caller, path)
    letters = {"audience": "subjects", "complete": True, "people": 4}
    receipt = await post(caller, f"{path}/notifications", letters)
    done = await get(caller, path)
    before = await get(caller, path, as_of=str(at))

    assert datetime.fromisoformat(fresh["due_at"]) == aware + timedelta(hours=72)
    assert (fresh["risk"], fresh["late"], fresh["settled"]) == (None, False, False)
    assert (unassessed.status_code, unassessed.json()["type"]) == (
        409,
        "/problems/breach-unassessed",
    )
    assert due["assessment"]["reachable"] == due["people"] - due["erased"]
    assert due["assessment"]["categories"] == [
        {"category": "contact.email", "people": due["people"]}
    ]
    assert (due["subjects_due"], due["settled"], done["settled"]) == (True, False, True)
    assert [one["complete"] for one in done["notifications"]] == [False, True, True]
    assert (before["settled"], len(before["notifications"])) == (False, 1)
    assert receipt["version"] == done["version"] == 5
    assert receipt["events"][0]["type"] == "breach.notified"


@pytest.mark.clause("L52")
async def test_a_breach_that_nobody_was_told_of_is_overdue_and_the_delay_is_explained(
    caller: httpx.AsyncClient, service: Service
) -> None:
    path = await detect(caller, aware_at=moment(hours=73))
    overdue = await get(caller, path)
    bare = {"audience": "authority", "complete": False}

    late = await caller.post(f"{path}/notifications", json=bare)
    await post(caller, f"{path}/notifications", bare | {"reasons": ["processor_silent"]})
    told = await get(caller, path)
    early = await caller.post(
        f"{path}/notifications", json=bare | {"occurred_at": moment(hours=74)}
    )

    assert (overdue["overdue"], overdue["late"]) == (True, True)
    assert (late.status_code, late.json()["type"]) == (422, "/problems/delay-unexplained")
    assert late.json()["due_at"] == overdue["due_at"].replace("Z", "+00:00")
    assert (told["overdue"], told["late"]) == (False, True)
    assert told["notifications"][0]["reasons"] == ["processor_silent"]
    assert early.json()["type"] == "/problems/notification-before-awareness"


@pytest.mark.clause("L52")
async def test_all_breaches_are_on_one_list_as_of_any_day_and_in_every_form(
    caller: httpx.AsyncClient, service: Service
) -> None:
    """Art. 33(5): the controller documents any breach."""
    first, at = await detect(caller), await service.store.head_position()
    second = await detect(caller, recipient=None)

    every = await rows(caller, service, PATH)
    paged = await rows(caller, service, PATH, limit=1)
    then = await rows(caller, service, PATH, as_of=str(at))
    one = await page(caller, PATH, limit=1)
    table = await caller.get(PATH, params={"format": "csv", "columns": ["breach", "settled"]})

    ids = [f"{PATH}/{one['breach']}" for one in every]
    assert ids[-2:] == [first, second]
    assert paged == every
    assert [f"{PATH}/{one['breach']}" for one in then] == ids[:-1]
    assert one["next"] is not None
    assert every[-1]["recipient"] is None
    assert every[-1]["due_at"] > every[-1]["aware_at"]
    assert table.text.splitlines()[-1] == f"{second.rpartition('/')[2]},false"
    assert await refused(caller, PATH, as_of="900000") == (422, "as-of-in-future")


@pytest.mark.clause("L52")
async def test_a_breach_that_cannot_be_is_refused_and_leaves_nothing(
    caller: httpx.AsyncClient, service: Service
) -> None:
    before = await service.store.head_position()
    for body, slug in (
        (breach(recipient="astrologer"), "recipient-not-listed"),
        (breach(recipient=None, source="astrologer"), "source-unknown"),
        (breach(categories=["contact.horoscope"]), "category-unknown"),
        (breach(to=datetime(2019, 1, 1, tzinfo=UTC).isoformat()), "breach-span-reversed"),
        (breach(aware_at=moment(hours=-1)), "occurred-in-future"),
        (breach(source="google_forms"), "validation"),
        (breach(description="Zoë lost her laptop"), "validation"),
        (breach(cause="a laptop"), "validation"),
    ):
        answer = await caller.post(PATH, json=body)
        assert answer.json()["type"] == f"/problems/{slug}", body
        assert "Zoë" not in answer.text
    unknown = await caller.post(f"{PATH}/{uuid4()}/assessments", json={"risk": "high"})
    person = await register(caller, verification=None)
    foreign = f"{PATH}/{person.rpartition('/')[2]}"
    as_breach = await caller.post(
        f"{foreign}/notifications", json={"audience": "authority", "complete": False}
    )

    assert unknown.json()["type"] == as_breach.json()["type"] == "/problems/breach-unknown"
    assert await refused(caller, foreign) == (404, "breach-unknown")
    stream = await service.store.read_stream(UUID(person.rpartition("/")[2]))
    assert await service.store.head_position() == before + len(stream.events)


@pytest.mark.clause("L52")
async def test_a_repeated_request_is_the_same_breach_and_a_stale_one_is_none(
    caller: httpx.AsyncClient, service: Service
) -> None:
    key = {"idempotency-key": str(uuid4())}
    body = breach()
    first = await caller.post(PATH, json=body, headers=key)
    again = await caller.post(PATH, json=body, headers=key)
    path = f"{PATH}/{first.json()['breach']}"
    told = {"audience": "authority", "complete": False}
    await post(caller, f"{path}/notifications", told)
    stale = await caller.post(f"{path}/notifications", json=told, headers={"if-match": '"1"'})

    assert again.json()["breach"] == first.json()["breach"]
    assert again.headers["idempotent-replayed"] == "true"
    assert (stale.status_code, stale.json()["type"]) == (412, "/problems/version-mismatch")


async def erased(caller: httpx.AsyncClient, *outcomes: str) -> None:
    """Somebody whom the hotels knew is erased; the hotels are told, which closes it."""
    person = await register(caller, verification=None)
    await post(caller, f"{person}/disclosures", share("hotels", country="BE"))
    begun = await post(caller, f"{person}/erasure", {"source": "secretariat"})
    one = f"{person}/erasure/{begun['erasure']['erasure']}"
    for outcome in outcomes:
        body = {"recipient": "hotels", "outcome": outcome}
        await post(caller, f"{one}/recipients", body)
    if outcomes:
        await post(caller, f"{one}/closing")


@pytest.mark.clause("L52", "L53")
async def test_those_whose_erasure_is_closed_are_counted_from_the_log_until_verified_gone(
    caller: httpx.AsyncClient, service: Service
) -> None:
    """The sharing register has let their rows go; the recipient may have kept what it was given."""
    await erased(caller)
    await erased(caller, "informed")
    await erased(caller, "cannot_verify")
    await erased(caller, "verified_gone")

    now = await radius(caller, service, recipient="hotels", **{"from": moment()})
    ever = await radius(caller, service, recipient="hotels")
    mail = await radius(caller, service, recipient="hotels", categories=["contact.email"])
    before = await radius(caller, service, recipient="hotels", to=moment(days=1))
    passed = await radius(caller, service, recipient="hotels", exposure="transmitted")
    left = await service.pool.fetchval(
        "SELECT count(*) FROM projections.sharing_register_v1 WHERE recipient = 'hotels'"
    )
    path = await detect(caller, recipient="hotels")

    assert left == 1
    assert (now["people"], now["erased"], now["reachable"]) == (3, 3, 0)
    assert (ever["people"], ever["records"]) == (4, 8)
    assert (mail["people"], mail["records"]) == (4, 4)
    assert (before["people"], passed["people"]) == (0, 4)
    assert await people(caller, path) == {}
