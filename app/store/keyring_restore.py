"""A newer keyring is put over a database that was taken back: the statements, by the owner.

Only forward: a key that is a tomb here stays one, and a key under a later epoch than the keyring's
is left as it is. What the keyring has and the database does not know is left out.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final, TypeAlias
from uuid import UUID

import asyncpg

from app.store.keyring_file import KeptKey, KeptRegisterKey, KeyringHead
from app.store.rewrapping import REGISTERS
from app.vault.key_vault import KeyVault

LEAVES_SQL: Final = "UPDATE ledger.key_epoch SET state = 'draining' WHERE epoch = $1"
ARRIVES_SQL: Final = "INSERT INTO ledger.key_epoch (epoch, wrapped, state) VALUES ($1, $2, $3)"
KEYS_SQL: Final = """
UPDATE ledger.keyring k SET epoch = n.epoch, wrapped = n.wrapped
  FROM unnest($1::uuid[], $2::int[], $3::bytea[]) AS n(key_id, epoch, wrapped)
 WHERE k.key_id = n.key_id AND k.state <> 'erased' AND k.epoch < n.epoch
"""
ROWS_SQL: Final = """
SELECT key_id, class, epoch, wrapped FROM ledger.keyring
 WHERE key_id = ANY ($1::uuid[]) AND state <> 'erased'
"""
MEND_SQL: Final = """
UPDATE ledger.keyring k SET epoch = $4, wrapped = n.wrapped
  FROM unnest($1::uuid[], $2::bytea[], $3::bytea[]) AS n(key_id, was, wrapped)
 WHERE k.key_id = n.key_id AND k.wrapped = n.was AND k.state <> 'erased'
"""
LIVING_SQL: Final = """
SELECT key_id, subject_id FROM ledger.keyring
 WHERE key_id = ANY ($1::uuid[]) AND state <> 'erased' ORDER BY subject_id, key_id
"""


Wrapping: TypeAlias = tuple[UUID, bytes, bytes]
"""A key, what it was wrapped as, and what it is to be."""


async def bring_epochs(
    connection: "asyncpg.Connection[Any]", head: KeyringHead, known: Iterable[int], active: int
) -> None:
    """Makes the epochs of the keyring that are new here; the former active one drains."""
    missing = sorted(set(head.states) - set(known))
    if missing:
        await connection.execute(LEAVES_SQL, active)
    for key in missing:
        gone = head.states[key] == "destroyed"
        # One that was being destroyed is taken for one that drains: that is gone on with here.
        left = "destroyed" if gone else "draining"
        state = "active" if key == head.active else left
        await connection.execute(ARRIVES_SQL, key, head.wrapped[key], state)


async def bring_keys(
    connection: "asyncpg.Connection[Any]",
    batch: Sequence[KeptKey | KeptRegisterKey],
    active: int,
) -> int:
    """The keys of one batch under the keyring's wrapping; how many changed."""
    living = [
        (one.key_id, one.epoch, one.wrapped)
        for one in batch
        if isinstance(one, KeptKey) and one.wrapped is not None
    ]
    moved = 0
    if living:
        columns = [list(column) for column in zip(*living, strict=True)]
        moved += _rows(await connection.execute(KEYS_SQL, *columns))
    for one in batch:
        # Only the active epoch takes keys of registers; the others are moved by a rotation.
        if isinstance(one, KeptRegisterKey) and one.epoch == active and one.table in REGISTERS:
            name, _ = REGISTERS[one.table]
            done = await connection.execute(
                f"UPDATE ledger.{one.table} SET wrapped = $1, epoch = $2"  # noqa: S608  # ours
                f" WHERE {name}::text = $3 AND epoch < $2",
                one.wrapped,
                one.epoch,
                one.name,
            )
            moved += _rows(done)
    return moved


async def good_wrappings(
    connection: "asyncpg.Connection[Any]",
    vault: KeyVault,
    batch: Iterable[KeptKey | KeptRegisterKey],
) -> list[Wrapping]:
    """Of the keys that nothing opens here, those whose wrapping in the keyring opens.

    What is inside is the same key: it is bound to its id, and no data key ever changes.
    """
    kept = {one.key_id: one for one in batch if isinstance(one, KeptKey)}
    good: list[Wrapping] = []
    for key_id, kind, epoch, was in await connection.fetch(ROWS_SQL, list(kept)):
        one = kept[key_id]
        if one.wrapped is None or vault.data_key(key_id, kind, epoch, was) is not None:
            continue
        again = vault.rewrapped(key_id, kind, one.epoch, one.wrapped)
        if again is not None:
            good.append((key_id, was, again))
    return good


async def put_wrappings(
    connection: "asyncpg.Connection[Any]", vault: KeyVault, good: Sequence[Wrapping]
) -> bool:
    """Gives them that wrapping, under the active epoch; False where one changed meanwhile."""
    columns = [list(column) for column in zip(*good, strict=True)]
    return _rows(await connection.execute(MEND_SQL, *columns, vault.active_epoch)) == len(good)


async def still_living(
    connection: "asyncpg.Connection[Any]", batch: Iterable[KeptKey | KeptRegisterKey]
) -> list[tuple[UUID, KeptKey]]:
    """Person and tomb of each key that lives here and is one in the keyring."""
    tombs = {one.key_id: one for one in batch if isinstance(one, KeptKey) and one.wrapped is None}
    rows = await connection.fetch(LIVING_SQL, list(tombs)) if tombs else []
    return [(row["subject_id"], tombs[row["key_id"]]) for row in rows]


def _rows(status: str) -> int:
    return int(status.rpartition(" ")[2])
