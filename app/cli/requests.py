"""`pdledger requests`: who waits for an answer, and how one request stands (Art. 12)."""

from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Final
from uuid import UUID

import httpx
import typer

from app.cli.answers import Json, answer
from app.cli.configuration import read_settings
from app.cli.service_client import KeyFile, Url, connected, require, target

app = typer.Typer(no_args_is_help=True)

PURPOSE: Final = {"purpose": "rights_requests"}

Every = Annotated[
    bool, typer.Option("--all", help="Those that were answered as well, in their order.")
]
RequestId = Annotated[UUID, typer.Argument(help="As `requests list` shows it.")]


@app.callback()
def requests() -> None:
    """Rights requests and their deadlines, from the running service.

    People appear by their id. What is looked at is recorded, as every reading is.
    """


@app.command("list")
def list_requests(
    *, every: Every = False, url: Url = None, key_file: KeyFile = None, as_json: Json = False
) -> None:
    """List who waits for an answer, the nearest day first."""
    with connected(target(read_settings(), url, key_file)) as client:
        if every:
            rows = list(_pages(client, "/v1/rights-requests"))
        else:
            rows = list(_pages(client, "/v1/deadlines", kind="rights_request"))
    answer({"requests": rows}, _rows(rows), as_json=as_json)


@app.command("show")
def show_request(
    request: RequestId, *, url: Url = None, key_file: KeyFile = None, as_json: Json = False
) -> None:
    """Show how a request stands, when it is due and why then, and what to do next.

    What was written in it is shown with --json only.
    """
    with connected(target(read_settings(), url, key_file)) as client:
        shown = require(client.get(f"/v1/rights-requests/{request}", headers=PURPOSE))
    answer({"request": shown}, _lines(shown), as_json=as_json)


def _pages(client: httpx.Client, path: str, **query: str) -> Iterator[dict[str, Any]]:
    cursor: dict[str, str] = {}
    while True:
        page = require(client.get(path, params={**query, **cursor}, headers=PURPOSE))
        yield from page["items"]
        if page["next"] is None:
            return
        cursor = {"cursor": page["next"]}


def _rows(rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    nothing = True
    for row in rows:
        nothing = False
        left = "closed" if row["days_left"] is None else f"{row['days_left']} days left"
        status = row.get("status") or row.get("what")
        key = row.get("request") or row.get("matter")
        yield f"{key}  {row['due_on']}  {left}  {row['right']}, {status}"
    if nothing:
        yield "Nobody waits for an answer."


def _lines(shown: dict[str, Any]) -> Iterator[str]:
    deadline, identity = shown["deadline"], shown["identity"]
    whose = shown["subject_id"] or "somebody who is not known"
    yield f"{shown['right']} of {whose}, by {shown['channel']}: {shown['status']}"
    yield f"  received {deadline['received_on']}, due {deadline['due_on']}{_left(deadline)}"
    for rest in deadline["moved_over"]:
        yield f"  not {rest['on']}: {rest['why']}"
    if deadline["extended"]:
        yield f"  extended; aim at {deadline['target_on']}"
    if deadline["paused"]:
        yield "  the clock stands: the person was asked who they are"
    if identity["warning"]:
        yield "  ... for more than a month"
    for task in shown["tasks"]:
        what = f"{task['kind']} {task['recipient'] or ''}".strip()
        yield f"  task {task['task']}: {what}, {task['outcome'] or 'open'}"
    if shown["next"]:
        yield f"  next: {shown['next']}"


def _left(deadline: dict[str, Any]) -> str:
    if deadline["days_left"] is None:
        return ""
    return f", {deadline['days_left']} days left ({deadline['urgency']})"
