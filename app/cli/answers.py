"""How a command answers: text for people, one JSON document for programs, and an exit code."""

import json
from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import Annotated, Any

import typer

Json = Annotated[
    bool, typer.Option("--json", help="Answer with one JSON document on one line, for programs.")
]


class ExitCode(IntEnum):
    """What the end of a command means to a script; listed in `pdledger --help`."""

    DONE = 0
    NOT_IN_ORDER = 1
    """The command did its work, and what it examined is not in order."""
    USAGE = 2
    REFUSED = 3
    """A rule forbids it; nothing was changed."""
    UNAVAILABLE = 4
    """Something that the command needs is not there; try again when it is."""
    EVIDENCE = 5
    """The log broke a promise that it signed: what was examined is evidence, and worth keeping."""
    FAULT = 70
    """A fault of the program itself (sysexits.h, EX_SOFTWARE)."""
    TRY_AGAIN = 75
    """A message could not be taken in yet: the mail server keeps it (sysexits.h, EX_TEMPFAIL)."""


class CommandFailed(Exception):
    """Ends a command. ``code`` is a word for programs; the message holds nothing personal."""

    def __init__(
        self, exit_code: ExitCode, code: str, message: str, *, details: Iterable[str] = ()
    ) -> None:
        super().__init__(message)
        self.exit_code = exit_code
        self.code = code
        self.details = tuple(details)

    def tell(self, *, as_json: bool) -> None:
        """Writes why: to standard output as JSON, else to standard error."""
        if as_json:
            failure = {"code": self.code, "message": str(self), "details": self.details}
            typer.echo(json.dumps({"failed": failure}, ensure_ascii=False))
            return
        typer.secho(f"pdledger: {self}", err=True, fg=typer.colors.RED)
        for detail in self.details:
            typer.echo(f"  {detail}", err=True)


def refused(code: str, message: str, *, details: Iterable[str] = ()) -> CommandFailed:
    """A rule forbids what was asked."""
    return CommandFailed(ExitCode.REFUSED, code, message, details=details)


def unavailable(code: str, message: str) -> CommandFailed:
    """What the command needs is not there."""
    return CommandFailed(ExitCode.UNAVAILABLE, code, message)


def answer(document: Mapping[str, Any], lines: Iterable[str], *, as_json: bool) -> None:
    """Writes the one answer of a command to standard output."""
    if as_json:
        typer.echo(json.dumps(document, ensure_ascii=False, default=str))
        return
    for line in lines:
        typer.echo(line)
