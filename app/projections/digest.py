"""A fingerprint of what a projection holds: equal before and after a rebuild, whoever computes it.

Rows belong to the slice of their person's id (its first ten bits). A slice's digest is SHA-256 over
lines of UTF-8, each ended by LF: for each table in the order of declaration its name, then each row
of the slice, ordered by primary key (text by its bytes), as a compact JSON array of its columns in
their order. UUIDs are lower-case text, moments RFC 3339 in UTC with six digits and `Z`. The whole
is SHA-256 over the 1,024 digests, 32 bytes each, in order.
"""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Select, Table, Text, select

from app.events.declare import moment_text
from app.projections.pages import Connection
from app.projections.parking import Build
from app.projections.projection import Projection
from app.projections.slices import SLICES, slice_of
from app.projections.statements import SUBJECT, compiled, of_build

ROWS_A_FETCH = 2000

SERVING_SQL = """
SELECT build FROM ledger.positions WHERE projection = $1 AND version = $2 AND state = 'serving'
"""
POSITION_SQL = """
SELECT position FROM ledger.positions WHERE projection = $1 AND version = $2 AND build = $3
"""


@dataclass(frozen=True, slots=True)
class Digest:
    """The fingerprint of a build and the position at which it was taken."""

    position: int
    slices: tuple[str, ...]

    @property
    def sha256(self) -> str:
        """One fingerprint of the whole."""
        return hashlib.sha256(b"".join(map(bytes.fromhex, self.slices))).hexdigest()

    def differing(self, other: "Digest") -> tuple[int, ...]:
        """The slices in which the two hold something else."""
        pairs = enumerate(zip(self.slices, other.slices, strict=True))
        return tuple(number for number, (ours, theirs) in pairs if ours != theirs)


async def serving_build(connection: Connection, projection: Projection) -> Build | None:
    """The build that serves; None before the projection first ran."""
    number = await connection.fetchval(SERVING_SQL, projection.name, projection.version)
    return None if number is None else Build(projection, number)


async def digest(connection: Connection, projection: Projection) -> Digest:
    """The fingerprint of what serves; of nothing before the projection first ran."""
    build = await serving_build(connection, projection)
    if build is None:
        return Digest(-1, _Slices().ended())
    return await digest_of(connection, build)


async def digest_of(connection: Connection, build: Build) -> Digest:
    """Reads every row of a build in one snapshot, in constant memory."""
    slices = _Slices()
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        position = await connection.fetchval(POSITION_SQL, *build.key)
        for table in build.projection.tables:
            slices.begin(table)
            rows, _ = compiled(_in_key_order(table))
            cursor = await connection.cursor(of_build(rows, build.number))
            while found := await cursor.fetch(ROWS_A_FETCH):
                for row in found:
                    slices.add(row)
    return Digest(position, slices.ended())


class _Slices:
    """A running hash of each slice."""

    def __init__(self) -> None:
        self._hashes = [hashlib.sha256() for _ in range(SLICES)]
        self._subject = 0

    def begin(self, table: Table) -> None:
        self._subject = [column.name for column in table.columns].index(SUBJECT)
        for one in self._hashes:
            one.update(table.name.encode() + b"\n")

    def add(self, row: Any) -> None:
        line = msgspec.json.encode([_plain(value) for value in row]) + b"\n"
        self._hashes[slice_of(row[self._subject])].update(line)

    def ended(self) -> tuple[str, ...]:
        return tuple(one.hexdigest() for one in self._hashes)


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
        case UUID() | date():
            return str(value)
        case list():
            return [_plain(one) for one in value]
        case _:
            return value
