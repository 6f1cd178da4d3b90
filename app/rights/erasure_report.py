"""What an erasure will do or has done, in words that hold no personal data (Art. 17; L37)."""

from datetime import date
from typing import Any, TypeAlias
from uuid import UUID

from app.domain.days import day_of
from app.domain.decider import Circumstances
from app.domain.erasure_plan import ErasurePlan, execution_class
from app.domain.erasure_progress import Erasure, Stage
from app.events.erasures import ErasureLevel
from app.policy.model import Policy
from app.rights.sharing import category_value, recipient_value

Value: TypeAlias = dict[str, Any]  # Any: a JSON value


def plan_value(plan: ErasurePlan, given: Circumstances) -> Value:
    """What goes, what stays until when and why, and who will be told."""
    policy = given.policy
    return {
        "of_everything": plan.extent.of_everything,
        "purposes": sorted(plan.extent.purposes),
        "categories": sorted(plan.extent.categories),
        "erased": [
            {
                **class_value(key, policy),
                "categories": [category_value(one, policy) for one in _gone(plan, key)],
            }
            for key in plan.erased
        ],
        "retained": [
            {
                **class_value(one.retention_class, policy),
                "exemption": one.exemption,
                "ground": one.ground,
                "norm": one.norm,
                "until": one.until,
                "criteria": criteria(one.retention_class, policy),
            }
            for one in plan.retained
        ],
        "recipients_to_tell": [recipient_value(key, policy) for key in plan.recipients],
        "found_by_nothing": plan.identifiers,
        "held": [
            {**class_value(key, policy), "holds": list(holds)} for key, holds in plan.held.items()
        ],
        "suppressed": list(plan.suppressed),
    }


def status_value(erasure: UUID, progress: Erasure, given: Circumstances) -> Value:
    """Where an erasure stands: each class with the levels it reached and when, never one word."""
    policy = given.policy
    return {
        "erasure": erasure,
        "stage": progress.stage.value,
        "trigger": progress.trigger.value,
        "of_everything": progress.extent.of_everything,
        "purposes": sorted(progress.extent.purposes),
        "categories": sorted(progress.extent.categories),
        "requested_at": progress.requested_at,
        "approved": progress.approved_by is not None,
        "blocked_by": list(progress.blocked_by) if progress.stage is Stage.BLOCKED else [],
        "executed_at": progress.executed_at,
        "closed_at": progress.closed_at,
        "close_by": close_by(progress, given),
        "erased": [
            {
                **class_value(key, policy),
                "levels": {
                    level.value: progress.levels.get(key, {}).get(level) for level in ErasureLevel
                },
            }
            for key in progress.erased
        ],
        "retained": [retained_value(key, progress, policy) for key in progress.retained],
        "recipients": [
            {**recipient_value(key, policy), "outcome": None if outcome is None else outcome.value}
            for key, outcome in progress.recipients.items()
        ],
        "untold": list(progress.untold),
    }


def retained_value(key: str, progress: Erasure, policy: Policy) -> Value:
    """A retention class that stays: on which exemption, ground and norm, and until when (L37)."""
    exemption = progress.retained[key]
    return {
        **class_value(key, policy),
        "exemption": exemption,
        "ground": _ground(key, exemption, progress, policy),
        "norm": _norm(key, policy),
        "until": progress.until.get(key),
        "criteria": criteria(key, policy),
    }


def class_value(key: str, policy: Policy) -> Value:
    """A retention class by name."""
    kind = policy.retention_classes.get(key)
    return {"retention_class": key, "title": key if kind is None else kind.title}


def criteria(key: str, policy: Policy) -> str | None:
    """How long the class is kept, and counted from what, where no last day is known yet."""
    kind = policy.retention_classes.get(key)
    return None if kind is None else f"{kind.keep} after {kind.clock.value}"


def _gone(plan: ErasurePlan, retention_class: str) -> list[str]:
    categories = (gone for (_, key), gone in plan.gone.items() if key == retention_class)
    return sorted(frozenset[str]().union(*categories))


def _ground(key: str, exemption: str, progress: Erasure, policy: Policy) -> str | None:
    named = progress.grounds.get(key)
    if named is not None:
        return named.article
    found = policy.exemptions.get(exemption)
    return (found.ground if found else None) or _norm(key, policy)


def _norm(key: str, policy: Policy) -> str | None:
    kind = policy.retention_classes.get(key)
    return None if kind is None else kind.norm


def close_by(progress: Erasure, given: Circumstances) -> date | None:
    """The day on which what the execution needed goes, told or not."""
    if progress.executed_at is None or progress.stage is Stage.CLOSED:
        return None
    kind = given.policy.retention_classes[execution_class(given.policy)]
    return kind.until(day_of(progress.executed_at, given))
