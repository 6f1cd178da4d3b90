"""Tables over HTTP: a mapping checked before the first row, and a result for every row."""

import json
from base64 import urlsafe_b64encode
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from app.service import Service
from tests.api.test_imports import MARKER, address, kinds, person, sent, written
from tests.serving import Api

pytestmark = pytest.mark.asyncio(loop_scope="module")

HEAD = "Name;E-mail;Registered;Notes\r\n"
Mapping = dict[str, Any]


def people(**more: Any) -> Mapping:
    """A mapping of a table with this head."""
    data = {"contact.name": {"column": "Name"}, "contact.email": {"column": "E-mail"}}
    moment = {"column": "Registered", "date": "%d.%m.%Y %H:%M", "zone": "Europe/Stockholm"}
    return {
        "ignore": ["Notes"],
        "source": "registration_form",
        "verification": "link",
        "occurred_at": moment,
        "obtained": [{"purpose": "network_exchange", "data": data}],
        **more,
    }


def row(name: str = "Žofie", email: str = "", moment: str = "") -> str:
    """A row of that table."""
    return f"{name};{email or address()};{moment};private\r\n"


def written_down(mapping: Mapping) -> str:
    """A mapping as the header carries it."""
    return urlsafe_b64encode(json.dumps(mapping).encode()).decode().rstrip("=")


async def answered(
    client: httpx.AsyncClient,
    table: str | bytes,
    mapping: Mapping | None = None,
    key: str = "",
    **query: Any,
) -> httpx.Response:
    """The answer to one import of a table."""
    answer = await client.post(
        "/v1/imports",
        content=table if isinstance(table, bytes) else table.encode(),
        headers={
            "content-type": "text/csv; charset=utf-8",
            "import-mapping": written_down(people() if mapping is None else mapping),
            "idempotency-key": key or str(uuid4()),
        },
        params=query,
    )
    assert MARKER not in answer.text
    return answer


def results(answer: httpx.Response) -> list[dict[str, Any]]:
    """What is told of each row."""
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


@pytest.mark.clause("C46", "C47")
async def test_a_table_records_the_people_that_its_rows_say(
    caller: httpx.AsyncClient, shared_service: Service
) -> None:
    table = (
        "\ufeff" + HEAD + row(moment="01.07.2026 10:00") + "\r\n" + '"Berg; ""Anna""";' + address()
    )

    told = results(await answered(caller, table + ";;private"))

    assert kinds(told) == ["recorded", "recorded"]
    assert [one["line"] for one in told] == [2, 4]
    stream = await shared_service.store.read_stream(UUID(told[0]["subject_id"]))
    assert str(stream.events[0].occurred_at) == "2026-07-01 08:00:00+00:00"
    shown = await caller.get(
        f"/v1/subjects/{told[1]['subject_id']}", headers={"purpose": "network_exchange"}
    )
    assert 'Berg; \\"Anna\\"' in shown.text
    assert "private" not in shown.text


async def test_a_row_says_what_the_same_line_of_json_says(
    caller: httpx.AsyncClient, shared_service: Service
) -> None:
    """Two ways in, one ledger: the events are of the same types and hold the same."""
    [table] = results(await answered(caller, HEAD + row()))
    [line] = await sent(caller, [person()])

    streams = [
        await shared_service.store.read_stream(UUID(one["subject_id"])) for one in (table, line)
    ]

    first, second = ([one.event for one in stream.events] for stream in streams)
    assert first == second


@pytest.mark.parametrize(
    ("spoilt", "problem", "members"),
    [
        (f"{MARKER};a;b", "row-unreadable", {"reason": "columns", "columns_found": 3}),
        (f'"{MARKER}" x;a;b;c', "row-unreadable", {"reason": "quotes"}),
        (f"{MARKER}\x00;a;b;c", "row-unreadable", {"reason": "nul"}),
        (f"{MARKER}\udcff;a;b;c", "row-unreadable", {"reason": "encoding"}),
        (
            f"Anna;a@b.example;{MARKER};c",
            "row-unreadable",
            {"reason": "date-unreadable", "column": 3},
        ),
        (f"Anna;{MARKER};;c", "value-invalid", {"category": "contact.email"}),
        (";;;c", "validation", {}),
    ],
)
async def test_a_row_that_cannot_be_read_is_told_alone(
    caller: httpx.AsyncClient, spoilt: str, problem: str, members: dict[str, Any]
) -> None:
    table = (HEAD + row() + spoilt + "\r\n" + row()).encode("utf-8", "surrogateescape")

    told = results(await answered(caller, table))

    assert kinds(told) == ["recorded", problem, "recorded"]
    assert members.items() <= told[1]["problem"].items()


@pytest.mark.parametrize(
    "spoilt",
    [f'"{MARKER};a;b;c\r\n', f'5" {MARKER};a;b;c\r\n{row()}6";a;b;c\r\n', "a" * 64_001],
    ids=["open", "over lines", "too long"],
)
async def test_where_the_next_row_begins_is_never_guessed(
    caller: httpx.AsyncClient, spoilt: str
) -> None:
    told = results(await answered(caller, HEAD + row() + spoilt + row()))

    assert [one["status"] for one in told] == ["recorded", "refused"]
    assert kinds(told)[1] in {"row-unreadable", "line-too-long"}


@pytest.mark.parametrize(
    ("changed", "code", "where"),
    [
        ({"source": MARKER}, "source-unknown", "/source"),
        ({"souce": MARKER}, "extra_forbidden", ""),
        ({"obtained": []}, "too_short", "/obtained"),
        ({"region": "se"}, "string_pattern_mismatch", "/region"),
        (
            {"obtained": [{"purpose": "xyz", "data": {"contact.name": {"column": "Name"}}}]},
            "purpose-unknown",
            "/obtained/0/purpose",
        ),
        (
            {"obtained": [{"purpose": "newsletter", "data": {f"x.{MARKER}": {"column": "Name"}}}]},
            "category-unknown",
            "/obtained/0/data/0",
        ),
        (
            {"obtained": [{"purpose": "payments", "data": {"identity.document": "x"}}]},
            "category-not-allowed-for-purpose",
            "/obtained/0/data/0",
        ),
        (
            {"consents": [{"purpose": {"column": "Notes", "values": {"a": MARKER}}}]},
            "purpose-unknown",
            "/consents/0/purpose",
        ),
        ({"region": {"column": MARKER}}, "column-missing", "/region"),
        ({"ignore": []}, "column-unmapped", 4),
        ({"delimiter": ";;"}, "delimiter-malformed", "/delimiter"),
    ],
)
async def test_a_mapping_that_cannot_hold_is_refused_before_the_first_row(
    caller: httpx.AsyncClient,
    shared_service: Service,
    changed: Mapping,
    code: str,
    where: str | int,
) -> None:
    before = await written(shared_service)

    answer = await answered(caller, HEAD + row(), people(**changed))

    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/mapping-invalid")
    found = [
        (one["code"], one.get("pointer", one.get("column"))) for one in answer.json()["errors"]
    ]
    assert (code, where) in found
    assert await written(shared_service) == before


@pytest.mark.parametrize("header", ["", "e30", "W10", "bm90IGpzb24", "eyJhIjoxLCJhIjoyfQ"])
async def test_a_table_without_a_mapping_is_refused_whole(
    caller: httpx.AsyncClient, header: str
) -> None:
    answer = await caller.post(
        "/v1/imports",
        content=HEAD + row(),
        headers={"content-type": "text/csv", "import-mapping": header},
    )

    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/mapping-invalid")


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        (b"", "empty"),
        (b"\r\n" + HEAD.encode(), "empty"),
        ((HEAD + row()).encode("utf-16"), "nul"),
        ("Näme;E-mail\r\n".encode("latin-1"), "encoding"),
        (b'"Name;E-mail\r\n', "quotes"),
        (b"a" * 64_001, "too-long"),
        (b"Name and,E-mail;address", "delimiter"),
    ],
)
async def test_what_is_no_table_is_refused_whole(
    caller: httpx.AsyncClient, table: bytes, reason: str
) -> None:
    answer = await answered(caller, table)

    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/table-unreadable")
    assert answer.json()["reason"] == reason


async def test_another_character_set_is_refused_whole(caller: httpx.AsyncClient) -> None:
    answer = await caller.post(
        "/v1/imports",
        content=HEAD + row(),
        headers={
            "content-type": "text/csv; charset=iso-8859-1",
            "import-mapping": written_down(people()),
        },
    )

    assert answer.status_code == 415


async def test_the_rest_of_a_table_can_be_sent_alone(
    caller: httpx.AsyncClient, shared_service: Service
) -> None:
    """A14: under the same key, the rows keep their numbers and nothing is recorded twice."""
    rows, key = [row() for _ in range(5)], str(uuid4())

    half = results(await answered(caller, HEAD + "".join(rows[:3]), key=key))
    before = await written(shared_service)
    rest = results(await answered(caller, HEAD + "".join(rows[2:]), key=key, first_line=4))
    whole = results(await answered(caller, HEAD + "".join(rows), key=key))

    assert [one["line"] for one in half] == [2, 3, 4]
    assert [(one["line"], one["status"]) for one in rest] == [
        (4, "repeated"),
        (5, "recorded"),
        (6, "recorded"),
    ]
    assert kinds(whole) == ["repeated"] * 5
    assert [one["subject_id"] for one in whole] == [one["subject_id"] for one in (*half[:2], *rest)]
    assert await written(shared_service) > before


async def test_lines_sent_alone_keep_their_numbers_too(caller: httpx.AsyncClient) -> None:
    lines, key = [person() for _ in range(4)], str(uuid4())

    await sent(caller, lines[:3], key)
    rest = await sent(caller, lines[2:], key, first_line=3)

    assert [(one["line"], one["status"]) for one in rest] == [(3, "repeated"), (4, "recorded")]


async def test_the_same_row_under_another_mapping_is_another_line(
    caller: httpx.AsyncClient,
) -> None:
    table, key = HEAD + row(), str(uuid4())

    await answered(caller, table, key=key)
    again = results(await answered(caller, table, people(region="SE"), key))

    assert kinds(again) == ["idempotency-key-reused"]


async def test_a_dry_run_of_a_table_appends_nothing(
    caller: httpx.AsyncClient, shared_service: Service
) -> None:
    before = await written(shared_service)

    told = results(await answered(caller, HEAD + row(), dry_run=True))

    assert kinds(told) == ["acceptable"]
    assert await written(shared_service) == before


@pytest.mark.clause("L16")
async def test_consents_of_a_table_need_their_evidence(
    caller: httpx.AsyncClient, shared_service: Service
) -> None:
    """A column that says yes is a claim, not a proof: nobody becomes mailable by it."""
    mapping = people(
        obtained=[{"purpose": "newsletter", "data": {"contact.email": {"column": "E-mail"}}}],
        consents=[{"purpose": {"column": "Name", "values": {"ja": "newsletter", "nej": ""}}}],
    )

    told = results(await answered(caller, HEAD + row("ja") + row("nej"), mapping))

    states = [await shared_service.ledger.state(UUID(one["subject_id"])) for one in told]
    assert [state.consents.of("newsletter").unproven for state in states] == [True, False]
    assert all(state.consents.of("newsletter").proof is None for state in states)


async def test_progress_is_told_between_the_results(
    shared_api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.api.imports.PROGRESS_EVERY_S", 0.0)
    body = HEAD + "".join(row() for _ in range(20))
    async with await shared_api.client() as client:
        answer = await answered(client, body, progress=True)

    lines = [json.loads(line) for line in answer.text.splitlines()]
    told = [one["progress"] for one in lines if "progress" in one]
    assert len(lines) == 40
    assert [one["lines"] for one in told] == list(range(1, 21))
    assert told[-1]["bytes"] == told[-1]["bytes_total"] == len(body.encode())
    assert told[-1]["seconds_left"] == 0
    assert all(one["lines_per_second"] > 0 for one in told)
