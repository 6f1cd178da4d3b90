"""A database that is away, slow or crowded is told as such, and serving goes on when it is back."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from app.service import Service
from app.settings import Settings
from app.store import embedded, group_commit
from tests.cli.services import Running, running
from tests.conftest import Database
from tests.faults.fleet import folder, prepared
from tests.rights.people import consent, register
from tests.serving import Api, count_events, serving

PATIENCE_S = 60.0
QUEUE_MAX = 3
LOCK_SQL = "LOCK TABLE ledger.append_lock_0 IN EXCLUSIVE MODE"
TITLE = {"work.title": "Miljöinspektör"}
COLLECTED = {"purpose": "network_exchange", "data": TITLE, "source": "secretariat"}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A ledger with a database of its own, which is taken away from its service."""
    with folder() as made:
        prepared(made / "var")
        yield made / "var"


@pytest.fixture
def service_process(home: Path, tmp_path: Path) -> Iterator[tuple[Running, embedded.Cluster]]:
    """A service that reached its database as a server, so that the two stop apart."""
    cluster = embedded.start(home)
    variables = {
        "LEDGER_HOME": str(home),
        "LEDGER_DATABASE_URL": cluster.dsn("ledger_app"),
        "LEDGER_ERASER_URL": cluster.dsn("ledger_eraser"),
        "LEDGER_PROJECTOR_URL": cluster.dsn("ledger_projector"),
    }
    try:
        with running("serve", errors=tmp_path / "errors.log", **variables) as process:
            yield process, cluster
    finally:
        cluster.stop()


@asynccontextmanager
async def caller(process: Running, home: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client with every scope; a POST gets an Idempotency-Key unless it has one."""

    async def stamped(request: httpx.Request) -> None:
        if request.method == "POST" and "idempotency-key" not in request.headers:
            request.headers["idempotency-key"] = str(uuid4())

    key = (home / "first-key").read_text().strip()
    async with httpx.AsyncClient(
        base_url=process.welcome["url"],
        headers={"authorization": f"Bearer {key}"},
        timeout=PATIENCE_S,
        event_hooks={"request": [stamped]},
    ) as opened:
        yield opened


async def test_while_the_database_is_away_every_operation_says_so_and_recovers_by_itself(
    service_process: tuple[Running, embedded.Cluster], home: Path
) -> None:
    """A24, RFC 9110 §10.2.3: 503 with Retry-After, and no restart when it is back."""
    process, cluster = service_process
    async with caller(process, home) as client:
        person = await register(client, "network_exchange")
        key = {"idempotency-key": str(uuid4())}
        requests = _requests(client, person, key)
        cluster.stop()
        away = await asyncio.gather(*(request() for request in requests.values()))
        alive = await client.get("/livez")
        with embedded.start(home):
            await _ready(client)
            back = dict(
                zip(
                    requests,
                    await asyncio.gather(*(request() for request in requests.values())),
                    strict=True,
                )
            )
            titles = await client.get(person, headers={"purpose": "network_exchange"})

    assert alive.status_code == 200
    told = {
        name: (answer.status_code, answer.json()["type"], "retry-after" in answer.headers)
        for name, answer in zip(requests, away, strict=True)
    }
    assert told == dict.fromkeys(requests, (503, "/problems/ledger-unavailable", True))
    assert {answer.status_code for answer in back.values()} <= {200, 201}, back
    assert [one["value"] for one in titles.json()["fields"]].count(TITLE["work.title"]) == 1


def _requests(client: httpx.AsyncClient, person: str, key: dict[str, str]) -> dict[str, Any]:
    """One request of each kind: append, read, search, snapshot, streamed, erasing."""
    purpose = {"purpose": "network_exchange"}
    asked = {
        "subjects": [person.rpartition("/")[2]],
        "purpose": "newsletter",
        "recipient": "mailchimp",
    }
    address = {"kind": "email", "value": "zoe.angstrom@stad.example"}
    return {
        "append": lambda: client.post(f"{person}/collections", json=COLLECTED, headers=key),
        "read": lambda: client.get(person, headers=purpose),
        "timeline": lambda: client.get(f"{person}/events", headers=purpose),
        "look-up": lambda: client.post("/v1/subjects:lookup", json=address),
        "permission": lambda: client.post("/v1/permissions:check", json=asked),
        "report": lambda: client.get(f"{person}/access-report"),
        "disclosures": lambda: client.get(f"{person}/disclosures", headers=purpose),
        "preview": lambda: client.get(f"{person}/erasure/preview"),
        "ready": lambda: client.get("/readyz"),
    }


async def _ready(client: httpx.AsyncClient) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while (await client.get("/readyz")).status_code != 200:
        assert time.monotonic() < deadline, "the service did not find its database again"
        await asyncio.sleep(0.1)


@asynccontextmanager
async def _locked(database: Database) -> "AsyncIterator[asyncpg.Connection[Any]]":
    """Holds the append lock, as nobody but the owner can, so that every append waits."""
    owner = await asyncpg.connect(database.dsn("postgres"))
    try:
        transaction = owner.transaction()
        await transaction.start()
        await owner.execute(LOCK_SQL)
        yield owner
        await transaction.rollback()
    finally:
        await owner.close()


async def test_a_full_queue_is_told_at_once_and_what_waits_is_still_written(
    client: httpx.AsyncClient,
    service: Service,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Bounded memory: nothing of what was refused is in the log, all of the rest is."""
    people = [await register(client, "network_exchange", contact=_contact(n)) for n in range(8)]
    monkeypatch.setattr(service.ledger.commit, "_queue_max", QUEUE_MAX)
    before = await count_events(database)
    async with _locked(database):
        sent = [
            asyncio.create_task(client.post(f"{person}/collections", json=COLLECTED))
            for person in people
        ]
        refused, _ = await asyncio.wait(
            sent, timeout=PATIENCE_S, return_when=asyncio.FIRST_COMPLETED
        )
    answers = await asyncio.gather(*sent)
    statuses = Counter(answer.status_code for answer in answers)

    assert refused
    for answer in answers:
        if answer.status_code != 201:
            assert answer.json()["type"] == "/problems/ledger-busy"
            assert answer.headers["retry-after"]
    assert set(statuses) == {201, 503}
    assert statuses[201] >= QUEUE_MAX
    assert await count_events(database) == before + statuses[201]


async def test_an_append_that_takes_too_long_is_given_up_and_written_once_when_repeated(
    client: httpx.AsyncClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The outcome is looked up before the same bytes are sent again (DESIGN 2.5)."""
    monkeypatch.setattr(group_commit, "CALL_TIMEOUT_S", 0.2)
    monkeypatch.setattr(group_commit, "RETRY_PAUSE_S", (0.0, 0.05))
    person = await register(client, "network_exchange")
    before = await count_events(database)
    key = {"idempotency-key": str(uuid4())}
    async with _locked(database):
        given_up = await client.post(f"{person}/collections", json=COLLECTED, headers=key)
    monkeypatch.setattr(group_commit, "CALL_TIMEOUT_S", 30.0)
    repeated = await client.post(f"{person}/collections", json=COLLECTED, headers=key)
    again = await client.post(f"{person}/collections", json=COLLECTED, headers=key)

    assert given_up.status_code == 503
    assert given_up.json()["type"] == "/problems/ledger-unavailable"
    assert given_up.headers["retry-after"]
    assert repeated.status_code == again.status_code == 201
    assert repeated.json()["events"] == again.json()["events"]
    assert await count_events(database) == before + 1


@pytest.mark.parametrize("setting", ["statement_timeout", "lock_timeout"])
async def test_a_time_out_of_the_database_is_no_fault_of_ours(
    database: Database, tmp_path: Path, setting: str
) -> None:
    """An operator's server may cut statements short: 503, nothing written, then as before."""
    owner = await asyncpg.connect(database.dsn("postgres"))
    await owner.execute(f"ALTER ROLE ledger_app IN DATABASE {database.name} SET {setting} = '2s'")
    await owner.close()
    async with (
        serving(database, tmp_path) as impatient,
        await Api(impatient, Settings(home=tmp_path)).client() as client,
    ):
        person = await register(client, "newsletter")
        before = await count_events(database)
        async with _locked(database):
            slow = await client.post(f"{person}/consents", json=consent())
        written = await count_events(database) - before
        after = await client.post(f"{person}/consents", json=consent())

    assert slow.status_code == 503, slow.text
    assert slow.json()["type"] == "/problems/ledger-unavailable"
    assert slow.headers["retry-after"]
    assert written == 0
    assert after.status_code == 201


def _contact(number: int) -> dict[str, str]:
    return {"contact.name": f"Name {number}", "contact.email": f"person{number}@stad.example"}
