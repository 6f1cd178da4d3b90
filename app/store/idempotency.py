"""Idempotency keys as tokens under the key of one period, which dies with the window (DESIGN 5)."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from app.store.append import IdempotencyToken, Outcome
from app.store.epochs import refresh_epochs, under_active_epoch
from app.store.gathered import Gathered, Named, columns
from app.values import Confidential, Value
from app.vault.key_vault import KeyVault
from app.vault.mac import Mac
from app.vault.sealing import prefixed

WINDOW = timedelta(days=7)
"""How long a repeated request finds its first execution; imports resume after a weekend."""

# A probe for each token, never a join: a plan made while the table was small would scan it.
EXECUTIONS_SQL = """
SELECT wanted.client, wanted.key, found.*
  FROM unnest($1::text[], $2::bytea[]) AS wanted(client, key)
 CROSS JOIN LATERAL (
    SELECT fingerprint, stream_id, first_version, last_version, batch_first, batch_size
      FROM ledger.idempotency i WHERE i.client = wanted.client AND i.key = wanted.key LIMIT 1
 ) AS found
"""

_EPOCH_START = datetime(1970, 1, 1, tzinfo=UTC)


class IdempotencyKey(Confidential, frozen=True):
    """What a caller sent to make a request repeatable. Hidden from repr: it can hold anything."""

    CONFIDENTIAL = ("key", "body")

    client: str
    operation: str
    """HTTP method and route template: one key names one request of one operation (A8)."""
    key: str
    body: bytes
    """Canonical bytes of the body; the register keeps only a keyed fingerprint of them."""


class FirstExecution(Value, frozen=True):
    """What the register knows of a request that was executed before."""

    stream_id: Any  # UUID as asyncpg's own subclass
    first_version: int | None
    last_version: int | None
    same_body: bool
    batch: tuple[int, int] | None = None
    """First position and number of the entries that were appended together with it."""


class IdempotencyRegister:
    """Makes tokens under the period's key, and finds the first execution of a repeated request."""

    def __init__(self, pool: "asyncpg.Pool[Any]", vault: KeyVault) -> None:
        self._pool = pool
        self._vault = vault
        self._keys: dict[int, Mac] = {}
        self._forgotten = 0
        self._executions = Gathered(self._found)

    async def token(self, request: IdempotencyKey, now: datetime) -> IdempotencyToken:
        """The request's key and fingerprint under this period's key and the period's before."""
        period = (now - _EPOCH_START) // WINDOW
        keys = self._keys
        if period not in keys or period - 1 not in keys:
            keys = await self._read(period)
        name = prefixed(request.operation.encode(), request.key.encode())
        current, previous = keys[period], keys[period - 1]
        return IdempotencyToken(
            client=request.client,
            key=_mac(current, b"key", name),
            fingerprint=_mac(current, b"body", request.body),
            key_previous=_mac(previous, b"key", name),
            fingerprint_previous=_mac(previous, b"body", request.body),
        )

    async def first_execution(self, token: IdempotencyToken) -> FirstExecution | None:
        """What the same key did before; None when it is new."""
        prints: dict[bytes, bytes | None] = {token.key: token.fingerprint}
        if token.key_previous is not None:
            prints[token.key_previous] = token.fingerprint_previous
        found = await self._executions.ask([(token.client, key) for key in prints])
        for key, expected in prints.items():
            row = found.get((token.client, key))
            if row is not None:
                return FirstExecution(
                    row["stream_id"],
                    row["first_version"],
                    row["last_version"],
                    same_body=row["fingerprint"] == expected,
                    batch=None
                    if row["batch_first"] is None
                    else (row["batch_first"], row["batch_size"]),
                )
        return None

    async def _found(self, wanted: Sequence[Named]) -> dict[Named, Any]:
        rows = await self._pool.fetch(EXECUTIONS_SQL, *columns(wanted))
        return {(row["client"], row["key"]): row for row in rows}

    async def repeated(self, token: IdempotencyToken, outcome: Outcome) -> FirstExecution:
        """The first execution of a request that an append answered `replayed`."""
        return await self.first_execution(token) or FirstExecution(  # purged in this very moment
            outcome.stream_id, outcome.first_version, outcome.last_version, same_body=True
        )

    async def purge(self) -> None:
        """Forgets what is older than the window, keys included."""
        await self._pool.execute("SELECT ledger.ledger_idempotency_purge()")

    def forget_keys(self) -> None:
        """They are read again: a period that was given up has another key from now on."""
        self._keys = {}
        self._forgotten += 1

    async def _read(self, period: int) -> dict[int, Mac]:
        before = self._forgotten
        keys = {number: await self._key(number) for number in (period - 1, period)}
        if before == self._forgotten:  # else one of them may be gone by now
            self._keys = keys
        return keys

    async def _key(self, period: int) -> Mac:
        context = period_context(period)

        async def stored() -> bytes:
            wrapped, epoch = self._vault.new_register_key(context), self._vault.active_epoch
            kept: bytes = await self._pool.fetchval(
                "SELECT ledger.ledger_idempotency_key_under($1, $2, $3)", period, epoch, wrapped
            )
            return kept

        wrapped = await under_active_epoch(self._pool, self._vault, stored)
        key = self._vault.register_key(context, wrapped)
        if key is None:  # another process wrapped it under an epoch that is new to this one
            await refresh_epochs(self._pool, self._vault)
            key = self._vault.register_key(context, wrapped)
        assert key is not None, "the period's key is wrapped by an epoch that is open here"
        return Mac(key)


def period_context(period: int) -> str:
    """What the key of a period is bound to."""
    return f"idempotency/{period}"


def _mac(key: Mac, kind: bytes, message: bytes) -> bytes:
    return key.digest(kind + b"\x00" + message)
