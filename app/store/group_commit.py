"""Coalesces the concurrent appends of one process into one autocommitted call (DESIGN 2.5).

One flusher task owns the writer connection: a cancelled request cancels no query. It never lingers;
while one call is in flight, the next batch gathers in the queue.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg
import structlog

from app.store.append import (
    APPEND_ONE_SQL,
    APPEND_SQL,
    PARTITION,
    Append,
    Outcome,
    OutcomeCode,
    arguments,
    arguments_of_one,
    fits_short_path,
)
from app.store.batches import appended_lines, read_batch
from app.tlog.receipts import Batch, BatchLine, ReceiptKey
from app.values import replace

Connect = Callable[[], Awaitable["asyncpg.Connection[Any]"]]
Appended = Callable[[Sequence[float]], None]
"""Told of each call that was answered: how long each of its commands had waited, in seconds."""

_log: Any = structlog.get_logger("pdledger.append")

CONNECTION_LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # what a query meets on a connection that died a moment before
    OSError,
    TimeoutError,
)

BATCH_MAX = 256
QUEUE_MAX = 4096
RECONNECT_PAUSE_S = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 2.0, 2.0)
"""Before each new look for a database that cannot be reached."""

RETRY_PAUSE_S = (0.0, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 2.0)
"""Before each new try of a command whose connection died: at once the first time."""

CALL_TIMEOUT_S = 30.0

BATCH_SQL = "SELECT batch_first, batch_size FROM ledger.idempotency WHERE client = $1 AND key = $2"


class LedgerBusy(Exception):
    """The append queue is full. Nothing was written; try again after a second."""


class LedgerUnavailable(Exception):
    """The database cannot be reached, the outcome is unknown: repeat the request with its key."""


class AppendRejected(Exception):
    """The database refused the bytes of this command: a defect of ours. Nothing was written."""

    def __init__(self, sqlstate: str) -> None:
        super().__init__(f"ledger_append refused the command (SQLSTATE {sqlstate})")
        self.sqlstate = sqlstate


@dataclass(slots=True)
class _Waiting:
    """A group of commands that stand or fall together, and who waits for it."""

    commands: tuple[Append, ...]
    answer: "asyncio.Future[tuple[Outcome, ...]]"
    tries: int = 0
    since: float = field(default_factory=time.perf_counter)

    def claims(self) -> set[object]:
        """What no second group of the same batch may touch."""
        taken: set[object] = {command.stream_id for command in self.commands}
        for command in self.commands:
            if command.idempotency is not None:
                taken.add((command.idempotency.client, command.idempotency.key))
            taken.update((one.kind, one.token) for one in command.identifiers)
        return taken


class GroupCommit:
    """The one door to `ledger_append` of a process."""

    def __init__(
        self,
        connect: Connect,
        *,
        exclusive_streams: frozenset[UUID] = frozenset(),
        batch_max: int = BATCH_MAX,
        queue_max: int = QUEUE_MAX,
        appended: Appended = lambda _: None,
        receipt_key: ReceiptKey | None = None,
    ) -> None:
        self._connect = connect
        self._exclusive = exclusive_streams
        self._batch_max = batch_max
        self._queue_max = queue_max
        self._appended = appended
        self.receipt_key = receipt_key
        """Signs what is appended; None where nobody is given a receipt."""
        self._queue: deque[_Waiting] = deque()
        self._arrived = asyncio.Event()
        self._connection: asyncpg.Connection[Any] | None = None
        self._flusher: asyncio.Task[None] | None = None
        self._closing = False
        self._latest: Batch | None = None
        self._foreseen: Batch | None = None
        self.flushes = 0
        self.appends = 0

    async def start(self) -> None:
        """Connects and starts the flusher."""
        self._connection = await self._connect()
        self._flusher = asyncio.create_task(self._flush_for_ever(), name="group-commit")

    async def stop(self) -> None:
        """Lets the queue drain, then ends the flusher and closes its connection."""
        self._closing = True
        self._arrived.set()
        if self._flusher is not None:
            await self._flusher
        if self._connection is not None and not self._connection.is_closed():
            await self._connection.close()

    async def append(self, commands: Sequence[Append]) -> tuple[Outcome, ...]:
        """Appends the commands, all or none, and answers once that is durable.

        LedgerBusy when the queue is full; LedgerUnavailable when the outcome stays unknown.
        """
        if self._closing or len(self._queue) >= self._queue_max:
            raise LedgerBusy("the append queue is full")
        waiting = _Waiting(tuple(commands), asyncio.get_running_loop().create_future())
        self._queue.append(waiting)
        self._arrived.set()
        return await waiting.answer  # cancelled with its request; the command itself goes on

    async def _flush_for_ever(self) -> None:
        while True:
            if not self._queue:
                if self._closing:
                    return
                self._arrived.clear()
                await self._arrived.wait()
                continue
            batch = self._next_batch()
            try:
                await self._flush(batch)
            except Exception as fault:  # noqa: BLE001  # loop head: who waits is told
                _log.error("flush failed", error=type(fault).__qualname__)
                for waiting in batch:
                    _fail(waiting, LedgerUnavailable("the outcome is unknown"))

    def _next_batch(self) -> list[_Waiting]:
        """Groups from the head of the queue that share no stream, key or token; others wait."""
        batch: list[_Waiting] = []
        held_back: list[_Waiting] = []
        taken: set[object] = set()
        size = 0
        while self._queue and size < self._batch_max:
            waiting = self._queue.popleft()
            claims = waiting.claims()
            exclusive = not self._exclusive.isdisjoint(claims)
            # A control command changes what its neighbours were decided under: it goes alone.
            if taken.isdisjoint(claims) and not (exclusive and batch):
                batch.append(waiting)
                size += len(waiting.commands)
            else:
                held_back.append(waiting)
            taken |= claims
            if exclusive:
                break
        self._queue.extendleft(reversed(held_back))
        return batch

    async def _flush(self, batch: list[_Waiting]) -> None:
        try:
            outcomes = await self._call(batch)
        except CONNECTION_LOST:
            await self._settle_unknown(batch)
        except asyncpg.PostgresError as refused:
            if _outcome_unknown(refused):
                await self._settle_unknown(batch)
            elif _cut_short(refused):
                for waiting in batch:
                    _fail(waiting, LedgerUnavailable("the database gave up the call"))
            elif len(batch) == 1:
                _fail(batch[0], AppendRejected(refused.sqlstate or "unknown"))
            else:  # one poisoned command must not fail its neighbours
                for waiting in batch:
                    await self._flush([waiting])
        else:
            self.flushes += 1
            now = time.perf_counter()
            self._appended([now - waiting.since for waiting in batch for _ in waiting.commands])
            outcomes = self._batched(batch, outcomes)
            for waiting in batch:
                mine = tuple(outcomes[: len(waiting.commands)])
                del outcomes[: len(waiting.commands)]
                if not (waiting.tries and await self._committed_late(waiting, mine)):
                    _succeed(waiting, mine)

    def _batched(self, waiting: Sequence[_Waiting], outcomes: list[Outcome]) -> list[Outcome]:
        """The outcomes, each with the batch that one signature covers."""
        if self.receipt_key is None:
            return outcomes
        commands = [command for one in waiting for command in one.commands]
        batch = self._covering(appended_lines(commands, outcomes))
        return [
            replace(one, batch=batch) if one.code is OutcomeCode.APPENDED else one
            for one in outcomes
        ]

    def _covering(self, lines: Sequence[BatchLine]) -> Batch:
        """What one signature covers: what was foreseen, if just that was appended."""
        assert self.receipt_key is not None
        foreseen, self._foreseen = self._foreseen, None
        alike = foreseen is not None and foreseen.lines == lines
        batch = foreseen if foreseen is not None and alike else self.receipt_key.batch(lines)
        if lines:
            self._latest = batch
        return batch

    def _foresee(self, command: Append) -> None:
        """Signs, while the database works, what one command appends if nobody else is faster.

        A signature is a tenth of what an append alone takes, and this process would only wait.
        Nobody sees it before the commit; if the position is another one, nobody ever does. Where
        nobody asked for the receipt before this one, as in an import, nothing is signed ahead.
        """
        latest = self._latest
        if self.receipt_key is None or latest is None or not latest.asked or not command.events:
            return
        position = latest.lines[-1].position + 1
        outcome = Outcome(OutcomeCode.APPENDED, command.stream_id, first_position=position)
        self._foreseen = self.receipt_key.batch(appended_lines([command], [outcome]))
        # Not now: the call is sent when this turn of the loop ends, and the callback comes after.
        asyncio.get_running_loop().call_soon(self._foreseen.sign)

    async def _call(self, batch: list[_Waiting]) -> list[Outcome]:
        commands = [command for waiting in batch for command in waiting.commands]
        connection = await self._connected()
        if len(commands) == 1 and fits_short_path(commands[0]):
            # An idle process: half the latency of the arrays.
            self._foresee(commands[0])
            row = await connection.fetchrow(
                APPEND_ONE_SQL, *arguments_of_one(commands[0]), timeout=CALL_TIMEOUT_S
            )
            assert row is not None
            self.appends += 1
            return [Outcome(OutcomeCode(row[0]), *row[1:])]
        groups = [
            number if len(waiting.commands) > 1 else None
            for number, waiting in enumerate(batch, 1)
            for _ in waiting.commands
        ]
        rows = await connection.fetch(
            APPEND_SQL, *arguments(commands, groups), timeout=CALL_TIMEOUT_S
        )
        outcomes = [Outcome(OutcomeCode.GROUP_REFUSED, command.stream_id) for command in commands]
        for command, code, stream_id, first, last, position in rows:
            outcomes[command - 1] = Outcome(OutcomeCode(code), stream_id, first, last, position)
        self.appends += len(commands)
        return outcomes

    async def _connected(self) -> "asyncpg.Connection[Any]":
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._connect()
        return self._connection

    def _drop_connection(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def _settle_unknown(self, batch: list[_Waiting]) -> None:
        """The connection died during the call: look before trying again (DESIGN 2.5).

        Equal bytes at (stream, version) mean that the commit was done. Otherwise the same bytes go
        back to the head of the queue; the version check makes a second append impossible.
        """
        self._drop_connection()
        remaining = batch
        for pause in RECONNECT_PAUSE_S:
            try:
                connection = await self._connected()
                remaining = [one for one in batch if not await self._settled(connection, one)]
                break
            except (asyncpg.PostgresError, *CONNECTION_LOST):
                self._drop_connection()
                await asyncio.sleep(pause)
        else:
            for waiting in batch:
                _fail(waiting, LedgerUnavailable("the database cannot be reached"))
            return
        rest = 0.0
        for waiting in reversed(remaining):
            waiting.tries += 1
            if waiting.tries > len(RETRY_PAUSE_S):
                _fail(waiting, LedgerUnavailable("the database keeps closing the connection"))
            else:
                self._queue.appendleft(waiting)
                rest = max(rest, RETRY_PAUSE_S[waiting.tries - 1])
        # What closes each connection that it is given needs time to end, not a faster client.
        await asyncio.sleep(rest)

    async def _committed_late(self, waiting: _Waiting, outcomes: tuple[Outcome, ...]) -> bool:
        """Whether a conflict is with our own first try, committed after we had looked for it."""
        if all(outcome.code is not OutcomeCode.VERSION_CONFLICT for outcome in outcomes):
            return False
        return await self._settled(await self._connected(), waiting)

    async def _settled(self, connection: "asyncpg.Connection[Any]", waiting: _Waiting) -> bool:
        if waiting.answer.done():
            return True
        found: list[Outcome] = []
        for command in waiting.commands:
            if not command.events:
                return False
            row = await connection.fetchrow(
                "SELECT position, entry FROM ledger.events"
                " WHERE stream_id = $1 AND version = $2 AND partition = $3",
                command.stream_id,
                command.expected + 1,
                PARTITION,
            )
            if row is None or row["entry"] != command.events[0].entry:
                return False
            first, last = command.expected + 1, command.expected + len(command.events)
            appended = Outcome(
                OutcomeCode.APPENDED, command.stream_id, first, last, row["position"]
            )
            found.append(appended)
        _succeed(waiting, tuple(await self._batched_before(connection, waiting, found)))
        return True

    async def _batched_before(
        self, connection: "asyncpg.Connection[Any]", waiting: _Waiting, outcomes: list[Outcome]
    ) -> list[Outcome]:
        """The outcomes of a call whose answer was lost, with the batch that the database noted.

        Nobody was given a receipt of it. So what cannot be repeated is a batch of its own.
        """
        token = next((one.idempotency for one in waiting.commands if one.idempotency), None)
        noted = token and await connection.fetchrow(BATCH_SQL, token.client, token.key)
        if self.receipt_key is None or not noted or noted["batch_first"] is None:
            return self._batched([waiting], outcomes)
        batch = await read_batch(connection, self.receipt_key, *noted)
        return [replace(one, batch=batch) for one in outcomes]


def _outcome_unknown(refused: asyncpg.PostgresError) -> bool:
    """Shutdown and recovery states say nothing of the commit; every other error rolled it back."""
    return (refused.sqlstate or "").startswith(("57P", "08", "58"))


def _cut_short(refused: asyncpg.PostgresError) -> bool:
    """Rolled back for want of time, a lock or room: the bytes of the command are not at fault."""
    return (refused.sqlstate or "").startswith(("57014", "55P03", "40", "53"))


def _succeed(waiting: _Waiting, outcomes: tuple[Outcome, ...]) -> None:
    with contextlib.suppress(asyncio.InvalidStateError):  # its request was cancelled
        waiting.answer.set_result(outcomes)


def _fail(waiting: _Waiting, error: Exception) -> None:
    with contextlib.suppress(asyncio.InvalidStateError):
        waiting.answer.set_exception(error)
