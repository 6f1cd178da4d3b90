"""What happens on its day with nobody asking: silence grants an objection, a child's data go.

Nobody decides anything against a person here (Art. 22; L46): the restriction of an objection that
the person took back ends once they were told (Art. 18(3)). Who may be concerned is looked up in a
register; whether it is due is decided on the person's own stream.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import asyncpg
import structlog
from sqlalchemy import BigInteger, DateTime, Integer, Text, bindparam, select

from app.clock import Clock
from app.domain.erasure_plan import EVERYTHING
from app.domain.erasure_steps import ErasureHeld
from app.domain.objections import Status, UpholdObjection
from app.domain.restrictions import LiftRestriction, lifts_by_itself
from app.domain.subjects import DiscoverChild, SubjectErased
from app.events.erasures import ErasureTrigger
from app.events.objections import ObjectionGround
from app.events.restrictions import RestrictionGround
from app.events.subjects import ChildDiscovered
from app.ledger import Ledger
from app.projections.objections import objections, restrictions
from app.projections.statements import Query
from app.receipts import Attribution
from app.rights.erasure import Erasing, ErasureOrder

PAGE_SIZE: Final = 500
AT_LEAST: Final = timedelta(days=27)
"""No month is shorter, wherever midnight is."""
BY: Final = Attribution(by="retention")

# Rows of an older build, or of none yet, only mean that somebody is looked at a day later.
_OPEN: Final = Query(
    select(objections.c.position, objections.c.subject_id, objections.c.objection)
    .where(
        objections.c.position > bindparam("after", type_=BigInteger),
        objections.c.ground == bindparam("ground", type_=Text),
        objections.c.decision.is_(None),
        objections.c.until_position.is_(None),
        objections.c.since <= bindparam("before", type_=DateTime(timezone=True)),
    )
    .order_by(objections.c.position)
    .limit(bindparam("size_max", type_=Integer))
)
_ANNOUNCED: Final = Query(
    select(restrictions.c.position, restrictions.c.subject_id, restrictions.c.restriction)
    .where(
        restrictions.c.position > bindparam("after", type_=BigInteger),
        restrictions.c.ground == bindparam("ground", type_=Text),
        restrictions.c.announced_position.is_not(None),
        restrictions.c.until_position.is_(None),
    )
    .order_by(restrictions.c.position)
    .limit(bindparam("size_max", type_=Integer))
)
CHILDREN_SQL: Final = """
SELECT DISTINCT k.subject_id FROM ledger.keyring k
 WHERE k.state <> 'erased' AND k.subject_id > $1
   AND EXISTS (SELECT FROM ledger.events e
                WHERE e.stream_id = k.subject_id AND e.type = 'child.discovered')
   AND NOT EXISTS (SELECT FROM ledger.erasure_fence f WHERE f.subject_id = k.subject_id)
 ORDER BY k.subject_id LIMIT $2
"""

_log: Any = structlog.get_logger(__name__)


@dataclass(slots=True)
class Discharged:
    """What one run did."""

    granted: int = 0
    """Objections whose time for an answer had passed."""
    lifted: int = 0
    """Restrictions of objections that were taken back, of which the person was told."""
    erased: int = 0
    """Children of whom nothing is left."""
    held: int = 0
    """Children whose erasure a legal hold forbids for now."""
    failed: int = 0


class Duties:
    """Carries out what is due by law; ``clock`` says whether a day has come."""

    def __init__(
        self,
        ledger: Ledger,
        pool: "asyncpg.Pool[Any]",
        eraser: "asyncpg.Pool[Any]",
        *,
        clock: Clock | None = None,
    ) -> None:
        self._ledger = ledger
        self._pool = pool
        self._erasing = Erasing(ledger, eraser, clock=clock)
        self._clock = clock or ledger.clock

    async def run(self) -> Discharged:
        """Everything that is due. One person's fault holds up nobody else."""
        done = Discharged()
        await self._grant_silence(done)
        await self._lift_told(done)
        await self._erase_children(done)
        return done

    async def carry_out(self) -> bool:
        """As a worker's daily task: whether nothing that is due was left over."""
        done = await self.run()
        if done != Discharged():
            _log.info("duties", **{name: getattr(done, name) for name in done.__slots__})
        return not done.failed

    async def _grant_silence(self, done: Discharged) -> None:
        """Grants every objection that nobody answered in time (Art. 12(3); L44)."""
        now, after = self._clock(), -1
        law = (await self._ledger.rules()).law
        while True:
            found = await _OPEN.fetch(
                self._pool,
                after=after,
                ground=ObjectionGround.OWN_SITUATION.value,
                before=now - AT_LEAST,
                size_max=PAGE_SIZE,
            )
            for row in found:
                after = row["position"]
                state = await self._ledger.state(row["subject_id"])
                objection = state.objections.by_id.get(row["objection"])
                if objection is None or state.erased or objection.status is not Status.PENDING:
                    continue
                if objection.status_at(now, law, state.rights_requests) is Status.GRANTED:
                    command = UpholdObjection(objection=row["objection"], overdue=True)
                    done.granted += await self._tried(row["subject_id"], command, done)
            if len(found) < PAGE_SIZE:
                return

    async def _lift_told(self, done: Discharged) -> None:
        """Lifts what rested for objections that were taken back, once that was told (L42)."""
        now, after = self._clock(), -1
        given = (await self._ledger.rules()).at(now)
        while True:
            found = await _ANNOUNCED.fetch(
                self._pool,
                after=after,
                ground=RestrictionGround.OBJECTION.value,
                size_max=PAGE_SIZE,
            )
            for row in found:
                after, key = row["position"], row["restriction"]
                state = await self._ledger.state(row["subject_id"])
                if not state.erased and lifts_by_itself(key, state, given):
                    command = LiftRestriction(restriction=key)
                    done.lifted += await self._tried(row["subject_id"], command, done)
            if len(found) < PAGE_SIZE:
                return

    async def _tried(
        self, subject_id: UUID, command: UpholdObjection | LiftRestriction, done: Discharged
    ) -> bool:
        try:
            await self._ledger.execute(subject_id, command, BY)
        except Exception as error:  # noqa: BLE001  # the next one is due as well
            done.failed += 1
            _log.error("duty not carried out", error_class=type(error).__name__)
            return False
        return True

    async def _erase_children(self, done: Discharged) -> None:
        """Erases everybody found to be younger than the policy promises (C75)."""
        after = UUID(int=0)
        while True:
            found = await self._pool.fetch(CHILDREN_SQL, after, PAGE_SIZE)
            for row in found:
                after = row["subject_id"]
                await self._erase_child(after, done)
            if len(found) < PAGE_SIZE:
                return

    async def _erase_child(self, subject_id: UUID, done: Discharged) -> None:
        stream = await self._ledger.store.read_stream(subject_id)
        events = (recorded.event for recorded in stream.events)
        source = next(event.source for event in events if isinstance(event, ChildDiscovered))
        order = ErasureOrder(source=source, extent=EVERYTHING, trigger=ErasureTrigger.CHILD_DATA)
        try:
            for one in await self._records_of(subject_id):
                with suppress(SubjectErased):
                    await self._ledger.execute(one, DiscoverChild(source=source), BY)
                    await self._erasing.erase(one, order, BY)
            done.erased += 1
        except ErasureHeld:
            done.held += 1  # on record; asked again every day
        except Exception as error:  # noqa: BLE001  # the next child's data are due as well
            done.failed += 1
            _log.error("child not erased", error_class=type(error).__name__)

    async def _records_of(self, subject_id: UUID) -> list[UUID]:
        """Every record that is the same person's; it comes last, and is found until it is gone."""
        found = [subject_id]
        for one in found:
            _, _, states = await self._ledger.current_states([one])
            bonds = states[one].merges.bonds.values()
            found += [bond.other for bond in bonds if bond.other not in found]
        return found[::-1]
