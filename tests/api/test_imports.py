"""Imports: every line for itself, in order, once, in constant memory, and no consent from air."""

import json
from collections.abc import Iterable
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from app.api.import_lines import ImportLineBody
from app.api.problems import PROBLEMS
from app.propagation.importing import import_line
from app.propagation.registration import Registrar
from app.receipts import Attribution
from app.service import Service
from app.store.idempotency import IdempotencyKey
from app.values import replace
from tests.api.documented import DOCUMENT, OPERATIONS, resolved
from tests.rights.people import arrange, post
from tests.serving import Api

pytestmark = pytest.mark.asyncio(loop_scope="module")

NDJSON = {"content-type": "application/x-ndjson"}
MARKER = "qxzjannaberg"
LINE_MAX = 64_000
Line = dict[str, Any]


def person(*, email: str = "", **more: Any) -> Line:
    """A line: somebody with an address of their own."""
    data = {
        "contact.name": "Žofie Nováková",
        "contact.email": email or f"{uuid4().hex}@urad.example",
    }
    return {
        "source": "registration_form",
        "verification": "link",
        "obtained": [{"purpose": "network_exchange", "data": data}],
        **more,
    }


def reader(email: str = "", **consent: Any) -> Line:
    """A line: somebody who is said to want the newsletter, with what evidence there is."""
    obtained = [{"purpose": "newsletter", "data": {"contact.email": email or address()}}]
    return person() | {"obtained": obtained, "consents": [{"purpose": "newsletter", **consent}]}


def address() -> str:
    """An e-mail address that nobody else has."""
    return f"{uuid4().hex}@urad.example"


PROOF = {
    "wording_sha256": "ab" * 32,
    "language": "sv",
    "policy": "impel-1",
    "method": "form",
    "occurred_at": "2026-11-01T10:00:00Z",
    "evidence": "row 12 of the list",
}


def ndjson(lines: Iterable[Line | bytes]) -> bytes:
    """The lines as they are sent; bytes are sent as they are."""
    return b"".join(
        (line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n" for line in lines
    )


async def sent(
    client: httpx.AsyncClient, lines: Iterable[Line | bytes], key: str = "", **query: Any
) -> list[Line]:
    """The results of one import."""
    headers = NDJSON | {"idempotency-key": key or str(uuid4())}
    answer = await client.post("/v1/imports", content=ndjson(lines), headers=headers, params=query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert MARKER not in answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


async def written(service: Service) -> int:
    """How many events the log holds."""
    return int(await service.pool.fetchval("SELECT count(*) FROM ledger.events"))


def kinds(results: Iterable[Line]) -> list[str]:
    """What became of each line: its status, or the type of its problem."""
    return [
        one["problem"]["type"].removeprefix("/problems/") if one["problem"] else one["status"]
        for one in results
    ]


def unlike(line: Line, **changed: Any) -> Line:
    """A line whose one obtainment is changed."""
    return line | {"obtained": [line["obtained"][0] | changed]}


SPOILT: list[tuple[Line | bytes, str]] = [
    (b'{"source": ' + MARKER.encode(), "malformed-json"),
    (b'{"source": "a", "source": "' + MARKER.encode() + b'"}', "malformed-json"),
    (b'{"source": "\\ud800' + MARKER.encode() + b'"}', "malformed-json"),
    (b'{"source": "' + MARKER.encode() + b'\\u0000"}', "malformed-json"),
    (b"\xff\xfe" + MARKER.encode(), "malformed-json"),
    (b"[1, 2]", "validation"),
    (person() | {MARKER: MARKER}, "validation"),
    (unlike(person(), data={MARKER: 1}), "validation"),
    (person(occurred_at="2026-11-01T10:00:00"), "validation"),
    (person(source=MARKER), "source-unknown"),
    (unlike(person(), purpose=MARKER), "purpose-unknown"),
    (unlike(person(), data={f"contact.{MARKER}": MARKER}), "category-unknown"),
    (
        unlike(person(), purpose="payments", data={"identity.document": MARKER}),
        "category-not-allowed-for-purpose",
    ),
    (unlike(person(), data={"contact.email": f"{MARKER}@"}), "value-invalid"),
]


@pytest.mark.clause("L2", "L4", "C13")
async def test_every_line_has_its_own_result_in_order_and_tells_nothing_of_itself(
    caller: httpx.AsyncClient, shared_service: Service
) -> None:
    lines: list[Line | bytes] = []
    wanted: list[str] = []
    for line, slug in SPOILT:
        lines += [line, person()]
        wanted += [slug, "recorded"]

    results = await sent(caller, lines)

    assert kinds(results) == wanted
    assert [one["line"] for one in results] == list(range(1, len(lines) + 1))
    for one in results:
        if one["problem"] is None:
            assert str(UUID(one["subject_id"])) == one["subject_id"]
            assert isinstance(one["position"], int)
            continue
        slug = one["problem"]["type"].removeprefix("/problems/")
        assert (one["status"], one["subject_id"], one["position"]) == ("refused", None, None)
        assert one["problem"]["status"] == PROBLEMS[slug].status
        assert one["problem"]["title"] == PROBLEMS[slug].title
    assert await written(shared_service) > len(SPOILT)


async def test_blank_lines_count_and_a_last_line_needs_no_end(caller: httpx.AsyncClient) -> None:
    body = b"\n" + ndjson([person()]) + b"  \r\n\n" + ndjson([person()]).rstrip() + b"\r\n"
    body += json.dumps(person()).encode()

    answer = await caller.post("/v1/imports", content=body, headers=NDJSON)
    nothing = await caller.post("/v1/imports", content=b"\n\n", headers=NDJSON)

    results = [json.loads(line) for line in answer.text.splitlines()]
    assert [one["line"] for one in results] == [2, 5, 6]
    assert kinds(results) == ["recorded"] * 3
    assert (nothing.status_code, nothing.content) == (200, b"")


@pytest.mark.parametrize("times", [LINE_MAX // 10, LINE_MAX])
async def test_a_line_too_long_is_refused_and_the_others_are_not(
    caller: httpx.AsyncClient, times: int
) -> None:
    """What came after it was dropped without a word, and the status was 200."""
    long = b'{"source": "' + MARKER.encode() * times + b'"}\n'

    answer = await caller.post(
        "/v1/imports",
        content=ndjson([person(), person()]) + long + ndjson([person()]),
        headers=NDJSON,
    )

    results = [json.loads(line) for line in answer.text.splitlines()]
    assert kinds(results) == ["recorded", "recorded", "line-too-long", "recorded"]
    assert [one["line"] for one in results] == [1, 2, 3, 4]
    assert MARKER not in answer.text


@pytest.mark.parametrize("kind", ["application/json", "text/plain", ""])
async def test_another_media_type_is_refused_whole(
    caller: httpx.AsyncClient, shared_service: Service, kind: str
) -> None:
    before = await written(shared_service)

    answer = await caller.post(
        "/v1/imports", content=ndjson([person()]), headers={"content-type": kind}
    )

    assert (answer.status_code, answer.json()["type"]) == (
        415,
        "/problems/unsupported-media-type",
    )
    assert await written(shared_service) == before


async def test_json_lines_go_by_either_name(caller: httpx.AsyncClient) -> None:
    headers = {"content-type": "application/jsonl; charset=utf-8"}

    answer = await caller.post("/v1/imports", content=ndjson([person()]), headers=headers)

    assert kinds([json.loads(answer.text)]) == ["recorded"]


async def test_a_dry_run_says_the_same_and_appends_nothing(
    caller: httpx.AsyncClient, shared_service: Service
) -> None:
    lines = [
        *(line for line, _ in SPOILT),
        person(),
        reader(),
        reader(**PROOF),
        reader(**{**PROOF, "evidence": " "}),
        reader(**{**PROOF, "method": "telepathy"}),
    ]
    before = await written(shared_service)

    rehearsed = await sent(caller, lines, dry_run=True)
    unwritten = await written(shared_service)
    carried_out = await sent(caller, lines)

    assert unwritten == before
    assert {one["subject_id"] for one in rehearsed} == {None}
    assert [kind.replace("acceptable", "recorded") for kind in kinds(rehearsed)] == kinds(
        carried_out
    )
    assert kinds(rehearsed)[-5:] == [
        *["acceptable"] * 3,
        *["consent-evidence-invalid"] * 2,
    ]
    assert [one["problem"] for one in rehearsed] == [one["problem"] for one in carried_out]


async def test_an_import_broken_off_and_repeated_repeats_nothing(
    caller: httpx.AsyncClient, shared_service: Service
) -> None:
    """A14: the same key and the same file: what is recorded is told again, the rest goes on."""
    lines: list[Line | bytes] = [
        person(),
        reader(),
        b"{broken",
        reader(**PROOF),
        unlike(person(), purpose="information"),
    ]
    two = person()
    two["obtained"] = [two["obtained"][0], two["obtained"][0] | {"purpose": "information"}]
    lines += [two, person(), reader(**PROOF)]
    key = str(uuid4())

    half = await sent(caller, lines[:6], key)
    before = await written(shared_service)
    again = await sent(caller, lines[:6], key)
    unchanged = await written(shared_service)
    whole = await sent(caller, lines, key)
    after = await written(shared_service)
    complete = await sent(caller, lines, key)

    repeated = ["repeated", "repeated", "malformed-json", *["repeated"] * 3]
    assert kinds(half) == ["recorded", "recorded", "malformed-json", *["recorded"] * 3]
    assert kinds(again) == repeated
    assert unchanged == before
    assert kinds(whole) == [*repeated, "recorded", "recorded"]
    assert kinds(complete) == [*repeated, "repeated", "repeated"]
    for other in (again, whole, complete):
        assert [one["subject_id"] for one in other[:6]] == [one["subject_id"] for one in half]
    assert [one["position"] for one in again] == [one["position"] for one in half]
    assert await written(shared_service) == after


async def test_a_line_that_was_broken_off_between_person_and_consent_is_ended_when_repeated(
    caller: httpx.AsyncClient, shared_service: Service
) -> None:
    """The process died after the first of its two appends: the second is made up for, once."""
    line, key = reader(**PROOF), str(uuid4())
    whole = ImportLineBody.model_validate(line).line()
    service = shared_service
    registrar = Registrar(service.ledger, service.lookups, remembers=False)
    asked = IdempotencyKey(client="tests", operation="POST /v1/imports", key=key, body=b"1")
    by = Attribution(by="tests", idempotency=asked)
    half = replace(whole, consents=())

    first = await import_line(service.ledger, registrar, half, by)
    before = await written(service)
    again = await import_line(service.ledger, registrar, whole, by, repeated=True)
    after = await written(service)
    once_more = await import_line(service.ledger, registrar, whole, by, repeated=True)

    assert first.subject_id is not None
    state = await service.ledger.state(first.subject_id)
    assert [one.status for one in (first, again, once_more)] == ["recorded", *["repeated"] * 2]
    assert {one.subject_id for one in (first, again, once_more)} == {first.subject_id}
    assert state.consents.of("newsletter").proof is not None
    assert before < after == await written(service)
    assert again.position == once_more.position == after - 1


@pytest.mark.clause("C7")
async def test_what_was_imported_is_repeated_also_when_its_person_was_erased_since(
    caller: httpx.AsyncClient, shared_service: Service
) -> None:
    """A list that is sent once more brings nobody back, whether its lines stand first or later."""
    key, lines = str(uuid4()), [person(), reader(**PROOF), person()]
    first = await sent(caller, lines, key)
    for one in first[:2]:
        await post(caller, f"/v1/subjects/{one['subject_id']}/erasure", {"source": "secretariat"})
    before = await written(shared_service)

    again = await sent(caller, [*lines, person()], key)

    assert kinds(again) == ["repeated"] * 3 + ["recorded"]
    assert [one["subject_id"] for one in again[:3]] == [one["subject_id"] for one in first]
    assert [one["position"] for one in again[:3]] == [one["position"] for one in first]
    assert again[3]["position"] >= before, "nothing but the new line was written"
    for one in first[:2]:
        assert (await shared_service.ledger.state(UUID(one["subject_id"]))).erased


async def test_another_file_under_the_same_key_is_refused_line_by_line(
    caller: httpx.AsyncClient, shared_service: Service
) -> None:
    key, first = str(uuid4()), person()
    await sent(caller, [first, person()], key)
    before = await written(shared_service)

    results = await sent(caller, [first, person(), person()], key)

    assert kinds(results) == ["repeated", "idempotency-key-reused", "recorded"]
    assert await written(shared_service) > before


@pytest.mark.clause("C7")
async def test_the_same_address_twice_in_one_file_is_one_person(
    caller: httpx.AsyncClient, shared_service: Service
) -> None:
    """Both lines are looked up before either is appended; the second is decided again."""
    twice = address()

    results = await sent(caller, [person(email=twice), person(email=twice), person()])

    assert kinds(results) == ["recorded"] * 3
    first, second, other = (one["subject_id"] for one in results)
    assert first == second != other


async def test_people_who_are_imported_are_not_remembered(
    caller: httpx.AsyncClient, shared_service: Service
) -> None:
    """They would drive out those who are in use, and the next command reads them anyway."""
    results = await sent(caller, [person()])
    subject_id = UUID(results[0]["subject_id"])

    state = await shared_service.ledger.state(subject_id)

    assert state.registered
    assert state.content_version == state.version > 1


@pytest.mark.clause("L16", "L12", "L13")
async def test_a_consent_that_nobody_can_prove_makes_nobody_mailable(
    caller: httpx.AsyncClient, shared_service: Service
) -> None:
    await arrange(shared_service, "mailchimp")

    results = await sent(caller, [reader(), reader(**PROOF)])
    subjects = [one["subject_id"] for one in results]
    question = {"subjects": subjects, "purpose": "newsletter", "recipient": "mailchimp"}
    told = (await post(caller, "/v1/permissions:check", question, status=200))["answers"]
    state = await shared_service.ledger.state(UUID(subjects[0]))

    assert kinds(results) == ["recorded", "recorded"]
    assert [one["allowed"] for one in told] == [False, True]
    assert told[0]["reason"] == "consent-missing"
    assert "L16" in told[0]["rules"]
    assert state.consents.of("newsletter").unproven


@pytest.mark.clause("L41", "C73")
async def test_who_left_is_not_brought_back_by_an_old_list(
    caller: httpx.AsyncClient, shared_service: Service
) -> None:
    """Nor is who was erased: the list is older than their will."""
    left, erased = address(), address()
    first = await sent(caller, [reader(left, **PROOF), reader(erased, **PROOF)])
    paths = [f"/v1/subjects/{one['subject_id']}" for one in first]
    await post(
        caller, f"{paths[0]}/consents/newsletter/withdrawal", {"source": "registration_form"}
    )
    await post(caller, f"{paths[1]}/erasure", {"source": "secretariat"})
    before = await written(shared_service)

    again = await sent(caller, [reader(erased, **PROOF), reader(erased)])
    rehearsed = await sent(caller, [reader(erased, **PROOF)], dry_run=True)
    withdrawn = await sent(caller, [reader(left, **PROOF)])
    question = {
        "subjects": [first[0]["subject_id"]],
        "purpose": "newsletter",
        "recipient": "mailchimp",
    }
    [told] = (await post(caller, "/v1/permissions:check", question, status=200))["answers"]

    assert kinds(again) == ["suppressed", "suppressed"]
    assert kinds(rehearsed) == ["suppressed"]
    assert {one["subject_id"] for one in (*again, *rehearsed)} == {None}
    assert kinds(withdrawn) == ["suppressed"]
    assert not told["allowed"]
    assert await written(shared_service) == before


async def test_a_key_bound_to_a_system_imports_data_of_that_system_alone(
    shared_api: Api,
) -> None:
    """S7, line by line."""
    async with await shared_api.client(system="azavista") as bound:
        results = await sent(bound, [person(), person(source="azavista")])

    assert kinds(results) == ["source-not-yours", "recorded"]


async def test_an_import_needs_its_key(shared_api: Api) -> None:
    [operation] = [one for one in OPERATIONS if one.name == "import_people"]
    async with await shared_api.client() as client:
        answer = await client.post(
            operation.path, content=b"", headers=NDJSON | {"idempotency-key": '"'}
        )

    assert answer.json()["type"] == "/problems/idempotency-key-invalid"


async def test_a_defect_in_one_line_is_told_there_and_the_others_go_on(
    caller: httpx.AsyncClient, shared_service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    lookup, broken = type(shared_service.lookups), address()
    subject_of = lookup.subject_of

    async def failing(self: Any, kind: str, value: str) -> UUID | None:
        if value == broken:
            raise RuntimeError(MARKER)
        found: UUID | None = await subject_of(self, kind, value)
        return found

    monkeypatch.setattr(lookup, "subject_of", failing)

    results = await sent(caller, [person(), person(email=broken), person()])

    assert kinds(results) == ["recorded", "internal", "recorded"]


@pytest.mark.parametrize("media_type", ["application/x-ndjson", "text/csv"])
async def test_what_the_document_shows_of_the_body_is_taken_as_it_stands(
    caller: httpx.AsyncClient, media_type: str
) -> None:
    declared = DOCUMENT["paths"]["/v1/imports"]["post"]
    [mapping] = [
        one for one in map(resolved, declared["parameters"]) if one["name"] == "import-mapping"
    ]
    body = declared["requestBody"]["content"][media_type]
    headers = {"content-type": media_type, "idempotency-key": str(uuid4())}
    if media_type == "text/csv":
        headers["import-mapping"] = mapping["schema"]["examples"][0]

    answer = await caller.post(
        "/v1/imports", params={"dry_run": True}, content=body["example"], headers=headers
    )

    statuses = [json.loads(line)["status"] for line in answer.text.splitlines()]
    assert declared["requestBody"]["required"]
    assert statuses == ["acceptable", "acceptable"]
