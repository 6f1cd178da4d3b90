"""Further processes that load ranges of a rebuild, each with connections of its own.

They are forked before anything is opened, for starting afresh takes as long as reading 50,000
events, and are told of a run through a pipe. One that is killed leaves its range to the others.
"""

import asyncio
import gc
import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection as Pipe
from multiprocessing.process import BaseProcess
from typing import Any

import uvloop

from app.projections import PROJECTIONS
from app.projections.loading import close_lanes, load_all, open_lanes
from app.projections.parking import Build
from app.projections.stretches import Run

STOP_S = 10.0


class Others:
    """The processes beside this one."""

    def __init__(self, pipes: "list[Pipe[Any, Any]]") -> None:
        self._pipes = pipes

    def tell(self, run: Run) -> None:
        """Has them load ranges of a run too."""
        builds = [(one.projection.name, one.number) for one in run.builds]
        for pipe in self._pipes:
            pipe.send((run.id, run.cut, run.workers, builds))


@contextmanager
def beside(url: str, count: int) -> Iterator[Others]:
    """Starts the processes, and ends them: what they had in hand is rolled back."""
    methods = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("fork" if "fork" in methods else None)
    pipes: list[Pipe[Any, Any]] = []
    processes: list[BaseProcess] = []
    for _ in range(count):
        theirs, ours = context.Pipe(duplex=False)
        told = (url, theirs, [*pipes, ours])
        process: BaseProcess = context.Process(target=_work, args=told, daemon=True)
        process.start()
        theirs.close()
        pipes.append(ours)
        processes.append(process)
    try:
        yield Others(pipes)
    finally:
        for process, pipe in zip(processes, pipes, strict=True):
            pipe.close()
            process.terminate()
            process.join(STOP_S)


def _work(url: str, pipe: "Pipe[Any, Any]", inherited: "list[Pipe[Any, Any]]") -> None:
    """The whole of a further process: run after run, until the pipe is closed.

    A pipe is closed when its last writing end is, so the inherited ones go first: else whoever is
    left behind by a killed parent would wait for ever.
    """
    for one in inherited:
        one.close()
    gc.freeze()
    gc.disable()  # as in `rebuild.load`
    named = {projection.name: projection for projection in PROJECTIONS}
    while True:
        try:
            run_id, cut, workers, builds = pipe.recv()
        except EOFError:
            return
        made = tuple(Build(named[name], number) for name, number in builds)
        run = Run(run_id, cut, made, workers)
        uvloop.run(_load(url, run))


async def _load(url: str, run: Run) -> None:
    lanes = await open_lanes(url, workers=run.workers)
    try:
        await asyncio.gather(*(load_all(one, run) for one in lanes))
    finally:
        close_lanes(lanes)
