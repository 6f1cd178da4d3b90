"""Subscriptions to the feed, as their owners manage them; what is secret is sealed in its row.

URL and keys of a subscription are one blob under a key of its own, wrapped by the epoch key: a copy
of the table tells nobody where events go, and lets nobody sign one.
"""

from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg
import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.clock import random_bytes, random_id
from app.store.epochs import meet_epochs, under_active_epoch
from app.values import replace
from app.vault.key_vault import KeyVault
from app.vault.sealing import NONCE_SIZE_BYTES, prefixed, unwrap, wrap

SUBSCRIPTIONS_MAX: Final = 20
"""Of one caller."""
_CONTEXT = b"ledger/subscription/v1"

_COLUMNS = """
s.subscription_id, s.client_id, s.wrapped, s.sealed, s.scheme, s.types, s.position, s.state,
s.disabled_for, s.attempts, s.due_at, s.previous_until, s.version, s.created_at, s.delivered_at,
s.epoch
"""
# The count and the insert are one statement, but two of them may run at once: a bound for honest
# callers, not a quota to the last one.
_INSERT_SQL = """
INSERT INTO ledger.subscriptions
       (subscription_id, client_id, wrapped, sealed, epoch, scheme, types, position)
SELECT $1, $2, $3, $4, $5, $6, $7, $8
 WHERE (SELECT count(*) FROM ledger.subscriptions WHERE client_id = $2) < $9
"""
_ONE_SQL = f"""
SELECT {_COLUMNS} FROM ledger.subscriptions s WHERE s.client_id = $1 AND s.subscription_id = $2
"""  # noqa: S608  # a constant of this module
_ALL_SQL = f"""
SELECT {_COLUMNS} FROM ledger.subscriptions s WHERE s.client_id = $1 ORDER BY s.created_at LIMIT $2
"""  # noqa: S608  # a constant of this module
# Whoever delivers meanwhile loses the claim, and reads the row again.
_CHANGE_SQL = """
UPDATE ledger.subscriptions
   SET wrapped = $4, sealed = $5, types = $6, state = $7,
       disabled_for = CASE WHEN $7 = 'disabled' THEN disabled_for END,
       previous_until = $8, attempts = CASE WHEN $9 THEN 0 ELSE attempts END,
       due_at = CASE WHEN $9 THEN clock_timestamp() ELSE due_at END,
       version = version + 1, claim = NULL, claimed_until = NULL, epoch = $10
 WHERE client_id = $1 AND subscription_id = $2 AND version = $3
"""
_DELETE_SQL = "DELETE FROM ledger.subscriptions WHERE client_id = $1 AND subscription_id = $2"
_MOVE_SQL = """
UPDATE ledger.subscriptions
   SET position = $4, attempts = 0, due_at = clock_timestamp(), version = version + 1,
       claim = NULL, claimed_until = NULL
 WHERE client_id = $1 AND subscription_id = $2 AND version = $3
"""
_SKIP_SQL = """
UPDATE ledger.subscription_failures SET state = 'skipped'
 WHERE subscription_id = $1 AND position <= $2 AND state IN ('retrying', 'given-up')
"""
_RETRY_NOW_SQL = """
UPDATE ledger.subscriptions SET attempts = 0, due_at = clock_timestamp()
 WHERE client_id = $1 AND subscription_id = $2
"""
_REPLAY_SQL = """
UPDATE ledger.subscription_failures SET replay = true
 WHERE subscription_id = $1 AND position = $2 RETURNING state
"""
_FAILURES_SQL = """
SELECT position, event_id, type, state, attempts, reason, status, first_at, last_at
  FROM ledger.subscription_failures
 WHERE subscription_id = $1 AND position >= $2 ORDER BY position LIMIT $3
"""

_TROUBLED_SQL = """
SELECT count(*) FILTER (WHERE state = 'active' AND attempts > 0) AS retrying,
       count(*) FILTER (WHERE state = 'disabled') AS disabled
  FROM ledger.subscriptions
"""


@dataclass(frozen=True, slots=True)
class Troubled:
    """How many subscriptions of all callers do not get their events."""

    retrying: int
    disabled: int


@dataclass(frozen=True, slots=True)
class Secrets:
    """What the row holds sealed."""

    url: str = field(repr=False)
    key: bytes = field(repr=False)
    previous: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Subscription:
    """One subscription as it is now."""

    subscription_id: UUID
    client_id: str
    secrets: Secrets | None
    """None when no key here opens them: its epoch was destroyed."""
    scheme: str
    types: tuple[str, ...]
    position: int
    """Everything up to here was delivered, or is of no type that was asked for."""
    state: str
    disabled_for: str | None
    attempts: int
    due_at: datetime
    previous_until: datetime | None
    version: int
    created_at: datetime
    delivered_at: datetime | None


@dataclass(frozen=True, slots=True)
class Failure:
    """An event that was not delivered at the first attempt."""

    position: int
    event_id: UUID
    type: str
    state: str
    attempts: int
    reason: str
    status: int | None
    first_at: datetime
    last_at: datetime


class SubscriptionChanged(Exception):
    """Somebody else changed it meanwhile."""


class SubscriptionRegister:
    """Every change is bound to the owner, and to the version that it was decided on."""

    def __init__(self, pool: "asyncpg.Pool[Any]", vault: KeyVault) -> None:
        self._pool = pool
        self._vault = vault

    async def create(
        self, client_id: str, secrets: Secrets, *, scheme: str, types: Sequence[str], position: int
    ) -> UUID | None:
        """Its id; None when the caller has as many as may be."""
        subscription_id = random_id()

        async def insert() -> str:
            wrapped, sealed, epoch = self._seal(subscription_id, secrets)
            done: str = await self._pool.execute(
                _INSERT_SQL,
                *(subscription_id, client_id, wrapped, sealed, epoch),
                *(scheme, list(types), position, SUBSCRIPTIONS_MAX),
            )
            return done

        done = await under_active_epoch(self._pool, self._vault, insert)
        return subscription_id if done == "INSERT 0 1" else None

    async def one(self, client_id: str, subscription_id: UUID) -> Subscription | None:
        """The caller's own; None for everybody else's too."""
        row = await self._pool.fetchrow(_ONE_SQL, client_id, subscription_id)
        return None if row is None else (await self.read([row]))[0]

    async def all_of(self, client_id: str) -> list[Subscription]:
        """The caller's own, oldest first."""
        rows = await self._pool.fetch(_ALL_SQL, client_id, SUBSCRIPTIONS_MAX * 2)
        return await self.read(rows)

    async def change(
        self,
        was: Subscription,
        *,
        secrets: Secrets,
        types: Sequence[str] | None = None,
        state: str | None = None,
        previous_until: datetime | None = None,
    ) -> Subscription:
        """As it is afterwards. Made active again it begins at its position, without delay."""
        now_types = was.types if types is None else tuple(types)
        now_state = was.state if state is None else state

        async def update() -> str:
            wrapped, sealed, epoch = self._seal(was.subscription_id, secrets)
            done: str = await self._pool.execute(
                _CHANGE_SQL,
                *(was.client_id, was.subscription_id, was.version, wrapped, sealed),
                *(list(now_types), now_state, previous_until or was.previous_until),
                *(state == "active", epoch),
            )
            return done

        done = await under_active_epoch(self._pool, self._vault, update)
        return await self._changed(done, was)

    async def delete(self, client_id: str, subscription_id: UUID) -> bool:
        """With its failures; False when there was none."""
        done = await self._pool.execute(_DELETE_SQL, client_id, subscription_id)
        return bool(done == "DELETE 1")

    async def move(self, was: Subscription, position: int) -> Subscription:
        """Delivers again what comes after a position, or leaves out what comes before it."""
        async with self._pool.acquire() as connection, connection.transaction():
            done = await connection.execute(
                _MOVE_SQL, was.client_id, was.subscription_id, was.version, position
            )
            if done == "UPDATE 1":
                await connection.execute(_SKIP_SQL, was.subscription_id, position)
        return await self._changed(done, was)

    async def replay(self, was: Subscription, position: int) -> bool:
        """Delivers one failure again as soon as can be; False when there is none there."""
        async with self._pool.acquire() as connection, connection.transaction():
            state = await connection.fetchval(_REPLAY_SQL, was.subscription_id, position)
            if state == "retrying":
                await connection.execute(_RETRY_NOW_SQL, was.client_id, was.subscription_id)
        return state is not None

    async def failures(self, was: Subscription, start: int, size_max: int) -> list[Failure]:
        """Those from a position on, in order; recovered ones are kept for a while."""
        rows = await self._pool.fetch(_FAILURES_SQL, was.subscription_id, start, size_max)
        return [Failure(*row) for row in rows]

    async def troubled(self) -> Troubled:
        """Those whose receiver does not answer as it should, and those that were given up."""
        [row] = await self._pool.fetch(_TROUBLED_SQL)
        return Troubled(row["retrying"], row["disabled"])

    async def read(self, rows: Sequence[Mapping[str, Any]]) -> list[Subscription]:
        """Rows of the table with their secrets opened."""
        await meet_epochs(self._pool, self._vault, [row["epoch"] for row in rows])
        return [self._read(row) for row in rows]

    def _read(self, row: Mapping[str, Any]) -> Subscription:
        return Subscription(
            subscription_id=row["subscription_id"],
            client_id=row["client_id"],
            secrets=self._open(row["subscription_id"], row["wrapped"], row["sealed"]),
            scheme=row["scheme"],
            types=tuple(row["types"]),
            position=row["position"],
            state=row["state"],
            disabled_for=row["disabled_for"],
            attempts=row["attempts"],
            due_at=row["due_at"],
            previous_until=row["previous_until"],
            version=row["version"],
            created_at=row["created_at"],
            delivered_at=row["delivered_at"],
        )

    async def _changed(self, done: str, was: Subscription) -> Subscription:
        found = await self.one(was.client_id, was.subscription_id)
        if done != "UPDATE 1" or found is None:
            raise SubscriptionChanged
        return found

    def _seal(self, subscription_id: UUID, secrets: Secrets) -> tuple[bytes, bytes, int]:
        context = subscription_context(subscription_id)
        wrapped = self._vault.new_register_key(context)
        key = self._vault.register_key(context, wrapped)
        assert key is not None, "it was wrapped a moment ago"
        written = msgspec.json.encode(
            {
                "url": secrets.url,
                "key": b64encode(secrets.key).decode(),
                "previous": secrets.previous and b64encode(secrets.previous).decode(),
            }
        )
        sealed = wrap(
            AESGCM(key),
            written,
            nonce=random_bytes(NONCE_SIZE_BYTES),
            bound_to=self._bound_to(subscription_id),
        )
        return wrapped, sealed, self._vault.active_epoch

    def _open(self, subscription_id: UUID, wrapped: bytes, sealed: bytes) -> Secrets | None:
        key = self._vault.register_key(subscription_context(subscription_id), wrapped)
        opened = key and unwrap(AESGCM(key), sealed, bound_to=self._bound_to(subscription_id))
        if not opened:
            return None
        read = msgspec.json.decode(opened)
        previous = read["previous"]
        return Secrets(read["url"], b64decode(read["key"]), previous and b64decode(previous))

    def _bound_to(self, subscription_id: UUID) -> bytes:
        return prefixed(
            _CONTEXT, str(self._vault.ledger_id).encode(), str(subscription_id).encode()
        )


def with_new_key(secrets: Secrets, key: bytes) -> Secrets:
    """The key is followed by a new one, and signs beside it for a while."""
    return replace(secrets, key=key, previous=secrets.key)


def subscription_context(subscription_id: UUID) -> str:
    """What the key of a subscription's row is bound to."""
    return f"subscription/{subscription_id}"
