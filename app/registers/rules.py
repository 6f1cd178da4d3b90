"""Policy, law and arrangements as they stood at a cut: the control stream folded up to it."""

from dataclasses import dataclass
from datetime import date, datetime

from app.domain.control import CONTROL
from app.domain.days import day_of
from app.domain.decider import Circumstances
from app.registers.moments import AsOfBeforeFirstEvent
from app.rights.as_of import AsOf
from app.store.event_store import EventStore
from app.store.rulebook import Rulebook, Rules


@dataclass(frozen=True, slots=True)
class Ruled:
    """The rules of a day, and where the control stream stood."""

    given: Circumstances
    published_by: str
    """Who published the policy version: a caller id."""
    stands_at: int
    """Position of the last event of the control stream that was folded."""

    @property
    def on(self) -> date:
        """The day that is asked about."""
        return day_of(self.given.now, self.given)


async def ruled(rulebook: Rulebook, store: EventStore, cut: AsOf | None, moment: datetime) -> Ruled:
    """The rules in force at the cut, for the day of ``moment``.

    AsOfBeforeFirstEvent when no policy was published by then.
    """
    await rulebook.refresh()
    stream = await store.read_stream(rulebook.control_stream)
    events = stream.events if cut is None else cut.cut(stream).events
    state, published_by = CONTROL.initial, ""
    for recorded in events:
        before, state = state.policy, CONTROL.evolve(state, recorded)
        published_by = recorded.by if state.policy != before else published_by
    if state.policy is None:
        raise AsOfBeforeFirstEvent
    policy = await rulebook.policy(state.policy)
    rules = Rules(policy, rulebook.law, state)
    return Ruled(rules.at(moment), published_by, events[-1].position or 0)
