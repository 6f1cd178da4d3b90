"""E3: what was erased can be read in no backup any more, and the log says since when (L34, C61).

It is reached when every key epoch is destroyed that had begun before the data were: backups hold
keys and tokens of those epochs only. Each class of an erasure reaches it on a day of its own.
"""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import asyncpg

from app.domain.epochs import Epochs, EpochState, beyond_backups
from app.domain.erasure_progress import Erasure
from app.domain.erasure_steps import AssureErasure
from app.domain.subject import SUBJECT, fold
from app.events.erasures import ErasureLevel
from app.ledger import Ledger
from app.receipts import Attribution

PAGE_SIZE: Final = 500
BY: Final = Attribution(by="epochs")
ERASED_SQL: Final = """
SELECT DISTINCT k.subject_id FROM ledger.keyring k
 WHERE k.state = 'erased' AND k.subject_id > $1
   AND EXISTS (SELECT FROM ledger.events e
                WHERE e.stream_id = k.subject_id AND e.type = 'erasure.executed')
 ORDER BY k.subject_id LIMIT $2
"""


@dataclass(frozen=True, slots=True)
class Beyond:
    """The classes of one erasure that no backup shows any more, and that do not say so yet."""

    subject_id: UUID
    erasure: UUID
    classes: frozenset[str]


class LastCopies:
    """States E3 where it holds. Any process may do it, and several at once: it is said once."""

    def __init__(self, ledger: Ledger, pool: "asyncpg.Pool[Any]") -> None:
        self._ledger = ledger
        self._pool = pool
        self._stated_for: frozenset[int] = frozenset()
        """The destroyed epochs for which this process has stated everything."""

    async def run(self) -> int:
        """How many erasures reached it for some class; nothing is read while no epoch ended."""
        epochs = (await self._ledger.rulebook.refresh_control()).epochs
        gone = frozenset(key for key, one in epochs.items() if one.state is EpochState.DESTROYED)
        if gone == self._stated_for:
            return 0
        count = 0
        async for one in self._beyond(epochs):
            command = AssureErasure(
                erasure=one.erasure, level=ErasureLevel.BACKUPS_UNREADABLE, classes=one.classes
            )
            await self._ledger.execute(one.subject_id, command, BY)
            count += 1
        self._stated_for = gone
        return count

    async def carry_out(self) -> bool:
        """As a worker's daily task: nothing of it is ever left over."""
        await self.run()
        return True

    async def _beyond(self, epochs: Epochs) -> AsyncIterator[Beyond]:
        after = UUID(int=0)
        while True:
            found = await self._pool.fetch(ERASED_SQL, after, PAGE_SIZE)
            for row in found:
                after = row["subject_id"]
                stream = await self._ledger.store.read_stream(after)
                erasures = fold(SUBJECT.initial, stream.events).erasures.by_id
                for key, one in erasures.items():
                    if classes := frozenset(_unsaid(one, epochs)):
                        yield Beyond(after, key, classes)
            if len(found) < PAGE_SIZE:
                return


def _unsaid(erasure: Erasure, epochs: Epochs) -> Iterator[str]:
    for key, reached in erasure.levels.items():
        said = ErasureLevel.BACKUPS_UNREADABLE in reached
        if not said and beyond_backups(epochs, erasure.destroyed_at.get(key)):
            yield key
