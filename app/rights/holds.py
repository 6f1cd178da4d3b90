"""Legal holds as they are shown: ids, grounds and retention classes, never a person (L63)."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from app.domain.occasions import Hold, Occasions


def holds_value(holds: Mapping[UUID, Hold]) -> list[dict[str, Any]]:
    """The holds in force, in the order in which they were placed."""
    return [
        {
            "hold": key,
            "ground": one.ground.value,
            "retention_classes": sorted(one.retention_classes),
            "occasion": one.occasion,
        }
        for key, one in holds.items()
    ]


def occasions_value(state: Occasions) -> dict[str, list[dict[str, Any]]]:
    """What set clocks going for many people, and what holds them up."""
    return {
        "ended": [{"occasion": key, "on": on} for key, on in state.ended.items()],
        "paid": [
            {"grant": key, "on": one.on, "amount_cents": one.amount_cents}
            for key, one in state.paid.items()
        ],
        "holds": holds_value(state.holds),
    }
