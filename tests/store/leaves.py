"""A log that grows by plain entries, and what its tree must be after each of them."""

import os
from typing import Any, TypeAlias
from uuid import uuid4

import asyncpg

from tests.tlog import reference

Connection: TypeAlias = "asyncpg.Connection[Any]"
COLUMNS = ("partition", "position", "stream_id", "version", "event_id", "type", "entry")


async def grow(admin: Connection, count: int) -> None:
    """Adds so many entries at the end of the log, as the functions of the ledger alone may."""
    async with admin.transaction():
        await admin.execute("SET LOCAL ROLE ledger_owner")
        await admin.execute("LOCK TABLE ledger.append_lock_0 IN EXCLUSIVE MODE")
        size = await admin.fetchval("SELECT 1 + coalesce(max(position), -1) FROM ledger.events")
        await admin.copy_records_to_table(
            "events",
            schema_name="ledger",
            columns=COLUMNS,
            records=[
                (0, size + number, uuid4(), 1, uuid4(), "data.collected", os.urandom(40))
                for number in range(count)
            ],
        )


async def leaves(connection: Connection) -> list[bytes]:
    """The leaf hashes of the whole log."""
    rows = await connection.fetch("SELECT entry FROM ledger.events ORDER BY position")
    return [reference.leaf(row["entry"]) for row in rows]


async def check_tree(connection: Connection, size: int, vkey: str) -> None:
    """Every tile, the edge and every checkpoint are those of the log's first entries."""
    log = (await leaves(connection))[:size]
    tiles = await connection.fetch("SELECT level, idx, hashes FROM ledger.log_tile")
    edge = await connection.fetchrow("SELECT size, hashes FROM ledger.log_edge")
    checkpoints = await connection.fetch(
        "SELECT size, root, note FROM ledger.log_checkpoint ORDER BY size"
    )
    assert edge is not None
    assert edge["size"] == size == checkpoints[-1]["size"] == len(log)
    assert {(row["level"], row["idx"]) for row in tiles} == {
        (level, index) for level in range(3) for index in range(size // 256 ** (level + 1))
    }
    for row in tiles:
        assert row["hashes"] == reference.tile(row["level"], row["idx"], log)
    assert edge["hashes"] == b"".join(
        reference.tile(level, size // 256 ** (level + 1), log) for level in range(4)
    )
    for row in checkpoints:
        root = reference.mth(log[: row["size"]])
        assert row["root"] == root
        assert reference.open_checkpoint(row["note"], vkey) == (
            vkey.split("+", maxsplit=1)[0],
            row["size"],
            root,
        )
