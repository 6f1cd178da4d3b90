"""The append call: commands as arrays for `ledger_append`, its outcomes read back (DESIGN 2.5)."""

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from uuid import UUID

from app.identifiers import StreamId
from app.tlog.receipts import Batch
from app.values import Confidential, Value

if TYPE_CHECKING:
    import asyncpg

PARTITION = 0


class OutcomeCode(StrEnum):
    """What became of one command of a batch. Never an exception: its neighbours go on."""

    APPENDED = "appended"
    REPLAYED = "replayed"
    KEY_REUSED = "key-reused"
    VERSION_CONFLICT = "version-conflict"
    STALE_CONTROL = "stale-control"
    STALE_EPOCH = "stale-epoch"
    STALE_CLOCK = "stale-clock"
    FENCED = "fenced"
    IDENTIFIER_TAKEN = "identifier-taken"
    GROUP_REFUSED = "group-refused"


class SealedBlob(Confidential, frozen=True):
    """One sealed section of one event."""

    CONFIDENTIAL = ("blob",)

    section: int
    key_id: UUID
    retention_class: str
    blob: bytes


class EncodedEvent(Value, frozen=True):
    """One event as it will be stored, for good."""

    event_id: UUID
    type: str
    entry: bytes
    leaf_hash: bytes
    blobs: tuple[SealedBlob, ...] = ()


class WrappedKey(Confidential, frozen=True):
    """A data key that this command creates."""

    CONFIDENTIAL = ("wrapped",)

    key_id: UUID
    retention_class: str
    generation: str
    epoch: int
    wrapped: bytes


class IdentifierToken(Value, frozen=True):
    """A blind-index token that the stream's subject takes or releases."""

    kind: str
    token: bytes
    epoch: int
    release: bool | None
    """None: the token of a value that is taken, under an epoch that drains; asked for, not kept."""


class IdempotencyToken(Value, frozen=True):
    """Idempotency key and fingerprint as HMACs, under this period's key and the last one's."""

    client: str
    key: bytes
    fingerprint: bytes
    key_previous: bytes | None = None
    fingerprint_previous: bytes | None = None


class Append(Value, frozen=True):
    """One command: all or nothing, decided at ``expected`` (0 for a new stream)."""

    stream_id: StreamId
    expected: int
    control: int | None
    """Version of the control stream it was decided under; None when it does not depend on it."""
    events: tuple[EncodedEvent, ...] = ()
    new_keys: tuple[WrappedKey, ...] = ()
    identifiers: tuple[IdentifierToken, ...] = ()
    suppressions: tuple[tuple[str, bytes], ...] = ()
    idempotency: IdempotencyToken | None = None


class Outcome(Value, frozen=True):
    """Answer to one Append; versions and position are set for ``appended`` and ``replayed``."""

    code: OutcomeCode
    stream_id: UUID
    first_version: int | None = None
    last_version: int | None = None
    first_position: int | None = None
    batch: Batch | None = None
    """What was appended together with it, to be signed; for ``appended`` alone."""


APPEND_SQL = (
    "SELECT command, outcome, stream_id, first_version, last_version, first_position"
    " FROM ledger.ledger_append("
    "$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, "
    "$17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, "
    "$33)"
)


def arguments(commands: Sequence[Append], groups: Sequence[int | None]) -> tuple[object, ...]:
    """The 33 arguments of `ledger_append`, indices from 1 as PostgreSQL counts."""
    tokens = [command.idempotency for command in commands]
    events = [(n, event) for n, command in enumerate(commands, 1) for event in command.events]
    blobs = [(n, blob) for n, (_, event) in enumerate(events, 1) for blob in event.blobs]
    keys = [(n, key) for n, command in enumerate(commands, 1) for key in command.new_keys]
    claims = [(n, one) for n, command in enumerate(commands, 1) for one in command.identifiers]
    marks = [(n, *one) for n, command in enumerate(commands, 1) for one in command.suppressions]
    return (
        PARTITION,
        [command.stream_id for command in commands],
        [command.expected for command in commands],
        [command.control for command in commands],
        groups,
        [token and token.client for token in tokens],
        [token and token.key for token in tokens],
        [token and token.key_previous for token in tokens],
        [token and token.fingerprint for token in tokens],
        [token and token.fingerprint_previous for token in tokens],
        [n for n, _ in events],
        [event.event_id for _, event in events],
        [event.type for _, event in events],
        [event.entry for _, event in events],
        [n for n, _ in blobs],
        [blob.section for _, blob in blobs],
        [blob.key_id for _, blob in blobs],
        [blob.retention_class for _, blob in blobs],
        [blob.blob for _, blob in blobs],
        [n for n, _ in keys],
        [key.key_id for _, key in keys],
        [key.retention_class for _, key in keys],
        [key.generation for _, key in keys],
        [key.epoch for _, key in keys],
        [key.wrapped for _, key in keys],
        [n for n, _ in claims],
        [claim.kind for _, claim in claims],
        [claim.token for _, claim in claims],
        [claim.epoch for _, claim in claims],
        [claim.release for _, claim in claims],
        [n for n, _, _ in marks],
        [purpose for _, purpose, _ in marks],
        [token for _, _, token in marks],
    )


async def append_in(connection: "asyncpg.Connection[Any]", command: Append) -> OutcomeCode:
    """Appends one command within a transaction of the caller's; a lost one leaves nothing."""
    [row] = await connection.fetch(APPEND_SQL, *arguments([command], [None]))
    return OutcomeCode(row["outcome"])


APPEND_ONE_SQL = (
    "SELECT outcome, stream_id, first_version, last_version, first_position"
    " FROM ledger.ledger_append_one("
    "$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, "
    "$17, $18, $19, $20)"
)


def fits_short_path(command: Append) -> bool:
    """Whether `ledger_append_one` takes the command: one event, no tokens beside it."""
    return len(command.events) == 1 and not command.identifiers and not command.suppressions


def arguments_of_one(command: Append) -> tuple[object, ...]:
    """The 20 arguments of `ledger_append_one`."""
    [event], token, keys = command.events, command.idempotency, command.new_keys
    return (
        PARTITION,
        command.stream_id,
        command.expected,
        command.control,
        token and token.client,
        token and token.key,
        token and token.key_previous,
        token and token.fingerprint,
        token and token.fingerprint_previous,
        event.event_id,
        event.type,
        event.entry,
        [blob.key_id for blob in event.blobs],
        [blob.retention_class for blob in event.blobs],
        [blob.blob for blob in event.blobs],
        [key.key_id for key in keys],
        [key.retention_class for key in keys],
        [key.generation for key in keys],
        [key.epoch for key in keys],
        [key.wrapped for key in keys],
    )
