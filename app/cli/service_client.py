"""A client of the running service, for the commands that do what any tool may do over HTTP."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import httpx
import typer

from app.cli.answers import CommandFailed, ExitCode, unavailable
from app.settings import Settings

Url = Annotated[
    str | None, typer.Option(help="Where the service is; LEDGER_HOST and LEDGER_PORT without it.")
]
KeyFile = Annotated[
    Path | None,
    typer.Option(help="A file with the API key to use; LEDGER_HOME/first-key without it."),
]

TIMEOUT_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Target:
    """Which service, and with which key."""

    url: str
    key_file: Path


def target(settings: Settings, url: str | None, key_file: Path | None) -> Target:
    """What the operator named, or this installation's own service and first key."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return Target(url or f"http://{host}:{settings.port}", key_file or settings.home / "first-key")


@contextmanager
def connected(aim: Target) -> Iterator[httpx.Client]:
    """A client with the key; a service that cannot be reached ends the command."""
    try:
        key = aim.key_file.read_text().strip()
    except OSError:
        raise unavailable("key-missing", f"there is no API key in {aim.key_file}") from None
    headers = {"authorization": f"Bearer {key}"}
    with httpx.Client(base_url=aim.url, headers=headers, timeout=TIMEOUT_S) as client:
        try:
            client.get("/livez")
            yield client
        except httpx.TransportError as failure:
            raise unavailable(
                "service-unreachable",
                f"no answer from {aim.url} ({type(failure).__name__}); is `pdledger up` running?",
            ) from None


def require(response: httpx.Response) -> Any:  # Any: a JSON value
    """The answer of a request that went well; else the problem that the service named."""
    if response.is_success:
        return response.json()
    response.read()
    try:
        problem = response.json()
    except ValueError:
        problem = {}
    code = str(problem.get("type", "")).rpartition("/")[2] or f"status-{response.status_code}"
    refused = response.status_code < httpx.codes.INTERNAL_SERVER_ERROR
    detail = problem.get("detail")
    raise CommandFailed(
        ExitCode.REFUSED if refused else ExitCode.UNAVAILABLE,
        code,
        str(problem.get("title") or f"the service answered {response.status_code}"),
        details=[str(detail)] if detail else [],
    )
