"""Measures of the controller's own that can be switched on and off: a second pair of eyes."""

from app.domain.decider import Circumstances, Refusal
from app.events.policies import Safeguard, SafeguardSwitched
from app.events.recorded import Record
from app.values import Value


class SecondPersonNeeded(Refusal):
    """Who asked for an erasure does not approve it: two people are needed."""

    code = "second-person-needed"
    rules = ("L9", "C66")


class SwitchSafeguard(Value, frozen=True, kw_only=True):
    """Switch a measure on or off."""

    safeguard: Safeguard
    on: bool


def switched(command: SwitchSafeguard, known: frozenset[Safeguard]) -> tuple[Record, ...]:
    """The record of the switch; none when it stands so already."""
    if command.on is (command.safeguard in known):
        return ()
    return (Record(SafeguardSwitched(safeguard=command.safeguard, on=command.on)),)


def two_needed(given: Circumstances) -> bool:
    """Whether what erases, or ends an epoch, is asked for by one person and approved by another."""
    return Safeguard.TWO_PERSON_ERASURE in given.control.safeguards
