"""Feeds checkpoints to the configured witnesses and keeps what they cosign (C2SP tlog-witness).

It stands beside the log, never in its way: a round takes the checkpoint that is newest and offers
it to each witness that is free, so that all of them cosign the same ones. One that fails is tried
less and less often; one that hangs holds up nobody else.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NoReturn

import structlog

from app.clock import Clock
from app.measures import Measures
from app.propagation.outbound import Outbound
from app.propagation.witnesses import Answer, Verdict, ask
from app.store.cosignatures import Cosignatures
from app.store.log_tree import LogTree, SignedTree
from app.tlog.trust_policies import TrustPolicy, Witness

ASK_TIMEOUT_S: Final = 30.0
WAIT_MAX_S: Final = 600.0
STOP_S: Final = 0.5
JITTER: Final = 0.2

_LOG: Any = structlog.get_logger("pdledger.witnesses")


@dataclass(slots=True)
class _Turn:
    """Where one witness stands. Owned by the feeding task."""

    failures: int = 0
    due: float = 0.0
    """When it is tried next, by the loop's clock."""
    task: "asyncio.Task[None] | None" = None


class Feeding:
    """The loop of one process. Several may feed one witness: the slower one learns it by a 409."""

    def __init__(
        self,
        log: LogTree,
        kept: Cosignatures,
        policy: TrustPolicy,
        *,
        outbound: Outbound,
        clock: Clock,
        measures: Measures,
        every_s: float,
        portion: Callable[[], float],
    ) -> None:
        self._log = log
        self._kept = kept
        self._policy = policy
        self._outbound = outbound
        self._clock = clock
        self._measures = measures
        self._every_s = every_s
        self._portion = portion
        self._turns = {one.name: _Turn() for one in policy.witnesses if one.url is not None}

    async def run(self) -> NoReturn:
        """Feeds until it is cancelled."""
        try:
            while True:
                try:
                    await self.begin()
                except Exception as error:  # noqa: BLE001  # the head of a worker's loop
                    _LOG.error("witnesses halted", error_class=type(error).__name__)
                await asyncio.sleep(self._every_s)
        finally:
            tasks = [turn.task for turn in self._turns.values() if turn.task is not None]
            for task in tasks:
                task.cancel()
            if tasks:
                await asyncio.wait(tasks, timeout=STOP_S)

    async def begin(self) -> None:
        """Offers the newest checkpoint to each witness that is free and has not cosigned it."""
        tree = await self._log.newest()
        if tree is None or tree.size == 0:
            return
        reached = await self._kept.reached(self._policy)
        now_s = asyncio.get_running_loop().time()
        for witness in self._policy.witnesses:
            turn = self._turns.get(witness.name)
            if turn is None or turn.task is not None or turn.due > now_s:
                continue
            known = reached[witness.name].size if witness.name in reached else 0
            if known < tree.size:
                turn.task = asyncio.create_task(self._feed(witness, turn, tree, known))

    async def finished(self) -> None:
        """Returns when nothing that was begun is under way."""
        while tasks := [turn.task for turn in self._turns.values() if turn.task is not None]:
            await asyncio.wait(tasks)

    async def _feed(self, witness: Witness, turn: _Turn, tree: SignedTree, known: int) -> None:
        try:
            answer = await self._asked(witness, tree, known)
            if answer.verdict is Verdict.COSIGNED and answer.line is not None:
                await self._kept.add(tree.size, witness.key, answer.line, at_s=answer.at_s)
        except Exception as error:  # noqa: BLE001  # the head of a witness's task
            _LOG.error("feeding failed", witness=witness.name, error_class=type(error).__name__)
            answer = Answer(Verdict.SILENT)
        finally:
            turn.task = None
        self._measures.witnessed(witness.name, answer.verdict.value)
        if answer.verdict is Verdict.COSIGNED:
            turn.failures, turn.due = 0, 0.0
            return
        turn.failures += 1
        wait_s = min(self._every_s * 2.0 ** min(turn.failures, 32), WAIT_MAX_S)
        turn.due = asyncio.get_running_loop().time() + wait_s * (1 + JITTER * self._portion())
        # A witness's word alone stops nobody; at a start it is asked, and then it counts.
        _LOG.warning(
            "checkpoint not cosigned",
            witness=witness.name,
            verdict=answer.verdict.value,
            status=answer.status,
            size=tree.size,
            witness_size=answer.size,
        )

    async def _asked(self, witness: Witness, tree: SignedTree, known: int) -> Answer:
        assert witness.url is not None, "only witnesses with a URL have a turn"
        try:
            async with (
                asyncio.timeout(ASK_TIMEOUT_S),
                self._outbound.to(add_checkpoint_url(witness.url)) as line,
            ):
                return await ask(witness, tree, line, log=self._log, old=known, now=self._clock())
        except TimeoutError:
            return Answer(Verdict.SILENT)


def add_checkpoint_url(prefix: str) -> str:
    """Where a witness takes checkpoints, by its submission prefix."""
    return f"{prefix.rstrip('/')}/add-checkpoint"
