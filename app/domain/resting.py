"""Whether a value only rests: it is stored, and what it was obtained for stands still.

What a person is told of their data has to say so, as permissions do (Arts. 18(2), 21(3); L42, L43).
"""

from typing import TYPE_CHECKING

from app.domain.inheritance import as_one
from app.domain.objections import Objection
from app.domain.permissions import out_of_reach, reconsidered
from app.domain.purpose_limitation import purpose_named
from app.domain.restrictions import Restriction
from app.domain.scope import ANY
from app.events.restrictions import RestrictionGround
from app.policy.model import Policy

if TYPE_CHECKING:
    from app.domain.subject import SubjectState


def rests(purpose: str, category: str, state: "SubjectState", policy: Policy) -> bool:
    """Whether nothing may be done with a category for a purpose, whoever would get it.

    What rests towards one recipient alone is in use towards the others.
    """
    known, lineage = policy.purpose(purpose), policy.lineage(purpose)
    if known is None:
        return False
    state = as_one(state)
    objections = state.objections.by_id

    def covers(matter: Objection | Restriction) -> bool:
        return matter.scope.covers(lineage, None, frozenset({category}))

    return (
        _suppressed(lineage, state)
        or any(
            one.stops(known) and covers(one) and not reconsidered(one, known, state)
            for one in objections.values()
        )
        or any(
            covers(one)
            and not (
                one.ground is RestrictionGround.OBJECTION
                and out_of_reach(objections.get(key), known, state)
            )
            for key, one in state.restrictions.active.items()
        )
    )


def ended(mailing: str, state: "SubjectState", policy: Policy) -> bool:
    """Whether the person said no to a mailing, for whatever it would be used (Art. 21(3); L43)."""
    purpose, lineage = purpose_named(mailing, policy), policy.lineage(mailing)
    known = as_one(state)
    return _suppressed(lineage, known) or any(
        one.stops(purpose) and one.scope.covers(lineage, None, ANY)
        for one in known.objections.by_id.values()
    )


def _suppressed(lineage: tuple[str, ...], state: "SubjectState") -> bool:
    return any(key in state.suppressions.purposes for key in lineage)
