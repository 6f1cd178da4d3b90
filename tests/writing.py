"""A store with open keys on a test database: what tests of the write path start from."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from app.store.connection import connect, open_pool
from app.store.event_store import EventStore
from app.store.group_commit import GroupCommit
from app.store.identity import LedgerIdentity, read_identity
from app.store.receipt_keys import open_receipt_key, receipt_key
from app.vault.custody import FileCustody
from app.vault.key_vault import KeyVault
from tests.conftest import Database


@dataclass(frozen=True, slots=True)
class Writing:
    """The store side of a service, without policy and without HTTP."""

    identity: LedgerIdentity
    pool: "asyncpg.Pool[Any]"
    store: EventStore
    commit: GroupCommit


async def open_first_epoch(database: Database, keys: Path) -> None:
    """What the preparing command does once: the first epoch key and the key of receipts."""
    migrator = await asyncpg.connect(database.dsn("ledger_migrator"))
    try:
        identity = await read_identity(migrator)
        vault = KeyVault(identity.ledger_id, FileCustody(keys))
        await migrator.execute("SELECT ledger.ledger_epoch_open($1, $2)", 1, vault.new_epoch_key(1))
        await migrator.execute("SET ROLE ledger_owner")
        await open_receipt_key(migrator, keys)
    finally:
        await migrator.close()


@asynccontextmanager
async def writing(database: Database, keys: Path, **options: Any) -> AsyncIterator[Writing]:
    """An open store on ``database``; ``options`` go to the group commit."""
    await open_first_epoch(database, keys)
    pool = await open_pool(database.dsn("ledger_app"), size_max=4)
    identity = await read_identity(pool)
    store = EventStore(pool, KeyVault(identity.ledger_id, FileCustody(keys)))
    await store.refresh_epochs()
    commit = GroupCommit(
        lambda: connect(database.dsn("ledger_app")),
        exclusive_streams=frozenset({identity.control_stream}),
        receipt_key=await receipt_key(pool, keys),
        **options,
    )
    await commit.start()
    try:
        yield Writing(identity, pool, store, commit)
    finally:
        await commit.stop()
        await pool.close()
