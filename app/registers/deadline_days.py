"""The days of one row of the register of deadlines, whatever it is that is due on them."""

from datetime import date
from typing import Any

from app.domain.decider import Circumstances
from app.domain.legal_clock import Due, end_of
from app.domain.rights_request_progress import RightsRequest
from app.registers.table import Row
from app.rights.rights_requests import days_left, rests_value, urgency


def reckoned(due: Due, request: RightsRequest | None, given: Circumstances) -> Row:
    """By the clock of Regulation 1182/71, which the request that it hangs on extends or pauses."""
    left = days_left(due.last_day, given.now, given.law)
    return {
        "due_on": due.last_day,
        "due_at": due.ends_at,
        "days_left": left,
        "urgency": urgency(left),
        "received_on": due.received_on,
        "calendar_day": due.calendar_day,
        "moved_over": moved_over(rests_value(due)),
        "extended": request is not None and request.extended,
        "paused": request is not None and request.asked_at is not None,
        "warning": False,
    }


def fixed(last_day: date, given: Circumstances) -> Row:
    """By the end of a day that nothing moves, extends or pauses."""
    left = days_left(last_day, given.now, given.law)
    return {
        "due_on": last_day,
        "due_at": end_of(last_day, given.law),
        "days_left": left,
        "urgency": urgency(left),
        "calendar_day": last_day,
        "moved_over": [],
        "extended": False,
        "paused": False,
        "warning": False,
    }


def moved_over(rests: list[dict[str, Any]]) -> list[str]:
    """The days of rest that moved it, each with its reason."""
    return [f"{rest['on']} {rest['why']}" for rest in rests]
