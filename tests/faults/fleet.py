"""Several service processes on one ledger, killed and started again without any warning."""

import json
import os
import random
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.cli.conftest import COMMAND, environment, run
from tests.conftest import ROOT, roomy

START_TRIES_MAX = 10


@dataclass(slots=True)
class Member:
    """One service process, and where it listens."""

    process: "subprocess.Popen[str]"
    url: str


@dataclass(slots=True)
class Fleet:
    """Service processes by number. ``variables`` are the settings that all of them have."""

    variables: dict[str, str]
    logs: Path
    members: dict[int, Member] = field(default_factory=dict)

    def start(self, number: int) -> None:
        """Starts one process; again, when the database is just then away."""
        for _ in range(START_TRIES_MAX):
            if (member := self._started(number)) is not None:
                self.members[number] = member
                return
        raise AssertionError(f"process {number} did not start; see {self.log(number)}")

    def _started(self, number: int) -> Member | None:
        with self.log(number).open("ab") as log:
            process = subprocess.Popen(
                [*COMMAND, "serve", "--json"],
                cwd=ROOT,
                env=environment(LEDGER_PORT="0", **self.variables),
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert process.stdout is not None
        line = process.stdout.readline()
        document: dict[str, Any] = json.loads(line) if line else {}
        if "serving" in document:
            return Member(process, document["serving"]["url"])
        _end(process)
        return None

    def kill(self, number: int) -> None:
        """SIGKILL: nothing is said, flushed or given back."""
        _end(self.members.pop(number).process)

    def urls(self) -> list[str]:
        """The processes that are believed to live."""
        return [member.url for member in list(self.members.values())]

    def any_url(self, source: random.Random) -> str:
        """One process, drawn."""
        return source.choice(self.urls())

    def log(self, number: int) -> Path:
        """Standard error of one process and of those that came before it."""
        return self.logs / f"service-{number}.log"

    def key(self) -> str:
        """The installation's first API key: it has every scope."""
        return (Path(self.variables["LEDGER_HOME"]) / "first-key").read_text().strip()


@contextmanager
def fleet(count: int, logs: Path, **variables: str) -> Iterator[Fleet]:
    """``count`` processes on a ledger that is prepared; every one is gone afterwards."""
    ships = Fleet(variables, logs)
    try:
        with ThreadPoolExecutor(count) as starters:
            list(starters.map(ships.start, range(count)))
        yield ships
    finally:
        for number in list(ships.members):
            ships.kill(number)


@contextmanager
def folder() -> Iterator[Path]:
    """A folder for a database: pytest shuts its own to other accounts whenever it starts."""
    made = Path(tempfile.mkdtemp(prefix="faults-", dir=roomy()))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def prepared(home: Path) -> dict[str, str]:
    """A ledger with a database of its own under ``home``; the settings that name it."""
    variables = {"LEDGER_HOME": str(home)}
    done = run("prepare", "--json", **variables)
    assert done.exit_code == 0, done.out + done.error
    return variables


def knob(name: str, default: int) -> int:
    """A number out of the environment: how long, or how often."""
    return int(os.environ.get(name, default))


def _end(process: "subprocess.Popen[str]") -> None:
    with suppress(ProcessLookupError):
        process.kill()
    process.wait()
    assert process.stdout is not None
    process.stdout.close()
