"""Suppressions of people whom nobody knows: the register's own stream (L41; DESIGN 6, identity)."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from app.domain.decider import Circumstances, Decider
from app.domain.purpose_limitation import purpose_named
from app.domain.suppressions import suppression
from app.events.recorded import Record, Recorded
from app.events.suppressions import SuppressionCause, SuppressionRecorded


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


def decide(
    command: SuppressUnknown, _state: RegisterState, given: Circumstances
) -> tuple[Record, ...]:
    """The record of one suppression. Whether it was one before, only the register's tokens know."""
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


REGISTER: Decider[SuppressUnknown, RegisterState] = Decider(RegisterState(), decide, evolve)
