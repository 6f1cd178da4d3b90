"""`pdledger prepare`: everything that `up` does before it serves."""

import typer

from app.cli.answers import Json, answer
from app.cli.configuration import read_settings
from app.cli.logging_setup import configure_logging
from app.cli.preparation import prepare

app = typer.Typer()


@app.command()
def prepare_ledger(*, as_json: Json = False) -> None:
    """Prepare a ledger so that it can be served, and end.

    Starts the database, brings it to the newest schema, opens the first key epoch, publishes the
    policy that comes with the program, and makes the first API key. What is there already is left
    as it is, so that the command may be repeated.
    """
    configure_logging("warning")
    prepared = prepare(read_settings())
    lines = [f"{name.replace('_', ' ')}: {value}" for name, value in prepared.document().items()]
    answer({"prepared": prepared.document()}, lines, as_json=as_json)
