"""The keyring in a file: wrapped keys and the tombs of destroyed ones, to be put over a backup.

Lines of JSON: a header, one line a key, and a seal over all of them that only a holder of the root
of the active epoch can make. It has no root, no person's id and no person's data; what a tomb says
of its person's closed classes hangs on the key.
"""

import hashlib
import json
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, BinaryIO, Final
from uuid import UUID

import asyncpg

from app.store.epochs import refresh_epochs
from app.store.identity import read_identity
from app.store.rewrapping import REGISTERS
from app.vault.custody import Custody
from app.vault.key_vault import KeyVault

FORMAT: Final = "pdledger-keyring/1"
LINE_MAX_BYTES: Final = 1 << 20
BATCH_SIZE: Final = 1_000

EPOCHS_SQL: Final = "SELECT epoch, state, wrapped FROM ledger.key_epoch ORDER BY epoch"
SIZE_SQL: Final = "SELECT coalesce(max(position) + 1, 0) FROM ledger.events"
KEYS_SQL: Final = """
SELECT k.key_id, k.epoch, k.wrapped,
       CASE WHEN k.state = 'erased' THEN ARRAY(
            SELECT f.class FROM ledger.erasure_fence f WHERE f.subject_id = k.subject_id
             ORDER BY 1) END AS fences
  FROM ledger.keyring k
"""


class KeyringFileUnusable(Exception):
    """The file is no keyring, or not as it was written; ``code`` is a word for programs."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class KeyringHead:
    """What a keyring says of itself in its first line."""

    ledger_id: UUID
    log_size: int
    written_at: datetime
    states: Mapping[int, str]
    wrapped: Mapping[int, bytes | None]

    @property
    def active(self) -> int:
        """The epoch whose root seals the file."""
        return max(self.states)


@dataclass(frozen=True, slots=True)
class KeptKey:
    """A data key, wrapped; without that, the tomb of one that was destroyed."""

    key_id: UUID
    epoch: int
    wrapped: bytes | None
    fences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KeptRegisterKey:
    """The wrapped key of a row of a register."""

    table: str
    name: str
    epoch: int
    wrapped: bytes


async def write_keyring(
    connection: "asyncpg.Connection[Any]",
    custody: Custody,
    file: BinaryIO,
    *,
    written_at: datetime,
) -> tuple[KeyringHead, int]:
    """Writes one snapshot, a row at a time; the head and how many keys.

    EpochUnavailable where the active epoch of the snapshot has no root here.
    """
    digest, count = hashlib.sha256(), 0

    def put(line: Mapping[str, Any]) -> None:
        text = json.dumps(line, separators=(",", ":")).encode() + b"\n"
        digest.update(text)
        file.write(text)

    async with connection.transaction(isolation="repeatable_read", readonly=True):
        vault = KeyVault((await read_identity(connection)).ledger_id, custody)
        await refresh_epochs(connection, vault)
        epochs = await connection.fetch(EPOCHS_SQL)
        head = KeyringHead(
            vault.ledger_id,
            await connection.fetchval(SIZE_SQL),
            written_at.astimezone(UTC),
            {row["epoch"]: row["state"] for row in epochs},
            {row["epoch"]: row["wrapped"] for row in epochs},
        )
        put(_head_line(head))
        async for line in _lines(connection):
            put(line)
            count += 1
    seal = vault.keyring_mac(head.active, digest.digest())
    file.write(json.dumps({"keys": count, "seal": seal.hex()}).encode() + b"\n")
    return head, count


async def _lines(connection: "asyncpg.Connection[Any]") -> AsyncIterator[dict[str, Any]]:
    async for row in connection.cursor(KEYS_SQL, prefetch=BATCH_SIZE):
        line = {"key": str(row["key_id"]), "epoch": row["epoch"]}
        if row["wrapped"] is None:
            yield line | {"fences": list(row["fences"])}
        else:
            yield line | {"wrapped": _text(row["wrapped"])}
    for table, (name, _) in REGISTERS.items():
        rows = connection.cursor(
            f"SELECT {name}::text AS name, epoch, wrapped FROM ledger.{table}"  # noqa: S608  # ours
        )
        async for row in rows:
            line = {"register": table, "name": row["name"], "epoch": row["epoch"]}
            yield line | {"wrapped": _text(row["wrapped"])}


class KeyringFile:
    """A keyring being read; each passage over it checks the seal at its end."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.head = _head(self._line())
        self.digest = ""
        """SHA-256 of what the seal covers, after the first whole passage."""

    def check(self, vault: KeyVault) -> None:
        """Reads the whole of it for nothing but its seal."""
        for _ in self.batches(vault):
            pass

    def batches(self, vault: KeyVault) -> Iterator[list[KeptKey | KeptRegisterKey]]:
        """Its keys, some at a time; KeyringFileUnusable at the end where the seal is not good."""
        self._file.seek(0)
        digest, batch, count = hashlib.sha256(self._line()), list[Any](), 0
        while True:
            line = self._line()
            said = _read(line)
            if "seal" in said:
                break
            digest.update(line)
            batch.append(_kept(said))
            count += 1
            if len(batch) == BATCH_SIZE:
                yield batch
                batch = []
        mac = vault.keyring_mac(self.head.active, digest.digest()).hex()
        good = said == {"keys": count, "seal": mac} and not self._file.read(1)
        if not good or self.digest not in ("", digest.hexdigest()):
            raise _changed()
        self.digest = digest.hexdigest()
        if batch:
            yield batch

    def _line(self) -> bytes:
        line = self._file.readline(LINE_MAX_BYTES)
        if not line.endswith(b"\n"):
            raise _changed()
        return line


def _changed() -> KeyringFileUnusable:
    return KeyringFileUnusable(
        "keyring-changed", "it is no keyring, or not as it was written: its seal is not good"
    )


def _read(line: bytes) -> dict[str, Any]:
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        raise _changed() from None
    if not isinstance(said, dict):
        raise _changed()
    return said


def _kept(said: dict[str, Any]) -> KeptKey | KeptRegisterKey:
    try:
        if "register" in said:
            wrapped = b64decode(said["wrapped"], validate=True)
            return KeptRegisterKey(said["register"], said["name"], said["epoch"], wrapped)
        held = said.get("wrapped")
        return KeptKey(
            UUID(said["key"]),
            int(said["epoch"]),
            None if held is None else b64decode(held, validate=True),
            tuple(map(str, said.get("fences", ()))),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise _changed() from None


def _head_line(head: KeyringHead) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "ledger": str(head.ledger_id),
        "log_size": head.log_size,
        "written_at": head.written_at.isoformat(),
        "epochs": [
            {"epoch": key, "state": state, "wrapped": _text(head.wrapped[key])}
            for key, state in head.states.items()
        ],
    }


def _head(line: bytes) -> KeyringHead:
    said = _read(line)
    if said.get("format") != FORMAT:
        raise KeyringFileUnusable("keyring-changed", f"it is no file of the form {FORMAT}")
    if not said.get("epochs"):
        raise _changed()
    try:
        wrapped = {one["epoch"]: one["wrapped"] for one in said["epochs"]}
        return KeyringHead(
            UUID(said["ledger"]),
            int(said["log_size"]),
            datetime.fromisoformat(said["written_at"]),
            {int(one["epoch"]): str(one["state"]) for one in said["epochs"]},
            {key: None if one is None else b64decode(one) for key, one in wrapped.items()},
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise _changed() from None


def _text(wrapped: bytes | None) -> str | None:
    return None if wrapped is None else b64encode(wrapped).decode()
