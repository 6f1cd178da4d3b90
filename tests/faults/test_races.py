"""What a person said first is never overtaken, whichever of two processes is asked next.

LEDGER_RACES (default 100) is how often an objection and a share run against each other. In full:

    LEDGER_RACES=10000 .venv/bin/python -m pytest tests/faults/test_races.py -q -s
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from tests.cli.conftest import on_server, run
from tests.conftest import Database
from tests.days import today_in_brussels
from tests.faults.fleet import Fleet, fleet, knob
from tests.rights.people import consent, share

RACES = knob("LEDGER_RACES", 100)
WITHDRAWALS = max(20, RACES // 10)
ERASURES = max(10, RACES // 20)
AT_ONCE = 8
LIMITS = httpx.Limits(keepalive_expiry=2.0)
"""Below the server's own: a request is never sent on a connection that it is about to close."""
SHARES = 2
"""Shares sent beside each objection, one to each process."""

pytestmark = pytest.mark.slow
Answer = tuple[int, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two processes on one ledger: what one has just recorded, the other has never heard of."""

    clients: tuple[httpx.AsyncClient, httpx.AsyncClient]

    async def post(self, which: int, path: str, body: dict[str, Any], **headers: str) -> Answer:
        """One POST to one of the two."""
        sent = {"idempotency-key": str(uuid4()), **headers}
        answer = await self.clients[which].post(path, json=body, headers=sent)
        return answer.status_code, answer.json()

    async def done(self, which: int, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """One POST that must succeed."""
        status, document = await self.post(which, path, body)
        assert status in (200, 201), document
        return document

    async def registered(self, purpose: str = "event_logistics") -> str:
        """The path of somebody new."""
        name = uuid4().hex
        data = {"contact.name": f"Name {name}", "contact.email": f"{name}@stad.example"}
        obtained = [{"purpose": purpose, "data": data}]
        body = {"source": "registration_form", "verification": "link", "obtained": obtained}
        return f"/v1/subjects/{(await self.done(0, '/v1/subjects', body))['subject_id']}"


@pytest.fixture(scope="module")
def ships(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Two service processes on one database."""
    variables = on_server(module_database, tmp_path_factory.mktemp("races"))
    migration = {"LEDGER_MIGRATION_URL": module_database.dsn("ledger_migrator")}
    done = run("prepare", "--json", **variables, **migration)
    assert done.exit_code == 0, done.out + done.error
    with fleet(2, tmp_path_factory.mktemp("logs"), **variables) as started:
        yield started


@pytest.fixture
async def pair(ships: Fleet) -> AsyncIterator[Pair]:
    """A client of each process, with every scope."""
    headers = {"authorization": f"Bearer {ships.key()}"}
    one, other = (
        httpx.AsyncClient(base_url=url, headers=headers, timeout=60, limits=LIMITS)
        for url in ships.urls()
    )
    async with one, other:
        yield Pair((one, other))


@pytest.fixture
async def log(module_database: Database) -> "AsyncIterator[asyncpg.Connection[Any]]":
    """Reads the tables as the superuser does."""
    connection = await asyncpg.connect(module_database.dsn("postgres"))
    yield connection
    await connection.close()


@pytest.mark.clause("L43", "L44", "C65")
async def test_no_share_is_acknowledged_after_an_objection_to_it(
    pair: Pair, log: "asyncpg.Connection[Any]"
) -> None:
    """Art. 21: in the log, and by the clock of whoever asked."""
    outcomes = await _several(RACES, lambda number: _objection_race(pair, number))
    late = await log.fetch(
        """
        SELECT shared.stream_id FROM ledger.events AS shared
          JOIN ledger.events AS raised USING (stream_id)
         WHERE shared.type = 'data.disclosed' AND raised.type = 'objection.raised'
           AND shared.position > raised.position
        """
    )
    seen = Counter(outcome for race in outcomes for outcome in race)
    print(f"{RACES} races, answers to shares {dict(seen)}")  # noqa: T201  # shown with -s

    assert late == []
    assert seen["early 201"] + seen["early 409"] == RACES * SHARES
    assert seen["late 409"] == RACES * SHARES
    assert set(seen) <= {"early 201", "early 409", "late 409"}


async def _objection_race(pair: Pair, number: int) -> list[str]:
    """Shares beside the objection may come before or after it; those sent after its 201 may not."""
    source = random.Random(number)
    person = await pair.registered()
    objection = {"purpose": "event_logistics", "source": "secretariat"}
    sharing = share("hotels", country="BE")
    early = [pair.post(which, f"{person}/disclosures", sharing) for which in range(SHARES)]
    raised = pair.done(source.randrange(2), f"{person}/objections", objection)
    sent = [*early, raised]
    order = source.sample(range(len(sent)), len(sent))
    answers = dict(zip(order, await asyncio.gather(*(sent[at] for at in order)), strict=True))
    late = await asyncio.gather(
        *(pair.post(which, f"{person}/disclosures", sharing) for which in range(SHARES))
    )
    beside = [answers[at] for at in range(SHARES)]
    return [f"early {status}" for status, _ in beside] + [f"late {status}" for status, _ in late]


@pytest.mark.clause("L14", "C73")
async def test_no_withdrawal_is_lost_to_what_another_process_remembers(pair: Pair) -> None:
    """Art. 7(3): permitted there a moment ago, and not any more once the withdrawal is recorded."""
    await _arranged(pair, "mailchimp")
    outcomes = await _several(WITHDRAWALS, lambda number: _withdrawal(pair, number % 2))

    assert Counter(outcomes) == {("allowed", "refused", 409): WITHDRAWALS}


async def _withdrawal(pair: Pair, here: int) -> tuple[str, str, int]:
    there = 1 - here
    person = await pair.registered("newsletter")
    await pair.done(here, f"{person}/consents", consent())
    mailing = share("mailchimp", purpose="newsletter")
    await pair.done(there, f"{person}/disclosures", mailing)  # now it is remembered there
    before = await _permission(pair, there, person)
    withdrawal = {"source": "self_service"}
    await pair.done(here, f"{person}/consents/newsletter/withdrawal", withdrawal)
    after = await _permission(pair, there, person)
    status, _ = await pair.post(there, f"{person}/disclosures", mailing)
    return before, after, status


async def _permission(pair: Pair, which: int, person: str) -> str:
    question = {
        "subjects": [person.rpartition("/")[2]],
        "purpose": "newsletter",
        "recipient": "mailchimp",
        "categories": ["contact.email"],
    }
    told = await pair.done(which, "/v1/permissions:check", question)
    return "allowed" if _allowed(told) else "refused"


def _allowed(told: dict[str, Any]) -> bool:
    [answer] = told["answers"]
    return bool(answer["allowed"])


async def test_of_writers_who_saw_the_same_record_one_wins(pair: Pair) -> None:
    """A9: the others are told, and nothing of theirs is written."""
    outcomes = await _several(10, lambda _: _precondition(pair))

    assert Counter(outcomes) == {(1, 7): 10}


async def _precondition(pair: Pair) -> tuple[int, int]:
    person = await pair.registered()
    seen = await pair.clients[0].get(person, headers={"purpose": "event_logistics"})
    answers = await asyncio.gather(
        *(
            pair.post(
                number % 2,
                f"{person}/relationships",
                {"kind": "event_attendee", "occasion": str(uuid4())},
                **{"if-match": seen.headers["etag"]},
            )
            for number in range(8)
        )
    )
    statuses = Counter(status for status, _ in answers)
    return statuses[201], statuses[412]


@pytest.mark.clause("L41", "C70")
async def test_nothing_collected_beside_an_erasure_can_be_read_after_it(
    pair: Pair, log: "asyncpg.Connection[Any]"
) -> None:
    """Art. 17: either it was there and is destroyed, or it came too late and was refused."""
    outcomes = await _several(ERASURES, lambda number: _erasure_race(pair, number))
    subjects = [UUID(subject) for subject, _ in outcomes]
    readable = await log.fetch(
        """
        SELECT k.subject_id, k.class FROM ledger.keyring k
          JOIN ledger.erasure_fence f USING (subject_id, class)
         WHERE subject_id = ANY($1) AND (k.state <> 'erased' OR k.wrapped IS NOT NULL)
        """,
        subjects,
    )
    blobs = await log.fetch(
        """
        SELECT b.stream_id, k.class FROM ledger.sealed b JOIN ledger.keyring k USING (key_id)
          JOIN ledger.erasure_fence f ON f.subject_id = k.subject_id AND f.class = k.class
         WHERE b.stream_id = ANY($1)
        """,
        subjects,
    )
    fenced = await log.fetch(
        "SELECT subject_id, count(*) FROM ledger.erasure_fence WHERE subject_id = ANY($1)"
        " GROUP BY subject_id",
        subjects,
    )
    still = {
        row["class"]
        for row in await log.fetch(
            "SELECT DISTINCT class FROM ledger.keyring WHERE subject_id = ANY($1)"
            " AND state <> 'erased'",
            subjects,
        )
    }

    assert [statuses for _, statuses in outcomes if not statuses <= {"200", "201", "410"}] == []
    assert readable == []
    assert blobs == []
    assert len(fenced) == len(subjects)
    # What tells the person of it, and where to, goes a month after it was sent (decision 0020).
    assert still <= {"erasure-execution", "mail"}


async def _erasure_race(pair: Pair, number: int) -> tuple[str, set[str]]:
    source = random.Random(number)
    person = await pair.registered()

    def collecting(at: int) -> Any:
        title = {"work.title": f"Title {uuid4().hex}"}
        body = {"purpose": "event_logistics", "data": title, "source": "secretariat"}
        return pair.post(at % 2, f"{person}/collections", body)

    erasing = pair.done(source.randrange(2), f"{person}/erasure", {"source": "secretariat"})
    sent = [*(collecting(at) for at in range(4)), erasing]
    source.shuffle(sent)
    answers = await asyncio.gather(*sent)
    late = [await collecting(which) for which in range(2)]
    seen = {str(answer[0]) for answer in (*answers, *late) if isinstance(answer, tuple)}
    assert [status for status, _ in late] == [410, 410], late
    for client in pair.clients:
        shown = await client.get(person, headers={"purpose": "event_logistics"})
        assert shown.status_code == 410
        assert "Title" not in shown.text
    return person.rpartition("/")[2], seen


async def _arranged(pair: Pair, recipient: str) -> None:
    """A contract and a ground for the transfer, registered over HTTP."""
    path, today = f"/v1/recipients/{recipient}", today_in_brussels().isoformat()
    await pair.done(0, f"{path}/contracts", {"kind": "processing", "since": "2020-01-01"})
    ground = {"mechanism": "dpf", "since": "2024-01-01", "evidence_on": today}
    await pair.done(0, f"{path}/transfer-mechanisms", ground)


async def _several(count: int, work: Any) -> list[Any]:
    """``work(number)`` for every number, a few at once."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> Any:
        async with slots:
            return await work(number)

    return list(await asyncio.gather(*(one(number) for number in range(count))))
