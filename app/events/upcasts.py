"""Old payload versions read as the current one: pure, applied at read, never to stored bytes."""

from collections.abc import Callable, Mapping
from typing import Any

Upcast = Callable[[Mapping[str, Any]], dict[str, Any]]


def _without_a_day(payload: Mapping[str, Any]) -> dict[str, Any]:
    """A lift announced by the desk's own means: nothing said from when on."""
    return {**payload, "ends_on": None}


def _without_a_request(payload: Mapping[str, Any]) -> dict[str, Any]:
    """An objection from before it could say with which request it came: its clock is its own."""
    return {**payload, "request": None}


def _with_its_restriction(payload: Mapping[str, Any]) -> dict[str, Any]:
    """An objection that was withdrawn when its restriction still ended at once."""
    return {**payload, "restriction_lasts": False}


def _told_apart(payload: Mapping[str, Any]) -> dict[str, Any]:
    """A plan from when each record had a letter of its own, in whatever language was left."""
    return {**payload, "language": None, "told_with": None}


def _by_its_period(payload: Mapping[str, Any]) -> dict[str, Any]:
    """A destruction from when nothing but a period that was over could cause one."""
    return {**payload, "cause": "period_over"}


def _by_its_counts(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Lost keys from when counts alone said which: nothing is approved or gone on with by those."""
    return {**payload, "lost": None}


UPCASTS: dict[tuple[str, int], Upcast] = {
    ("epoch.give-up-requested", 1): _by_its_counts,
    ("erasure.prepared", 1): _told_apart,
    ("objection.raised", 1): _without_a_request,
    ("objection.withdrawn", 1): _with_its_restriction,
    ("restriction.lift-announced", 1): _without_a_day,
    ("retention.executed", 1): _by_its_period,
}
"""(wire name, version) -> the payload of the next version. A published version is never edited."""
