"""Delivers the feed to those who subscribed, as Standard Webhooks 1.0.0 asks (A18).

At least once, and in order for each subscription: an event that fails is tried again on a schedule
of three days, and what comes after it waits. If we die between a delivery and its record, the event
is sent again under the same `webhook-id`.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn
from uuid import UUID

import asyncpg
import structlog

from app.clock import Clock, random_bytes
from app.propagation.cloud_events import MEDIA_TYPE, CloudEvent, CloudEvents
from app.propagation.outbound import Attempt, Line, Outbound, Outcome
from app.propagation.signatures import Scheme, headers
from app.store.delivery_queue import Claimed, DeliveryQueue, Failed
from app.store.log_pages import read_log_page
from app.store.subscriptions import Secrets, Subscription

POLL_S: Final = 0.5
RETRY_S: Final = 5.0
STOP_S: Final = 0.5
PURGE_EVERY: Final = 7_200
"""Turns between two purges: an hour."""
AT_ONCE_MAX: Final = 8
TURN_EVENTS_MAX: Final = 200
TURN_S: Final = 10.0
"""What one claim delivers, and for how long; then whoever waited longest has its turn."""
PAGE_SIZE: Final = 50
UNREADABLE_S: Final = 3_600.0
"""Until a subscription whose keys are gone is looked at again: they may have been put back."""

WAITS_S: Final = (
    *(5.0, 5 * 60.0, 30 * 60.0, 2 * 3600.0, 5 * 3600.0),
    *(10 * 3600.0, 14 * 3600.0, 20 * 3600.0, 24 * 3600.0),
)
"""After each failed attempt but the last: ten attempts in 75 hours and 35 minutes."""
JITTER: Final = 0.1
"""A wait is longer by up to this part: what failed together is not tried again together."""

Portion = Callable[[], float]
"""A number from 0 to 1, another one each time."""

_LOG: Any = structlog.get_logger("pdledger.deliveries")


def random_portion() -> float:
    """Even enough to spread attempts."""
    return int.from_bytes(random_bytes(2), "big") / 0xFFFF


class Deliveries:
    """The loop of one process. Owns its tasks; the database says who delivers what."""

    def __init__(
        self,
        pool: "asyncpg.Pool[Any]",
        queue: DeliveryQueue,
        cloud_events: CloudEvents,
        *,
        outbound: Outbound,
        clock: Clock,
        portion: Portion = random_portion,
    ) -> None:
        self._pool = pool
        self._queue = queue
        self._cloud_events = cloud_events
        self._outbound = outbound
        self._clock = clock
        self._portion = portion
        self._running: set[asyncio.Task[None]] = set()
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Looks for what is due at once."""
        self._woken.set()

    async def run(self) -> NoReturn:
        """Delivers until it is cancelled."""
        turns = 0
        try:
            while True:
                pause_s = POLL_S
                try:
                    await self.begin()
                    turns += 1
                    if turns % PURGE_EVERY == 0:
                        await self._queue.purge()
                except Exception as error:  # noqa: BLE001  # the head of a worker's loop
                    _LOG.error("deliveries halted", error_class=type(error).__name__)
                    pause_s = RETRY_S
                await self._pause(pause_s)
        finally:
            for task in self._running:
                task.cancel()
            if self._running:
                await asyncio.wait(self._running, timeout=STOP_S)

    async def begin(self) -> None:
        """Claims what is due, as much as there is room for, and starts to deliver it."""
        room = AT_ONCE_MAX - len(self._running)
        for claimed in await self._queue.claim(room) if room else ():
            task = asyncio.create_task(self._deliver(claimed), name="delivery")
            self._running.add(task)
            task.add_done_callback(self._ended)

    async def finished(self) -> None:
        """Returns when nothing that was begun is under way."""
        while self._running:
            await asyncio.wait(self._running)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._woken.set()
        if not task.cancelled() and task.exception() is not None:
            error_class = type(task.exception()).__name__
            _LOG.error("delivery broken off", error_class=error_class)

    async def _pause(self, pause_s: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await self._woken.wait()
        self._woken.clear()

    async def _deliver(self, claimed: Claimed) -> None:
        secrets = claimed.subscription.secrets
        try:
            if secrets is None:
                _LOG.error("subscription unreadable", subscription=_name(claimed))
                await self._queue.postpone(claimed, UNREADABLE_S)
                return
            turn = Turn()
            async with self._outbound.to(secrets.url) as line:
                await self._replay(claimed, secrets, line, turn)
                if claimed.is_due:
                    await self._follow(claimed, secrets, line, turn)
        finally:
            # Given back also when the process stops; lost with a dead database, until it runs out.
            with suppress(Exception):
                await asyncio.shield(self._queue.release(claimed))

    async def _replay(self, claimed: Claimed, secrets: Secrets, line: Line, turn: "Turn") -> None:
        for position in claimed.replays:
            if turn.is_over():
                return
            page = await read_log_page(self._pool, after=position - 1, size_max=1)
            event = self._cloud_events.of(*page.entries[0])
            attempt = await self._attempt(claimed.subscription, secrets, line, event=event)
            if attempt.outcome is Outcome.DELIVERED:
                await self._queue.replayed(claimed, position)
            else:
                await self._queue.replay_failed(
                    claimed, position, reason=attempt.outcome.value, status=attempt.status
                )

    async def _follow(self, claimed: Claimed, secrets: Secrets, line: Line, turn: "Turn") -> None:
        """Delivers from the cursor on, until the head, a failure, or the end of the turn."""
        position = claimed.subscription.position
        while not turn.is_over():
            page = await read_log_page(
                self._pool, after=position, size_max=PAGE_SIZE, types=claimed.subscription.types
            )
            for number, entry in page.entries:
                if turn.is_over():
                    return
                event = self._cloud_events.of(number, entry)
                attempt = await self._attempt(claimed.subscription, secrets, line, event=event)
                if attempt.outcome is not Outcome.DELIVERED:
                    await self._failed(claimed, position, event, attempt)
                    return
                if not await self._queue.delivered(claimed, position, number):
                    return
                position = number
                turn.sent += 1
            if page.reached > position:
                if not await self._queue.passed(claimed, position, page.reached):
                    return
                position = page.reached
            if page.at_head:
                return

    async def _attempt(
        self, subscription: Subscription, secrets: Secrets, line: Line, *, event: CloudEvent
    ) -> Attempt:
        now = self._clock()
        keys: tuple[bytes, ...] = (secrets.key,)
        until = subscription.previous_until
        if secrets.previous is not None and until is not None and now < until:
            keys = (secrets.key, secrets.previous)
        signed = headers(
            Scheme(subscription.scheme),
            keys,
            message_id=event.event_id,
            at=int(now.timestamp()),
            body=event.body,
        )
        return await line.post(event.body, {**signed, "content-type": MEDIA_TYPE}, now=now)

    async def _failed(
        self, claimed: Claimed, since: int, event: CloudEvent, attempt: Attempt
    ) -> None:
        failures = claimed.subscription.attempts + 1 if since == _start(claimed) else 1
        disable_for, wait_s = None, 0.0
        if attempt.outcome is Outcome.GONE:
            disable_for = "gone"
        elif failures > len(WAITS_S):
            disable_for = "exhausted"
        else:
            wait_s = WAITS_S[failures - 1] * (1 + JITTER * self._portion())
            wait_s = max(wait_s, attempt.retry_after_s)
        failed = Failed(
            position=event.position,
            event_id=UUID(event.event_id),
            type=event.type,
            reason=attempt.outcome.value,
            status=attempt.status,
            wait_s=wait_s,
            disable_for=disable_for,
        )
        if await self._queue.failed(claimed, since, failed) and disable_for:
            _LOG.warning("subscription disabled", subscription=_name(claimed), reason=disable_for)
        if attempt.outcome is Outcome.REFUSED:
            _LOG.warning("destination refused", subscription=_name(claimed))


@dataclass(slots=True)
class Turn:
    """How much of one claim is used up: a slow receiver must not hold up those of others."""

    began_at: float = field(default_factory=lambda: asyncio.get_running_loop().time())
    sent: int = 0

    def is_over(self) -> bool:
        """Whether the next subscription has its turn."""
        spent_s = asyncio.get_running_loop().time() - self.began_at
        return self.sent >= TURN_EVENTS_MAX or spent_s >= TURN_S


def _start(claimed: Claimed) -> int:
    return claimed.subscription.position


def _name(claimed: Claimed) -> str:
    return str(claimed.subscription.subscription_id)
