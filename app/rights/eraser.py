"""The one way to destroy: a decision on a snapshot, and a call that holds only if it still stands.

The rules are read anew for each decision, and the database compares their version again under its
lock, as it does for an append: a hold on an occasion that comes in between stops the destruction.
"""

from typing import Any, Final
from uuid import UUID

import asyncpg

from app.clock import Clock
from app.domain.decider import Circumstances
from app.domain.subject import SUBJECT
from app.ledger import Ledger
from app.rights.person import Person, person_of
from app.store.group_commit import CONNECTION_LOST
from app.store.notices import ERASED_CHANNEL

ERASE_SQL: Final = "SELECT outcome FROM ledger.ledger_erase_under(0, $1, $2, $3, $4)"

_REDECIDE: Final = frozenset(
    {"version-conflict", "stale-control", "stale-clock", "blob-count-mismatch", "key-foreign"}
)
"""The snapshot that the destruction was counted from, or its rules, are no longer what stands."""


class Eraser:
    """Decides and destroys; the only holder of the connections that may.

    ``clock`` says whether a day has come; what is recorded bears the ledger's own time.
    """

    def __init__(
        self, ledger: Ledger, pool: "asyncpg.Pool[Any]", *, clock: Clock | None = None
    ) -> None:
        self._ledger = ledger
        self._pool = pool
        self._clock = clock or ledger.clock

    async def read(self, subject_id: UUID) -> Person:
        """The person with every blob, in whatever state."""
        store = self._ledger.store
        return person_of(store, await store.read_stream(subject_id, with_blobs=True))

    async def circumstances(self) -> Circumstances:
        """The rules as they stand in the database: nothing is destroyed under outdated ones."""
        return (await self._ledger.rulebook.refresh()).at(self._clock())

    async def destroy(self, person: Person, command: object, given: Circumstances, by: str) -> None:
        """Decides on the snapshot that was read, and destroys only if it still stands.

        Nothing is told of the outcome: whoever asked reads the person again, and sees.
        """
        state, now = person.state, self._ledger.clock()
        records = SUBJECT.decide(command, state, given)
        if not records:
            return
        draft = self._ledger.store.draft(
            person.subject_id,
            records,
            expected=state.version,
            previous=state.leaf_hash,
            keys={},
            recorded_at=max(now, state.last_at or now),
            by=by,
        )
        [event] = draft.events
        arguments = (person.subject_id, state.version, given.control.version, event.entry)
        try:
            outcome = await self._pool.fetchval(ERASE_SQL, *arguments)
        except CONNECTION_LOST:
            # Whether it was committed is unknown here: the next try reads it from the log.
            self._ledger.forget(person.subject_id)
            return
        assert outcome == "appended" or outcome in _REDECIDE, "an outcome of ledger_erase"
        self._ledger.forget(person.subject_id)
        if outcome == "appended":
            # The other processes forget the person, too; keys are checked by them in any case.
            await self._pool.execute(
                "SELECT pg_notify($1, $2)", ERASED_CHANNEL, str(person.subject_id)
            )
