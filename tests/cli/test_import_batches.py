"""An import is cut into requests that can be repeated, and no line is lost at a cut."""

import io
import json
from collections.abc import Callable, Iterator

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cli import import_batches
from app.cli.import_batches import (
    Batch,
    Form,
    Limits,
    MappingRefused,
    Tally,
    batches_of,
    rows_of,
    send,
)
from app.propagation.tables import Flaw

LIMIT = 20
LIMITS = Limits(LIMIT)
LINES = st.lists(st.binary(max_size=30).filter(lambda line: b"\n" not in line), max_size=40)


@given(LINES)
def test_every_line_is_sent_once_or_told_to_be_too_long(lines: list[bytes]) -> None:
    batches = list(batches_of(io.BytesIO(b"\n".join(lines)), LIMITS))
    expected = [line.rstrip(b"\r") for line in lines]
    while expected and not expected[-1] and lines[-1] == b"":
        expected.pop()  # a file that ends in a line feed has no further line
        lines = lines[:-1]
        break
    sent = {
        batch.first + offset: line.rstrip(b"\n")
        for batch in batches
        for offset, line in enumerate(batch.lines)
    }
    refused = {batch.refused[0] for batch in batches if batch.refused is not None}

    assert sent.keys() | refused == set(range(1, len(expected) + 1))
    assert all(expected[number - 1] == line for number, line in sent.items())
    assert all(len(expected[number - 1]) > LIMIT for number in refused)


@given(LINES, st.integers(1, 5))
def test_an_import_taken_up_at_any_batch_sends_the_rest_and_nothing_else(
    lines: list[bytes], lines_max: int
) -> None:
    text = b"\n".join(lines)
    limits = Limits(LIMIT, lines_max)
    for cut in (batches_of, rows_of):
        batches = list(cut(io.BytesIO(text), limits, first=1, end=0))
        for index, batch in enumerate(batches):
            stream = io.BytesIO(text)
            stream.seek(batch.end)
            rest = list(cut(stream, limits, first=batch.next, end=batch.end))
            stopped = batch.refused is not None and cut is rows_of
            assert stopped or rest == batches[index + 1 :]


def test_rows_keep_their_numbers_over_blank_ones_and_over_lines() -> None:
    text = b'a;b\r\n\n"c\nd";e\n\nf;g'

    [batch] = rows_of(io.BytesIO(text), LIMITS, first=2, end=0)

    assert (batch.first, batch.next, batch.end) == (2, 7, len(text))
    assert batch.lines == [b"a;b\n", b"\n", b'"c\nd";e\n', b"\n", b"f;g\n"]


def test_rows_end_where_quotes_are_left_open() -> None:
    [batch] = rows_of(io.BytesIO(b'a;b\n"c;d\ne;f\n'), LIMITS, first=2, end=0)

    assert (batch.lines, batch.refused) == ([b"a;b\n"], (3, Flaw.QUOTES))


def answered(request: httpx.Request, statuses: dict[int, str]) -> httpx.Response:
    """What the service answers: a result a line, `busy` as a refusal that passes."""
    results = []
    first = int(request.url.params["first_line"])
    for number, _ in enumerate(request.content.splitlines(), first):
        status = statuses.get(number, "recorded")
        busy = {"type": "/problems/ledger-busy", "status": 503}
        result = {"line": number, "status": "refused" if status == "busy" else status}
        results.append(result | {"problem": busy if status == "busy" else None})
    return httpx.Response(200, text="".join(json.dumps(one) + "\n" for one in results))


@pytest.fixture
def prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pause between tries."""
    monkeypatch.setattr(import_batches, "PAUSE_S", 0)


def client(*answers: Callable[[httpx.Request], httpx.Response]) -> tuple[httpx.Client, list[str]]:
    """A client of a service that gives these answers, and the keys that it saw."""
    keys: list[str] = []
    waiting: Iterator[Callable[[httpx.Request], httpx.Response]] = iter(answers)

    def handle(request: httpx.Request) -> httpx.Response:
        keys.append(request.headers["idempotency-key"])
        request.read()
        return next(waiting)(request)

    transport = httpx.MockTransport(handle)
    return httpx.Client(transport=transport, base_url="http://ledger.example"), keys


def broken(_request: httpx.Request) -> httpx.Response:
    """A connection that is lost."""
    raise httpx.ReadError("lost")


def test_a_lost_connection_repeats_the_request_under_the_same_key(prompt: None) -> None:
    told = {7: "repeated"}
    http, keys = client(broken, lambda request: answered(request, told))
    results = list(send(http, Batch(7, [b"{}\n", b"{}\n"]), key="file", dry_run=False))

    assert keys == ["file", "file"]
    assert [(one["line"], one["status"]) for one in results] == [(7, "repeated"), (8, "recorded")]


def test_a_line_refused_for_now_is_sent_again_and_the_others_keep_their_result(
    prompt: None,
) -> None:
    http, keys = client(
        lambda request: answered(request, {2: "busy"}),
        lambda request: answered(request, {1: "repeated", 2: "recorded"}),
    )
    results = list(send(http, Batch(1, [b"{}\n", b"{}\n"]), key="file", dry_run=False))

    assert len(keys) == 2
    assert [one["status"] for one in results] == ["recorded", "recorded"]


def test_what_the_policy_has_against_a_mapping_ends_the_import() -> None:
    errors = [{"code": "category-unknown", "pointer": "/obtained/0/data/0"}]
    problem = {"type": "/problems/mapping-invalid", "errors": errors}
    http, _ = client(lambda _request: httpx.Response(422, json=problem))

    with pytest.raises(MappingRefused) as refused:
        list(send(http, Batch(2, [b"a\n"]), key="file", dry_run=False, form=Form({}, b"A\n")))
    assert refused.value.errors == errors


def test_a_row_that_was_not_sent_is_told() -> None:
    http, keys = client()
    batch = Batch(2, refused=(2, Flaw.QUOTES))
    [told] = send(http, batch, key="file", dry_run=False)

    assert not keys
    assert (told["line"], told["status"], told["problem"]["reason"]) == (2, "refused", "quotes")


def test_a_connection_that_stays_lost_ends_the_import(prompt: None) -> None:
    http, keys = client(*[broken] * import_batches.TRIES_MAX)

    with pytest.raises(httpx.ReadError):
        list(send(http, Batch(1, [b"{}\n"]), key="file", dry_run=False))
    assert len(keys) == import_batches.TRIES_MAX


def test_a_tally_names_the_first_lines_of_each_problem() -> None:
    tally = Tally()
    for line in range(1, 30):
        problem = {"type": "/problems/malformed-json"}
        tally.count({"line": line, "status": "refused", "problem": problem})

    found = tally.document()["problems"]["malformed-json"]
    assert found == {"count": 29, "lines": list(range(1, 11))}
    assert Tally.of(tally.document()).document() == tally.document()
