"""Retention carried out on its day, and erasures closed on theirs, with nobody asking (L7, L37).

Any number of processes may do it side by side: who may be concerned is looked up without keys,
whether something is due is decided on the person's stream, and the database destroys only what
that decision saw. What another process did meanwhile is met by the next look at the stream.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import asyncpg
import structlog

from app.clock import Clock
from app.domain.decider import Circumstances
from app.domain.periods import Place
from app.domain.retention import ExecuteRetention, Expired, closing_due, expired
from app.domain.subject import SUBJECT, fold
from app.ledger import Ledger
from app.policy.vocabulary import ClockEvent
from app.receipts import Attribution, LedgerContended
from app.rights.destruction import destruction_of
from app.rights.eraser import Eraser
from app.rights.erasure import Erasing
from app.rights.letting_go import Going, let_go

TRIES_MAX: Final = 12
PAGE_SIZE: Final = 500
RETENTION: Final = "retention"
"""On whose behalf it is recorded."""

BY: Final = Attribution(by=RETENTION)

CALENDAR: Final = frozenset(
    {
        ClockEvent.COLLECTION,
        ClockEvent.FISCAL_YEAR_END,
        ClockEvent.OCCASION_END,
        ClockEvent.BALANCE_PAYMENT,
        ClockEvent.CHAT_END,
        ClockEvent.REQUEST_CLOSED,
    }
)
"""Clocks that need none of the endings below: only the stream and the rules say when they start."""

ENDINGS: Final = (
    "consent.withdrawn",
    "consent.expired",
    "suppression.recorded",
    "relationship.ended",
    "erasure.executed",
    "erasure.withdrawn",
    "objection.granted",
    "objection.overridden",
    "objection.withdrawn",
    "restriction.lifted",
    "rights-request.fulfilled",
    "rights-request.refused",
    "rights-request.withdrawn",
    "rights-request.unidentified",
    "rights-request.joined",
    "rights-request.moved",
)
"""Events without which no other clock starts."""

# Names no key: only that there is one, of which class, and that something ended for its person.
CANDIDATES_SQL: Final = """
SELECT DISTINCT k.subject_id FROM ledger.keyring k
 WHERE k.state <> 'erased' AND k.subject_id > $1
   AND (k.class = ANY ($2)
        OR EXISTS (SELECT FROM ledger.events e
                    WHERE e.stream_id = k.subject_id AND e.type = ANY ($3)))
 ORDER BY k.subject_id LIMIT $4
"""

_log: Any = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Due:
    """What is due about one person today."""

    subject_id: UUID
    expired: tuple[Expired, ...]
    closing: tuple[UUID, ...]
    """Erasures whose last day is over."""


@dataclass(slots=True)
class Done:
    """What one run did."""

    people: int = 0
    keys: int = 0
    closed: int = 0
    failed: int = 0
    """People about whom something is still due; the log of the process says why."""
    keys_left: int = 0
    """Data keys that were due and may not have gone."""
    closings_left: int = 0
    """Erasures that were to be closed and were not."""


class Retaining:
    """Looks for what is due, and carries it out where it is given the eraser's connections."""

    def __init__(
        self,
        ledger: Ledger,
        pool: "asyncpg.Pool[Any]",
        eraser: "asyncpg.Pool[Any] | None",
        *,
        clock: Clock | None = None,
        ran: Callable[[Done], None] | None = None,
    ) -> None:
        self._ran = ran
        """Told of what each daily task did."""
        self._ledger = ledger
        self._pool = pool
        self._clock = clock or ledger.clock
        self._eraser = eraser

    async def due(self) -> AsyncIterator[Due]:
        """Everything that is due today, person by person; nothing is recorded or opened."""
        rules = await self._ledger.rulebook.refresh()
        calendar = [
            key for key, one in rules.policy.retention_classes.items() if one.clock in CALENDAR
        ]
        after = UUID(int=0)
        while True:
            found = await self._pool.fetch(CANDIDATES_SQL, after, calendar, ENDINGS, PAGE_SIZE)
            for row in found:
                after = row["subject_id"]
                stream = await self._ledger.store.read_stream(after)
                due = _due(after, fold(SUBJECT.initial, stream.events), rules.at(self._clock()))
                if due.expired or due.closing:
                    yield due
            if len(found) < PAGE_SIZE:
                return

    async def run(self) -> Done:
        """Carries out everything that is due. One person's fault holds up nobody else."""
        assert self._eraser is not None, "destroying takes the eraser's connections"
        eraser = Eraser(self._ledger, self._eraser, clock=self._clock)
        erasing = Erasing(self._ledger, self._eraser, clock=self._clock)
        done = Done()
        async for due in self.due():
            keys_left, closings_left = len(due.expired), len(due.closing)
            try:
                done.keys += await self._expire(due.subject_id, eraser)
                keys_left = 0
                for erasure in due.closing:
                    await erasing.close(due.subject_id, erasure, BY)
                    done.closed += 1
                    closings_left -= 1
                done.people += 1
            except Exception as error:  # noqa: BLE001  # the next person's data are due as well
                done.failed += 1
                _log.error("retention not executed", error_class=type(error).__name__)
            done.keys_left += keys_left
            done.closings_left += closings_left
        return done

    async def carry_out(self) -> bool:
        """As a worker's daily task: whether nothing that is due was left over."""
        done = await self.run()
        if self._ran is not None:
            self._ran(done)
        if done.people or done.failed:
            _log.info("retention executed", keys=done.keys, closed=done.closed, failed=done.failed)
        return not done.failed

    async def _expire(self, subject_id: UUID, eraser: Eraser) -> int:
        """Destroys each key that is due, the youngest decision always on the newest stream."""
        destroyed = 0
        for _ in range(TRIES_MAX):
            person, given = await eraser.read(subject_id), await eraser.circumstances()
            due = expired(person.state, given)
            if not due:
                return destroyed
            for key_id, one in due.items():
                places = {value.place for value in one.values}
                resting = [
                    version
                    for version, identifier in person.state.identifiers.active.items()
                    if (identifier.value_at, identifier.retention_class) in places
                ]
                going = _going(places)
                if await let_go(self._ledger, person, resting, going=going, by=BY):
                    break  # the stream has moved on
                command = ExecuteRetention(
                    key_id=key_id,
                    generation=person.stream.keys[key_id].generation,
                    destruction=destruction_of(person.stream, [key_id]),
                )
                await eraser.destroy(person, command, given, RETENTION)
                person = await eraser.read(subject_id)
                destroyed += key_id not in person.state.data_keys
        raise LedgerContended("other writers won every try")


def _going(places: set[Place]) -> Going:
    return lambda place, _category: place in places


def _due(subject_id: UUID, state: Any, given: Circumstances) -> Due:  # Any: SubjectState
    return Due(subject_id, tuple(expired(state, given).values()), closing_due(state, given))
