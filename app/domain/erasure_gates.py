"""What an erasure must pass before anything is destroyed: a second person, and no legal hold (L63).

The second person is asked for where the controller has switched that safeguard on. No switch asks
anybody whether a duty of law is followed.
"""

from typing import TYPE_CHECKING, Final

from app.domain.decider import Circumstances
from app.domain.erasure_plan import ErasurePlan, preview
from app.domain.erasure_progress import RUNNING, Erasure, Stage
from app.domain.erasure_steps import ApproveErasure, BlockErasure, ErasureHeld, ErasureUnapproved
from app.domain.safeguards import SecondPersonNeeded
from app.events.erasures import ErasureApproved, ErasureBlocked, ErasureTrigger
from app.events.policies import Safeguard
from app.events.recorded import Record

if TYPE_CHECKING:
    from app.domain.subject import SubjectState

_BY_DUTY: Final = frozenset({ErasureTrigger.CHILD_DATA})


def check_gates(erasure: Erasure, plan: ErasurePlan, given: Circumstances) -> None:
    """ErasureUnapproved while a second person is needed, ErasureHeld while a hold forbids it."""
    needed = Safeguard.TWO_PERSON_ERASURE in given.control.safeguards
    if needed and erasure.trigger not in _BY_DUTY and erasure.approved_by is None:
        raise ErasureUnapproved
    if plan.held:
        raise ErasureHeld(retention_classes=tuple(plan.held))


def approve(command: ApproveErasure, erasure: Erasure) -> tuple[Record, ...]:
    """The record of an approval by somebody else than whoever asked; the same again makes none."""
    if erasure.approved_by is not None or erasure.stage not in RUNNING:
        return ()
    if command.by == erasure.requested_by:
        raise SecondPersonNeeded
    return (Record(ErasureApproved(erasure=command.erasure)),)


def block(
    command: BlockErasure, erasure: Erasure, state: "SubjectState", given: Circumstances
) -> tuple[Record, ...]:
    """The attempt, once for each set of holds; none when nothing holds it any more."""
    if erasure.stage not in RUNNING:
        return ()
    held = preview(state, given, erasure.extent, command.keeps).held
    holds = tuple(sorted({hold for found in held.values() for hold in found}))
    if not holds or (erasure.stage is Stage.BLOCKED and erasure.blocked_by == holds):
        return ()
    event = ErasureBlocked(erasure=command.erasure, retention_classes=tuple(held), holds=holds)
    return (Record(event),)
