"""`pdledger serve`: one service process on a ledger that is prepared."""

from typing import Annotated

import typer

from app.cli.answers import Json
from app.cli.configuration import read_settings, refuse_migration_url
from app.cli.databases import held
from app.cli.foreground import stopping, take_port
from app.cli.serving import serve
from app.cli.welcome import welcome

app = typer.Typer()


@app.command()
def serve_ledger(
    *,
    workers: Annotated[
        bool,
        typer.Option(
            "--workers/--no-workers", help="Keep the registers too, or leave that to `work`."
        ),
    ] = True,
    show_first_key: Annotated[bool, typer.Option("--show-first-key", hidden=True)] = False,
    as_json: Json = False,
) -> None:
    """Run the service in the foreground until it is told to stop (Ctrl-C, SIGTERM).

    The ledger must be prepared: `pdledger up` does both. Any number of service processes may run
    on one ledger, each on a LEDGER_PORT of its own. Refuses to start while LEDGER_MIGRATION_URL is
    set, since a process that answers requests must not be able to change the database's schema.
    """
    refuse_migration_url()
    settings = read_settings()
    if not workers:
        settings = settings.model_copy(update={"workers": False})
    with stopping(), take_port(settings) as taken, held(settings) as hold:
        hold.ensure_started()
        serve(
            settings,
            hold.logins(),
            taken,
            lambda port: welcome(settings, port, new_key=show_first_key, as_json=as_json),
        )
