"""The first API key of an installation, and the secret of the webhook receiver: made once, kept."""

import base64
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import asyncpg

from app.auth import LIFETIME_MAX, Scope, new_key, parse_key
from app.cli.answers import unavailable
from app.cli.private_files import is_private, write_private
from app.clock import random_bytes
from app.settings import Settings

FIRST_KEY_NAME: Final = "first key"
SECRET_SIZE_BYTES: Final = 32

ADD_SQL: Final = "SELECT ledger.ledger_client_add($1, $2, $3, $4, $5, $6)"


class FirstKey(StrEnum):
    """What became of the first key."""

    MADE = "made"
    KEPT = "kept"
    ELSEWHERE = "elsewhere"
    """There are keys, but the file was moved away; nobody gets another one unasked."""


@dataclass(frozen=True, slots=True)
class Client:
    """A tool that is to have a key."""

    name: str
    scopes: tuple[str, ...]
    expires_at: datetime
    system: str | None = None


async def ensure_first_key(
    connection: "asyncpg.Connection[Any]", file: Path, now: datetime
) -> FirstKey:
    """Makes the key, or enters the one of the file into a database that does not know it.

    The file comes first: a crash in between leaves a key that the next call enters.
    """
    kept = _kept_key(file)
    if kept is None:
        if await connection.fetchval("SELECT true FROM ledger.clients LIMIT 1"):
            return FirstKey.ELSEWHERE
        kept = new_key().text
        write_private(file, kept + "\n")
    parsed = parse_key(kept)
    if parsed is None:
        raise unavailable("first-key-damaged", f"{file} does not hold an API key; remove it")
    known = await connection.fetchval(
        "SELECT true FROM ledger.clients WHERE client_id = $1", parsed[0]
    )
    if known:
        return FirstKey.KEPT
    scopes = tuple(scope.value for scope in Scope)
    await add_client(connection, *parsed, Client(FIRST_KEY_NAME, scopes, now + LIFETIME_MAX))
    return FirstKey.MADE


async def add_client(
    connection: "asyncpg.Connection[Any]", client_id: str, secret_hash: bytes, client: Client
) -> None:
    """Enters a key by the hash of its secret; the key itself is nowhere in the database."""
    await connection.execute(
        ADD_SQL,
        client_id,
        client.name,
        secret_hash,
        list(client.scopes),
        client.system,
        client.expires_at,
    )


def _kept_key(file: Path) -> str | None:
    return file.read_text().strip() if file.exists() else None


def webhook_secret_file(settings: Settings) -> Path:
    """Where the path secret of the Mailchimp receiver lies."""
    given = settings.webhook_mailchimp_secret_file
    return given or settings.home / "secrets" / "webhook-mailchimp"


def ensure_webhook_secret(settings: Settings) -> None:
    """Makes the path secret unless there is one; a file that the operator names is theirs."""
    file = webhook_secret_file(settings)
    if settings.webhook_mailchimp_secret_file is not None:
        if not file.exists():
            raise unavailable("webhook-secret-missing", f"there is no file {file}")
        return
    if not file.exists():
        secret = base64.urlsafe_b64encode(random_bytes(SECRET_SIZE_BYTES)).rstrip(b"=")
        write_private(file, secret.decode() + "\n")
    if not is_private(file):
        raise unavailable("webhook-secret-readable", f"{file} is readable by others; chmod 600 it")
