"""Carries projections along the log, live: one reader for all of them, one commit a page of each.

Any number of engines may run side by side, in any number of processes: the row of `positions` is
claimed for the length of a page, and moved by compare-and-set. Runs as ledger_projector, which can
read no key, no ciphertext and no token. Every statement is in a transaction and none outlives one,
so that a pooler may stand between.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress

import structlog

from app.clock import random_bytes
from app.projections import builds
from app.projections.folding import PositionMoved, project
from app.projections.pages import (
    HEAD_SQL,
    PARTITION,
    Connection,
    Page,
    PositionsSkipped,
    read_page,
)
from app.projections.projection import Projection

PAGE_SIZE = 500
"""Events a page while serving: short enough not to be felt by the requests of the same process."""

GATHER_S = 0.02
"""Between two looks at least: events gather meanwhile, for a page of one is dear."""
IDLE_PAUSE_MAX_S = 0.25
"""Between two looks at most, whether or not anybody says that there is something."""
RETRY_PAUSE_S = 0.5
RETRY_PAUSE_MAX_S = 30.0

STANDINGS_SQL = f"""
SELECT projection, version, position, coalesce(({HEAD_SQL}), -1) AS head
  FROM ledger.positions WHERE state = 'serving'
"""  # noqa: S608  # both parts are constants
ENTER_SQL = """
INSERT INTO ledger.positions (projection, version, build, state, position)
SELECT $1, $2, 1 + coalesce(max(build), 0), 'serving', -1
  FROM ledger.positions WHERE projection = $1 AND version = $2
    ON CONFLICT DO NOTHING
"""
SERVING_SQL = """
SELECT build FROM ledger.positions
 WHERE projection = $1 AND version = $2 AND state = 'serving' FOR UPDATE
"""
RESTART_SQL = """
UPDATE ledger.positions SET position = -1, updated_at = clock_timestamp()
 WHERE projection = $1 AND version = $2 AND build = $3
"""
FORGET_PARKED_SQL = """
DELETE FROM ledger.parked_subjects WHERE projection = $1 AND version = $2 AND build = $3
"""

Connect = Callable[[], Awaitable[Connection]]

_LOG = structlog.get_logger(__name__)


async def prepare(connection: Connection, projection: Projection) -> None:
    """Enters a projection that is new here, and makes its tables.

    Where one of them was dropped, all are made anew, empty, to be filled from the log.
    """
    async with connection.transaction():
        key = (projection.name, projection.version)
        await builds.lock(connection, projection)
        await connection.execute(ENTER_SQL, *key)
        build = await connection.fetchval(SERVING_SQL, *key)
        if await builds.complete(connection, projection, build):
            return
        await builds.drop_views(connection, projection)
        await builds.drop_tables(connection, projection, build)
        await builds.make_tables(connection, projection, build)
        await builds.make_keys(connection, projection, build)
        await builds.make_indexes(connection, projection, build)
        await builds.show(connection, projection, build)
        await connection.execute(FORGET_PARKED_SQL, *key, build)
        await connection.execute(RESTART_SQL, *key, build)


class Engine:
    """Follows the log for some projections until it is cancelled; owns one connection.

    A fault of one projection halts that one: it is logged, and tried again later. ``wake`` is set
    by whoever hears of an append.
    """

    def __init__(
        self,
        projections: Iterable[Projection],
        connect: Connect,
        *,
        size_max: int = PAGE_SIZE,
        wake: asyncio.Event | None = None,
    ) -> None:
        self.projections = tuple(projections)
        self._connect = connect
        self._size_max = size_max
        self._wake = asyncio.Event() if wake is None else wake
        self._prepared: set[Projection] = set()
        self._rests: dict[Projection, _Rest] = {}
        self._retry_pause_s = RETRY_PAUSE_S

    async def run(self) -> None:
        """Projects for ever; connects again when the connection is lost."""
        while True:
            try:
                await self._follow()
            except Exception as error:  # noqa: BLE001  # the head of a worker's loop
                _LOG.error(
                    "projections halted",
                    error_class=type(error).__name__,
                    retry_in_s=self._retry_pause_s,
                )
            await asyncio.sleep(self._retry_pause_s)
            self._retry_pause_s = min(self._retry_pause_s * 2, RETRY_PAUSE_MAX_S)

    async def _follow(self) -> None:
        connection = await self._connect()
        self._prepared.clear()
        pause_s = GATHER_S
        try:
            while True:
                projected = await self._round(connection)
                self._retry_pause_s = RETRY_PAUSE_S
                if projected < self._size_max:
                    pause_s = GATHER_S if projected else min(pause_s * 2, IDLE_PAUSE_MAX_S)
                    await self._gather(pause_s)
        finally:
            connection.terminate()

    async def _gather(self, pause_s: float) -> None:
        """Pauses at least the shortest time, and longer until somebody wakes us."""
        await asyncio.sleep(GATHER_S)
        spread = 0.75 + random_bytes(1)[0] / 512  # many engines do not look all at once
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, pause_s * spread - GATHER_S)):
                await self._wake.wait()
        self._wake.clear()

    async def _round(self, connection: Connection) -> int:
        """One page for each projection that is behind; answers the size of the longest."""
        awake = [one for one in self.projections if self._is_awake(one)]
        for projection in awake:
            if projection not in self._prepared:
                await self._guarded(connection, projection, self._prepare(connection, projection))
        standings = await _standings(connection)
        pages: dict[int, Page] = {}
        longest = 0
        for projection in awake:
            standing = standings.get((projection.name, projection.version))
            if projection in self._prepared and standing is not None:
                step = self._step(connection, projection, standing, pages)
                longest = max(longest, await self._guarded(connection, projection, step))
        return longest

    async def _prepare(self, connection: Connection, projection: Projection) -> int:
        await prepare(connection, projection)
        self._prepared.add(projection)
        return 0

    async def _step(
        self,
        connection: Connection,
        projection: Projection,
        standing: tuple[int, int],
        pages: dict[int, Page],
    ) -> int:
        position, head = standing
        if position > head:
            raise PositionsSkipped(f"at position {position}, behind the head {head} of the log")
        if position == head:
            return 0
        if position not in pages:
            async with connection.transaction():
                pages[position] = await read_page(
                    connection, self.projections, position, size_max=self._size_max
                )
        projected = await project(connection, projection, pages[position])
        self._rests.pop(projection, None)
        return projected

    async def _guarded(
        self, connection: Connection, projection: Projection, work: Awaitable[int]
    ) -> int:
        """The work, whose fault is this projection's alone while the connection lives."""
        try:
            return await work
        except PositionMoved:
            return 0  # the next round reads where it stands
        except Exception as error:  # recorded; the others go on
            if connection.is_closed():
                raise
            self._halt(projection, error)
            return 0

    def _is_awake(self, projection: Projection) -> bool:
        rest = self._rests.get(projection)
        return rest is None or rest.until <= asyncio.get_running_loop().time()

    def _halt(self, projection: Projection, error: Exception) -> None:
        former = self._rests.get(projection)
        pause_s = RETRY_PAUSE_S if former is None else min(former.pause_s * 2, RETRY_PAUSE_MAX_S)
        self._rests[projection] = _Rest(pause_s, asyncio.get_running_loop().time() + pause_s)
        self._prepared.discard(projection)
        _LOG.error(
            "projection halted",
            projection=projection.name,
            error_class=type(error).__name__,
            retry_in_s=pause_s,
        )


class _Rest:
    """Until when a projection is left alone after a fault."""

    __slots__ = ("pause_s", "until")

    def __init__(self, pause_s: float, until: float) -> None:
        self.pause_s = pause_s
        self.until = until


async def _standings(connection: Connection) -> dict[tuple[str, int], tuple[int, int]]:
    """Projection and version -> position and head of the log, of one snapshot. Takes no lock."""
    async with connection.transaction(readonly=True):
        rows = await connection.fetch(STANDINGS_SQL, PARTITION)
    return {(row["projection"], row["version"]): (row["position"], row["head"]) for row in rows}
