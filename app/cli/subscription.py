"""`pdledger subscription`: who has the feed sent to them, and whose a subscription is (A18)."""

import asyncio
from collections.abc import Iterable
from typing import Annotated, Any, Final
from uuid import UUID

import typer

from app.cli.answers import Json, answer, refused
from app.cli.configuration import read_settings
from app.cli.databases import reached
from app.cli.state import reach

app = typer.Typer(no_args_is_help=True)

LIST_SQL: Final = """
SELECT s.subscription_id, s.client_id, c.name AS client, s.state, s.disabled_for, s.types,
       s.position, s.attempts, s.delivered_at,
       c.revoked_at IS NULL AND c.expires_at > clock_timestamp() AS key_valid
  FROM ledger.subscriptions s LEFT JOIN ledger.clients c ON c.client_id = s.client_id
 ORDER BY s.created_at, s.subscription_id
"""
# Whoever delivers to it at this moment loses the claim, and begins again for the new owner.
ASSIGN_SQL: Final = """
UPDATE ledger.subscriptions
   SET client_id = c.client_id, version = version + 1, claim = NULL, claimed_until = NULL
  FROM ledger.clients c
 WHERE subscription_id = $1 AND c.client_id = $2 AND c.revoked_at IS NULL
   AND c.expires_at > clock_timestamp()
   AND c.scopes @> ARRAY['events:read', 'subscriptions:manage']
"""

SubscriptionId = Annotated[UUID, typer.Argument(help="As `subscription list` shows it.")]
ClientId = Annotated[
    str, typer.Argument(help="The key that follows, with events:read and subscriptions:manage.")
]


@app.callback()
def subscriptions() -> None:
    """Subscriptions to the feed: list them, and give them to the key that follows another.

    A subscription belongs to one API key; when that is revoked or expires, nothing is sent.
    """


@app.command("list")
def list_subscriptions(*, as_json: Json = False) -> None:
    """List the subscriptions and how far each has come; address and keys are never shown."""
    with reached(read_settings()) as logins:
        listed = asyncio.run(_list(logins.application))
    answer({"subscriptions": listed}, _lines(listed), as_json=as_json)


@app.command("assign")
def assign(subscription_id: SubscriptionId, client_id: ClientId, *, as_json: Json = False) -> None:
    """Give a subscription to another key, as before the old one expires; nothing is left out."""
    with reached(read_settings()) as logins:
        assigned = asyncio.run(_assign(logins.application, subscription_id, client_id))
    if not assigned:
        raise refused(
            "subscription-not-assigned",
            "there is no such subscription, or no valid key of that id with both scopes",
        )
    document = {"subscription_id": str(subscription_id), "client_id": client_id}
    answer({"assigned": document}, [f"It belongs to {client_id}."], as_json=as_json)


async def _list(url: str) -> list[dict[str, Any]]:
    connection = await reach(url)
    try:
        rows = await connection.fetch(LIST_SQL)
    finally:
        await connection.close()
    return [
        {
            **dict(row),
            "subscription_id": str(row["subscription_id"]),
            "delivered_at": row["delivered_at"]
            and row["delivered_at"].isoformat(timespec="seconds"),
        }
        for row in rows
    ]


async def _assign(url: str, subscription_id: UUID, client_id: str) -> bool:
    connection = await reach(url)
    try:
        done = await connection.execute(ASSIGN_SQL, subscription_id, client_id)
    finally:
        await connection.close()
    return bool(done == "UPDATE 1")


def _lines(listed: Iterable[dict[str, Any]]) -> Iterable[str]:
    for one in listed:
        why = f" ({one['disabled_for']})" if one["disabled_for"] else ""
        key = "" if one["key_valid"] else ", whose key is no longer valid"
        yield f"{one['subscription_id']}  {one['state']}{why}, delivered up to {one['position']}"
        yield f"    of {one['client_id']} ({one['client']}){key}"
        yield f"    {', '.join(one['types']) or 'every type'}"
