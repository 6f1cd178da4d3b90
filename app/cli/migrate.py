"""`pdledger migrate`: the newest schema, and the first key epoch. For the deploying login alone."""

import asyncio

import typer

from app.cli.answers import Json, answer
from app.cli.configuration import read_settings
from app.cli.databases import HOME_MODE, deploying_url
from app.cli.epochs import open_first_epoch
from app.cli.logging_setup import configure_logging
from app.store.migrate import current, upgrade

app = typer.Typer()


@app.command()
def migrate_database(*, as_json: Json = False) -> None:
    """Bring the database to the newest schema, and open the first key epoch where there is none.

    Uses the login in LEDGER_MIGRATION_URL, or our own database under LEDGER_HOME where
    LEDGER_DATABASE_URL is not set. Repeating it changes nothing.
    """
    configure_logging("warning")
    settings = read_settings()
    settings.home.mkdir(mode=HOME_MODE, parents=True, exist_ok=True)
    with deploying_url(settings) as url:
        before = asyncio.run(current(url))
        after = asyncio.run(upgrade(url))
        opened = asyncio.run(open_first_epoch(url, settings.home / "keys"))
    document = {"before": before, "after": after, "epoch_opened": opened}
    line = f"schema {after}" + (" (as before)" if before == after else f" (was {before})")
    epoch = "first key epoch opened" if opened else "key epoch open already"
    answer({"migrated": document}, [line, epoch], as_json=as_json)
