"""`pdledger keys`: where the keys stand; no key is ever shown."""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import typer

from app.cli.answers import ExitCode, Json, answer
from app.cli.configuration import read_settings
from app.cli.databases import reached
from app.cli.state import reach
from app.cli.welcome import custody_label
from app.vault.custody import FileCustody, KeyFileUnsafe

app = typer.Typer(no_args_is_help=True)

EPOCHS_SQL: Final = "SELECT epoch, state FROM ledger.key_epoch ORDER BY epoch"
DATA_KEYS_SQL: Final = """
SELECT epoch, state, count(*) AS keys FROM ledger.keyring GROUP BY epoch, state ORDER BY 1, 2
"""


@app.callback()
def keys() -> None:
    """The encryption keys: what state they are in, and where their roots are kept."""


@app.command("status")
def status(*, as_json: Json = False) -> None:
    """Show every key epoch, whether its root is in custody, and how many data keys it has.

    Ends with 1 when the root of an epoch in use is missing or readable by others: what was sealed
    under it cannot be read, or not only by us.
    """
    settings = read_settings()
    folder = settings.home / "keys"
    with reached(settings) as logins:
        epochs = asyncio.run(_epochs(logins.application, folder))
    document = {"custody": custody_label(folder), "epochs": epochs}
    answer({"keys": document}, _lines(document), as_json=as_json)
    if any(one["root"] != "in custody" for one in epochs if one["state"] != "destroyed"):
        raise typer.Exit(ExitCode.NOT_IN_ORDER)


async def _epochs(url: str, folder: Path) -> list[dict[str, Any]]:
    connection = await reach(url)
    try:
        epochs = await connection.fetch(EPOCHS_SQL)
        counts = await connection.fetch(DATA_KEYS_SQL)
    finally:
        await connection.close()
    return [
        {
            "epoch": row["epoch"],
            "state": row["state"],
            "root": root_state(row["epoch"], folder),
            "data_keys": {
                one["state"]: one["keys"] for one in counts if one["epoch"] == row["epoch"]
            },
        }
        for row in epochs
    ]


def root_state(epoch: int, folder: Path) -> str:
    """Whether the root of an epoch is where it must be, and nobody else can read it."""
    try:
        return "in custody" if FileCustody(folder).root(epoch) else "missing"
    except KeyFileUnsafe:
        return "readable by others"


def _lines(document: dict[str, Any]) -> Iterable[str]:
    yield f"custody: {document['custody']}"
    for one in document["epochs"]:
        counted = ", ".join(f"{count} {state}" for state, count in one["data_keys"].items())
        yield (
            f"epoch {one['epoch']}: {one['state']}, root {one['root']},"
            f" data keys: {counted or 'none'}"
        )
