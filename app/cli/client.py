"""`pdledger client`: the API keys of the tools that call the service (security.md S3)."""

import asyncio
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

import typer

from app.auth import LIFETIME_MAX, NewKey, Scope, new_key
from app.cli.answers import CommandFailed, ExitCode, Json, answer, refused
from app.cli.configuration import read_settings
from app.cli.databases import reached
from app.cli.first_key import Client, add_client
from app.cli.state import reach
from app.clock import system_clock
from app.policy.loader import load
from app.values import replace

app = typer.Typer(no_args_is_help=True)

NAME_LENGTH_MAX: Final = 80

Name = Annotated[
    str, typer.Argument(help="What the tool is called, as `registration form`; never a person.")
]
Scopes = Annotated[
    list[Scope],
    typer.Option(
        "--scope",
        metavar="SCOPE",
        help=f"One thing that the key may do; repeat it for more. One of: {', '.join(Scope)}.",
    ),
]
System = Annotated[
    str | None,
    typer.Option(help="The source in the policy that this tool is; the key writes for no other."),
]
Days = Annotated[
    int,
    typer.Option(
        "--expires-days", min=1, max=LIFETIME_MAX.days, help="Days until the key stops working."
    ),
]
ClientId = Annotated[str, typer.Argument(help="The id of the key, as `client list` shows it.")]

LIST_SQL: Final = """
SELECT client_id, name, scopes, system, created_at, expires_at, revoked_at
  FROM ledger.clients ORDER BY created_at, client_id
"""
POLICY_SQL: Final = "SELECT structure FROM ledger.policies ORDER BY published_at DESC LIMIT 1"


@app.callback()
def clients() -> None:
    """API keys of the tools that call the service: make, list and revoke them.

    A key belongs to one tool, lasts at most a year, and can do only what its scopes name.
    """


@app.command("add")
def add(
    name: Name,
    *,
    scope: Scopes,
    system: System = None,
    expires_days: Days = LIFETIME_MAX.days,
    as_json: Json = False,
) -> None:
    """Make an API key. It is shown this once; the database holds a hash of it."""
    if not (name.isprintable() and 0 < len(name.strip()) <= NAME_LENGTH_MAX):
        raise CommandFailed(
            ExitCode.USAGE, "name-unusable", f"a name has 1 to {NAME_LENGTH_MAX} printable letters"
        )
    key = new_key()
    scopes = tuple(sorted({one.value for one in scope}))
    expires = system_clock() + timedelta(days=expires_days)
    client = Client(name.strip(), scopes, expires, system)
    with reached(read_settings()) as logins:
        added = asyncio.run(_add(logins.application, key, client))
    document = {
        "client_id": key.client_id,
        "key": key.text,
        "scopes": scopes,
        "system": added.system,
        "expires_at": _written(expires),
    }
    lines = [
        key.text,
        "",
        f"This is the only time that the key is shown. Its id is {key.client_id}.",
        f"It stops working on {expires.date()}. It may: {', '.join(scopes)}.",
        *_subscribing(scopes, key),
    ]
    answer({"client": document}, lines, as_json=as_json)


def _subscribing(scopes: tuple[str, ...], key: NewKey) -> Iterable[str]:
    """Where a calendar reads what is due, for a key that opens nothing else."""
    if scopes == (Scope.CALENDAR_READ.value,):
        yield f"A calendar subscribes to https://<your service>/calendars/{key.text}"
        yield "Whoever has this address can read the calendar: give it to nobody else."


@app.command("revoke")
def revoke(client_id: ClientId, *, as_json: Json = False) -> None:
    """Revoke an API key: every running service refuses it from now on."""
    with reached(read_settings()) as logins:
        revoked = asyncio.run(_revoke(logins.application, client_id))
    if not revoked:
        raise refused("client-unknown", "there is no key of this id that is not revoked already")
    answer({"revoked": client_id}, [f"{client_id} is revoked."], as_json=as_json)


@app.command("list")
def list_clients(*, as_json: Json = False) -> None:
    """List the API keys: what each may do and how long; never the keys themselves."""
    with reached(read_settings()) as logins:
        listed = asyncio.run(_list(logins.application))
    answer({"clients": listed}, _lines(listed), as_json=as_json)


async def _add(url: str, key: NewKey, client: Client) -> Client:
    """The client as it was entered: its source by the key that the policy has for it."""
    connection = await reach(url)
    try:
        if client.system is not None:
            structure = await connection.fetchval(POLICY_SQL)
            source = load(structure).source(client.system) if structure else None
            if source is None:
                raise refused("system-unknown", "the published policy names no such source")
            client = replace(client, system=source.key)
        await add_client(connection, key.client_id, key.secret_hash, client)
    finally:
        await connection.close()
    return client


async def _revoke(url: str, client_id: str) -> bool:
    connection = await reach(url)
    try:
        return bool(await connection.fetchval("SELECT ledger.ledger_client_revoke($1)", client_id))
    finally:
        await connection.close()


async def _list(url: str) -> list[dict[str, Any]]:
    connection = await reach(url)
    try:
        rows = await connection.fetch(LIST_SQL)
    finally:
        await connection.close()
    now = system_clock()
    return [
        {
            "client_id": row["client_id"],
            "name": row["name"],
            "state": _state(row["revoked_at"], row["expires_at"], now),
            "scopes": row["scopes"],
            "system": row["system"],
            "created_at": _written(row["created_at"]),
            "expires_at": _written(row["expires_at"]),
        }
        for row in rows
    ]


def _state(revoked_at: datetime | None, expires_at: datetime, now: datetime) -> str:
    if revoked_at is not None:
        return "revoked"
    return "expired" if expires_at <= now else "valid"


def _written(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def _lines(listed: Iterable[dict[str, Any]]) -> Iterable[str]:
    for one in listed:
        system = f", for {one['system']} alone" if one["system"] else ""
        yield f"{one['client_id']}  {one['state']:<8} until {one['expires_at'][:10]}  {one['name']}"
        yield f"              {', '.join(one['scopes'])}{system}"
