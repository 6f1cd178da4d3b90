"""Prepares the roles and the database of the ledger on any PostgreSQL, embedded or supplied."""

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Mapping
from importlib.resources import files

import asyncpg

from app.clock import random_bytes

DATABASE = "ledger"
LOGINS = (
    "ledger_migrator",
    "ledger_app",
    "ledger_eraser",
    "ledger_projector",
    "ledger_integrator",
    "ledger_auditor",
)
_ITERATIONS = 4096


async def prepare_server(
    admin_url: str, secrets: Mapping[str, str], *, database: str = DATABASE
) -> None:
    """Creates roles and database on a server, sets the given passwords; safe to repeat.

    ``admin_url`` is a superuser's and names a database that exists; ``secrets`` maps login roles
    to passwords, of which only SCRAM verifiers are sent. PostgreSQL 15 and newer.
    """
    admin = await asyncpg.connect(admin_url)
    try:
        await admin.execute(statements("roles.sql"))
        for role, secret in secrets.items():
            await admin.execute(f"ALTER ROLE {quoted(role)} PASSWORD '{scram_verifier(secret)}'")
        known = await admin.fetchval("SELECT true FROM pg_database WHERE datname = $1", database)
        if not known:
            await admin.execute(
                f"CREATE DATABASE {quoted(database)} TEMPLATE template0 "
                "ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"
            )
    finally:
        await admin.close()
    await prepare_database(admin_url, database)


async def prepare_database(admin_url: str, database: str) -> None:
    """Gives one database to the owner and closes it to everybody but the roles of the ledger."""
    admin = await asyncpg.connect(admin_url, database=database)
    try:
        await admin.execute(statements("database.sql"))
    finally:
        await admin.close()


def statements(file: str) -> str:
    """The text of one of the SQL files beside this module."""
    return files("app.store").joinpath(file).read_text(encoding="utf-8")


def quoted(name: str) -> str:
    """An SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def scram_verifier(secret: str) -> str:
    """What PostgreSQL stores for a password (RFC 5803), so that the password itself is not sent."""
    salt = random_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", secret.encode(), salt, _ITERATIONS)
    client = hmac.digest(salted, b"Client Key", "sha256")
    stored = hashlib.sha256(client).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    parts = (b64encode(part).decode() for part in (salt, stored, server))
    return "SCRAM-SHA-256${}:{}${}:{}".format(_ITERATIONS, *parts)
