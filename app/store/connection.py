"""Connections to PostgreSQL for the hot paths: asyncpg, without the pool's reset query."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import asyncpg

if TYPE_CHECKING:  # generic in its stubs only
    _Connection = asyncpg.Connection[Any]
else:
    _Connection = asyncpg.Connection


class LedgerConnection(_Connection):
    """A connection that holds no session state, so that giving it back needs no round trip.

    The pool's reset query cost 18 to 38 % of the requests a second. Nothing here may SET, LISTEN
    or take a session lock on a pooled connection.
    """

    def get_reset_query(self) -> str:
        """Nothing to reset."""
        return ""


async def connect(dsn: str, *, application: str = "pdledger") -> "asyncpg.Connection[Any]":
    """One connection with a statement cache and a short time-out to connect."""
    connection = await asyncpg.connect(
        dsn,
        connection_class=LedgerConnection,
        timeout=5.0,
        server_settings={"application_name": application, "jit": "off"},
    )
    assert isinstance(connection, asyncpg.Connection)
    return connection


async def connect_stateless(
    dsn: str, *, application: str = "pdledger"
) -> "asyncpg.Connection[Any]":
    """One connection that may lead through PgBouncer in transaction mode.

    It keeps no prepared statement and asks for no setting when it starts: each transaction may be
    on another session of the server. Whoever uses it does everything in transactions.
    """
    connection = await asyncpg.connect(
        dsn,
        connection_class=LedgerConnection,
        timeout=5.0,
        statement_cache_size=0,
        server_settings={"application_name": application},
    )
    assert isinstance(connection, asyncpg.Connection)
    return connection


async def open_pool(
    dsn: str, *, size_max: int = 8, application: str = "pdledger"
) -> "asyncpg.Pool[Any]":
    """A pool for reads; it opens its connections as they are needed."""
    pool = await asyncpg.create_pool(
        dsn,
        min_size=1,
        max_size=size_max,
        connection_class=LedgerConnection,
        timeout=5.0,
        command_timeout=30.0,
        server_settings={"application_name": application, "jit": "off"},
    )
    assert pool is not None
    return pool


@dataclass(frozen=True, slots=True)
class Logins:
    """The URLs of the runtime roles. They hold secrets: never printed, never logged."""

    application: str = field(repr=False)
    eraser: str | None = field(default=None, repr=False)
    projector: str | None = field(default=None, repr=False)
    projector_direct: str | None = field(default=None, repr=False)
    """The projector past a pooler, to listen on; None: `projector` is not pooled."""
    integrator: str | None = field(default=None, repr=False)
