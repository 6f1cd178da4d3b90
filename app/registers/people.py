"""The states of people of whom registers ask again and again: folded once, then brought forward.

Whoever waits for something stands in the registers for weeks, and is looked at with every page, by
every calendar and every minute's figures. Read one by one, 800 people took a second each time.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Final
from uuid import UUID

from app.domain.subject import SUBJECT, SubjectState, fold
from app.registers.table import Part, Question, Row
from app.rights.as_of import AsOf
from app.store.event_store import EventStore

KEPT_MAX: Final = 8192
READ_AT_ONCE: Final = 50
"""People that one query reads: their events are folded before anybody else has a turn."""
LOOKED_AT_MAX: Final = 500
"""People that one page looks at; a page of fewer rows than asked for may have a next one."""


class People:
    """People as the log shows them. One a process; what is kept holds no data and opens nothing."""

    def __init__(self, store: EventStore, *, kept_max: int = KEPT_MAX) -> None:
        self._store = store
        self._kept_max = kept_max
        self._kept: OrderedDict[UUID, SubjectState] = OrderedDict()

    async def states(
        self, subjects: Iterable[UUID], as_of: AsOf | None = None
    ) -> dict[UUID, SubjectState]:
        """Each of them at the cut; without one, never behind an append acknowledged before."""
        states: dict[UUID, SubjectState] = {}
        for some in _parts(dict.fromkeys(subjects)):
            states |= await (self._newest(some) if as_of is None else self._cut(some, as_of))
        return states

    async def _newest(self, some: Sequence[UUID]) -> dict[UUID, SubjectState]:
        states = {one: self._kept.get(one, SUBJECT.initial) for one in some}
        known = {one: state.version for one, state in states.items()}
        for recorded in await self._store.read_after(known):
            states[recorded.stream_id] = SUBJECT.evolve(states[recorded.stream_id], recorded)
        for one, state in states.items():
            self._keep(one, state)
        return states

    async def _cut(self, some: Sequence[UUID], as_of: AsOf) -> dict[UUID, SubjectState]:
        return {
            one: fold(SUBJECT.initial, as_of.cut(await self._store.read_stream(one)).events)
            for one in some
        }

    def _keep(self, one: UUID, state: SubjectState) -> None:
        kept = self._kept.get(one)
        if kept is None or kept.version < state.version:  # others may have asked meanwhile
            self._kept[one] = state
        self._kept.move_to_end(one)
        while len(self._kept) > self._kept_max:
            self._kept.popitem(last=False)


async def looked_at(
    people: People,
    candidates: Sequence[UUID],
    rows_of: Callable[[UUID, SubjectState], Iterable[Row]],
    *,
    question: Question,
    stands_at: int,
) -> Part:
    """A page of what the streams of some people say, who are the first ``LOOKED_AT_MAX`` there are.

    It ends with the person who fills it, and the next one begins behind them.
    """
    rows: list[Row] = []
    looked = 0
    while looked < len(candidates) and len(rows) < question.limit:
        some = candidates[looked : looked + READ_AT_ONCE]
        states = await people.states(some, question.as_of)
        for one in some:
            rows += rows_of(one, states[one])
            looked += 1
            if len(rows) >= question.limit:
                break
    more = looked < len(candidates) or len(candidates) == LOOKED_AT_MAX
    return Part(stands_at, tuple(rows), str(candidates[looked - 1]) if more else None)


def _parts(subjects: Iterable[UUID]) -> Iterator[list[UUID]]:
    left = iter(subjects)
    while part := list(islice(left, READ_AT_ONCE)):
        yield part
