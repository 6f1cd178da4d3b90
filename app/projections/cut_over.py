"""Which build of a projection serves: brings another one to the head of the log and swaps them.

One transaction moves the mark in `positions` and the views; readers see the one or the other. What
served before is kept, as it stands, until the next swap, and can be swapped back.
"""

import asyncio

import asyncpg

from app.projections import builds
from app.projections.folding import advance
from app.projections.pages import Connection
from app.projections.parking import Build
from app.projections.projection import Projection

PAGE_SIZE = 2000
LOCK_WAIT = "SET LOCAL lock_timeout = '2s'"
LOCK_TRIES = 150
LOCK_PAUSE_S = 2.0

ALL_SQL = """
SELECT build, state, position FROM ledger.positions
 WHERE projection = $1 AND version = $2 ORDER BY build FOR UPDATE
"""
STATE_SQL = """
UPDATE ledger.positions SET state = $4, run = NULL, cut = NULL, updated_at = clock_timestamp()
 WHERE projection = $1 AND version = $2 AND build = $3
"""
KEPT_SQL = """
SELECT build FROM ledger.positions
 WHERE projection = $1 AND version = $2 AND state = 'kept' ORDER BY updated_at DESC LIMIT 1
"""
FORGET_SQL = """
WITH parked AS (
  DELETE FROM ledger.parked_subjects WHERE projection = $1 AND version = $2 AND build = $3
)
DELETE FROM ledger.positions WHERE projection = $1 AND version = $2 AND build = $3
"""


class NothingKept(Exception):
    """No former build of the projection is kept: there is nothing to go back to."""


async def follow(connection: Connection, build: Build) -> None:
    """Brings a build that does not serve close to the head of the log."""
    projected = PAGE_SIZE
    while projected == PAGE_SIZE:
        projected = await advance(
            connection, build.projection, size_max=PAGE_SIZE, build=build.number
        )


async def cut_over(connection: Connection, build: Build) -> None:
    """Lets the build serve, as soon as it shows all that is shown now."""
    for _ in range(LOCK_TRIES):
        await follow(connection, build)
        try:
            return await _swap(connection, build)
        except asyncpg.LockNotAvailableError:
            await asyncio.sleep(LOCK_PAUSE_S)  # somebody reads for long; others are let through
    raise TimeoutError("a reader holds on to what serves now")


async def roll_back(connection: Connection, projection: Projection) -> Build:
    """Lets the build serve that served before; NothingKept when there is none."""
    number = await connection.fetchval(KEPT_SQL, projection.name, projection.version)
    if number is None:
        raise NothingKept(projection.name)
    build = Build(projection, number)
    await cut_over(connection, build)
    return build


async def discard(connection: Connection, build: Build) -> None:
    """Drops a build that does not serve."""
    async with connection.transaction():
        await builds.drop_tables(connection, build.projection, build.number)
        await connection.execute(FORGET_SQL, *build.key)


async def _swap(connection: Connection, build: Build) -> None:
    projection = build.projection
    async with connection.transaction():
        await connection.execute(LOCK_WAIT)
        # Whoever enters the projection just now would be a second one that serves.
        await builds.lock(connection, projection)
        rows = await connection.fetch(ALL_SQL, projection.name, projection.version)
        states = {row["build"]: row["state"] for row in rows}
        if states[build.number] == "serving":
            return  # somebody else was faster
        while await advance(connection, projection, size_max=PAGE_SIZE, build=build.number):
            pass  # the last few: nobody can overtake now
        for number, state in states.items():
            if state == "kept" and number != build.number:
                await discard(connection, Build(projection, number))
            if state == "serving":
                await connection.execute(
                    STATE_SQL, projection.name, projection.version, number, "kept"
                )
        await connection.execute(STATE_SQL, *build.key, "serving")
        await builds.show(connection, projection, build.number)
