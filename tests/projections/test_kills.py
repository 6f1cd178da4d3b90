"""The engine is killed at random points while the log grows: no position is skipped or repeated.

A short form by default; LEDGER_PROJECTION_KILLS asks for more (100 in full).
"""

import asyncio
import signal
import sys
from itertools import pairwise
from random import Random
from typing import Any

import asyncpg

from app.projections.pages import Connection
from app.projections.rebuild import rebuild
from tests.conftest import ROOT, Database
from tests.faults.fleet import knob
from tests.projections import oracle
from tests.projections.catching_up import KNOWN, catch_up_all, digests
from tests.projections.chance import Chance
from tests.projections.history import Log

KILLS = knob("LEDGER_PROJECTION_KILLS", 6)
LIFE_MAX_S = 0.6

# What a row of `positions` went through, written by the database itself.
WATCH_SQL = """
CREATE TABLE public.moves (number serial, projection text, build int, former bigint, later bigint);
CREATE FUNCTION public.watch() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO public.moves (projection, build, former, later)
    VALUES (NEW.projection, NEW.build, OLD.position, NEW.position);
    RETURN NEW;
END $$;
CREATE TRIGGER watch AFTER UPDATE OF position ON ledger.positions
   FOR EACH ROW EXECUTE FUNCTION public.watch();
"""
ENGINE = """
import asyncio, sys
from app.projections import PROFILES, SHARING_REGISTER
from app.projections.engine import Engine
from app.store.connection import connect_stateless
url = sys.stdin.readline().strip()
engine = Engine((PROFILES, SHARING_REGISTER), lambda: connect_stateless(url), size_max=7)
print("up", flush=True)
asyncio.run(engine.run())
"""
REBUILDING = """
import asyncio, sys
from app.projections import PROFILES, SHARING_REGISTER, slices
from app.projections.rebuild import rebuild
slices.EVENTS_A_RANGE = 8
url = sys.stdin.readline().strip()
print("up", flush=True)
asyncio.run(rebuild(url, (PROFILES, SHARING_REGISTER), workers=2))
"""


async def start(program: str, url: str) -> asyncio.subprocess.Process:
    """A process of its own, once it is about to begin."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        program,
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{url}\n".encode())
    await process.stdin.drain()
    assert await process.stdout.readline() == b"up\n"
    return process


async def killed(process: asyncio.subprocess.Process, after_s: float) -> int:
    """Lets it live for a while, then kills it, wherever it is."""
    await asyncio.sleep(after_s)
    if process.returncode is None:
        process.send_signal(signal.SIGKILL)
    return await process.wait()


async def test_no_position_is_skipped_or_repeated_however_often_the_engine_is_killed(
    database: Database, log: Log, projector: Connection, admin: Connection
) -> None:
    await catch_up_all(projector)
    await admin.execute(WATCH_SQL)
    url = database.dsn("ledger_projector")
    history, random = Chance(log, 41, people=12), Random(41)
    await history.live(20)
    endings = []
    for _ in range(KILLS):
        process, _ = await asyncio.gather(start(ENGINE, url), history.go_on(15))
        ending, _ = await asyncio.gather(
            killed(process, random.uniform(0, LIFE_MAX_S)), history.go_on(15)
        )
        endings.append(ending)
    live = await catch_up_all(projector, size_max=7)
    entries = await log.entries()
    moves: Any = await admin.fetch("SELECT * FROM public.moves ORDER BY number")

    await rebuild(url, KNOWN)

    assert endings == [-signal.SIGKILL] * KILLS
    for projection in KNOWN:
        steps = [
            (one["former"], one["later"])
            for one in moves
            if (one["projection"], one["build"]) == (projection.name, 1)
        ]
        assert steps[0][0] == -1
        assert steps[-1][1] == len(entries) - 1
        assert all(former < later for former, later in steps)
        assert all(one[1] == other[0] for one, other in pairwise(steps))
    assert live == await digests(projector) == oracle.digests(entries)


async def test_a_rebuild_killed_again_and_again_ends_equal(
    database: Database, log: Log, projector: Connection, pool: "asyncpg.Pool[Any]"
) -> None:
    """Each beginning goes on where the last one ended; the old tables serve all the while."""
    url = database.dsn("ledger_projector")
    await Chance(log, 43, people=30).live(120)
    live = await catch_up_all(projector)
    random = Random(43)
    for _ in range(KILLS // 2):
        await killed(await start(REBUILDING, url), random.uniform(0, LIFE_MAX_S / 2))
        assert await pool.fetchval("SELECT count(*) FROM projections.profiles_subjects_v1") == 30

    await rebuild(url, KNOWN)

    assert await digests(projector) == live == oracle.digests(await log.entries())
