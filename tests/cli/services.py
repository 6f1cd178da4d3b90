"""A service process as an operator runs it, started and stopped by the tests."""

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.cli.conftest import COMMAND, environment
from tests.conftest import ROOT


@dataclass(slots=True)
class Running:
    """A process that said that it serves."""

    process: subprocess.Popen[str]
    welcome: dict[str, Any]
    start_s: float
    stop_s: float = 0.0

    def get(self, path: str) -> httpx.Response:
        """One answer of the service."""
        return httpx.get(self.welcome["url"] + path, timeout=10)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Tells the process to stop and answers its exit code."""
        started = time.monotonic()
        self.process.send_signal(number)
        code = self.process.wait(20)
        self.stop_s = time.monotonic() - started
        return code


@contextmanager
def running(*arguments: str, errors: Path, **variables: str) -> Iterator[Running]:
    """A service on a free port of its own; killed if the test has not stopped it."""
    with errors.open("ab") as log:
        started = time.monotonic()
        process = subprocess.Popen(
            [*COMMAND, *arguments, "--json"],
            cwd=ROOT,
            env=environment(**({"LEDGER_PORT": "0"} | variables)),
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line, errors.read_text()
        document = json.loads(line)
        assert "failed" not in document, line
        yield Running(process, document.get("serving", document), time.monotonic() - started)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        process.stdout.close()
