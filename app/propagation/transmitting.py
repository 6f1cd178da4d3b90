"""Sends packages to other controllers, as the log says that people asked (Art. 20(2); L35, S20).

At least once: if we die between the receiver's word and our record of it, the package is sent again
under the same Idempotency-Key. It is made at the moment of sending, encrypted to the receiver's key
before it leaves, and kept nowhere.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, Final, NoReturn
from uuid import UUID

import asyncpg
import structlog

from app.domain.decider import Refusal
from app.domain.transmissions import (
    RecordTransmissionDelivered,
    RecordTransmissionFailed,
    Transmission,
    TransmissionStatus,
    barred,
)
from app.events.transmissions import Profile, TransmissionFailure, TransmissionRequested
from app.ledger import Ledger
from app.propagation.deliveries import JITTER, WAITS_S, Portion, random_portion
from app.propagation.outbound import Attempt, Outbound, Outcome
from app.propagation.receivers import sealed_to
from app.receipts import Attribution
from app.store.log_pages import read_log_page
from app.store.receivers import Address, ReceiverRegister
from app.store.recorded import read_entry
from app.store.transmission_queue import ClaimedTransmission, TransmissionQueue

TRANSMITTER: Final = Attribution(by="transmitter")
MEDIA_TYPE: Final = "application/octet-stream"
"""age has registered none."""
FILE_NAME: Final = "your-data.zip.age"
POLL_S: Final = 1.0
RETRY_S: Final = 5.0
AT_ONCE_MAX: Final = 4
PAGE_SIZE: Final = 500

Pack = Callable[[UUID, Profile, Attribution], Awaitable[bytes]]
"""The package of a person, recorded as handed out; raises SubjectErased."""

_TYPES: Final = (
    *("transmission.requested", "transmission.delivered"),
    *("transmission.failed", "transmission.withdrawn"),
)
_FAILURES: Final[Mapping[Outcome, TransmissionFailure]] = {
    Outcome.GONE: TransmissionFailure.GONE,
    Outcome.STATUS: TransmissionFailure.STATUS,
    Outcome.REDIRECT: TransmissionFailure.REDIRECT,
    Outcome.TIMEOUT: TransmissionFailure.TIMEOUT,
    Outcome.UNREACHABLE: TransmissionFailure.UNREACHABLE,
    Outcome.REFUSED: TransmissionFailure.DESTINATION_REFUSED,
}
_FINAL: Final = frozenset({Outcome.GONE, Outcome.REFUSED})
"""What another attempt would not change: the receiver says so, or the network is one of ours."""

_LOG: Any = structlog.get_logger("pdledger.transmitting")


class Transmitting:
    """The loop of one process. Any number may run side by side."""

    def __init__(
        self,
        ledger: Ledger,
        pool: "asyncpg.Pool[Any]",
        receivers: ReceiverRegister,
        *,
        outbound: Outbound,
        pack: Pack,
        portion: Portion = random_portion,
    ) -> None:
        self._ledger = ledger
        self._pool = pool
        self._queue = TransmissionQueue(pool)
        self._receivers = receivers
        self._outbound = outbound
        self._pack = pack
        self._portion = portion
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Looks for what is due at once."""
        self._woken.set()

    async def run(self) -> NoReturn:
        """Sends until it is cancelled."""
        while True:
            pause_s = POLL_S
            try:
                await self.turn()
            except Exception as error:  # noqa: BLE001  # the head of a worker's loop
                _LOG.error("transmitting halted", error_class=type(error).__name__)
                pause_s = RETRY_S
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._woken.wait()
            self._woken.clear()

    async def turn(self) -> int:
        """Takes over what the log says, and tries what is due; how many were tried."""
        while await self._follow():
            pass
        tried = 0
        while claimed := await self._queue.claim(AT_ONCE_MAX):
            await asyncio.gather(*(self._try(one) for one in claimed))
            tried += len(claimed)
        return tried

    async def _follow(self) -> bool:
        """One page of the log; False when there is no more of it."""
        since = await self._queue.position()
        page = await read_log_page(self._pool, after=since, size_max=PAGE_SIZE, types=_TYPES)
        if page.reached <= since:
            return False
        queued: list[tuple[UUID, UUID]] = []
        settled: list[UUID] = []
        for position, entry in page.entries:
            recorded = read_entry(entry, position)
            transmission: UUID = recorded.event.transmission
            if isinstance(recorded.event, TransmissionRequested):
                queued.append((transmission, recorded.stream_id))
            else:
                settled.append(transmission)
        await self._queue.follow(since, page.reached, queued, settled)
        return not page.at_head

    async def _try(self, claimed: ClaimedTransmission) -> None:
        try:
            await self._attempt(claimed)
        except Refusal as refusal:
            # The person was erased, or called it off: the log says which.
            _LOG.warning("transmission was settled otherwise", refusal=refusal.code)
            await self._queue.done(claimed)
        except Exception as error:  # noqa: BLE001  # the next one is due as well
            _LOG.error("transmission not tried", error_class=type(error).__name__)
            await self._queue.defer(claimed, WAITS_S[0], "fault", None)

    async def _attempt(self, claimed: ClaimedTransmission) -> None:
        state = await self._ledger.state(claimed.stream_id)
        wanted = state.transmissions.by_id.get(claimed.transmission)
        if state.erased or wanted is None or wanted.status is not TransmissionStatus.WAITING:
            await self._queue.done(claimed)
            return
        address = await self._way_to(wanted)
        if address is None:
            await self._failed(claimed, TransmissionFailure.RECEIVER_WITHDRAWN, None)
            return
        package = await self._pack(claimed.stream_id, wanted.profile, TRANSMITTER)
        sent = await asyncio.to_thread(sealed_to, address.key, package)
        attempt = await self._send(claimed, address, sent)
        await self._conclude(claimed, attempt, sent)

    async def _way_to(self, wanted: Transmission) -> Address | None:
        """Where it goes; None when the receiver may get nothing any more."""
        given = (await self._ledger.rules()).at(self._ledger.clock())
        if barred(wanted.receiver, given) is not None:
            return None
        found = await self._receivers.one(wanted.receiver)
        return None if found is None else found.address

    async def _send(self, claimed: ClaimedTransmission, address: Address, sent: bytes) -> Attempt:
        headers = {
            "content-type": MEDIA_TYPE,
            "content-disposition": f'attachment; filename="{FILE_NAME}"',
            "idempotency-key": str(claimed.transmission),
        }
        async with self._outbound.to(address.url) as line:
            return await line.post(sent, headers, now=self._ledger.clock())

    async def _conclude(self, claimed: ClaimedTransmission, attempt: Attempt, sent: bytes) -> None:
        if attempt.outcome is Outcome.DELIVERED:
            delivered = RecordTransmissionDelivered(
                transmission=claimed.transmission,
                sent=hashlib.sha256(sent).hexdigest(),
                size=len(sent),
                attempts=claimed.attempts + 1,
            )
            await self._ledger.execute(claimed.stream_id, delivered, TRANSMITTER)
            await self._queue.done(claimed)
            return
        reason = _FAILURES[attempt.outcome]
        if attempt.outcome in _FINAL or claimed.attempts >= len(WAITS_S):
            await self._failed(claimed, reason, attempt.status)
            return
        wait_s = WAITS_S[claimed.attempts] * (1 + JITTER * self._portion())
        wait_s = max(wait_s, attempt.retry_after_s)
        await self._queue.defer(claimed, wait_s, reason.value, attempt.status)

    async def _failed(
        self, claimed: ClaimedTransmission, reason: TransmissionFailure, status: int | None
    ) -> None:
        failed = RecordTransmissionFailed(
            transmission=claimed.transmission,
            reason=reason,
            status=status,
            attempts=claimed.attempts + (reason is not TransmissionFailure.RECEIVER_WITHDRAWN),
        )
        await self._ledger.execute(claimed.stream_id, failed, TRANSMITTER)
        await self._queue.done(claimed)
