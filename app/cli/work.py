"""`pdledger work`: the loops beside the API, in a process of their own."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import typer
import uvloop

from app.cli.answers import Json, answer, unavailable
from app.cli.configuration import read_settings, refuse_migration_url
from app.cli.databases import held
from app.cli.figures import figures_served
from app.cli.foreground import STOP_SIGNALS, stopping, take
from app.cli.logging_setup import configure_logging
from app.main import open_service, working
from app.service import Service
from app.settings import Settings
from app.store.connection import Logins
from app.store.log_standing import LogTakenBack, TakenBack
from app.workers import prove_witnessed, watching

app = typer.Typer()


@app.command()
def work_beside(*, as_json: Json = False) -> None:
    """Keep the registers up to date without answering requests, until told to stop.

    `serve` does this too unless it is given --no-workers; any number of either may run side by
    side. With LEDGER_WORK_METRICS_PORT it serves its figures. Refuses to start while
    LEDGER_MIGRATION_URL is set.
    """
    refuse_migration_url()
    settings = read_settings().model_copy(update={"workers": True})
    configure_logging(settings.log_level)
    with stopping(), held(settings) as hold:
        hold.ensure_started()
        logins = hold.logins()
        if logins.projector is None:
            raise unavailable(
                "projector-url-missing", "set LEDGER_PROJECTOR_URL to that role's login"
            )
        uvloop.run(_work(settings, logins, _listener(settings), as_json=as_json))


def _listener(settings: Settings) -> socket.socket | None:
    if settings.work_metrics_port is None:
        return None
    return take(
        settings.work_metrics_host,
        settings.work_metrics_port,
        variable="LEDGER_WORK_METRICS_PORT",
    )


@asynccontextmanager
async def _witnessed(service: Service) -> AsyncIterator[None]:
    """Nothing is worked at on a log that a witness contradicts."""
    await prove_witnessed(service)
    yield


async def _work(
    settings: Settings, logins: Logins, taken: socket.socket | None, *, as_json: bool
) -> None:
    told = asyncio.Event()
    taken_back: list[TakenBack] = []

    async def refuse(found: TakenBack) -> None:
        taken_back.append(found)
        told.set()

    loop = asyncio.get_running_loop()
    for number in STOP_SIGNALS:
        loop.add_signal_handler(signal.Signals(number), told.set)
    async with (
        open_service(settings, logins) as service,
        _witnessed(service),
        working(settings, logins, service),
        watching(service, settings.home / "keys", refuse),
        figures_served(settings, service, taken) as metrics,
    ):
        told_of = {} if metrics is None else {"metrics": metrics}
        lines = [f"Figures: {metrics}" for _ in told_of]
        answer(
            {"working": True, **told_of},
            ["The registers are kept. Ctrl-C stops it.", *lines],
            as_json=as_json,
        )
        await told.wait()
    for found in taken_back:
        raise LogTakenBack(found)
