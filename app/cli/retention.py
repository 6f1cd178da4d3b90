"""`pdledger retention`: what is due for destruction today, and carrying it out."""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time
from typing import Annotated, Any, Final

import typer

from app.cli.answers import ExitCode, Json, answer, unavailable
from app.cli.configuration import read_settings, refuse_migration_url
from app.cli.databases import reached
from app.cli.progress import Report, progress
from app.main import open_service
from app.rights.compaction import Compacting
from app.rights.retention import Due, Retaining
from app.settings import Settings
from app.store.connection import Logins, open_pool
from app.store.rewriting import TABLES, Hindrance, Rewriting, free_on_disk

app = typer.Typer(no_args_is_help=True)

DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Only show what is due; nothing is destroyed.")
]
On = Annotated[
    datetime | None,
    typer.Option(
        formats=["%Y-%m-%d"], help="Show what would be due on another day; with --dry-run only."
    ),
]

GiveUp = Annotated[
    bool,
    typer.Option("--give-up", help="Only drop a copy that was begun, and give its room back."),
]
WHY: Final[Mapping[Hindrance, str]] = {
    Hindrance.BUSY: "somebody reads it for long, as `pdledger log verify` or a dump does; the copy"
    " is kept. The workers try again within the hour, or repeat this when that is done.",
    Hindrance.WAITING: "a transaction from before the copy was whole lasts, as that of a dump does;"
    " the copy is kept. The workers try again within the hour, or repeat this when that is done.",
    Hindrance.NO_ROOM: "the disk has no room for a second copy of it; nothing is left of one.",
    Hindrance.UNLIKE: "it has, or refers to, what is not copied, or was altered meanwhile;"
    " nothing is left of the copy.",
    Hindrance.DIFFERS: "the copy was not equal, which is a defect: tell its makers. The table was"
    " not touched.",
}


@app.callback()
def retention() -> None:
    """The periods of the policy: the workers execute them daily, this shows or does it now."""


@app.command("run")
def run_retention(*, dry_run: DryRun = False, on: On = None, as_json: Json = False) -> None:
    """Destroy what was kept to its last day, and close erasures whose day has come.

    Shows people by their id and retention classes, never a value. Ends with 1 when something that
    is due could not be carried out.
    """
    if on is not None and not dry_run:
        raise typer.BadParameter("nothing is destroyed on a day that is not today", param_hint="on")
    refuse_migration_url()
    settings = read_settings()
    with reached(settings) as logins:
        if dry_run:
            day = None if on is None else on.date()
            due = asyncio.run(_due(settings, logins, day))
            answer({"due": [_value(one) for one in due]}, _lines(due), as_json=as_json)
            return
        if logins.eraser is None:
            raise unavailable("eraser-url-missing", "set LEDGER_ERASER_URL to that role's login")
        done = asyncio.run(_run(settings, logins))
    lines = [f"{done['keys']} keys destroyed, {done['closed']} erasures closed."]
    answer({"done": done}, lines, as_json=as_json)
    if done["failed"]:
        raise typer.Exit(ExitCode.NOT_IN_ORDER)


@app.command("compact")
def compact_storage(*, give_up: GiveUp = False, as_json: Json = False) -> None:
    """Write anew the tables that erasure takes rows from, so that the bytes go (E2).

    The workers do it daily. Appends go on; a table is copied beside them, step by step, and takes
    as much room again while that lasts. What was broken off goes on where it stands. Says of how
    many erasures nothing is left in live storage, and how many wait for the write-ahead log to move
    on. Ends with 1 when a table could not be written anew, and says why.
    """
    refuse_migration_url()
    settings = read_settings()
    with reached(settings) as logins:
        if logins.eraser is None:
            raise unavailable("eraser-url-missing", "set LEDGER_ERASER_URL to that role's login")
        if give_up:
            _given_up(asyncio.run(_give_up(logins.eraser)), as_json=as_json)
            return
        with progress("tables", as_json=as_json) as report:
            done = asyncio.run(_compact(settings, logins, report))
    told = (
        f"{done['pending']} erasures had bytes left; {done['assured']} have none any more,"
        f" {done['waiting']} wait for the write-ahead log."
    )
    lines = [told]
    if done["hindered"]:
        lines.append(f"A table was not written anew ({done['hindered']}): {WHY[done['hindered']]}")
    answer({"compacted": done}, lines, as_json=as_json)
    if done["hindered"]:
        raise typer.Exit(ExitCode.NOT_IN_ORDER)


def _given_up(held: list[str], *, as_json: bool) -> None:
    lines = [f"{table} is held by somebody: try again." for table in held]
    answer({"held": held}, lines or ["Nothing is left of a copy."], as_json=as_json)
    if held:
        raise typer.Exit(ExitCode.NOT_IN_ORDER)


async def _compact(settings: Settings, logins: Logins, report: Report) -> dict[str, Any]:
    async with open_service(settings, logins) as service:
        assert service.eraser is not None, "the login was given"
        rewriting = Rewriting(
            service.eraser,
            free=free_on_disk(settings.database_folder),
            told=lambda _table, _phase, done, whole: report(done, whole),
        )
        compacting = Compacting(
            service.ledger, service.control, service.pool, service.eraser, rewriting=rewriting
        )
        done = await compacting.run()
    return {name: getattr(done, name) for name in done.__slots__}


async def _give_up(url: str) -> list[str]:
    """Drops what was copied so far; answers the tables that somebody held."""
    pool = await open_pool(url, size_max=1, application="pdledger-command")
    try:
        rewriting = Rewriting(pool, free=free_on_disk(None))
        return [table for table in TABLES if not await rewriting.abandon(table)]
    finally:
        await pool.close()


async def _due(settings: Settings, logins: Logins, day: date | None) -> list[Due]:
    noon = None if day is None else datetime.combine(day, time(12), tzinfo=UTC)
    async with open_service(settings, logins) as service:
        clock = service.ledger.clock if noon is None else lambda: noon
        retaining = Retaining(service.ledger, service.pool, None, clock=clock)
        return [one async for one in retaining.due()]


async def _run(settings: Settings, logins: Logins) -> dict[str, int]:
    async with open_service(settings, logins) as service:
        done = await Retaining(service.ledger, service.pool, service.eraser).run()
    return {
        "people": done.people,
        "keys": done.keys,
        "closed": done.closed,
        "failed": done.failed,
    }


def _value(due: Due) -> dict[str, Any]:
    return {
        "subject_id": due.subject_id,
        "expired": [
            {"retention_class": one.retention_class, "until": one.until} for one in due.expired
        ],
        "closing": list(due.closing),
    }


def _lines(due: Iterable[Due]) -> Iterable[str]:
    nothing = True
    for person in due:
        for one in person.expired:
            nothing = False
            yield f"{person.subject_id}  {one.retention_class}, kept until {one.until}"
        for erasure in person.closing:
            nothing = False
            yield f"{person.subject_id}  erasure {erasure}, to be closed"
    if nothing:
        yield "Nothing is due."
