"""`pdledger up`: from an empty folder to a running service, in one command."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import typer

from app.cli.answers import CommandFailed, ExitCode, Json, unavailable
from app.cli.configuration import MIGRATION_VARIABLE, read_settings, require_database_named
from app.cli.databases import held
from app.cli.first_key import FirstKey
from app.cli.foreground import stopping, take_port
from app.cli.welcome import welcome
from app.settings import Settings

app = typer.Typer()

OURSELVES: Final = (sys.executable, "-m", "app.cli")
INTERRUPTED_S: Final = 2.0


@app.command()
def up(*, as_json: Json = False) -> None:
    """Prepare a ledger where that is needed, then run the service until it is told to stop.

    On a fresh machine this starts a PostgreSQL of its own under LEDGER_HOME (./var), opens the
    encryption keys, publishes the policy that comes with the program and makes a first API key,
    which is shown once. A second start finds all of it and serves at once. LEDGER_DATABASE_URL
    uses a server instead; POLICY_FILE=FILE publishes your own policy in place of that one, and
    POLICY_TEXT=FILE supplies its text.
    """
    settings = read_settings()
    require_database_named(settings)
    if MIGRATION_VARIABLE in os.environ:
        _prepare_and_replace(as_json=as_json)
    _prepare_and_serve(settings, as_json=as_json)


def _prepare_and_serve(settings: Settings, *, as_json: bool) -> None:
    """Serves in this process, which reads no administrator's secret: the child does."""
    with stopping(), take_port(settings) as taken, held(settings) as hold:
        with _preparing() as prepared:
            from app.cli.serving import serve  # noqa: PLC0415  # loads while the child prepares

            new_key = prepared()["first_key"] == FirstKey.MADE
        serve(
            settings,
            hold.logins(),
            taken,
            lambda port: welcome(settings, port, new_key=new_key, as_json=as_json),
        )


def _prepare_and_replace(*, as_json: bool) -> None:
    """Becomes a `serve` without the deploying login, which stays in a process' environment."""
    with stopping(), _preparing() as prepared:
        made = prepared()["first_key"] == FirstKey.MADE
    options = ["--show-first-key"] * made + ["--json"] * as_json
    environment = {name: value for name, value in os.environ.items() if name != MIGRATION_VARIABLE}
    os.execve(sys.executable, [*OURSELVES, "serve", *options], environment)  # noqa: S606  # no shell


@contextmanager
def _preparing() -> Iterator[Callable[[], dict[str, Any]]]:
    """`pdledger prepare` in a process of its own; the function waits for its answer."""
    child = subprocess.Popen(  # noqa: S603  # our own program
        [*OURSELVES, "prepare", "--json"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    )
    try:
        yield lambda: _answer_of(child)
    finally:
        if child.poll() is None:
            child.terminate()
            try:
                child.wait(INTERRUPTED_S)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        assert child.stdout is not None
        child.stdout.close()


def _answer_of(child: subprocess.Popen[bytes]) -> dict[str, Any]:
    told, _ = child.communicate()
    try:
        document = json.loads(told)
    except ValueError:
        raise unavailable("not-prepared", "the preparation ended without an answer") from None
    failure = document.get("failed")
    if failure is not None:
        raise CommandFailed(
            ExitCode(child.returncode),
            failure["code"],
            failure["message"],
            details=failure["details"],
        )
    prepared: dict[str, Any] = document["prepared"]
    return prepared
