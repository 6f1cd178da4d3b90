"""Carries projections along the log: a page of events, its rows and the new position in one commit.

Any number of engines may run side by side, in any number of processes: the row of `positions` is
claimed for the length of a page, and moved by compare-and-set. Runs as ledger_projector, which can
read no key, no ciphertext and no token.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import asyncpg
import structlog

from app.projections.projection import HandlerFailed, LogLine, Projection
from app.projections.statements import as_json, batches

PARTITION = 0
PAGE_SIZE = 256
"""Events a page while serving: short enough not to be felt by the requests of the same process."""
REBUILD_PAGE_SIZE = 2000

IDLE_PAUSE_S = 0.05
IDLE_PAUSE_MAX_S = 0.25
RETRY_PAUSE_S = 0.5
RETRY_PAUSE_MAX_S = 30.0

PAGE_SQL = """
SELECT position, stream_id, version, type, CASE WHEN type = ANY($3::text[]) THEN entry END
  FROM ledger.events WHERE partition = $4 AND position > $1 ORDER BY position LIMIT $2
"""
HEAD_SQL = """
SELECT position FROM ledger.events WHERE partition = $1 ORDER BY position DESC LIMIT 1
"""
STANDING_SQL = f"""
SELECT version, position, (SELECT coalesce(({HEAD_SQL.replace("$1", "$2")}), -1)) AS head
  FROM ledger.positions WHERE projection = $1
"""  # noqa: S608  # both parts are constants of this module
# The rows of a page are looked up one by one in tables of any size. A plan made while a table was
# empty, and kept, would read all of it for each.
PLAN_SQL = """
SET LOCAL plan_cache_mode = force_custom_plan;
SET LOCAL enable_seqscan = off;
SET LOCAL enable_hashjoin = off;
SET LOCAL enable_mergejoin = off
"""
CLAIM_SQL = """
SELECT position FROM ledger.positions WHERE projection = $1 AND version = $2
   FOR UPDATE SKIP LOCKED
"""
MOVE_SQL = """
UPDATE ledger.positions SET position = $4, updated_at = clock_timestamp()
 WHERE projection = $1 AND version = $2 AND position = $3
"""
ENTER_SQL = """
INSERT INTO ledger.positions (projection, version, position) VALUES ($1, $2, -1)
    ON CONFLICT (projection) DO NOTHING
"""
LOCK_SQL = "SELECT version FROM ledger.positions WHERE projection = $1 FOR UPDATE"
RESTART_SQL = """
UPDATE ledger.positions SET version = $2, position = -1, updated_at = clock_timestamp()
 WHERE projection = $1
"""

Connection: TypeAlias = "asyncpg.Connection[Any]"  # generic in its stubs only
Connect = Callable[[], Awaitable[Connection]]
Progress = Callable[[int, int], None]
"""Called with the number of events read and the number there were at the start."""

_LOG = structlog.get_logger(__name__)


class PositionsSkipped(Exception):
    """The log has a hole or an inversion, which it cannot have: nothing was projected."""


class PositionMoved(Exception):
    """The projection stands elsewhere than this engine thought; nothing was written here.

    Another engine was faster, or the projection was rebuilt or taken over by another version.
    """


class ProjectionSuperseded(Exception):
    """The database holds a newer version of the projection than this program knows."""


@dataclass(frozen=True, slots=True)
class Page:
    """Consecutive events of the log, the first right after position ``after``."""

    after: int
    lines: tuple[LogLine, ...]

    @property
    def last(self) -> int:
        """The position that the page reaches."""
        return self.after + len(self.lines)


def page_of(after: int, lines: tuple[LogLine, ...]) -> Page:
    """The lines as a page; PositionsSkipped unless they are consecutive and follow ``after``."""
    for expected, line in enumerate(lines, after + 1):
        if line.position != expected:
            raise PositionsSkipped(f"expected position {expected}, found {line.position}")
    return Page(after, lines)


async def read_page(
    connection: Connection, projection: Projection, after: int, *, size_max: int
) -> Page:
    """The next events, with the entries of those types that the projection folds."""
    rows = await connection.fetch(
        PAGE_SQL, after, size_max, list(projection.event_types), PARTITION
    )
    return page_of(after, tuple(LogLine(*row) for row in rows))


async def project(connection: Connection, projection: Projection, page: Page) -> None:
    """Writes a page's rows and the new position, in the transaction that the caller has open.

    The position moves first: who comes second waits here, then raises PositionMoved, before it
    has written a row.
    """
    moved = await connection.execute(
        MOVE_SQL, projection.name, projection.version, page.after, page.last
    )
    if moved != "UPDATE 1":
        raise PositionMoved(f"{projection.name} is no longer at position {page.after}")
    for statement, rows in batches(projection.writes(page.lines)):
        await connection.execute(statement.sql, as_json(rows))


async def advance(connection: Connection, projection: Projection, *, size_max: int) -> int:
    """Projects at most one page; answers how many events it had.

    0: there was none, or another engine is at it, or the tables belong to another version.
    """
    async with connection.transaction():
        await connection.execute(PLAN_SQL)
        position = await connection.fetchval(CLAIM_SQL, projection.name, projection.version)
        if position is None:
            return 0
        page = await read_page(connection, projection, position, size_max=size_max)
        if page.lines:
            await project(connection, projection, page)
    return len(page.lines)


async def prepare(connection: Connection, projection: Projection) -> None:
    """Enters a projection that is new here; empties the tables of one whose version is new.

    Raises ProjectionSuperseded when a newer program has been here.
    """
    async with connection.transaction():
        await connection.execute(ENTER_SQL, projection.name, projection.version)
        version = await connection.fetchval(LOCK_SQL, projection.name)
        if version > projection.version:
            raise ProjectionSuperseded(f"{projection.name} is at version {version}")
        if version < projection.version:
            await _restart(connection, projection)


async def rebuild(
    connection: Connection,
    projection: Projection,
    *,
    progress: Progress | None = None,
    size_max: int = REBUILD_PAGE_SIZE,
) -> int:
    """Empties the tables, then reads the whole log again up to its present head; answers that.

    Safe while services run: they help, and readers are told the position that the tables stand at.
    """
    await prepare(connection, projection)
    async with connection.transaction():
        await connection.fetchval(LOCK_SQL, projection.name)
        await _restart(connection, projection)
    target = (await _standing(connection, projection))[1]
    while (position := (await _standing(connection, projection))[0]) < target:
        if progress is not None:
            progress(position + 1, target + 1)
        if not await advance(connection, projection, size_max=size_max):
            await asyncio.sleep(IDLE_PAUSE_S)
    if progress is not None:
        progress(target + 1, target + 1)
    return target


async def _restart(connection: Connection, projection: Projection) -> None:
    for table in projection.tables:
        await connection.execute(f"DELETE FROM {table.fullname}")  # noqa: S608  # a declared table
    await connection.execute(RESTART_SQL, projection.name, projection.version)


async def _standing(connection: Connection, projection: Projection) -> tuple[int, int]:
    """The projection's position and the head of the log, of one snapshot."""
    row = await connection.fetchrow(STANDING_SQL, projection.name, PARTITION)
    if row is None or row["version"] != projection.version:
        raise PositionMoved(f"{projection.name} stands nowhere in this version")
    return row["position"], row["head"]


class Engine:
    """Follows the log for one projection until it is cancelled; owns one connection."""

    def __init__(
        self, projection: Projection, connect: Connect, *, size_max: int = PAGE_SIZE
    ) -> None:
        self.projection = projection
        self._connect = connect
        self._size_max = size_max
        self._retry_pause_s = RETRY_PAUSE_S

    async def run(self) -> None:
        """Projects for ever. A fault halts the projection, is logged, and is tried again later.

        Returns only when a newer program has taken the projection over.
        """
        while True:
            try:
                await self._follow()
            except PositionMoved:
                continue  # it is prepared again, and read from where the database says
            except ProjectionSuperseded:
                _LOG.warning("projection superseded", projection=self.projection.name)
                return
            except Exception as error:  # noqa: BLE001  # the head of a worker's loop
                self._halted(error)
            await asyncio.sleep(self._retry_pause_s)
            self._retry_pause_s = min(self._retry_pause_s * 2, RETRY_PAUSE_MAX_S)

    async def _follow(self) -> None:
        connection = await self._connect()
        try:
            await prepare(connection, self.projection)
            pause_s = IDLE_PAUSE_S
            while True:
                projected = await self._step(connection)
                # Full pages follow each other; else events gather: a page of one is dear.
                if projected < self._size_max:
                    await asyncio.sleep(pause_s)
                pause_s = IDLE_PAUSE_S if projected else min(pause_s * 1.5, IDLE_PAUSE_MAX_S)
        finally:
            connection.terminate()

    async def _step(self, connection: Connection) -> int:
        """How many events were projected. An idle look takes no lock and writes nothing."""
        position, head = await _standing(connection, self.projection)
        if position > head:
            raise PositionsSkipped(f"at position {position}, behind the head {head} of the log")
        if position == head:
            return 0
        projected = await advance(connection, self.projection, size_max=self._size_max)
        if projected:
            self._retry_pause_s = RETRY_PAUSE_S
        return projected

    def _halted(self, error: Exception) -> None:
        place: dict[str, object] = {}
        if isinstance(error, HandlerFailed):
            place = {"event_type": error.event_type, "position": error.position}
        _LOG.error(
            "projection halted",
            projection=self.projection.name,
            error_class=getattr(error, "error_class", type(error).__name__),
            retry_in_s=self._retry_pause_s,
            **place,
        )
