"""The shape of a decider: initial state, `decide`, `evolve`; and the refusal of a command."""

from collections.abc import Callable
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar
from uuid import UUID

from app.events.recorded import Record, Recorded
from app.policy.model import Law, Policy
from app.values import Value

if TYPE_CHECKING:  # the control stream's state is itself folded by a decider
    from app.domain.control import ControlState

Command = TypeVar("Command", contravariant=True)
State = TypeVar("State")
Fact = str | int | bool | date | datetime | UUID | None | tuple[str, ...]


class Refusal(Exception):
    """The law, the policy or the state says no. Knows no HTTP and holds nothing personal.

    ``facts`` are words of the policy, ids, dates and numbers that say what was refused; a value
    that a person or a tool typed is never among them.
    """

    code: ClassVar[str]
    rules: ClassVar[tuple[str, ...]] = ()
    """Clauses (C..) and legal rules (L..) that the refusal enforces."""

    def __init__(self, **facts: Fact) -> None:
        super().__init__(self.code)
        self.facts = facts


class Circumstances(Value, frozen=True):
    """Everything that a decision depends on beside the state and the command."""

    policy: Policy
    law: Law
    control: "ControlState"
    now: datetime


class Decider(Value, Generic[Command, State], frozen=True):
    """Three plain values; no base class, no framework (house.md, habit 2)."""

    initial: State
    decide: Callable[[Command, State, Circumstances], tuple[Record, ...]]
    evolve: Callable[[State, Recorded[Any]], State]
