"""Whatever comes in wrong: a problem of its own type, nothing written, nothing of it told."""

import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote
from uuid import UUID

import httpx
import pytest

from app.api.problems import MEDIA_TYPE, PROBLEMS
from app.service import Service
from app.values import replace
from tests.api.documented import DOCUMENT, OPERATIONS, Operation, extremes
from tests.rights.people import register
from tests.serving import WEBHOOK_SECRET, Api

pytestmark = pytest.mark.asyncio(loop_scope="module")

MARKER = "qxzjannaberg"
"""Could be anybody's name, as a value, a member, a key or a word; no answer may hold it."""

WRITES = [one for one in OPERATIONS if one.method == "POST" and one.scope != "public"]
WITH_BODY = [one for one in WRITES if one.schema is not None]
JSON = {"content-type": "application/json"}
LIMIT = 1_000_000


async def written(service: Service) -> int:
    """How many events the log holds."""
    return int(await service.pool.fetchval("SELECT count(*) FROM ledger.events"))


def told(answer: httpx.Response, status: int, slug: str) -> None:
    """The answer is that problem, complete, and tells nothing of what came in."""
    assert (answer.status_code, answer.json().get("type")) == (status, f"/problems/{slug}")
    assert answer.headers["content-type"] == MEDIA_TYPE
    body = answer.json()
    assert (body["title"], body["status"]) == (PROBLEMS[slug].title, status)
    assert body["instance"] == f"urn:uuid:{UUID(answer.headers['x-request-id'])}"
    assert MARKER not in (answer.text + str(answer.headers)).lower()


def spoilt(operation: Operation) -> dict[str, bytes]:
    """Bodies that no parser should take, made of one that fits."""
    fitting = json.dumps(operation.body()).encode()
    member = fitting[:-1] + (b", " if len(fitting) > 2 else b"")
    return {
        "no JSON": f'{{"{MARKER}": '.encode(),
        "NUL": member + f'"{MARKER}": "a\\u0000b"}}'.encode(),
        "raw NUL": member + f'"{MARKER}": "a\x00b"}}'.encode(),
        "lone surrogate": member + f'"{MARKER}": "\\ud800"}}'.encode(),
        "surrogate in a member's name": member + f'"{MARKER}\\udfff": 1}}'.encode(),
        "NaN": member + f'"{MARKER}": NaN}}'.encode(),
        "infinity": member + f'"{MARKER}": -Infinity}}'.encode(),
        "duplicate keys": member + f'"{MARKER}": 1, "{MARKER}": 2}}'.encode(),
        "deep": f'{{"{MARKER}": '.encode() + b"[" * 40 + b"]" * 40 + b"}",
        "deeper than the stack": b"[" * 100_000,
        "not UTF-8": member + b'"' + MARKER.encode() + b'": "\xe5sa"}',
        "UTF-16": json.dumps({MARKER: 1}).encode("utf-16"),
        "two values": fitting + b" 1",
        "a number too long": member + f'"{MARKER}": {"9" * 5000}}}'.encode(),
    }


@pytest.mark.parametrize("operation", WITH_BODY, ids=lambda one: one.name)
async def test_a_body_that_cannot_be_read_is_malformed_on_every_write(
    caller: httpx.AsyncClient, shared_service: Service, operation: Operation
) -> None:
    before = await written(shared_service)

    for name, body in spoilt(operation).items():
        answer = await caller.post(operation.path, content=body, headers=JSON)
        assert answer.status_code == 400, f"{name}: {answer.text}"
        told(answer, 400, "malformed-json")

    assert await written(shared_service) == before


@pytest.mark.parametrize("operation", WITH_BODY, ids=lambda one: one.name)
async def test_a_body_that_does_not_fit_is_pointed_at_and_not_repeated(
    caller: httpx.AsyncClient, shared_service: Service, operation: Operation
) -> None:
    before = await written(shared_service)
    fitting = operation.body()
    bodies = [
        fitting | {MARKER: MARKER},
        fitting | {f"{MARKER}.Åsa": {MARKER: MARKER}},
        *({**fitting, member: {MARKER: [MARKER]}} for member in fitting),
        *({**fitting, member: [{MARKER: MARKER}]} for member in fitting),
        *({**fitting, member: [MARKER]} for member in fitting),
        *({key: value for key, value in fitting.items() if key != member} for member in fitting),
        [MARKER],
        MARKER,
    ]

    for body in bodies:
        answer = await caller.post(operation.path, json=body)
        if answer.status_code == 404:
            continue  # it fits after all, a member left out or one in a list; nobody is there
        assert answer.status_code == 422, f"{body}: {answer.text}"
        assert answer.headers["content-type"] == MEDIA_TYPE
        assert MARKER not in answer.text

    assert await written(shared_service) == before


@pytest.mark.parametrize("operation", WITH_BODY, ids=lambda one: one.name)
async def test_a_body_of_another_kind_or_size_is_refused_on_every_write(
    caller: httpx.AsyncClient, shared_service: Service, operation: Operation
) -> None:
    before = await written(shared_service)
    body = json.dumps(operation.body()).encode()
    large = body + b" " * (LIMIT + 1 - len(body))

    async def in_pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(large), 65_536):
            yield large[start : start + 65_536]

    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/x-ndjson", ""):
        answer = await caller.post(operation.path, content=body, headers={"content-type": kind})
        told(answer, 415, "unsupported-media-type")
    told(await caller.post(operation.path, content=large, headers=JSON), 413, "body-too-large")
    told(
        await caller.post(operation.path, content=in_pieces(), headers=JSON), 413, "body-too-large"
    )
    assert await written(shared_service) == before


TIMES = ("2026-11-20T10:00:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00")
"""Without an offset; and two that lie outside the calendar once they are brought to UTC."""


TIMED = [one for one in WITH_BODY if one.takes("occurred_at")]


@pytest.mark.parametrize("operation", TIMED, ids=lambda one: one.name)
async def test_no_time_of_a_body_is_a_fault_of_ours(
    caller: httpx.AsyncClient, shared_service: Service, operation: Operation
) -> None:
    """Times in the right notation, and yet beyond what can be compared with ours."""
    person = await register(caller, verification=None)
    template = operation.template.replace("/v1/subjects/{subject_id}", person)
    path = replace(operation, template=template).path
    before = await written(shared_service)

    for time in TIMES:
        answer = await caller.post(path, json=operation.body() | {"occurred_at": time})
        told(answer, 422, "validation")
        assert {"pointer": "/occurred_at"}.items() <= answer.json()["errors"][0].items()
    assert await written(shared_service) == before


@pytest.mark.parametrize("operation", WITH_BODY, ids=lambda one: one.name)
async def test_nothing_at_the_edge_of_its_schema_is_a_fault_of_ours(
    caller: httpx.AsyncClient, operation: Operation
) -> None:
    """The first and the last day, the longest text, the largest number: an answer, never a 500."""
    assert operation.schema is not None
    person = await register(caller, verification=None)
    template = operation.template.replace("/v1/subjects/{subject_id}", person)
    path = replace(operation, template=template).path

    for body in extremes(operation.schema):
        answer = await caller.post(path, json=body)
        assert answer.status_code < 500, f"{body}: {answer.text}"


READING = {"import_people", "import_package", "take_delivery_report"}
"""They read their body themselves."""
WITHOUT_BODY = [one for one in WRITES if one.schema is None and one.name not in READING]


@pytest.mark.parametrize("operation", WITHOUT_BODY, ids=lambda one: one.name)
async def test_what_reads_no_body_refuses_one_that_cannot_be_read(
    caller: httpx.AsyncClient, shared_service: Service, operation: Operation
) -> None:
    before = await written(shared_service)

    for body in (b"{", b"9" * 30, b'{"a":1,"a":2}', b"\xff"):
        answer = await caller.post(operation.path, content=body, headers=JSON)
        assert answer.status_code in {400, 404, 409}, f"{body!r}: {answer.text}"
    assert await written(shared_service) == before


REGISTERED: dict[str, Any] = {
    "source": "registration_form",
    "obtained": [{"purpose": "network_exchange", "data": {"contact.name": MARKER}}],
}


async def test_a_key_of_values_that_looks_like_a_name_is_not_repeated(
    caller: httpx.AsyncClient,
) -> None:
    data: list[dict[str, Any]] = [
        {MARKER: "x" * 4001},
        {MARKER: None},
        {MARKER: {MARKER: MARKER}},
        {MARKER.title(): MARKER},
        {f"Åsa {MARKER}": MARKER},
        {"contact.name": [MARKER]},
    ]
    for one in data:
        answer = await caller.post(
            "/v1/subjects",
            json=REGISTERED | {"obtained": [{"purpose": "information", "data": one}]},
        )
        told(answer, 422, "validation")
        assert all(
            error["pointer"].startswith("/obtained/0/data") for error in answer.json()["errors"]
        )


async def test_headers_queries_and_paths_are_not_repeated_either(
    caller: httpx.AsyncClient, shared_service: Service
) -> None:
    person = await register(caller, verification=None)
    before = await written(shared_service)
    quoted = quote(f"Åsa {MARKER}")
    cases: list[tuple[httpx.Response, int, str]] = [
        (await caller.get(f"/v1/subjects/{quoted}"), 422, "validation"),
        (await caller.get(person, headers={"purpose": MARKER}), 422, "purpose-unknown"),
        (await caller.get(f"/{MARKER}"), 404, "not-found"),
        (await caller.get(f"/problems/{MARKER}"), 404, "not-found"),
        (await caller.get(f"/v1/policies/{MARKER}"), 404, "not-found"),
        (await caller.get(f"/v1/policies?as_of={MARKER}"), 400, "as-of-malformed"),
        (await caller.get(f"{person}/events?limit={MARKER}"), 422, "validation"),
        (await caller.get(f"{person}/events?limit={'9' * 40}"), 422, "validation"),
        (await caller.get("/problems/%00"), 422, "validation"),
        (await caller.get("/v1/policies/%00"), 422, "validation"),
        (await caller.get("/webhooks/mailchimp/%00%ff"), 404, "not-found"),
        (await caller.get(f"{person}/events?cursor={MARKER}"), 400, "cursor-invalid"),
        (await caller.get(f"/webhooks/mailchimp/{MARKER}"), 404, "not-found"),
        (await caller.get(f"/webhooks/{MARKER}/{WEBHOOK_SECRET}"), 404, "not-found"),
        (
            await caller.post(
                f"{person}/consents/{quoted}/withdrawal", json={"source": "mailchimp"}
            ),
            422,
            "validation",
        ),
        (
            await caller.post(f"/v1/recipients/{MARKER}/contracts/end", json={"on": "2026-01-01"}),
            409,
            "recipient-not-listed",
        ),
    ]

    for answer, status, slug in cases:
        told(answer, status, slug)
    assert await written(shared_service) == before


@pytest.mark.parametrize(
    "moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-01-01", "-1", "٣"]
)
async def test_no_time_of_a_query_is_a_fault_of_ours(
    caller: httpx.AsyncClient, moment: str
) -> None:
    person = await register(caller, verification=None)

    for path in (person, "/v1/policies"):
        answer = await caller.get(
            path, params={"as_of": moment}, headers={"purpose": "information"}
        )
        told(answer, 400, "as-of-malformed")


async def test_a_method_that_a_path_does_not_have_names_all_that_it_has(
    caller: httpx.AsyncClient,
) -> None:
    """Finding 6 of the conventions: Starlette itself would name one route's alone."""
    for template, methods in DOCUMENT["paths"].items():
        [one, *_] = [one for one in OPERATIONS if one.template == template]
        missing = next(name for name in ("delete", "put") if name not in methods)
        answer = await caller.request(missing, one.path)

        told(answer, 405, "method-not-allowed")
        assert set(answer.headers["allow"].split(", ")) >= {name.upper() for name in methods}


KEY_IN_PATH = "show_subscribed_calendar"
"""The one operation without a scope that asks who calls: its address holds the key."""


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.name)
async def test_a_defect_of_ours_is_told_as_one_and_tells_nothing(
    caller: httpx.AsyncClient,
    shared_service: Service,
    monkeypatch: pytest.MonkeyPatch,
    operation: Operation,
) -> None:
    """A defect's message may quote anything: the answer has the registered words alone."""

    def broken(*_arguments: object, **_more: object) -> None:
        raise RuntimeError(MARKER)

    monkeypatch.setattr(type(shared_service.callers), "caller", broken)

    answer = await caller.request(operation.method, operation.path, json=operation.body())

    if operation.scope == "public" and operation.name != KEY_IN_PATH:
        assert answer.status_code != 500
    else:
        told(answer, 500, "internal")


async def test_a_defect_in_the_ledger_is_a_500_and_the_request_can_be_repeated(
    caller: httpx.AsyncClient, shared_service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = {"idempotency-key": "after-a-defect"}

    def broken(*_arguments: object, **_more: object) -> None:
        raise RuntimeError(MARKER)

    with monkeypatch.context() as patched:
        patched.setattr(type(shared_service.ledger), "execute", broken)
        failed = await caller.post("/v1/subjects", json=REGISTERED, headers=key)
    repeated = await caller.post("/v1/subjects", json=REGISTERED, headers=key)

    told(failed, 500, "internal")
    assert repeated.status_code == 201
    assert "idempotent-replayed" not in repeated.headers


async def test_a_wrong_secret_of_a_webhook_is_not_told_from_no_webhook(shared_api: Api) -> None:
    async with shared_api.anonymous() as mail:
        wrong = await mail.post(f"/webhooks/mailchimp/{MARKER}", data={"type": "unsubscribe"})
        none = await mail.post(f"/webhooks/{MARKER}/{MARKER}", data={"type": "unsubscribe"})

    for answer in (wrong, none):
        told(answer, 404, "not-found")


@pytest.mark.parametrize(
    "operation",
    [one for one in OPERATIONS if one.path.startswith("/v1/")],
    ids=lambda one: one.name,
)
async def test_a_query_that_nobody_reads_is_refused_before_anything_is_done(
    caller: httpx.AsyncClient, operation: Operation
) -> None:
    """Else `as_of` were answered with today, and a rehearsal carried out."""
    answer = await caller.request(operation.method, f"{operation.path}?{MARKER}={MARKER}")

    told(answer, 422, "validation")
    [error] = answer.json()["errors"]
    assert (error["query"], error["code"]) == ("", "extra_forbidden")
    assert MARKER not in answer.text


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/v1/disclosures?recipient=azavista&recipient=mailchimp", "recipient"),
        ("/v1/recipients?as_of=1&as_of=2", "as_of"),
        ("/v1/events?after=1&after=5", "after"),
        ("/v1/policies?as_of=1&as_of=1", "as_of"),
        ("/v1/imports?dry_run=true&dry_run=false", "dry_run"),
    ],
)
async def test_what_is_asked_twice_is_not_answered_for_the_last_alone(
    caller: httpx.AsyncClient, path: str, name: str
) -> None:
    """Two recipients were answered as if one had been asked about."""
    method = "POST" if "imports" in path else "GET"
    answer = await caller.request(method, path, headers={"purpose": "rights_requests"})

    told(answer, 422, "validation")
    assert answer.json()["errors"] == [{"query": name, "code": "repeated"}]


async def test_a_list_may_be_told_name_by_name(caller: httpx.AsyncClient) -> None:
    answer = await caller.get("/v1/recipients?columns=key&columns=role&limit=1")

    assert list(answer.json()["items"][0]) == ["key", "role"]


@pytest.mark.parametrize(
    ("method", "path", "body", "place", "known"),
    [
        ("GET", "/v1/deadlines?stat=open", None, {"query": ""}, "kind"),
        ("POST", "/v1/subjects", {"sorce": "x"}, {"pointer": ""}, "source"),
        (
            "POST",
            "/v1/subjects",
            {"notice": {"langage": "sv"}},
            {"pointer": "/notice"},
            "language",
        ),
        (
            "POST",
            "/v1/subjects",
            {"obtained": [{"purpse": "x"}]},
            {"pointer": "/obtained/0"},
            "purpose",
        ),
    ],
)
async def test_whoever_uses_a_name_that_nobody_knows_is_told_those_that_are_known(
    caller: httpx.AsyncClient,
    method: str,
    path: str,
    body: Any,
    place: dict[str, str],
    known: str,
) -> None:
    answer = await caller.request(method, path, json=body, headers={"purpose": "rights_requests"})

    told(answer, 422, "validation")
    [error] = [one for one in answer.json()["errors"] if one["code"] == "extra_forbidden"]
    assert place.items() <= error.items()
    assert known in error["known"]


async def test_whoever_uses_a_word_that_is_none_of_a_closed_list_is_told_the_list(
    caller: httpx.AsyncClient,
) -> None:
    body = {"right": MARKER, "channel": "post"}
    answer = await caller.post("/v1/rights-requests", json=body)

    told(answer, 422, "validation")
    [error] = answer.json()["errors"]
    assert (error["pointer"], error["code"]) == ("/right", "enum")
    assert {"access", "erasure"} < set(error["known"])
    assert MARKER not in answer.text
