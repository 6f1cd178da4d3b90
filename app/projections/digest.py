"""A fingerprint of what a projection holds: equal before and after a rebuild, whoever computes it.

SHA-256 over lines of UTF-8, each ended by LF. For each table in the order of declaration: its name,
then each row, ordered by primary key (text by its bytes), as a compact JSON array of its columns in
their order. UUIDs are lower-case text, moments RFC 3339 in UTC with six digits and `Z`.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from sqlalchemy import Select, Table, Text, select

from app.events.declare import moment_text
from app.projections.positions import POSITION_SQL
from app.projections.projection import Projection
from app.projections.statements import compiled

ROWS_A_FETCH = 1000


@dataclass(frozen=True, slots=True)
class Digest:
    """The fingerprint of a projection and the position at which it was taken."""

    position: int
    sha256: str


async def digest(connection: "asyncpg.Connection[Any]", projection: Projection) -> Digest:
    """Reads every row of the projection in one snapshot, in constant memory."""
    sha256 = hashlib.sha256()
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        position = await connection.fetchval(POSITION_SQL, projection.name, projection.version)
        for table in projection.tables:
            sha256.update(table.name.encode() + b"\n")
            rows, _ = compiled(_in_key_order(table))
            async for row in connection.cursor(rows, prefetch=ROWS_A_FETCH):
                sha256.update(msgspec.json.encode([_plain(value) for value in row]) + b"\n")
    return Digest(-1 if position is None else position, sha256.hexdigest())


def _in_key_order(table: Table) -> Select[Any]:
    # Databases differ in how they sort text; bytes do not.
    return select(table).order_by(
        *(
            column.collate("C") if isinstance(column.type, Text) else column
            for column in table.primary_key.columns
        )
    )


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return moment_text(value)
        case UUID():
            return str(value)
        case list():
            return [_plain(one) for one in value]
        case _:
            return value
