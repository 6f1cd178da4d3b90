"""The command line `pdledger`: one line a command module, imported only when it is called."""

import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from traceback import extract_tb
from types import MappingProxyType
from typing import Any, Final

from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_install_completion_arguments

from app.cli.answers import CommandFailed, ExitCode, unavailable

COMMANDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "up": "Prepare everything and run the service: what `make run` does.",
        "prepare": "Prepare database, keys, policy and first key; then end.",
        "serve": "Run the service on a ledger that is prepared.",
        "work": "Keep the registers up to date, in a process of its own.",
        "migrate": "Bring the database to the newest schema.",
        "import": "Import people from a file into the running service.",
        "retention": "Destroy what was kept to its last day, or show what is due.",
        "erase": "Erase a person's data, or show what an erasure would do.",
        "requests": "Who waits for an answer to a rights request, and until when.",
        "mails": "What mail servers tell of the mails that were sent.",
        "client": "API keys of the tools that call the service.",
        "subscription": "Who has the feed sent to them.",
        "policy": "Check, examine, publish and compare privacy policies.",
        "keys": "The state of the encryption keys.",
        "project": "The registers that are derived from the log.",
        "log": "The transparency log: verify it, what it promised, and take it along.",
        "verify": "Prove that nobody changed the log: short for `log verify`.",
        "demo": "Tell one person's story against the running service.",
        "doctor": "Examine this installation and name what is wrong.",
    }
)
"""Name of a command -> its line in the list. Its module in this package has the same name."""

MODULES: Final[Mapping[str, str]] = MappingProxyType({"import": "imports"})
"""Commands whose name cannot be a module's."""

UNMIGRATED: Final = frozenset({"UndefinedTableError", "InvalidSchemaNameError"})
"""What PostgreSQL answers where the schema of the ledger is missing; asyncpg is not loaded here."""

NOT_THERE: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "LogTakenBack": ("log-taken-back", ""),
        "EpochUnavailable": (
            "root-missing",
            ": put the newest copy of the key folder back, see `pdledger keys status`",
        ),
        "KeyFileUnsafe": ("key-file-unsafe", ""),
    }
)
"""What keeps a service from opening, by its class: a code, and what to do beside its own text.

These texts hold numbers and names of our own files, and no value.
"""

EPILOG: Final = (
    "Exit codes: 0 done; 1 examined, and not in order; 2 wrong usage; 3 refused by a rule, nothing"
    " changed; 4 something needed is not there; 5 the log broke a signed promise; 70 a fault of the"
    " program; 75 a message about a delivery has to be handed in again; 130 interrupted."
)


class CommandModules(TyperGroup):
    """Lists every command by its line, and imports the module of the one that is called."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # typer's context is private
        """The command that the arguments call, out of its module."""
        name, listed, rest = super().resolve_command(ctx, args)
        if name is None or listed is None:
            return name, listed, rest
        return name, called(name), rest


def called(name: str) -> Any:
    """The command out of its module."""
    command = get_command(import_module(f"app.cli.{MODULES.get(name, name)}").app)
    command.name = name
    return command


def main() -> None:
    """Runs one command and ends the process with its exit code."""
    as_json = "--json" in sys.argv
    try:
        _pdledger()(prog_name="pdledger")
    except CommandFailed as failure:
        failure.tell(as_json=as_json)
        sys.exit(failure.exit_code)
    except Exception as fault:  # noqa: BLE001  # a command's end: told without a value, then ended
        told = _fault(fault)
        told.tell(as_json=as_json)
        sys.exit(told.exit_code)


def _pdledger() -> CommandModules:
    return CommandModules(
        name="pdledger",
        help="Personal Data Ledger: keeps and proves what a privacy policy promises.",
        epilog=EPILOG,
        commands={name: TyperCommand(name, help=line) for name, line in COMMANDS.items()},
        params=list(get_install_completion_arguments()),
        no_args_is_help=True,
    )


def _fault(fault: Exception) -> CommandFailed:
    """Type and place, never the text: it may hold a value that a person gave."""
    if type(fault).__name__ in UNMIGRATED:
        return unavailable(
            "ledger-unmigrated", "the database holds no ledger of this version: `pdledger migrate`"
        )
    if found := NOT_THERE.get(type(fault).__name__):
        code, advice = found
        return unavailable(code, f"{fault}{advice}")
    places = [
        f"{Path(frame.filename).name}, line {frame.lineno}, in {frame.name}"
        for frame in extract_tb(fault.__traceback__)[-4:]
    ]
    name = type(fault).__qualname__
    return CommandFailed(
        ExitCode.FAULT, "fault", f"stopped by a fault of its own: {name}", details=places
    )
