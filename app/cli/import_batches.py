"""An import cut into requests: small enough to hold, repeatable one by one, counted as they come.

The key of a request is made of the file's hash and the number of its first line. Whoever sends the
same file again, after a broken connection or a crash, sends the same keys, and nothing is recorded
twice.
"""

import hashlib
import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final

import httpx

from app.cli.service_client import require

LINES_MAX: Final = 5000
BYTES_MAX: Final = 4_000_000
TRIES_MAX: Final = 6
PAUSE_S: Final = 0.5
SAMPLES_MAX: Final = 10
HEADERS: Final = {"content-type": "application/x-ndjson"}
FOR_NOW: Final = frozenset({"/problems/ledger-busy", "/problems/ledger-unavailable"})
"""Problems that pass: the line is sent again."""
TOO_LONG: Final = {"type": "/problems/line-too-long", "status": 413}

Result = dict[str, Any]


@dataclass(slots=True)
class Batch:
    """Consecutive lines of the file."""

    first: int
    """Number of the first line, from 1."""
    lines: list[bytes] = field(default_factory=list, repr=False)
    too_long: int | None = None
    """Number of the line after these that passes the limit and is not sent, if there is one."""

    @property
    def size_bytes(self) -> int:
        """Of all lines together."""
        return sum(map(len, self.lines))


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


def fingerprint(file: Path) -> str:
    """What the keys of an import begin with: the same file, the same keys."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()[:40]


def batches_of(stream: BinaryIO, *, line_size_max: int) -> Iterator[Batch]:
    """The lines of a file in batches; a line that is too long is skipped, and ends its batch."""
    batch = Batch(1)
    number = 0
    while line := stream.readline(line_size_max + 2):
        number += 1
        if len(line.rstrip(b"\r\n")) > line_size_max:
            while line and not line.endswith(b"\n"):
                line = stream.readline(line_size_max)
            batch.too_long = number
        else:
            batch.lines.append(line.rstrip(b"\r\n") + b"\n")
        if batch.too_long or len(batch.lines) >= LINES_MAX or batch.size_bytes >= BYTES_MAX:
            yield batch
            batch = Batch(number + 1)
    if batch.lines:
        yield batch


def send(client: httpx.Client, batch: Batch, *, key: str, dry_run: bool) -> Iterator[Result]:
    """The result of every line of a batch, by the numbers of the file.

    Sends it again while lines are refused for now, or while the connection breaks; what was
    recorded the first time is not recorded again.
    """
    results: dict[int, Result] = {}
    for attempt in range(TRIES_MAX):
        time.sleep(PAUSE_S * attempt)
        last = attempt == TRIES_MAX - 1
        try:
            answered = _post(client, batch, key=key, dry_run=dry_run)
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
    if batch.too_long is not None:
        yield {"line": batch.too_long, "status": "refused", "problem": TOO_LONG}


def _post(client: httpx.Client, batch: Batch, *, key: str, dry_run: bool) -> Iterable[Result]:
    if not any(line.strip() for line in batch.lines):
        return []
    headers = HEADERS | {"idempotency-key": f"{key}-{batch.first}"}
    parameters = {"dry_run": "true"} if dry_run else {}
    answered: list[Result] = []
    with client.stream(
        "POST", "/v1/imports", content=b"".join(batch.lines), headers=headers, params=parameters
    ) as response:
        if not response.is_success:
            response.read()
            require(response)
        for line in response.iter_lines():
            result = json.loads(line)
            answered.append({**result, "line": batch.first + result["line"] - 1})
    return answered


def _for_now(result: Result) -> bool:
    return result["problem"] is not None and result["problem"]["type"] in FOR_NOW
