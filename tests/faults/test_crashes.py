r"""Service processes and the database are killed while clients write; what was told stands.

The suite runs for LEDGER_FAULTS_SECONDS (default 6) with LEDGER_FAULTS_CLIENTS (default 12)
connections and kills the database LEDGER_FAULTS_DATABASE_KILLS times (default 1). It lasts longer
on a machine that is slow to start what was killed: the number of kills is what counts. In full:

    LEDGER_FAULTS_SECONDS=60 LEDGER_FAULTS_CLIENTS=24 LEDGER_FAULTS_DATABASE_KILLS=3 \
        .venv/bin/python -m pytest tests/faults/test_crashes.py -q -s
"""

import asyncio
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from app.store import embedded
from app.store.integrity import verify
from tests.faults.fleet import Fleet, fleet, folder, knob, prepared

SECONDS = knob("LEDGER_FAULTS_SECONDS", 6)
CLIENTS = knob("LEDGER_FAULTS_CLIENTS", 12)
DATABASE_KILLS = knob("LEDGER_FAULTS_DATABASE_KILLS", 1)
PROCESSES = 4
HOT_PEOPLE = 10
KILL_EVERY_S = 2.0
KILLS = max(int(SECONDS / KILL_EVERY_S), DATABASE_KILLS)
DATABASE_KILLED_AFTER = {KILLS * (n + 1) // (DATABASE_KILLS + 1) for n in range(DATABASE_KILLS)}
PATIENCE_S = 90.0
REPEATED = 0.2
"""Share of acknowledged requests that are sent again, as by a client that lost the answer."""

EVENTS_SQL = """
SELECT stream_id, version, position, event_id, type FROM ledger.events ORDER BY position
"""

pytestmark = pytest.mark.slow


@dataclass(slots=True)
class Promises:
    """What clients were told. ``unknown`` answers were repeated until they were known."""

    receipts: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Idempotency key -> receipt."""
    replays: int = 0
    strange: list[str] = field(default_factory=list)
    """Answers that no fault excuses."""
    unknown: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Client:
    """One connection that writes about hot people, and repeats what it does not know the end of."""

    ships: Fleet
    people: list[str]
    promises: Promises
    source: random.Random

    async def write_until(self, over: asyncio.Event) -> None:
        """Writes, one request after the other; the last one is still carried to its end."""
        key = self.ships.key()
        async with httpx.AsyncClient(
            timeout=20, headers={"authorization": f"Bearer {key}"}
        ) as http:
            while not over.is_set():
                path, body = self._request()
                token = str(uuid4())
                receipt = await self._acknowledged(http, path, body, token)
                self.promises.receipts[token] = receipt
                if self.source.random() < REPEATED:
                    await self._repeat(http, path, body, token)

    def _request(self) -> tuple[str, dict[str, Any]]:
        person = f"/v1/subjects/{self.source.choice(self.people)}"
        if self.source.random() < 0.5:
            started = {"kind": "event_attendee", "occasion": str(uuid4())}
            return f"{person}/relationships", started
        title = {"work.title": f"Title {uuid4().hex}"}
        body = {"purpose": "network_exchange", "data": title, "source": "secretariat"}
        return f"{person}/collections", body

    async def _acknowledged(
        self, http: httpx.AsyncClient, path: str, body: dict[str, Any], token: str
    ) -> dict[str, Any]:
        """Sends the request under its key until somebody says what became of it."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            try:
                url = self.ships.any_url(self.source)
                answer = await http.post(url + path, json=body, headers={"idempotency-key": token})
            except (httpx.TransportError, IndexError) as fault:
                self.promises.unknown[type(fault).__name__] += 1
                await asyncio.sleep(0.05)
                continue
            if answer.status_code == 201:
                receipt: dict[str, Any] = answer.json()
                return receipt
            kind = f"{answer.status_code} {answer.json().get('type')}"
            if answer.status_code != 503 or "retry-after" not in answer.headers:
                self.promises.strange.append(kind)
            self.promises.unknown[kind] += 1
            await asyncio.sleep(0.05)
        raise AssertionError("nobody answered a request")

    async def _repeat(
        self, http: httpx.AsyncClient, path: str, body: dict[str, Any], token: str
    ) -> None:
        again = await self._acknowledged(http, path, body, token)
        self.promises.replays += 1
        assert again["events"] == self.promises.receipts[token]["events"], "a replay is the same"


async def _registered(ships: Fleet) -> list[str]:
    url, headers = ships.urls()[0], {"authorization": f"Bearer {ships.key()}"}
    found = []
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=20) as http:
        for number in range(HOT_PEOPLE):
            data = {
                "contact.name": f"Hot Person {number}",
                "contact.email": f"hot{number}@stad.example",
            }
            body = {
                "source": "registration_form",
                "verification": "link",
                "obtained": [{"purpose": "network_exchange", "data": data}],
            }
            headers = {"idempotency-key": str(uuid4())}
            answer = await http.post("/v1/subjects", json=body, headers=headers)
            assert answer.status_code == 201, answer.text
            found.append(str(answer.json()["subject_id"]))
    return found


async def _havoc(ships: Fleet, cluster: embedded.Cluster, over: asyncio.Event) -> Counter[str]:
    """Kills a process every two seconds, and in between the database as often as it was asked."""
    source, killed = random.Random(1), Counter[str]()
    restarts: set[asyncio.Task[None]] = set()
    for number in range(KILLS):
        await asyncio.sleep(KILL_EVERY_S)
        while len(ships.members) < 2:  # noqa: ASYNC110  # somebody must be there to ask
            await asyncio.sleep(0.1)
        victim = source.choice(list(ships.members))
        ships.kill(victim)
        killed["service"] += 1
        restarts.add(asyncio.create_task(asyncio.to_thread(ships.start, victim)))
        if number in DATABASE_KILLED_AFTER:
            killed["database"] += await _kill_database(cluster)
    await asyncio.gather(*restarts)
    over.set()
    return killed


async def _kill_database(cluster: embedded.Cluster) -> int:
    while (pid := cluster.postmaster_pid) is None:  # noqa: ASYNC110  # a file tells it
        await asyncio.sleep(0.1)
    os.kill(pid, signal.SIGKILL)
    return 1


@pytest.fixture(scope="module")
def variables() -> Iterator[dict[str, str]]:
    """A ledger of its own, since its database is killed."""
    with folder() as made:
        yield prepared(made / "var")


@pytest.fixture
def cluster(variables: dict[str, str]) -> Iterator[embedded.Cluster]:
    """The database, held so that it comes back whoever is killed."""
    with embedded.start(Path(variables["LEDGER_HOME"])) as held:
        yield held


@pytest.mark.clause("L51")
async def test_no_acknowledged_event_is_lost_doubled_or_out_of_order(
    variables: dict[str, str], cluster: embedded.Cluster, tmp_path: Path
) -> None:
    """DESIGN 2.5: a receipt is given for what is durable, whoever is killed a moment later."""
    promises = Promises()
    with fleet(PROCESSES, tmp_path, **variables) as ships:
        people = await _registered(ships)
        before = len(await _log(cluster))
        over = asyncio.Event()
        clients = [Client(ships, people, promises, random.Random(n)) for n in range(CLIENTS)]
        writing = asyncio.gather(*(client.write_until(over) for client in clients))
        killed = await _havoc(ships, cluster, over)
        await writing
    log = await _log(cluster)
    told = (
        f"{len(promises.receipts)} acknowledged, {promises.replays} repeated,"
        f" killed {dict(killed)}, unknown {dict(promises.unknown)}"
    )
    print(told)  # noqa: T201  # the figures of the run, shown with -s

    assert promises.receipts, told
    assert killed == {"service": KILLS, "database": DATABASE_KILLS}, told
    _assert_kept(log, promises, before)
    assert not promises.strange, Counter(promises.strange)
    assert (await _verified(cluster)) == []


def _assert_kept(log: list[asyncpg.Record], promises: Promises, before: int) -> None:
    stored = {row["event_id"]: row for row in log}
    acknowledged = [
        (UUID(event["event_id"]), receipt["subject_id"], event)
        for receipt in promises.receipts.values()
        for event in receipt["events"]
    ]
    lost = [event for event_id, _, event in acknowledged if event_id not in stored]
    moved = [
        event
        for event_id, subject_id, event in acknowledged
        if event_id in stored
        and (str(stored[event_id]["stream_id"]), stored[event_id]["version"])
        != (subject_id, event["version"])
    ]
    versions: dict[UUID, list[int]] = {}
    for row in log:
        versions.setdefault(row["stream_id"], []).append(row["version"])

    assert lost == []
    assert moved == []
    assert len({event_id for event_id, _, _ in acknowledged}) == len(acknowledged)
    assert len(log) - before == len(acknowledged), "nothing was written twice"
    assert [row["position"] for row in log] == list(range(len(log))), "no gap"
    for found in versions.values():
        assert found == list(range(1, len(found) + 1)), "no inversion"


async def _log(cluster: embedded.Cluster) -> list[asyncpg.Record]:
    connection = await _connected(cluster)
    try:
        return list(await connection.fetch(EVENTS_SQL))
    finally:
        await connection.close()


async def _verified(cluster: embedded.Cluster) -> list[Any]:
    connection = await _connected(cluster)
    try:
        return (await verify(connection)).findings
    finally:
        await connection.close()


async def _connected(cluster: embedded.Cluster) -> "asyncpg.Connection[asyncpg.Record]":
    """As soon as the database is back."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            connection = await asyncpg.connect(cluster.dsn("ledger_app"))
        except (OSError, asyncpg.PostgresError):
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.1)
        else:
            assert isinstance(connection, asyncpg.Connection)
            return connection
