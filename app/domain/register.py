"""What is about no known person: the register's own stream (L41, L3; DESIGN 6, identity).

Suppressions of people whom nobody knows, and who read a register that names many.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias, assert_never

from app.domain.decider import Circumstances, Decider
from app.domain.purpose_limitation import purpose_named
from app.domain.suppressions import suppression
from app.events.recorded import Record, Recorded
from app.events.registers import RegisterConsulted, RegisterForm
from app.events.suppressions import SuppressionCause, SuppressionRecorded
from app.values import replace


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterState:
    """How often an address of an unknown person was closed to a purpose; never whose."""

    version: int = 0
    leaf_hash: bytes | None = None
    last_at: datetime | None = None
    recorded: Mapping[str, int] = field(default_factory=dict)
    """Purpose -> number of suppressions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SuppressUnknown:
    """Somebody who is not, or no longer, known left a mailing: nobody is registered for it."""

    purpose: str
    source: str
    cause: SuppressionCause = SuppressionCause.UNSUBSCRIBE
    addresses: tuple[str, ...] = field(repr=False)
    """Normalised e-mail addresses; at least one."""
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRegisterReading:
    """Somebody reads a register that names people by their ids; who it is stands in the entry."""

    register: str
    purpose: str
    form: RegisterForm
    filters: tuple[str, ...]
    stands_at: int


Command: TypeAlias = SuppressUnknown | RecordRegisterReading


def decide(command: Command, _state: RegisterState, given: Circumstances) -> tuple[Record, ...]:
    """The record of one suppression, or of one reading."""
    match command:
        case SuppressUnknown():
            return _suppressed(command, given)
        case RecordRegisterReading():
            consulted = RegisterConsulted(
                register=command.register,
                purpose=purpose_named(command.purpose, given.policy).key,
                form=command.form,
                filters=command.filters,
                stands_at=command.stands_at,
            )
            return (Record(consulted),)
        case _:
            assert_never(command)


def _suppressed(command: SuppressUnknown, given: Circumstances) -> tuple[Record, ...]:
    """Whether it was one before, only the register's tokens know."""
    purpose = purpose_named(command.purpose, given.policy).key
    if not command.addresses:
        return ()
    record = suppression(purpose, command.cause, command.source, command.addresses)
    return (replace(record, occurred_at=command.occurred_at),)


def evolve(state: RegisterState, recorded: Recorded[Any]) -> RegisterState:
    """The register's counts after one more event."""
    counts = state.recorded
    if isinstance(recorded.event, SuppressionRecorded):
        purpose = recorded.event.purpose
        counts = {**counts, purpose: counts.get(purpose, 0) + 1}
    return RegisterState(
        version=recorded.version,
        leaf_hash=recorded.leaf_hash,
        last_at=recorded.recorded_at,
        recorded=counts,
    )


REGISTER: Decider[Command, RegisterState] = Decider(RegisterState(), decide, evolve)
