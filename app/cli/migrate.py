"""`pdledger migrate`: the newest schema, and the first keys. For the deploying login alone."""

import asyncio
from typing import Annotated

import typer

from app.cli.answers import Json, answer
from app.cli.configuration import read_settings
from app.cli.databases import HOME_MODE, deploying_url
from app.cli.epochs import open_first_epoch, open_receipts
from app.cli.logging_setup import configure_logging
from app.store.migrate import current, upgrade

app = typer.Typer()

NewReceiptKey = Annotated[
    bool,
    typer.Option(
        "--new-receipt-key",
        help="Put another key of receipts in force, where the file of the present one is lost.",
    ),
]


@app.command()
def migrate_database(*, new_receipt_key: NewReceiptKey = False, as_json: Json = False) -> None:
    """Bring the database to the newest schema, and open the first keys where there are none.

    They are the key epoch, and the key that signs receipts.

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
        signing = asyncio.run(open_receipts(url, settings.home / "keys", anew=new_receipt_key))
    document = {
        "before": before,
        "after": after,
        "epoch_opened": opened,
        "receipt_key_opened": signing,
    }
    line = f"schema {after}" + (" (as before)" if before == after else f" (was {before})")
    epoch = "first key epoch opened" if opened else "key epoch open already"
    receipts = "receipt key put in force" if signing else "receipt key in force already"
    answer({"migrated": document}, [line, epoch, receipts], as_json=as_json)
