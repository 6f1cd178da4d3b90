"""Tokens of the blind index whose value lies nowhere that can be read: found, and removed.

What a person is known by and can be read keeps its token, or gets it again: of each kind of which a
token was lost, the index is what the log says. The statements are the owner's.
"""

from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import asyncpg

from app.store.event_store import EventStore, Stream
from app.store.rekeying import BATCH_SIZE, PAGE_SQL, PUT_SQL, TOKENS_SQL, claims, fill

LOCK_SQL: Final = "LOCK TABLE ledger.append_lock_0 IN EXCLUSIVE MODE"
VERSION_SQL: Final = """
SELECT version FROM ledger.events WHERE stream_id = $1 ORDER BY version DESC LIMIT 1
"""
REMOVE_SQL: Final = """
DELETE FROM ledger.identifiers
 WHERE subject_id = $1 AND kind = ANY ($2::text[]) AND token <> ALL ($3::bytea[])
"""


@dataclass(frozen=True, slots=True)
class LostTokens:
    """The tokens of one person under an epoch that stand for nothing that can be read."""

    stream: Stream
    tokens: int
    kinds: frozenset[str]


async def people_under(pool: "asyncpg.Pool[Any]", epoch: int) -> AsyncIterator[list[UUID]]:
    """Everybody who has a token under an epoch, some at a time."""
    after = UUID(int=0)
    while people := [row[0] for row in await pool.fetch(PAGE_SQL, epoch, after, BATCH_SIZE)]:
        after = people[-1]
        yield people


async def lost_tokens(
    pool: "asyncpg.Pool[Any]", store: EventStore, epoch: int, person: UUID
) -> LostTokens:
    """Tries every value of the person; under an epoch that is shut every token is lost."""
    rows = await pool.fetch(TOKENS_SQL, epoch, [person])
    wanted: dict[tuple[str, bytes], bytes | None] = {
        (row["kind"], row["token"]): None for row in rows
    }
    stream = await store.read_stream(person, with_blobs=True)
    fill(store, stream, wanted, epoch)
    lost = [kind for (kind, _), found in wanted.items() if found is None]
    return LostTokens(stream, len(lost), frozenset(lost))


def shut_key(store: EventStore, stream: Stream) -> bool:
    """Whether a key of the person lives that does not open."""
    return any(
        row.wrapped is not None
        and store.vault.data_key(row.key_id, row.retention_class, row.epoch, row.wrapped) is None
        for row in stream.keys.values()
    )


def unreadable_claims(
    store: EventStore, lost: LostTokens, active: Collection[Any]
) -> tuple[int, ...]:
    """Of the claims in force, those of the lost kinds whose value nobody can read, by version."""
    readable = {version for version, _, _ in claims(store, lost.stream)}
    return tuple(
        one.version for one in active if one.kind in lost.kinds and one.version not in readable
    )


async def remove_lost(
    connection: "asyncpg.Connection[Any]", store: EventStore, lost: LostTokens
) -> None:
    """Within a transaction that holds the append lock: what can be read has its token, no other."""
    person, vault = lost.stream.stream_id, store.vault
    kept = [(kind, value) for _, kind, value in claims(store, lost.stream) if kind in lost.kinds]
    live = [epoch for epoch in vault.live_epochs if vault.opens(epoch)]
    good = [vault.token_under(epoch, kind, value) for kind, value in kept for epoch in live]
    await connection.execute(REMOVE_SQL, person, sorted(lost.kinds), good)
    again = [(kind, vault.identifier_token(kind, value), person) for kind, value in kept]
    columns = [list(column) for column in zip(*again, strict=True)] if again else [[]] * 3
    await connection.execute(PUT_SQL, vault.active_epoch, *columns)
