"""The blind index goes from the key of one epoch to that of the active one.

A token says nothing of its value: each value is opened where it lies sealed, and its token made
anew. While this goes on both keys are asked for, so no look-up misses a person and no value is
claimed twice (`append_token_faults`, `Lookups`).
"""

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import asyncpg

from app.domain.subject import SUBJECT, fold
from app.store.event_store import EventStore, Stream
from app.vault.key_vault import KeyVault
from app.vault.sealing import Sealed

BATCH_SIZE: Final = 200
"""People of whom tokens are moved under one hold of the append lock: a few milliseconds."""
READ_SIZE: Final = 16
"""People who are read at once: some of them have ten thousand events."""

PAGE_SQL: Final = """
SELECT DISTINCT subject_id FROM ledger.identifiers
 WHERE epoch = $1 AND subject_id > $2 ORDER BY subject_id LIMIT $3
"""
TOKENS_SQL: Final = """
SELECT subject_id, kind, token FROM ledger.identifiers
 WHERE epoch = $1 AND subject_id = ANY($2::uuid[])
"""
FORGET_SQL: Final = """
DELETE FROM ledger.identifiers WHERE epoch = $1 AND subject_id = ANY ($2::uuid[])
"""
PUT_SQL: Final = """
INSERT INTO ledger.identifiers (kind, token, epoch, subject_id)
SELECT n.kind, n.token, $1, n.subject FROM unnest($2::text[], $3::bytea[], $4::uuid[])
    AS n(kind, token, subject) ON CONFLICT (kind, token) DO NOTHING
"""
REKEY_SQL: Final = "SELECT ledger.ledger_epoch_rekey($1, $2, $3, $4, $5)"


@dataclass(frozen=True, slots=True)
class Rekeyed:
    """What one batch did."""

    rows: int
    unread: int
    """Tokens whose value lies nowhere that can be opened: they stay under the old key."""


async def rekey_identifiers(
    connection: "asyncpg.Connection[Any]",
    pool: "asyncpg.Pool[Any]",
    store: EventStore,
    epoch: int,
    *,
    size: int = BATCH_SIZE,
) -> AsyncIterator[Rekeyed]:
    """Moves every token of an epoch; ``connection`` is the owner's, ``pool`` reads."""
    after = UUID(int=0)
    while people := [row[0] for row in await pool.fetch(PAGE_SQL, epoch, after, size)]:
        after = people[-1]
        tokens: dict[UUID, dict[tuple[str, bytes], bytes | None]] = {one: {} for one in people}
        for row in await pool.fetch(TOKENS_SQL, epoch, people):
            tokens[row["subject_id"]][row["kind"], row["token"]] = None
        async for stream in _streams(store, people):
            fill(store, stream, tokens[stream.stream_id], epoch)
        found = [
            (kind, token, subject_id, again)
            for subject_id, wanted in tokens.items()
            for (kind, token), again in wanted.items()
            if again is not None
        ]
        asked = sum(map(len, tokens.values()))
        columns = [list(column) for column in zip(*found, strict=True)] if found else [[]] * 4
        moved = await connection.fetchval(REKEY_SQL, epoch, *columns) if found else 0
        yield Rekeyed(moved, asked - len(found))


async def index_anew(
    connection: "asyncpg.Connection[Any]", store: EventStore, epoch: int
) -> AsyncIterator[int]:
    """Makes the tokens of an epoch that nothing opens anew from the values they stand for.

    A token under a key that is gone says nothing of its value and is found by nobody: it goes, and
    what each person is known by now gets one under the active key.
    """
    after = UUID(int=0)
    while people := [row[0] for row in await connection.fetch(PAGE_SQL, epoch, after, BATCH_SIZE)]:
        after = people[-1]
        found = [
            (kind, store.vault.identifier_token(kind, value), stream.stream_id)
            async for stream in _streams(store, people)
            for _, kind, value in claims(store, stream)
        ]
        columns = [list(column) for column in zip(*found, strict=True)] if found else [[]] * 3
        async with connection.transaction():
            await connection.execute("LOCK TABLE ledger.append_lock_0 IN EXCLUSIVE MODE")
            await connection.execute(FORGET_SQL, epoch, people)
            await connection.execute(PUT_SQL, store.vault.active_epoch, *columns)
        yield len(found)


async def _streams(store: EventStore, people: Sequence[UUID]) -> AsyncIterator[Stream]:
    for first in range(0, len(people), READ_SIZE):
        for stream in await store.read_streams(people[first : first + READ_SIZE]):
            yield stream


def fill(
    store: EventStore,
    stream: Stream,
    wanted: dict[tuple[str, bytes], bytes | None],
    epoch: int,
) -> None:
    """Finds the value of each token: first where the person's identifiers lie, then anywhere."""
    claimed = (value for _, _, value in claims(store, stream))
    for values in (claimed, _anywhere(store, stream)):
        if None not in wanted.values():
            return
        _match(store.vault, values, wanted, epoch)


def _match(
    vault: KeyVault,
    values: Iterable[str],
    wanted: dict[tuple[str, bytes], bytes | None],
    epoch: int,
) -> None:
    if not vault.opens(epoch):
        return  # no token of it can be told
    kinds = {kind for kind, _ in wanted}
    for value in values:
        for kind in kinds:
            name = (kind, vault.token_under(epoch, kind, value))
            if name in wanted and wanted[name] is None:
                wanted[name] = vault.identifier_token(kind, value)


def claims(store: EventStore, stream: Stream) -> Iterator[tuple[int, str, str]]:
    """What the person is known by, as far as it can be read: version of the claim, kind, value."""
    for version, one in fold(SUBJECT.initial, stream.events).identifiers.active.items():
        opened = store.open_section(stream, one.value_at, one.retention_class)
        if isinstance(opened, Sealed) and one.category in opened.personal:
            yield version, one.kind.value, opened.personal[one.category]


def _anywhere(store: EventStore, stream: Stream) -> Iterator[str]:
    for recorded in stream.events:
        for one in recorded.seals:
            opened = store.open_section(stream, recorded.version, one.retention_class)
            if isinstance(opened, Sealed):
                yield from opened.personal.values()
