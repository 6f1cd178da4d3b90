"""Commands run as an operator runs them: against a home of their own, or a database of the run."""

import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import structlog

from app import cli
from app.store import embedded
from tests.conftest import ROOT, Database
from tests.conftest import _copy as copied

COMMAND = (sys.executable, "-m", "app.cli")
POLICY_TEXT = b"A text that nobody was ever shown.\n"


def environment(**variables: str) -> dict[str, str]:
    """Our environment without the settings of whoever runs the tests, and with ``variables``."""
    ours = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("LEDGER_", "POLICY_"))
    }
    return ours | variables


@dataclass(frozen=True, slots=True)
class Ended:
    """A command that came to its end."""

    exit_code: int
    out: str
    error: str

    @property
    def document(self) -> Any:
        """Its JSON answer."""
        [line] = self.out.splitlines()
        return json.loads(line)


def run(*arguments: str, **variables: str) -> Ended:
    """One command in a process of its own."""
    done = subprocess.run(
        [*COMMAND, *arguments],
        cwd=ROOT,
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


Call = Callable[..., Ended]


@pytest.fixture
def own_logging() -> Iterator[None]:
    """Gives the process its logging back after a command set up its own."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    hooks = sys.unraisablehook, threading.excepthook
    yield
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()
    sys.unraisablehook, threading.excepthook = hooks
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def call(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], own_logging: None
) -> Call:
    """One command in this process, as the console script calls it."""

    def called(*arguments: str, **variables: str) -> Ended:
        for name in [*os.environ]:
            if name.startswith(("LEDGER_", "POLICY_")) and not name.startswith("LEDGER_TEST_"):
                monkeypatch.delenv(name)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["pdledger", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        told = capsys.readouterr()
        code = ended.value.code
        return Ended(0 if code is None else int(code), told.out, told.err)

    return called


def on_server(database: Database, home: Path) -> dict[str, str]:
    """The settings of a ledger on a server, for every role that serves."""
    return {
        "LEDGER_HOME": str(home),
        "LEDGER_DATABASE_URL": database.dsn("ledger_app"),
        "LEDGER_ERASER_URL": database.dsn("ledger_eraser"),
        "LEDGER_PROJECTOR_URL": database.dsn("ledger_projector"),
    }


def prepared(database: Database, home: Path) -> dict[str, str]:
    """A prepared ledger on a server: settings of its serving roles."""
    variables = on_server(database, home)
    migration = {"LEDGER_MIGRATION_URL": database.dsn("ledger_migrator")}
    done = run("prepare", "--json", **variables, **migration)
    assert done.exit_code == 0, done.out + done.error
    return variables


@pytest.fixture(scope="session")
def server(
    cluster: embedded.Cluster, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """One prepared ledger for all commands that leave it as they find it, or only add to it."""
    with copied(cluster, template) as database:
        yield prepared(database, tmp_path_factory.mktemp("home"))
