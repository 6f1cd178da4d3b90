"""`pdledger erase`: what an erasure would do, and the erasure itself (Art. 17 GDPR)."""

from collections.abc import Iterable
from typing import Annotated, Any, Final
from uuid import UUID

import httpx
import typer

from app.cli.answers import CommandFailed, ExitCode, Json, answer
from app.cli.configuration import read_settings
from app.cli.service_client import KeyFile, Url, connected, require, target
from app.clock import random_id

app = typer.Typer()

SOURCE: Final = "secretariat"

Subject = Annotated[UUID, typer.Argument(help="The id of the person's record.")]
Purposes = Annotated[
    list[str] | None, typer.Option("--purpose", help="Only data held for this purpose; repeatable.")
]
Categories = Annotated[
    list[str] | None, typer.Option("--category", help="Only data of this category; repeatable.")
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Show what would happen, and record nothing.")
]
Yes = Annotated[bool, typer.Option("--yes", help="Erase without asking: for programs.")]
Source = Annotated[str, typer.Option(help="The source in the policy that the request came to.")]


@app.command()
def erase_person(
    subject_id: Subject,
    *,
    purpose: Purposes = None,
    category: Categories = None,
    source: Source = SOURCE,
    dry_run: DryRun = False,
    yes: Yes = False,
    url: Url = None,
    key_file: KeyFile = None,
    as_json: Json = False,
) -> None:
    """Erase a person's data, all of it or that of some purposes or categories.

    First shows what goes, what must stay until when and why, and which recipients have to be told;
    then asks. What is erased cannot be brought back by anybody.
    """
    extent = {"purposes": purpose or [], "categories": category or []}
    with connected(target(read_settings(), url, key_file)) as client:
        plan = _preview(client, subject_id, extent)
        if dry_run:
            answer({"plan": plan}, _plan_lines(plan), as_json=as_json)
            return
        _confirm(plan, yes=yes, as_json=as_json)
        order = {"source": source, **extent}
        headers = {"idempotency-key": str(random_id())}
        carried = require(
            client.post(f"/v1/subjects/{subject_id}/erasure", json=order, headers=headers)
        )
    answer({"erasure": carried["erasure"]}, _done_lines(carried["erasure"]), as_json=as_json)


def _preview(client: httpx.Client, subject_id: UUID, extent: dict[str, list[str]]) -> Any:
    parameters = {"purpose": extent["purposes"], "category": extent["categories"]}
    path = f"/v1/subjects/{subject_id}/erasure/preview"
    return require(client.get(path, params=parameters))


def _confirm(plan: dict[str, Any], *, yes: bool, as_json: bool) -> None:
    if yes:
        return
    if as_json:
        raise CommandFailed(
            ExitCode.USAGE, "not-confirmed", "an erasure without a question needs --yes"
        )
    for line in _plan_lines(plan):
        typer.echo(line)
    if not typer.confirm("Erase this for good?"):
        raise CommandFailed(ExitCode.REFUSED, "not-confirmed", "nothing was erased")


def _plan_lines(plan: dict[str, Any]) -> Iterable[str]:
    extent = "all data of the person" if plan["of_everything"] else "a part of the data"
    yield f"An erasure of {extent}:"
    for one in plan["erased"]:
        yield f"  goes    {one['title']}: {len(one['categories'])} categories"
    for one in plan["retained"]:
        until = one["until"] or one["criteria"] or "no date"
        reason = one["norm"] or one["ground"] or one["exemption"]
        yield f"  stays   {one['title']}, until {until} ({reason})"
    for one in plan["recipients_to_tell"]:
        yield f"  to tell {one.get('title') or one.get('recipient')}"
    if not plan["erased"]:
        yield "  nothing would go"


def _done_lines(erasure: dict[str, Any]) -> Iterable[str]:
    yield f"Erasure {erasure['erasure']}: {erasure['stage']}."
    for one in erasure["erased"]:
        yield f"  unreadable now: {one['title']}"
    for one in erasure["retained"]:
        yield f"  kept apart: {one['title']}, until {one['until'] or one['criteria'] or 'no date'}"
    waiting = [one for one in erasure["recipients"] if one["outcome"] is None]
    if waiting:
        yield f"  {len(waiting)} recipients have to be told by {erasure['close_by']}"
