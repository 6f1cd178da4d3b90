"""An import cut into requests: small enough to hold, repeatable one by one, counted as they come.

All requests of an import have one key, and each says the number of its first line. Whoever sends
the same lines again, after a broken connection or a crash, however they are cut, sends the same
key and numbers, and nothing is recorded twice.
"""

import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Final

import httpx

from app.cli.service_client import require
from app.propagation.tables import Cutter, Flaw, Piece

LINES_MAX: Final = 5_000
BYTES_MAX: Final = 4_000_000
CHUNK_SIZE: Final = 65_536
TRIES_MAX: Final = 10
PAUSE_S: Final = 0.5
"""Before the second try; doubled before each further one. A service may be starting anew."""
PAUSE_MAX_S: Final = 8.0
SAMPLES_MAX: Final = 10
NDJSON: Final = {"content-type": "application/x-ndjson"}
FOR_NOW: Final = frozenset({"/problems/ledger-busy", "/problems/ledger-unavailable"})
"""Problems that pass: the line is sent again."""
TOO_LONG: Final = {"type": "/problems/line-too-long", "status": 422}
UNREADABLE: Final = {"type": "/problems/row-unreadable", "status": 422}

Result = dict[str, Any]


class MappingRefused(Exception):
    """The service, which knows the policy, has something against the mapping."""

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        super().__init__("mapping-invalid")
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a line and a batch may be."""

    line_size_bytes: int
    batch_lines: int = LINES_MAX


@dataclass(slots=True)
class Batch:
    """Consecutive lines of the file."""

    first: int
    """Number of the first line, from 1."""
    lines: list[bytes] = field(default_factory=list, repr=False)
    refused: tuple[int, Flaw] | None = None
    """Number of the line after these that is not sent, if there is one, and why."""
    end: int = 0
    """Bytes of the file up to the end of the batch, the line not sent included."""
    size_bytes: int = field(default=0, compare=False)
    """Of all lines together."""

    @property
    def next(self) -> int:
        """Number of the line after the batch."""
        return self.first + len(self.lines) + (self.refused is not None)


@dataclass(frozen=True, slots=True)
class Form:
    """In what form lines are sent."""

    headers: dict[str, str] = field(default_factory=lambda: dict(NDJSON), repr=False)
    head: bytes = field(default=b"", repr=False)
    """What stands before the lines of each request: the names of a table's columns."""


@dataclass(slots=True)
class Tally:
    """What became of the lines so far."""

    statuses: Counter[str] = field(default_factory=Counter)
    problems: dict[str, list[int]] = field(default_factory=dict)
    """Problem type -> the first lines that met it."""
    problem_counts: Counter[str] = field(default_factory=Counter)

    @property
    def refused(self) -> int:
        """Lines that were not recorded and should have been."""
        return self.statuses["refused"]

    def count(self, result: Result) -> None:
        """Takes one line's result in."""
        self.statuses[result["status"]] += 1
        if result["problem"] is not None:
            kind = result["problem"]["type"].rpartition("/")[2]
            self.problem_counts[kind] += 1
            found = self.problems.setdefault(kind, [])
            if len(found) < SAMPLES_MAX:
                found.append(result["line"])

    @classmethod
    def of(cls, document: Result) -> "Tally":
        """The tally that a document tells."""
        tally = cls(Counter(document["statuses"]))
        for kind, found in document["problems"].items():
            tally.problem_counts[kind] = found["count"]
            tally.problems[kind] = list(found["lines"])
        return tally

    def document(self) -> Result:
        """As JSON knows it."""
        return {
            "lines": self.statuses.total(),
            "statuses": dict(self.statuses),
            "problems": {
                kind: {"count": self.problem_counts[kind], "lines": found}
                for kind, found in self.problems.items()
            },
        }


def batches_of(
    stream: BinaryIO, limits: Limits, *, first: int = 1, end: int = 0
) -> Iterator[Batch]:
    """The lines of a file in batches; a line that is too long is skipped, and ends its batch.

    ``first`` and ``end`` say where the stream stands: the next line, and the bytes before it.
    """
    batch, number = Batch(first, end=end), first - 1
    while line := stream.readline(limits.line_size_bytes + 2):
        number += 1
        batch.end += len(line)
        if len(line.rstrip(b"\r\n")) > limits.line_size_bytes:
            while line and not line.endswith(b"\n"):
                line = stream.readline(limits.line_size_bytes)
                batch.end += len(line)
            batch.refused = number, Flaw.TOO_LONG
        else:
            _add(batch, line.rstrip(b"\r\n"))
        if batch.refused or _full(batch, limits):
            yield batch
            batch = Batch(number + 1, end=batch.end)
    if batch.lines:
        yield batch


def rows_of(stream: BinaryIO, limits: Limits, *, first: int, end: int) -> Iterator[Batch]:
    """The rows of a table in batches. Where the next row begins is not guessed: there it ends."""
    batch = Batch(first, end=end)
    for piece in pieces_of(
        stream, Cutter(first=first, size_max=limits.line_size_bytes, quoted=True, began=end)
    ):
        # Blank rows were passed over, and keep their numbers.
        batch.lines += [b"\n"] * (piece.number - batch.first - len(batch.lines))
        batch.end = piece.end
        if piece.flaw is None:
            _add(batch, piece.text.rstrip(b"\r"))
        else:
            batch.refused = piece.number, piece.flaw
        if _full(batch, limits) and piece.flaw is None:
            yield batch
            batch = Batch(piece.number + 1, end=piece.end)
    if batch.lines or batch.refused:
        yield batch


def pieces_of(stream: BinaryIO, cutter: Cutter) -> Iterator[Piece]:
    """The rows of a file, a piece of it in memory at a time."""
    while (chunk := stream.read(CHUNK_SIZE)) and not cutter.broken:
        yield from cutter.feed(chunk)
    yield from cutter.finish()


def _add(batch: Batch, line: bytes) -> None:
    batch.lines.append(line + b"\n")
    batch.size_bytes += len(line) + 1


def _full(batch: Batch, limits: Limits) -> bool:
    return len(batch.lines) >= limits.batch_lines or batch.size_bytes >= BYTES_MAX


def send(
    client: httpx.Client, batch: Batch, *, key: str, dry_run: bool, form: Form | None = None
) -> Iterator[Result]:
    """The result of every line of a batch, by the numbers of the file.

    Sends it again while lines are refused for now, or while the connection breaks; what was
    recorded the first time is not recorded again.
    """
    results: dict[int, Result] = {}
    for attempt in range(TRIES_MAX):
        if attempt:
            time.sleep(min(PAUSE_S * 2 ** (attempt - 1), PAUSE_MAX_S))
        last = attempt == TRIES_MAX - 1
        try:
            answered = _post(client, batch, form or Form(), key=key, dry_run=dry_run)
        except httpx.TransportError:
            if last:
                raise
            continue
        for result in answered:
            before = results.get(result["line"])
            if before is None or _for_now(before):
                results[result["line"]] = result
        if last or not any(map(_for_now, results.values())):
            break
    yield from results.values()
    if batch.refused is not None:
        number, flaw = batch.refused
        problem = TOO_LONG if flaw is Flaw.TOO_LONG else UNREADABLE | {"reason": flaw.value}
        yield {"line": number, "status": "refused", "problem": problem}


def _post(
    client: httpx.Client, batch: Batch, form: Form, *, key: str, dry_run: bool
) -> Iterable[Result]:
    if not any(line.strip() for line in batch.lines):
        return []
    headers = form.headers | {"idempotency-key": key}
    parameters = {"first_line": str(batch.first)} | ({"dry_run": "true"} if dry_run else {})
    content = form.head + b"".join(batch.lines)
    with client.stream(
        "POST", "/v1/imports", content=content, headers=headers, params=parameters
    ) as response:
        if not response.is_success:
            response.read()
            if form.head and response.status_code == httpx.codes.UNPROCESSABLE_ENTITY:
                _refuse_mapping(response.json())
            require(response)
        return [json.loads(line) for line in response.iter_lines()]


def _refuse_mapping(problem: Any) -> None:
    if problem["type"] == "/problems/mapping-invalid":
        raise MappingRefused(problem["errors"])


def _for_now(result: Result) -> bool:
    return result["problem"] is not None and result["problem"]["type"] in FOR_NOW
