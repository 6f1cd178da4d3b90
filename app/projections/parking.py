"""People whose events cannot be folded wait, in order, while everybody else goes on.

One row a person says from which event on. What comes later of that person is left in the log, where
its order is kept anyway; `redrive` reads it from there once the cause is mended. Nothing is skipped
without a row.
"""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from uuid import UUID

import asyncpg
import structlog

from app.projections.pages import Connection
from app.projections.projection import LogLine, Projection
from app.projections.statements import as_json

POISON = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError)
"""What the database refuses because of the row itself; any other fault is not an event's."""

LINES_A_READ = 500

PARK_SQL = """
INSERT INTO ledger.parked_subjects
       (projection, version, build, subject_id, stream_version, position, error_class, attempts)
VALUES ($1, $2, $3, $4, $5, $6, $7, 1)
"""
PARKED_SQL = """
SELECT subject_id FROM ledger.parked_subjects
 WHERE projection = $1 AND version = $2 AND build = $3 AND subject_id = ANY($4::uuid[])
"""
WAITING_SQL = """
SELECT subject_id FROM ledger.parked_subjects
 WHERE projection = $1 AND version = $2 AND build = $3 ORDER BY parked_at, subject_id
"""
SERVING_SQL = """
SELECT build, position FROM ledger.positions
 WHERE projection = $1 AND version = $2 AND state = 'serving' FOR UPDATE
"""
FROM_SQL = """
SELECT stream_version FROM ledger.parked_subjects
 WHERE projection = $1 AND version = $2 AND build = $3 AND subject_id = $4 FOR UPDATE
"""
LINES_SQL = """
SELECT position, stream_id, version, type, CASE WHEN type = ANY($5::text[]) THEN entry END
  FROM ledger.events WHERE stream_id = $1 AND version >= $2 AND position <= $3
 ORDER BY version LIMIT $4
"""
RELEASE_SQL = """
DELETE FROM ledger.parked_subjects
 WHERE projection = $1 AND version = $2 AND build = $3 AND subject_id = $4
"""
RETRIED_SQL = """
UPDATE ledger.parked_subjects
   SET stream_version = $5, position = $6, error_class = $7, attempts = attempts + 1,
       tried_at = clock_timestamp()
 WHERE projection = $1 AND version = $2 AND build = $3 AND subject_id = $4
"""

_LOG = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Build:
    """One set of a projection's tables."""

    projection: Projection
    number: int

    @property
    def key(self) -> tuple[str, int, int]:
        """Name, version and number: how every table of the engine knows it."""
        return self.projection.name, self.projection.version, self.number


@dataclass(frozen=True, slots=True)
class Poison:
    """An event that could not be folded, and the kind of fault; no content."""

    line: LogLine
    error_class: str


@dataclass(frozen=True, slots=True)
class Redriven:
    """What came of trying the parked people of one projection again."""

    released: int
    parked: int


async def parked_among(
    connection: Connection, build: Build, lines: Iterable[LogLine]
) -> frozenset[UUID]:
    """Which people of these events are parked."""
    people = list({line.stream_id for line in lines})
    rows = await connection.fetch(PARKED_SQL, *build.key, people)
    return frozenset(row["subject_id"] for row in rows)


async def park(connection: Connection, build: Build, poison: Iterable[Poison]) -> None:
    """Parks people, in the transaction of their page, and raises the alarm."""
    for one in poison:
        line = one.line
        await connection.execute(
            PARK_SQL, *build.key, line.stream_id, line.version, line.position, one.error_class
        )
        _LOG.error(
            "subject parked",
            projection=build.projection.name,
            position=line.position,
            event_type=line.event_type,
            error_class=one.error_class,
        )


async def fold_one_by_one(
    connection: Connection, build: Build, lines: Iterable[LogLine], parked: frozenset[UUID]
) -> list[Poison]:
    """Folds events each in a savepoint; answers the first poison of each person that has one."""
    found: dict[UUID, Poison] = {}
    for line in lines:
        if line.stream_id in parked or line.stream_id in found:
            continue
        error_class = await fold_carefully(connection, build, line)
        if error_class is not None:
            found[line.stream_id] = Poison(line, error_class)
    return list(found.values())


async def fold_carefully(connection: Connection, build: Build, line: LogLine) -> str | None:
    """Folds one event, or leaves no trace of it and answers the kind of fault."""
    try:
        writes = (*build.projection.fold(line), *build.projection.fold_page((line,)))
    except Exception as fault:  # noqa: BLE001  # the fault is recorded, the person parked
        return type(fault).__name__
    try:
        async with connection.transaction():
            for statement, row in writes:
                await connection.execute(statement.sql_of(build.number), as_json(statement, [row]))
    except POISON as fault:
        return type(fault).__name__
    return None


async def redrive(connection: Connection, projection: Projection) -> Redriven:
    """Tries again with everybody who is parked; each person is a transaction of their own."""
    released = parked = 0
    for subject_id in await _waiting(connection, projection):
        if await _redrive_one(connection, projection, subject_id):
            released += 1
        else:
            parked += 1
    return Redriven(released, parked)


async def _waiting(connection: Connection, projection: Projection) -> list[UUID]:
    async with connection.transaction():
        serving = await connection.fetchrow(SERVING_SQL, projection.name, projection.version)
        if serving is None:
            return []
        rows = await connection.fetch(
            WAITING_SQL, projection.name, projection.version, serving["build"]
        )
    return [row["subject_id"] for row in rows]


async def _redrive_one(connection: Connection, projection: Projection, subject_id: UUID) -> bool:
    """Whether the person caught up with the projection, which stands still meanwhile."""
    async with connection.transaction():
        serving = await connection.fetchrow(SERVING_SQL, projection.name, projection.version)
        assert serving is not None, "what serves is replaced, never taken away"
        build = Build(projection, serving["build"])
        version = await connection.fetchval(FROM_SQL, *build.key, subject_id)
        if version is None:
            return True
        async for line in _lines(connection, build, subject_id, version, serving["position"]):
            error_class = await fold_carefully(connection, build, line)
            if error_class is not None:
                where = (line.version, line.position, error_class)
                await connection.execute(RETRIED_SQL, *build.key, subject_id, *where)
                return False
        await connection.execute(RELEASE_SQL, *build.key, subject_id)
    return True


async def _lines(  # noqa: PLR0917  # one stream, from and to
    connection: Connection, build: Build, subject_id: UUID, version: int, position: int
) -> AsyncIterator[LogLine]:
    types = list(build.projection.event_types)
    while True:
        rows = await connection.fetch(LINES_SQL, subject_id, version, position, LINES_A_READ, types)
        for row in rows:
            yield LogLine(*row)
        if len(rows) < LINES_A_READ:
            return
        version = rows[-1]["version"] + 1
