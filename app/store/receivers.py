"""Where receivers of transmissions are: address, key and challenge, sealed in their rows.

What may go there says the control stream; this register only knows the way. All of a receiver is
one blob under a key of its own, wrapped by the epoch key.
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg
import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.clock import random_bytes
from app.store.epochs import meet_epochs, under_active_epoch
from app.vault.key_vault import KeyVault
from app.vault.sealing import NONCE_SIZE_BYTES, prefixed, unwrap, wrap

RECEIVERS_MAX: Final = 1_000
_CONTEXT: Final = b"ledger/receiver/v1"

_INSERT_SQL = """
INSERT INTO ledger.receivers (receiver_id, wrapped, sealed, epoch) VALUES ($1, $2, $3, $4)
"""
_ONE_SQL = """
SELECT receiver_id, wrapped, sealed, epoch, created_at FROM ledger.receivers WHERE receiver_id = $1
"""
_ALL_SQL = """
SELECT receiver_id, wrapped, sealed, epoch, created_at FROM ledger.receivers
 ORDER BY created_at, receiver_id LIMIT $1
"""


class Address(msgspec.Struct, frozen=True):
    """The way to a receiver, and how it proves itself."""

    url: str
    host: str
    key: str
    """Its age recipient."""
    challenge: str
    """What only the holder of the key can read in what it was sent."""

    def __repr__(self) -> str:
        return "Address(…)"


@dataclass(frozen=True, slots=True)
class FoundReceiver:
    """A row of the register."""

    receiver_id: UUID
    address: Address | None = field(repr=False)
    """None when no key here opens it: its epoch was destroyed."""
    created_at: datetime


class ReceiverRegister:
    """Adds and finds; nothing in it is ever changed, so that an approval stays one of this host."""

    def __init__(self, pool: "asyncpg.Pool[Any]", vault: KeyVault) -> None:
        self._pool = pool
        self._vault = vault

    async def add(self, receiver_id: UUID, address: Address) -> str:
        """Keeps the way, and answers what binds it: an HMAC in hex, for the control stream."""

        async def kept() -> bytes:
            key, row = self._seal(receiver_id, address)
            await self._pool.execute(_INSERT_SQL, *row)
            return key

        key = await under_active_epoch(self._pool, self._vault, kept)
        named = prefixed(_CONTEXT, address.url.encode(), address.key.encode())
        return hmac.digest(key, named, hashlib.sha256).hex()

    async def one(self, receiver_id: UUID) -> FoundReceiver | None:
        """The receiver; None when there is none of that id."""
        row = await self._pool.fetchrow(_ONE_SQL, receiver_id)
        return None if row is None else (await self._all_found([row]))[0]

    async def every(self) -> list[FoundReceiver]:
        """All of them, oldest first."""
        return await self._all_found(await self._pool.fetch(_ALL_SQL, RECEIVERS_MAX))

    async def of_host(self, host: str) -> list[UUID]:
        """The receivers at a host, newest first."""
        found = [one for one in await self.every() if one.address and one.address.host == host]
        return [one.receiver_id for one in reversed(found)]

    def _seal(self, receiver_id: UUID, address: Address) -> tuple[bytes, tuple[Any, ...]]:
        """The key of the receiver, and the row that holds it under the active epoch."""
        context = receiver_context(receiver_id)
        wrapped = self._vault.new_register_key(context)
        key = self._vault.register_key(context, wrapped)
        assert key is not None, "it was wrapped a moment ago"
        sealed = wrap(
            AESGCM(key),
            msgspec.json.encode(address),
            nonce=random_bytes(NONCE_SIZE_BYTES),
            bound_to=self._bound_to(receiver_id),
        )
        return key, (receiver_id, wrapped, sealed, self._vault.active_epoch)

    async def _all_found(self, rows: Sequence[Any]) -> list[FoundReceiver]:
        await meet_epochs(self._pool, self._vault, [row["epoch"] for row in rows])
        return [self._found(row) for row in rows]

    def _found(self, row: Any) -> FoundReceiver:
        receiver_id: UUID = row["receiver_id"]
        key = self._vault.register_key(receiver_context(receiver_id), row["wrapped"])
        opened = key and unwrap(AESGCM(key), row["sealed"], bound_to=self._bound_to(receiver_id))
        address = msgspec.json.decode(opened, type=Address) if opened else None
        return FoundReceiver(receiver_id, address, row["created_at"])

    def _bound_to(self, receiver_id: UUID) -> bytes:
        return prefixed(_CONTEXT, str(self._vault.ledger_id).encode(), str(receiver_id).encode())


def receiver_context(receiver_id: UUID) -> str:
    """What the key of a receiver's row is bound to."""
    return f"receiver/{receiver_id}"
