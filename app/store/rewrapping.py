"""Keys that lie wrapped in the database go from one epoch to the active one, some at a time.

What is inside stays what it was: sections, MACs and seals under it are not touched. A batch is one
transaction; a row in use is left for a later round; broken off anywhere, every key is readable
under the epoch that its row says, and the next run goes on with what is left.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import asyncpg

from app.store.idempotency import period_context
from app.store.receivers import receiver_context
from app.store.subscriptions import subscription_context
from app.vault.key_vault import KeyVault

BATCH_SIZE: Final = 1_000
"""An erasure of one of these people waits for it: some 40 ms."""

FIRST: Final = UUID(int=0)
PAGE_SQL: Final = """
SELECT key_id, class, wrapped FROM ledger.keyring
 WHERE epoch = $1 AND state <> 'erased' AND key_id > $2
 ORDER BY key_id LIMIT $3 FOR UPDATE SKIP LOCKED
"""
MOVE_SQL: Final = """
UPDATE ledger.keyring k SET epoch = $2, wrapped = n.wrapped
  FROM unnest($3::uuid[], $4::bytea[]) AS n(key_id, wrapped)
 WHERE k.key_id = n.key_id AND k.epoch = $1 AND k.state <> 'erased'
"""
REGISTERS: Final[Mapping[str, tuple[str, Callable[[Any], str]]]] = {
    "idempotency_key": ("period", period_context),
    "subscriptions": ("subscription_id", subscription_context),
    "receivers": ("receiver_id", receiver_context),
}
"""Table -> its primary key, and what the key of a row is bound to. Some hundred rows at most."""

KEYS_SQL: Final = """
SELECT key_id, class, epoch, wrapped, subject_id FROM ledger.keyring
 WHERE state <> 'erased' AND key_id > $1 ORDER BY key_id LIMIT $2
"""


@dataclass(frozen=True, slots=True)
class Moved:
    """What one batch did."""

    rows: int
    shut: int = 0
    """Keys that no root opens, or that were altered: they stay where they are."""


@dataclass(frozen=True, slots=True)
class UnreadableKey:
    """A data key that lives, and whose."""

    key_id: UUID
    subject_id: UUID
    retention_class: str
    wrapped: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class RegisterKey:
    """The key of a row of a register, wrapped."""

    table: str
    name: Any  # a UUID, or the number of a period
    wrapped: bytes = field(repr=False)


async def rewrap_data_keys(
    connection: "asyncpg.Connection[Any]",
    vault: KeyVault,
    epoch: int,
    *,
    size: int = BATCH_SIZE,
) -> AsyncIterator[Moved]:
    """Moves every data key of an epoch to the active one; ``connection`` is the owner's.

    Goes through the ring until a whole round found nothing to move.
    """
    after, moved_once = FIRST, False
    while True:
        async with connection.transaction():
            rows = await connection.fetch(PAGE_SQL, epoch, after, size)
            moved = await _move(connection, vault, epoch, rows)
        if rows:
            moved_once = moved_once or moved.rows > 0
            after = rows[-1]["key_id"]
            yield moved
        elif moved_once:
            after, moved_once = FIRST, False  # what was in use the first time
        else:
            return


async def _move(
    connection: "asyncpg.Connection[Any]", vault: KeyVault, epoch: int, rows: list[Any]
) -> Moved:
    again = [
        (row["key_id"], vault.rewrapped(row["key_id"], row["class"], epoch, row["wrapped"]))
        for row in rows
    ]
    opened = [(key_id, wrapped) for key_id, wrapped in again if wrapped is not None]
    if opened:
        ids, wrapped = zip(*opened, strict=True)
        await connection.execute(MOVE_SQL, epoch, vault.active_epoch, list(ids), list(wrapped))
    return Moved(len(opened), len(again) - len(opened))


async def rewrap_registers(
    connection: "asyncpg.Connection[Any]", vault: KeyVault, epoch: int
) -> Moved:
    """Moves the keys of the registers: repeated requests, subscriptions, receivers."""
    moved = shut = 0
    for table, (name, context) in REGISTERS.items():
        async with connection.transaction():
            rows = await connection.fetch(
                f"SELECT {name} AS name, wrapped FROM ledger.{table}"  # noqa: S608  # names of ours
                " WHERE epoch = $1 FOR UPDATE",
                epoch,
            )
            for row in rows:
                wrapped = vault.register_key_rewrapped(context(row["name"]), row["wrapped"])
                if wrapped is None:
                    shut += 1
                    continue
                moved += 1
                await connection.execute(
                    f"UPDATE ledger.{table} SET wrapped = $1, epoch = $2"  # noqa: S608  # likewise
                    f" WHERE {name} = $3",
                    wrapped,
                    vault.active_epoch,
                    row["name"],
                )
    return Moved(moved, shut)


async def unreadable_keys(
    pool: "asyncpg.Pool[Any]", vault: KeyVault, *, without: int | None = None
) -> AsyncIterator[UnreadableKey]:
    """The keys that live and that nothing opens with the roots there are, but for one epoch's."""
    after = FIRST
    while rows := await pool.fetch(KEYS_SQL, after, 10 * BATCH_SIZE):
        after = rows[-1]["key_id"]
        for row in rows:
            key_id, retention_class, epoch, wrapped, subject_id = row
            if epoch == without or vault.data_key(key_id, retention_class, epoch, wrapped) is None:
                yield UnreadableKey(key_id, subject_id, retention_class, wrapped)


async def shut_register_keys(
    connection: "asyncpg.Connection[Any]", vault: KeyVault
) -> list[RegisterKey]:
    """The keys of registers that no epoch opens."""
    shut: list[RegisterKey] = []
    for table, (name, context) in REGISTERS.items():
        rows = await connection.fetch(
            f"SELECT {name} AS name, wrapped FROM ledger.{table}"  # noqa: S608  # names of ours
        )
        shut += [
            RegisterKey(table, row["name"], row["wrapped"])
            for row in rows
            if vault.register_key(context(row["name"]), row["wrapped"]) is None
        ]
    return shut


async def remove_register_key(connection: "asyncpg.Connection[Any]", key: RegisterKey) -> bool:
    """Removes its row; False where that has another key by now, or is gone."""
    name, _ = REGISTERS[key.table]
    done = await connection.execute(
        f"DELETE FROM ledger.{key.table} WHERE {name} = $1 AND wrapped = $2",  # noqa: S608  # ours
        key.name,
        key.wrapped,
    )
    return done == "DELETE 1"


async def unreadable_register_keys(connection: "asyncpg.Connection[Any]", vault: KeyVault) -> int:
    """How many keys of registers the root of the active epoch does not open.

    One epoch leaves at a time, so that all of them are under the active one when it may end.
    """
    unread = 0
    for table, (name, context) in REGISTERS.items():
        rows = await connection.fetch(
            f"SELECT {name} AS name, wrapped FROM ledger.{table}"  # noqa: S608  # names of ours
        )
        unread += sum(not vault.opens_register_key(context(row[0]), row[1]) for row in rows)
    return unread
