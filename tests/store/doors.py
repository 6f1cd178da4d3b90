"""The two ways into the log, so that one test can hold for both."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import asyncpg

from app.store.append import APPEND_SQL, PARTITION, Append, Outcome, OutcomeCode, arguments

Connection: TypeAlias = "asyncpg.Connection[Any]"

APPEND_ONE_SQL = (
    "SELECT outcome, stream_id, first_version, last_version, first_position"
    " FROM ledger.ledger_append_one(" + ", ".join(f"${n}" for n in range(1, 21)) + ")"
)


async def append(
    connection: Connection, *commands: Append, groups: Sequence[int | None] | None = None
) -> list[Outcome]:
    """One call of `ledger_append`; the outcomes in the order of the commands."""
    rows = await connection.fetch(
        APPEND_SQL, *arguments(commands, groups or [None] * len(commands))
    )
    by_command = {row["command"]: _outcome(row) for row in rows}
    assert len(by_command) == len(rows) == len(commands)
    return [by_command[number] for number in range(1, len(commands) + 1)]


def one_arguments(command: Append) -> tuple[object, ...]:
    """The arguments of `ledger_append_one`."""
    [event] = command.events
    assert not command.identifiers
    assert not command.suppressions
    token = command.idempotency
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
        [key.key_id for key in command.new_keys],
        [key.retention_class for key in command.new_keys],
        [key.generation for key in command.new_keys],
        [key.epoch for key in command.new_keys],
        [key.wrapped for key in command.new_keys],
    )


async def append_one(connection: Connection, command: Append) -> Outcome:
    """One call of `ledger_append_one`."""
    row = await connection.fetchrow(APPEND_ONE_SQL, *one_arguments(command))
    assert row is not None
    return _outcome(row)


async def send(door: str, connection: Connection, command: Append) -> Outcome:
    """One command through the door named `batch` or `one`."""
    if door == "one":
        return await append_one(connection, command)
    [outcome] = await append(connection, command)
    return outcome


def _outcome(row: asyncpg.Record) -> Outcome:
    return Outcome(
        OutcomeCode(row["outcome"]),
        row["stream_id"],
        row["first_version"],
        row["last_version"],
        row["first_position"],
    )
