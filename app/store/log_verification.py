"""Verifies the whole log, or what came since an earlier day: tree, signatures, streams, keys.

All of it in one snapshot. The tree is walked once, in the order of positions; the streams are
shared out by ranges of their ids to further processes, which look at the same snapshot.
"""

import asyncio
import gc
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from multiprocessing.context import SpawnProcess
from typing import TYPE_CHECKING, Any, Final

import uvloop

from app.store.append import PARTITION
from app.store.checkpoint_check import Trust
from app.store.connection import connect
from app.store.epoch_check import check_epochs
from app.store.integrity import (
    Progress,
    StreamRange,
    Verification,
    check_streams,
    hold_tables,
)
from app.store.receipt_key_check import check_receipt_keys
from app.store.stamp_check import StampVerification, check_stamps
from app.store.tree_check import TreeVerification, check_tree
from app.tlog.edge import Edge
from app.tlog.notes import VerifierKey

if TYPE_CHECKING:
    from app.store.integrity import Connection

APPLICATION: Final = "pdledger-verify"
TREE_SHARE: Final = 0.45
"""What walking the tree costs, measured against all of its streams."""
AWAKE_S: Final = 2.0
"""An idle transaction is ended by the database; the serving role's after 5 s."""
STOP_S: Final = 5.0

# What is larger is sorted in runs of so much, which are merged once and not twice.
_SORTING_SQL = "SET LOCAL work_mem = '64MB'"
_TOTAL_SQL = """
SELECT 1 + coalesce(max(position), -1) FROM ledger.events WHERE partition = $1
"""
_TOUCHED_TOTAL_SQL = """
SELECT count(*) FROM ledger.events
 WHERE stream_id = ANY(ARRAY(SELECT DISTINCT t.stream_id FROM ledger.events t
                              WHERE t.partition = $1 AND t.position >= $2))
"""


class WorkerLost(Exception):
    """A process that checked a part of the streams ended before it was done; names the reason."""


@dataclass(slots=True)
class LogVerification:
    """What was found of everything that was looked at."""

    found: Verification
    tree: TreeVerification
    stamps: StampVerification
    receipt_keys: tuple[VerifierKey, ...]


async def verify_log(
    url: str,
    trust: Trust,
    *,
    since: Edge | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> LogVerification:
    """Reads everything, or with ``since`` what came after that tree, and whose it is.

    The further processes end with this call, however it ends.
    """
    connection = await connect(url, application=APPLICATION)
    how = _Work(url, workers, progress)
    try:
        with _without_collecting():
            while True:  # once more for each rewrite that came between
                async with connection.transaction(isolation="repeatable_read", readonly=True):
                    await connection.execute(_SORTING_SQL)
                    if await hold_tables(connection):
                        return await _verified(connection, trust, since or Edge(), how)
    finally:
        await connection.close()


@dataclass(frozen=True, slots=True)
class _Work:
    """How it is done."""

    url: str
    workers: int
    progress: Progress | None


async def check_log(
    connection: "Connection", trust: Trust, *, since: Edge | None = None
) -> LogVerification:
    """The same by one process, within a transaction of the caller's."""
    return await _verified(connection, trust, since or Edge(), _Work("", 1, None))


async def _verified(
    connection: "Connection", trust: Trust, since: Edge, work: _Work
) -> LogVerification:
    found = Verification()
    mine, theirs = shared_out(StreamRange(since=since.size), work.workers)
    told = await _teller(connection, since.size, work.progress)
    snapshot = await connection.fetchval("SELECT pg_export_snapshot()") if theirs else ""
    with _beside(work.url, snapshot, theirs) as pipes:
        others = [asyncio.create_task(_listen(pipe, told)) for pipe in pipes]
        try:
            tree = await check_tree(connection, trust, found, start=since, told=told)
            stamps = await check_stamps(connection, trust, found.add)
            receipt_keys = await check_receipt_keys(connection, trust, found.add)
            await check_epochs(connection, found)
            if mine is not None:
                await check_streams(connection, mine, found, told)
            pending = set(others)
            while pending:
                _, pending = await asyncio.wait(pending, timeout=AWAKE_S)
                await connection.execute("SELECT 1")
            for other in others:
                found.join(await other)
        finally:
            for other in others:
                other.cancel()
    return LogVerification(found, tree, stamps, receipt_keys)


def shared_out(streams: StreamRange, workers: int) -> tuple[StreamRange | None, list[StreamRange]]:
    """The range for this process, which also walks the tree, and one for each of the others.

    One range each: whoever reads a part of the streams reads pages of the whole table.
    """
    if workers == 1:
        return streams, []
    mine = (1 + TREE_SHARE) / workers - TREE_SHARE
    if mine <= 0:
        return None, streams.parts([1.0] * (workers - 1))
    first, *others = streams.parts([mine] + [(1 - mine) / (workers - 1)] * (workers - 1))
    return first, others


async def _teller(
    connection: "Connection", since: int, progress: Progress | None
) -> Callable[[int], None]:
    """Adds up what was read, by the tree's walk and by the streams'."""
    if progress is None:
        return lambda _count: None
    head = await connection.fetchval(_TOTAL_SQL, PARTITION)
    total = 2 * head
    if since:
        touched = await connection.fetchval(_TOUCHED_TOTAL_SQL, PARTITION, since)
        total = head - since + touched
    done = 0

    def told(count: int) -> None:
        nonlocal done
        done += count
        progress(done, total)

    told(0)
    return told


async def _listen(pipe: "Pipe[Any, Any]", told: Callable[[int], None]) -> Verification:
    """Until a process tells what it found."""
    while True:
        try:
            heard = await asyncio.to_thread(pipe.recv)
        except EOFError:
            raise WorkerLost("its pipe was closed") from None
        if isinstance(heard, Verification):
            return heard
        if isinstance(heard, str):
            raise WorkerLost(heard)
        told(heard)


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Nothing that is read refers back to itself: looking for that takes time and finds nothing."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@contextmanager
def _beside(
    url: str, snapshot: str, shares: Sequence[StreamRange]
) -> "Iterator[list[Pipe[Any, Any]]]":
    """A process for each share, begun afresh: a thread of ours must not be copied half."""
    context = multiprocessing.get_context("spawn")
    pipes: list[Pipe[Any, Any]] = []
    processes: list[SpawnProcess] = []
    try:
        for share in shares:
            ours, theirs = context.Pipe(duplex=False)
            process = context.Process(
                target=_work, args=(url, snapshot, share, theirs), daemon=True
            )
            process.start()
            theirs.close()
            pipes.append(ours)
            processes.append(process)
        yield pipes
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.join(STOP_S)
        for pipe in pipes:
            pipe.close()


def _work(url: str, snapshot: str, share: StreamRange, pipe: "Pipe[Any, Any]") -> None:
    """The whole of a further process; it tells how many events it has read, and then the rest."""
    with suppress(BrokenPipeError), _without_collecting():
        try:
            pipe.send(uvloop.run(_check_share(url, snapshot, share, pipe.send)))
        except Exception as error:  # noqa: BLE001  # the head of a worker: told by class, no value
            pipe.send(type(error).__name__)


async def _check_share(
    url: str, snapshot: str, share: StreamRange, told: Callable[[int], None]
) -> Verification:
    found = Verification()
    connection = await connect(url, application=APPLICATION)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            await connection.execute(f"SET TRANSACTION SNAPSHOT '{snapshot}'")
            await connection.execute(_SORTING_SQL)
            await check_streams(connection, share, found, told)
    finally:
        await connection.close()
    return found
