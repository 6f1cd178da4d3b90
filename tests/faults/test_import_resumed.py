"""An import that was killed, twice, ends where an undisturbed one ends (A14).

The short form has 2,000 lines. `LEDGER_IMPORT_LINES=1000000` runs the long form.
"""

import csv
import hashlib
import itertools
import json
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import asyncpg
import httpx
import pytest

from samples.people import people
from tests.cli.conftest import COMMAND, environment, prepared
from tests.cli.services import Running, running
from tests.conftest import ROOT, Database, in_thread
from tests.conftest import _copy as copied
from tests.faults.fleet import knob

LINES: Final = knob("LEDGER_IMPORT_LINES", 2_000)
BATCH_LINES: Final = 400
PATIENCE_S: Final = 60 + LINES / 50
MEMORY_MAX_MIB: Final = 350
ASKED: Final = 50
"""People who are looked up by their address."""

MAPPING: Final = """
source = "registration_form"
verification = "link"
[[obtained]]
purpose = "network_exchange"
[obtained.data]
"contact.name" = { column = "Name" }
"contact.email" = { column = "E-mail" }
"work.title" = { column = "Title" }
"""

HELD_SQL: Final = """
SELECT concat_ws('|', category, purpose, kind, basis, source, origin, policy, state,
                 retention_class, generation, obtained, version, section)
  FROM projections.profiles_v1
UNION ALL
SELECT concat_ws('|', source, origin, content_version, restrictions::text)
  FROM projections.profiles_subjects_v1
 ORDER BY 1
"""
COUNTS_SQL: Final = """
SELECT (SELECT count(*) FROM projections.profiles_subjects_v1),
       (SELECT count(*) FROM ledger.identifiers),
       (SELECT count(DISTINCT subject_id) FROM ledger.identifiers),
       (SELECT json_object_agg(type, number)::text FROM (
           SELECT type, count(*) AS number FROM ledger.events
            WHERE type NOT LIKE 'consultation.%' GROUP BY type ORDER BY type) AS types)
"""


@dataclass(frozen=True, slots=True)
class State:
    """What an import left, without what is random in it."""

    held_sha256: str
    """Of every row of the profiles but for ids and times."""
    counts: tuple[Any, ...]
    """People, identifiers, people with identifiers, events by type."""
    found: tuple[str | None, ...]
    """What is on file under some of the addresses."""


@pytest.fixture
def second_database(cluster: Any, template: str) -> Iterator[Database]:
    """A ledger beside the module's own."""
    with copied(cluster, template) as made:
        yield made


def test_an_import_killed_twice_equals_an_undisturbed_one(
    module_database: Database, second_database: Database, tmp_path: Path
) -> None:
    """The client is killed in its middle, then the service; a table says what the lines say."""
    lines, table, mapping = written(tmp_path)

    with serving(module_database, tmp_path / "a", free_port()) as (settings, service):
        whole = outcome(imported(settings, table, "--mapping", str(mapping)))["import"]
        assert whole["statuses"] == {"recorded": LINES}
        undisturbed = state(module_database, service)

    port = free_port()
    with serving(second_database, tmp_path / "b", port) as (settings, service):
        first = imported(settings, lines)
        wait_until(lambda: registered(second_database) >= LINES // 3)
        first.send_signal(signal.SIGKILL)
        first.communicate()
        second = imported(settings, lines)
        wait_until(lambda: registered(second_database) >= 2 * LINES // 3)
        service.process.send_signal(signal.SIGKILL)
        service.process.wait()
    with running("serve", errors=tmp_path / "log", **settings) as service:
        told = outcome(second)
        if "failed" in told:  # the service was away for longer than the client waits
            told = outcome(imported(settings, lines))
        again = outcome(imported(settings, lines))["import"]
        peak = resident_mib(service.process.pid)
        disturbed = state(second_database, service)

    assert told["import"]["lines"] == again["lines"] == LINES
    assert set(told["import"]["statuses"]) <= {"recorded", "repeated"}
    assert told["import"]["resumed_at"] > 1
    assert again["statuses"] == {"repeated": LINES}
    assert disturbed == undisturbed
    assert disturbed.counts[:3] == (LINES, LINES, LINES)
    assert len(set(disturbed.found)) == ASKED
    assert peak < MEMORY_MAX_MIB
    assert not list((tmp_path / "b" / "imports").iterdir())


def written(folder: Path) -> tuple[Path, Path, Path]:
    """The same people as lines and as a table, and the table's mapping."""
    lines, table, mapping = folder / "people.ndjson", folder / "people.csv", folder / "mapping.toml"
    mapping.write_text(MAPPING)
    with lines.open("w") as ndjson, table.open("w", newline="", encoding="utf-8-sig") as rows:
        writer = csv.writer(rows, delimiter=";")
        writer.writerow(["Name", "E-mail", "Title"])
        for number, person in zip(range(LINES), itertools.cycle(people()), strict=False):
            email = address(number)
            writer.writerow([person.name, email, person.job_title])
            data = {
                "contact.name": person.name,
                "contact.email": email,
                "work.title": person.job_title,
            }
            line = {
                "source": "registration_form",
                "verification": "link",
                "obtained": [{"purpose": "network_exchange", "data": data}],
            }
            ndjson.write(json.dumps(line, ensure_ascii=False) + "\n")
    return lines, table, mapping


def address(number: int) -> str:
    """The address on a line."""
    return f"person.{number}@förvaltning.example"


def free_port() -> int:
    """A port that a service takes again after it was killed."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class serving:  # noqa: N801  # reads as a verb: it is a context
    """A service on a prepared ledger that keeps its registers, on a port of its own."""

    def __init__(self, database: Database, home: Path, port: int) -> None:
        home.mkdir()
        variables = prepared(database, home)
        self._settings = variables | {
            "LEDGER_PORT": str(port),
            "LEDGER_IMPORT_BATCH_LINES_MAX": str(BATCH_LINES),
        }
        self._running = running("serve", errors=home / "log", **self._settings)

    def __enter__(self) -> tuple[dict[str, str], Running]:
        return self._settings, self._running.__enter__()

    def __exit__(self, *ended: object) -> None:
        self._running.__exit__(None, None, None)


def imported(settings: dict[str, str], file: Path, *options: str) -> subprocess.Popen[str]:
    """An import under way."""
    return subprocess.Popen(
        [*COMMAND, "import", str(file), *options, "--json"],
        cwd=ROOT,
        env=environment(**settings),
        stdout=subprocess.PIPE,
        text=True,
    )


def outcome(importer: subprocess.Popen[str]) -> Any:
    """What an import answers in the end."""
    return json.loads(importer.communicate(timeout=PATIENCE_S)[0])


def wait_until(reached: Callable[[], bool]) -> None:
    """Waits for a state of the database."""
    deadline = time.monotonic() + PATIENCE_S
    while not reached():
        assert time.monotonic() < deadline, "the import goes on"
        time.sleep(LINES / 200_000)  # counting a million is not for nothing


async def _fetched(database: Database, sql: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(database.dsn("postgres"))
    try:
        return list(await connection.fetch(sql))
    finally:
        await connection.close()


def registered(database: Database) -> int:
    """How many people are found by an identifier."""
    [row] = in_thread(_fetched(database, "SELECT count(*) FROM ledger.identifiers"))
    return int(row[0])


def counted(database: Database) -> tuple[Any, ...]:
    """People, identifiers, people with identifiers, events by type."""
    [row] = in_thread(_fetched(database, COUNTS_SQL))
    return tuple(row)


def state(database: Database, service: Running) -> State:
    """What the import left, once the registers have caught up."""
    wait_until(lambda: counted(database)[0] == LINES)
    counts = counted(database)
    digest = hashlib.sha256()
    for [row] in in_thread(_fetched(database, HELD_SQL)):
        digest.update(row.encode() + b"\n")
    return State(digest.hexdigest(), counts, tuple(on_file(service)))


def on_file(service: Running) -> Iterator[str | None]:
    """Whose record some addresses lead to, by what is in it."""
    key = Path(service.welcome["first_key_file"]).read_text().strip()
    headers = {"authorization": f"Bearer {key}", "purpose": "network_exchange"}
    with httpx.Client(base_url=service.welcome["url"], headers=headers, timeout=30) as client:
        for number in range(0, LINES, LINES // ASKED):
            asked = {"kind": "email", "value": address(number)}
            found = client.post("/v1/subjects:lookup", json=asked).json()
            shown = client.get(f"/v1/subjects/{found['subject_id']}").json()
            values = [one.get("value") for one in shown["fields"]]
            yield json.dumps(sorted(filter(None, values)), ensure_ascii=False)


def resident_mib(root: int) -> float:
    """The most that the service's processes ever held."""
    total = 0
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            fields = _status(folder)
            if root in (int(folder.name), int(fields.get("PPid", "0"))):
                total += int(fields.get("VmHWM", "0 kB").split()[0])
    return total / 1024


def _status(folder: Path) -> dict[str, str]:
    try:
        text = (folder / "status").read_text()
    except OSError:  # it ended
        return {}
    pairs = (line.partition(":") for line in text.splitlines())
    return {name: value.strip() for name, _, value in pairs}
