"""Rows of the keyring that say something else than the log, and rows of which it says nothing.

The log has the last word: the entries that were sealed under a key name its class, and their stream
its person. The statements that change something are the owner's.
"""

from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import asyncpg

from app.store.event_store import EventStore, Stream
from app.store.rewrapping import unreadable_keys

# Of people whose row was given to somebody else: their sections lie where they lay.
STRAYED_SQL: Final = """
SELECT k.key_id, array_agg(DISTINCT s.stream_id) AS streams
  FROM ledger.keyring k JOIN ledger.sealed s ON s.key_id = k.key_id
 WHERE k.state <> 'erased' AND s.stream_id <> k.subject_id GROUP BY k.key_id
"""
ROWS_SQL: Final = """
SELECT key_id, subject_id, class, epoch, wrapped FROM ledger.keyring
 WHERE key_id = ANY ($1::uuid[]) AND state <> 'erased' ORDER BY key_id
"""
SEALED_SQL: Final = "SELECT DISTINCT key_id FROM ledger.sealed WHERE key_id = ANY ($1::uuid[])"
NAMED_SQL: Final = """
SELECT EXISTS (SELECT FROM ledger.events
                WHERE position(convert_to($1::text, 'UTF8') IN entry) > 0)
"""
PUT_SQL: Final = """
UPDATE ledger.keyring SET subject_id = $2, class = $3, epoch = $4
 WHERE key_id = $1 AND subject_id = $5 AND class = $6 AND epoch = $7 AND wrapped = $8
   AND state <> 'erased'
"""
REMOVE_SQL: Final = "DELETE FROM ledger.keyring WHERE key_id = $1 AND state <> 'erased'"


@dataclass(frozen=True, slots=True)
class KeyPlace:
    """What a row says of its key beside the key itself."""

    subject_id: UUID
    retention_class: str
    epoch: int


@dataclass(frozen=True, slots=True)
class AlteredRow:
    """A row, as it is and as it must be."""

    key_id: UUID
    wrapped: bytes = field(repr=False)
    found: KeyPlace
    right: KeyPlace


async def altered_rows(pool: "asyncpg.Pool[Any]", store: EventStore) -> AsyncIterator[AlteredRow]:
    """Every row whose person, class or epoch is another than the log and the key itself say."""
    strayed = {row["key_id"]: row["streams"] for row in await pool.fetch(STRAYED_SQL)}
    shut = [one.key_id async for one in unreadable_keys(pool, store.vault)]
    for row in await pool.fetch(ROWS_SQL, [*strayed, *shut]):
        key_id, subject_id, retention_class, epoch, wrapped = row
        found = KeyPlace(subject_id, retention_class, epoch)
        for stream_id in (subject_id, *strayed.get(key_id, ())):
            stream = await store.read_stream(stream_id)
            kind = class_in(stream, key_id)
            if kind is None:
                continue
            opens = store.vault.epoch_of(key_id, kind, wrapped)
            right = KeyPlace(stream_id, kind, epoch if opens is None else opens)
            if right != found:
                yield AlteredRow(key_id, wrapped, found, right)
            break


def class_in(stream: Stream, key_id: UUID) -> str | None:
    """The class of a key as the entries of a stream say that were sealed under it."""
    seals = (seal for recorded in stream.events for seal in recorded.seals)
    return next((one.retention_class for one in seals if one.key_id == key_id), None)


async def put_row(connection: "asyncpg.Connection[Any]", row: AlteredRow) -> bool:
    """Makes a row what it must be; False where it is another one by now."""
    done = await connection.execute(
        PUT_SQL,
        row.key_id,
        row.right.subject_id,
        row.right.retention_class,
        row.right.epoch,
        row.found.subject_id,
        row.found.retention_class,
        row.found.epoch,
        row.wrapped,
    )
    return done == "UPDATE 1"


async def unopened_keys(pool: "asyncpg.Pool[Any]", keys: Collection[UUID]) -> set[UUID]:
    """Of some keys, those that no section was sealed under and that no entry ever named.

    Reads the whole log for each that no section is under: there are none of them by themselves.
    """
    sealed = {row["key_id"] for row in await pool.fetch(SEALED_SQL, list(keys))} if keys else set()
    suspect = [key for key in keys if key not in sealed]
    return {key for key in suspect if not await pool.fetchval(NAMED_SQL, str(key))}


async def remove_unopened(connection: "asyncpg.Connection[Any]", key_id: UUID) -> bool:
    """Removes a row that no entry knows; False where it is gone."""
    return await connection.execute(REMOVE_SQL, key_id) == "DELETE 1"
