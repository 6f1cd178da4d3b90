"""The two ways into the log, so that one test can hold for both."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import asyncpg

from app.store.append import (
    APPEND_ONE_SQL,
    APPEND_SQL,
    Append,
    Outcome,
    OutcomeCode,
    arguments,
    arguments_of_one,
    fits_short_path,
)

Connection: TypeAlias = "asyncpg.Connection[Any]"


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


async def append_one(connection: Connection, command: Append) -> Outcome:
    """One call of `ledger_append_one`."""
    assert fits_short_path(command)
    row = await connection.fetchrow(APPEND_ONE_SQL, *arguments_of_one(command))
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
