"""`pdledger mails`: what mail servers tell of our mails, taken in from a pipe or from files."""

import hashlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final

import httpx
import typer

from app.cli.answers import CommandFailed, ExitCode, Json, answer
from app.cli.configuration import read_settings
from app.cli.service_client import KeyFile, Url, connected, target
from app.propagation.delivery_reports import SIZE_MAX

app = typer.Typer(no_args_is_help=True)

PATH: Final = "/v1/mails/delivery-reports"
STANDARD_INPUT: Final = "standard input"
NONE_OF_OURS: Final = frozenset(
    {"delivery-report-unreadable", "delivery-report-foreign", "body-too-large"}
)
"""Problems that are the message's own: everything else may be over when it is tried again."""

Files = Annotated[
    list[Path] | None,
    typer.Argument(
        exists=True,
        dir_okay=False,
        help="A message each, as in a Maildir; one from standard input without any.",
    ),
]


@app.callback()
def mails() -> None:
    """Messages about deliveries, handed to the running service."""


@app.command()
def report(
    files: Files = None, *, url: Url = None, key_file: KeyFile = None, as_json: Json = False
) -> None:
    """Record what a mail server tells of mails: delayed, arrived, or come back for good.

    Made for the pipe of a mail server, with a key of the scope mails:report: ends with 75 when it
    should be tried again, and with 1 when a message is no delivery report about a mail of ours, for
    a human to read. What was told before changes nothing, so a folder may be read again.
    """
    told: list[dict[str, Any]] = []
    with _tried_again():
        settings = read_settings()
        size_max = min(SIZE_MAX, settings.body_size_max_bytes)
        with connected(target(settings, url, key_file)) as client:
            for name, content in _messages(files or (), size_max):
                told.append({"message": name, **_told(_handed_in(client, content))})
    answer({"reports": told}, map(_line, told), as_json=as_json)
    statuses = {one["status"] for one in told}
    if "later" in statuses:
        raise typer.Exit(ExitCode.TRY_AGAIN)
    if "refused" in statuses:
        raise typer.Exit(ExitCode.NOT_IN_ORDER)


@contextmanager
def _tried_again() -> Iterator[None]:
    """A mail server loses what ends with any other code than this one or none."""
    try:
        yield
    except CommandFailed as failure:
        raise CommandFailed(
            ExitCode.TRY_AGAIN, failure.code, str(failure), details=failure.details
        ) from None


def _messages(files: Sequence[Path], size_max: int) -> Iterator[tuple[str, bytes]]:
    """Each with what it is called, and as much of it as is read."""
    if not files:
        yield STANDARD_INPUT, sys.stdin.buffer.read(size_max)
    for file in files:
        with file.open("rb") as stream:
            yield file.name, stream.read(size_max)


def _handed_in(client: httpx.Client, content: bytes) -> httpx.Response:
    headers = {
        "content-type": "message/rfc822",
        "idempotency-key": f"report-{hashlib.sha256(content).hexdigest()}",
    }
    return client.post(PATH, content=content, headers=headers)


def _told(response: httpx.Response) -> dict[str, Any]:
    """What became of a message, in words of ours."""
    try:
        document = response.json()
    except ValueError:
        document = {}
    if response.is_success:
        repeated = "idempotent-replayed" in response.headers
        status = "recorded" if document["events"] and not repeated else "unchanged"
        return {"status": status, **{key: document[key] for key in ("outcome", "status_code")}}
    slug = str(document.get("type", "")).rpartition("/")[2] or f"status-{response.status_code}"
    return {"status": "refused" if slug in NONE_OF_OURS else "later", "problem": slug}


def _line(one: dict[str, Any]) -> str:
    if "problem" in one:
        then = "not recorded" if one["status"] == "refused" else "try again"
        return f"{one['message']}: {one['problem']}, {then}"
    return f"{one['message']}: {one['outcome']} ({one['status_code']}), {one['status']}"
