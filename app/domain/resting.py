"""Whether a value only rests: it is stored, and what it was obtained for stands still.

What a person is told of their data has to say so, as permissions do (Arts. 18(2), 21(3); L42, L43).
"""

from typing import TYPE_CHECKING
from uuid import UUID

from app.domain.inheritance import as_one
from app.domain.objections import Objection
from app.domain.purpose_limitation import purpose_named
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
    if any(key in state.suppressions.purposes for key in lineage):
        return True
    categories = frozenset({category})

    def reconsidered(objection: Objection) -> bool:
        proof = state.consents.of(purpose).proof
        return proof is not None and proof.since > objection.since

    def bears(key: UUID, ground: RestrictionGround) -> bool:
        objection = state.objections.by_id.get(key)
        if ground is not RestrictionGround.OBJECTION or objection is None:
            return True
        return known.objectable and not reconsidered(objection)

    return any(
        one.stops(known) and one.scope.covers(lineage, None, categories) and not reconsidered(one)
        for one in state.objections.by_id.values()
    ) or any(
        one.scope.covers(lineage, None, categories) and bears(key, one.ground)
        for key, one in state.restrictions.active.items()
    )


def ended(mailing: str, state: "SubjectState", policy: Policy) -> bool:
    """Whether the person said no to a mailing, for whatever it would be used (Art. 21(3); L43)."""
    purpose, lineage = purpose_named(mailing, policy), policy.lineage(mailing)
    known = as_one(state)
    return any(key in known.suppressions.purposes for key in lineage) or any(
        one.stops(purpose) and one.scope.covers(lineage, None, ANY)
        for one in known.objections.by_id.values()
    )
