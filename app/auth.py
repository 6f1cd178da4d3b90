"""API keys and scopes: who calls, and what that caller may do (security.md S3, S7)."""

import binascii
import hashlib
import hmac
import re
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import asyncpg

from app.clock import Clock, random_bytes

PREFIX = "pl_live"
ID_LENGTH = 12
SECRET_LENGTH = 43
CHECKSUM_LENGTH = 6
LIFETIME_MAX = timedelta(days=365)
CACHE_MAX = 4096

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_KEY = re.compile(
    rf"{PREFIX}_([0-9A-Za-z]{{{ID_LENGTH}}})_([0-9A-Za-z]{{{SECRET_LENGTH}}})([0-9A-Za-z]{{{CHECKSUM_LENGTH}}})"
)


class Scope(StrEnum):
    """What a key allows, `resource:action`; every operation names exactly one."""

    SUBJECTS_READ = "subjects:read"
    SUBJECTS_WRITE = "subjects:write"
    SUBJECTS_LOOKUP = "subjects:lookup"
    COLLECTIONS_WRITE = "collections:write"
    DISCLOSURES_READ = "disclosures:read"
    DISCLOSURES_WRITE = "disclosures:write"
    CONSENTS_READ = "consents:read"
    CONSENTS_WRITE = "consents:write"
    OBJECTIONS_WRITE = "objections:write"
    OBJECTIONS_DECIDE = "objections:decide"
    RESTRICTIONS_WRITE = "restrictions:write"
    RIGHTS_REQUESTS_READ = "rights-requests:read"
    RIGHTS_REQUESTS_WRITE = "rights-requests:write"
    RIGHTS_REQUESTS_DECIDE = "rights-requests:decide"
    ERASURE_EXECUTE = "erasure:execute"
    RETENTION_WRITE = "retention:write"
    REPORTS_READ = "reports:read"
    PERMISSIONS_CHECK = "permissions:check"
    IMPORTS_WRITE = "imports:write"
    REGISTERS_READ = "registers:read"
    POLICY_PUBLISH = "policy:publish"
    EVENTS_READ = "events:read"
    BREACHES_READ = "breaches:read"
    BREACHES_WRITE = "breaches:write"
    BREACHES_NOTIFY = "breaches:notify"
    SUBSCRIPTIONS_MANAGE = "subscriptions:manage"
    RECEIVERS_MANAGE = "receivers:manage"
    RECEIVERS_APPROVE = "receivers:approve"
    TRANSMISSIONS_WRITE = "transmissions:write"
    PHOTOS_WRITE = "photos:write"
    ACCOUNTS_WRITE = "accounts:write"
    COOKIES_WRITE = "cookies:write"
    MERGES_PROPOSE = "merges:propose"
    MERGES_APPROVE = "merges:approve"
    MAILS_SEND = "mails:send"
    MAILS_REPORT = "mails:report"
    """Messages about deliveries: for a key that lies on a mail server, and reads no letter."""
    CALENDAR_READ = "calendar:read"
    """The calendar of deadlines at an address that holds the key, and nothing else."""
    METRICS_READ = "metrics:read"
    LOG_READ = "log:read"
    PROOFS_READ = "proofs:read"


class NotAuthenticated(Exception):
    """No key, a malformed one, or one that is unknown, revoked or expired: never says which."""


class InsufficientScope(Exception):
    """The key is good, but not for this operation."""

    def __init__(self, scope: str) -> None:
        super().__init__(f"the key lacks the scope {scope}")
        self.scope = scope


@dataclass(frozen=True, slots=True)
class Caller:
    """A tool with a key. ``system`` binds it to one source of the policy (S7)."""

    client_id: str
    scopes: frozenset[str]
    system: str | None = None


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made. ``text`` is shown once; the database holds the hash of its secret."""

    client_id: str
    text: str = field(repr=False)
    secret_hash: bytes = field(repr=False)


def new_key() -> NewKey:
    """A fresh API key with 256 bits of secret, so that a plain hash is enough to store."""
    client_id = _base62(random_bytes(16), ID_LENGTH)
    secret = _base62(random_bytes(32), SECRET_LENGTH)
    text = f"{PREFIX}_{client_id}_{secret}{_checksum(client_id + secret)}"
    return NewKey(client_id, text, hashlib.sha256(secret.encode()).digest())


def parse_key(text: str) -> tuple[str, bytes] | None:
    """Client id and secret hash; None when the form or the checksum is wrong."""
    match = _KEY.fullmatch(text)
    if match is None:
        return None
    client_id, secret, checksum = match.groups()
    if not hmac.compare_digest(checksum, _checksum(client_id + secret)):
        return None
    return client_id, hashlib.sha256(secret.encode()).digest()


class Callers:
    """Turns a key into its caller. Owns a cache that a notice of revocation empties."""

    def __init__(self, pool: "asyncpg.Pool[Any]", clock: Clock, ttl_s: float) -> None:
        self._pool = pool
        self._clock = clock
        self._ttl = timedelta(seconds=ttl_s)
        self._known: OrderedDict[bytes, tuple[Caller, datetime]] = OrderedDict()

    async def caller(self, text: str) -> Caller:
        """The caller behind a key; NotAuthenticated, in the same way, for every other text."""
        # The cache is keyed by a hash, so that a memory dump of it holds no working key.
        name = hashlib.sha256(text.encode()).digest()
        cached = self._known.get(name)
        if cached is not None and self._clock() < cached[1]:
            return cached[0]
        parsed = parse_key(text)
        row = parsed and await self._pool.fetchrow(
            "SELECT secret_hash, scopes, system, expires_at, revoked_at"
            " FROM ledger.clients WHERE client_id = $1",
            parsed[0],
        )
        now = self._clock()
        if not parsed or not row or not hmac.compare_digest(row["secret_hash"], parsed[1]):
            raise NotAuthenticated
        if row["revoked_at"] is not None or row["expires_at"] <= now:
            raise NotAuthenticated
        caller = Caller(parsed[0], frozenset(row["scopes"]), row["system"])
        self._known[name] = (caller, min(row["expires_at"], now + self._ttl))
        while len(self._known) > CACHE_MAX:
            self._known.popitem(last=False)
        return caller

    def forget(self, _client_id: str = "") -> None:
        """Forgets every caller: revocations are rare, and asking again is cheap."""
        self._known.clear()


def _base62(material: bytes, length: int) -> str:
    number = int.from_bytes(material, "big")
    digits: list[str] = []
    for _ in range(length):
        number, digit = divmod(number, 62)
        digits.append(_ALPHABET[digit])
    return "".join(digits)


def _checksum(text: str) -> str:
    return _base62(binascii.crc32(text.encode()).to_bytes(4, "big"), CHECKSUM_LENGTH)
