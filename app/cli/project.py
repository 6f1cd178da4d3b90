"""`pdledger project`: the registers derived from the log: where they stand, making them anew."""

import asyncio
import os
from collections.abc import Iterable
from dataclasses import asdict
from typing import Annotated, Any

import typer

from app.cli.answers import ExitCode, Json, answer, refused, unavailable
from app.cli.configuration import MIGRATION_VARIABLE, read_settings
from app.cli.databases import deploying_url, reached
from app.cli.progress import progress
from app.cli.state import reach
from app.projections import PROJECTIONS, projection_named
from app.projections.digest import digest
from app.projections.engine import Progress, rebuild
from app.projections.positions import Status, status
from app.projections.projection import Projection
from app.projections.restore import restore
from app.settings import Settings
from app.store.connection import Logins, open_pool

app = typer.Typer(no_args_is_help=True)

Names = Annotated[
    list[str] | None,
    typer.Argument(help="Which of them, as `sharing_register`; all of them when none is named."),
]


@app.callback()
def projections() -> None:
    """The registers that are derived from the log: current profiles, and who received what.

    They hold no personal data, only what is needed to find it, and can be made anew at any time.
    """


@app.command("status")
def show_status(*, as_json: Json = False) -> None:
    """Show how far each register has read the log. Ends with 1 when one is behind."""
    with reached(read_settings()) as logins:
        standing = asyncio.run(_status(logins))
    document = [{**asdict(one), "lag": one.lag} for one in standing]
    answer({"projections": document}, map(_line, standing), as_json=as_json)
    if any(one.lag for one in standing):
        raise typer.Exit(ExitCode.NOT_IN_ORDER)


@app.command("rebuild")
def rebuild_projections(names: Names = None, *, as_json: Json = False) -> None:
    """Empty the registers and read the whole log into them again, while the service runs.

    Answers a digest of each: the same log gives the same digest, whoever rebuilds it. Tables that
    were dropped are made again; on a server that takes the login in LEDGER_MIGRATION_URL.
    """
    known = [projection.name for projection in PROJECTIONS]
    unknown = sorted(set(names or []) - set(known))
    if unknown:
        raise refused("projection-unknown", f"there is no {unknown[0]}; there are: {known}")
    settings = read_settings()
    with reached(settings) as logins:
        url = _projector(logins)
        _restore(settings)
        rebuilt = []
        for name in names or known:
            with progress(name, as_json=as_json) as report:
                rebuilt.append(asyncio.run(_rebuild(url, projection_named(name), report)))
    answer({"rebuilt": rebuilt}, _rebuilt_lines(rebuilt), as_json=as_json)


def _restore(settings: Settings) -> None:
    """Makes dropped tables again, where this process may; without any, it changes nothing."""
    if settings.database_url is None or MIGRATION_VARIABLE in os.environ:
        with deploying_url(settings) as url:
            asyncio.run(restore(url, PROJECTIONS))


async def _status(logins: Logins) -> tuple[Status, ...]:
    await (await reach(logins.application)).close()
    pool = await open_pool(logins.application, size_max=1, application="pdledger-command")
    try:
        return await status(pool, PROJECTIONS)
    finally:
        await pool.close()


async def _rebuild(url: str, projection: Projection, report: Progress) -> dict[str, Any]:
    connection = await reach(url)
    try:
        await rebuild(connection, projection, progress=report)
        made = await digest(connection, projection)
    finally:
        await connection.close()
    return {"name": projection.name, "position": made.position, "sha256": made.sha256}


def _projector(logins: Logins) -> str:
    if logins.projector is None:
        raise unavailable("projector-url-missing", "set LEDGER_PROJECTOR_URL to that role's login")
    return logins.projector


def _line(one: Status) -> str:
    behind = f"{one.lag} events behind" if one.lag else "up to date"
    return f"{one.name}: at position {one.position} of {one.head}, {behind}"


def _rebuilt_lines(rebuilt: Iterable[dict[str, Any]]) -> Iterable[str]:
    for one in rebuilt:
        yield f"{one['name']}: rebuilt to position {one['position']}, digest {one['sha256']}"
