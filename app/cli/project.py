"""`pdledger project`: the registers derived from the log: where they stand, making them anew."""

import asyncio
from dataclasses import asdict
from typing import Annotated, Any

import typer
import uvloop

from app.cli.answers import ExitCode, Json, answer, refused, unavailable
from app.cli.configuration import read_settings
from app.cli.databases import reached
from app.cli.progress import progress
from app.cli.state import reach
from app.projections import PROJECTIONS, projection_named
from app.projections.comparison import NothingServes, compare
from app.projections.cut_over import NothingKept, roll_back
from app.projections.digest import digest
from app.projections.pages import Connection
from app.projections.parking import redrive
from app.projections.positions import Status, status
from app.projections.projection import Projection
from app.projections.rebuild import Progress, rebuild
from app.store.connection import Logins, open_pool

app = typer.Typer(no_args_is_help=True)

Names = Annotated[
    list[str] | None,
    typer.Argument(help="Which of them, as `sharing_register`; all of them when none is named."),
]

Name = Annotated[str, typer.Argument(help="Which one, as `sharing_register`.")]
Workers = Annotated[
    int, typer.Option(min=1, max=64, help="Processes that read the log at the same time.")
]


@app.callback()
def projections() -> None:
    """The registers that are derived from the log: current profiles, and who received what.

    They hold no personal data, only what is needed to find it, and can be made anew at any time.
    """


@app.command("status")
def show_status(*, as_json: Json = False) -> None:
    """Show how far each register has read the log. Ends with 1 when one is behind or has parked."""
    with reached(read_settings()) as logins:
        standing = asyncio.run(_status(logins))
    document = [{**asdict(one), "lag": one.lag} for one in standing]
    answer({"projections": document}, map(_line, standing), as_json=as_json)
    if any(one.lag or one.parked for one in standing):
        raise typer.Exit(ExitCode.NOT_IN_ORDER)


@app.command("rebuild")
def rebuild_projections(
    names: Names = None, *, workers: Workers = 1, as_json: Json = False
) -> None:
    """Read the whole log into new tables beside those that serve, then let the new ones serve.

    Killed, it goes on where it was when it is called again. The old tables are kept for
    `rollback`. Answers a digest of each: the same log gives the same digest, whoever rebuilds it.
    """
    chosen = _chosen(names)
    with reached(read_settings()) as logins:
        url = _projector(logins)
        with progress("rebuild", as_json=as_json) as report:
            rebuilt = uvloop.run(_rebuild(url, chosen, workers, report))
    answer({"rebuilt": rebuilt}, map(_digest_line, rebuilt), as_json=as_json)


@app.command("compare")
def compare_projections(
    names: Names = None, *, workers: Workers = 1, as_json: Json = False
) -> None:
    """Prove that what serves equals a rebuild, slice by slice. Ends with 1 when it does not.

    Compares with the tables kept from before; where there are none, with new ones made for it.
    """
    chosen = _chosen(names)
    with reached(read_settings()) as logins:
        url = _projector(logins)
        with progress("rebuild to compare with", as_json=as_json) as report:
            compared = uvloop.run(_compare(url, chosen, workers, report))
    answer({"compared": compared}, map(_compared_line, compared), as_json=as_json)
    if any(one["slices_differing"] for one in compared):
        raise typer.Exit(ExitCode.NOT_IN_ORDER)


@app.command("rollback")
def roll_back_projection(name: Name, *, as_json: Json = False) -> None:
    """Let the tables serve again that served before the last rebuild, once they caught up."""
    [projection] = _chosen([name])
    with reached(read_settings()) as logins:
        back = asyncio.run(_roll_back(_projector(logins), projection))
    answer({"rolled_back": back}, [_digest_line(back)], as_json=as_json)


@app.command("redrive")
def redrive_projections(names: Names = None, *, as_json: Json = False) -> None:
    """Try again with people whose events could not be read. Ends with 1 when some stay parked."""
    chosen = _chosen(names)
    with reached(read_settings()) as logins:
        redriven = asyncio.run(_redrive(_projector(logins), chosen))
    lines = (
        f"{one['name']}: {one['released']} released, {one['parked']} parked" for one in redriven
    )
    answer({"redriven": redriven}, lines, as_json=as_json)
    if any(one["parked"] for one in redriven):
        raise typer.Exit(ExitCode.NOT_IN_ORDER)


def _chosen(names: list[str] | None) -> tuple[Projection, ...]:
    known = [projection.name for projection in PROJECTIONS]
    unknown = sorted(set(names or []) - set(known))
    if unknown:
        told = f"there is no {unknown[0]}; there are: {', '.join(known)}"
        raise refused("projection-unknown", told)
    return tuple(projection_named(name) for name in dict.fromkeys(names or known))


async def _status(logins: Logins) -> tuple[Status, ...]:
    await (await reach(logins.application)).close()
    pool = await open_pool(logins.application, size_max=1, application="pdledger-command")
    try:
        return await status(pool, PROJECTIONS)
    finally:
        await pool.close()


async def _rebuild(
    url: str, chosen: tuple[Projection, ...], workers: int, report: Progress
) -> list[dict[str, Any]]:
    connection = await reach(url)
    try:
        await rebuild(url, chosen, workers=workers, progress=report)
        return [await _digest(connection, projection) for projection in chosen]
    finally:
        await connection.close()


async def _compare(
    url: str, chosen: tuple[Projection, ...], workers: int, report: Progress
) -> list[dict[str, Any]]:
    await (await reach(url)).close()
    compared = []
    for projection in chosen:
        try:
            found = await compare(url, projection, workers=workers, progress=report)
        except NothingServes:
            raise refused("projection-empty", f"{projection.name} never ran here") from None
        compared.append(
            {
                "name": projection.name,
                "position": found.serving.position,
                "with": "kept" if found.with_kept else "rebuilt",
                "sha256": found.serving.sha256,
                "sha256_other": found.other.sha256,
                "slices_differing": list(found.differing),
            }
        )
    return compared


async def _roll_back(url: str, projection: Projection) -> dict[str, Any]:
    connection = await reach(url)
    try:
        await roll_back(connection, projection)
        return await _digest(connection, projection)
    except NothingKept:
        raise refused("nothing-kept", f"no former build of {projection.name} is kept") from None
    finally:
        await connection.close()


async def _redrive(url: str, chosen: tuple[Projection, ...]) -> list[dict[str, Any]]:
    connection = await reach(url)
    try:
        return [
            {"name": projection.name, **asdict(await redrive(connection, projection))}
            for projection in chosen
        ]
    finally:
        await connection.close()


async def _digest(connection: Connection, projection: Projection) -> dict[str, Any]:
    made = await digest(connection, projection)
    return {"name": projection.name, "position": made.position, "sha256": made.sha256}


def _projector(logins: Logins) -> str:
    if logins.projector is None:
        raise unavailable("projector-url-missing", "set LEDGER_PROJECTOR_URL to that role's login")
    return logins.projector_direct or logins.projector


def _line(one: Status) -> str:
    behind = f"{one.lag} events behind" if one.lag else "up to date"
    parked = f", {one.parked} people parked" if one.parked else ""
    building = ""
    if one.rebuilding is not None:
        building = f", rebuilding: {one.rebuilding.read} of {one.rebuilding.events} events"
    return f"{one.name}: at position {one.position} of {one.head}, {behind}{parked}{building}"


def _digest_line(one: dict[str, Any]) -> str:
    return f"{one['name']}: serves at position {one['position']}, digest {one['sha256']}"


def _compared_line(one: dict[str, Any]) -> str:
    differing = len(one["slices_differing"])
    found = f"{differing} of 1024 slices differ" if differing else "equal"
    return f"{one['name']}: at position {one['position']}, with what was {one['with']}: {found}"
