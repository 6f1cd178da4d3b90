"""What a database holds already, by one short look: a second start does only what is missing."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import asyncpg

from app.cli.answers import unavailable
from app.store.connection import connect

REVISIONS: Final = Path(__file__).parents[2] / "alembic" / "versions"

RECEIPT_KEY_SQL: Final = "SELECT EXISTS (SELECT FROM ledger.receipt_key)"
STATE_SQL: Final = """
SELECT (SELECT version_num FROM ledger.alembic_version) AS revision,
       (SELECT max(epoch) FROM ledger.key_epoch WHERE state = 'active') AS epoch,
       (SELECT count(*) FROM ledger.clients) AS clients,
       ARRAY(SELECT version FROM ledger.policies
              WHERE EXISTS (SELECT FROM ledger.events e JOIN ledger.ledger_identity i
                                ON e.stream_id = i.control_stream
                             WHERE e.type = 'policy.published') ORDER BY 1) AS versions,
       (SELECT e.entry FROM ledger.events e JOIN ledger.ledger_identity i
            ON e.stream_id = i.control_stream WHERE e.type = 'law.published'
         ORDER BY e.version DESC LIMIT 1) AS law,
       ARRAY(SELECT version || ' ' || language FROM ledger.policy_texts ORDER BY 1) AS texts
"""


@dataclass(frozen=True, slots=True)
class LedgerState:
    """The steps of a preparation that are done."""

    revision: str | None = None
    epoch: int | None = None
    """The active key epoch."""
    receipt_key: bool = False
    """Whether a key that signs receipts was put in force."""
    clients: int = 0
    versions: tuple[str, ...] = ()
    """Of policies in the archive, once one was published."""
    law: bytes = b""
    """The newest entry that puts a law file on record."""
    texts: tuple[str, ...] = ()
    """Archived texts, each as `version language`."""

    @property
    def migrated(self) -> bool:
        """Whether the schema is the newest that this program has."""
        return self.revision == newest_revision()


async def read_state(url: str) -> LedgerState:
    """The state as the serving role sees it; the empty one before the first migration."""
    connection = await reach(url)
    try:
        row = await connection.fetchrow(STATE_SQL)
        key = await _receipt_key(connection)
    except (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError):
        return LedgerState()
    except asyncpg.InsufficientPrivilegeError:
        return LedgerState()  # the schema is there, and its rights are not granted yet
    finally:
        await connection.close()
    assert row is not None
    return LedgerState(
        row["revision"],
        row["epoch"],
        key,
        row["clients"],
        tuple(row["versions"]),
        row["law"] or b"",
        tuple(row["texts"]),
    )


async def _receipt_key(connection: "asyncpg.Connection[Any]") -> bool:
    try:
        return bool(await connection.fetchval(RECEIPT_KEY_SQL))
    except asyncpg.UndefinedTableError:  # a schema from before receipts were signed
        return False


async def reach(url: str) -> "asyncpg.Connection[Any]":
    """A connection for an operator's command, or why there is none; the URL is never shown."""
    try:
        return await connect(url, application="pdledger-command")
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as failure:
        raise unavailable(
            "database-unreachable", f"the database cannot be reached: {type(failure).__name__}"
        ) from None


def newest_revision() -> str:
    """The newest migration of this program, by its file's number; Alembic has the last word."""
    return max(file.name.partition("_")[0] for file in REVISIONS.glob("[0-9]*_*.py"))
