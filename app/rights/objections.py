"""A person's objections and restrictions as they are shown, and what is due (Arts. 18, 21)."""

from datetime import date
from typing import Any, TypeAlias
from uuid import UUID

from app.domain.decider import Circumstances
from app.domain.objections import Objection, Status
from app.domain.restrictions import Restriction
from app.domain.scope import Scope, affected
from app.domain.subject import SubjectState

Value: TypeAlias = dict[str, Any]  # Any: a JSON value


def objections_value(state: SubjectState, given: Circumstances) -> list[Value]:
    """Every objection with its status of today: silence past the deadline has granted it (L44)."""
    return [
        {
            "objection": key,
            **_scope(one.scope),
            "ground": one.ground.value,
            "status": one.status_at(given.now, given.law, state.rights_requests).value,
            "since": one.since,
            "request": one.request,
            "due": _due(one, state, given) if one.status is Status.PENDING else None,
            "stops": [
                purpose.key for purpose in affected(one.scope, given.policy) if one.stops(purpose)
            ],
        }
        for key, one in state.objections.by_id.items()
    ]


def _due(objection: Objection, state: SubjectState, given: Circumstances) -> date:
    return objection.due(state.rights_requests, given.law, given.now).last_day


def restrictions_value(state: SubjectState) -> dict[str, list[Value]]:
    """The restrictions that are on, and the ids of those that ended."""
    active = state.restrictions.active
    return {
        "active": [restriction_value(key, one) for key, one in active.items()],
        "ended": [{"restriction": key} for key in sorted(state.restrictions.ended)],
    }


def restriction_value(key: UUID, restriction: Restriction) -> Value:
    """One restriction; it may be lifted only once `announced_at` says that the person was told."""
    return {
        "restriction": key,
        "ground": restriction.ground.value,
        **_scope(restriction.scope),
        "categories": sorted(restriction.scope.categories),
        "since": restriction.since,
        "announced_at": restriction.announced_at,
    }


def standing_objection(state: SubjectState, scope: Scope) -> UUID | None:
    """The id of the objection that already says the same, when nothing new was recorded."""
    for key, one in state.objections.by_id.items():
        if one.scope == scope and one.status in (Status.PENDING, Status.GRANTED):
            return key
    return None


def _scope(scope: Scope) -> Value:
    return {"purpose": scope.purpose, "recipient": scope.recipient}
