"""Occasions and grants: their end, their holds, which concern many people at once (L63, L64)."""

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any, TypeAlias, assert_never
from uuid import UUID

from app.domain.days import day_of
from app.domain.decider import Circumstances, Refusal
from app.events.holds import (
    GrantSettled,
    HoldGround,
    LegalHoldPlaced,
    LegalHoldReleased,
    OccasionEnded,
)
from app.events.recorded import Record, Recorded
from app.policy.model import Policy
from app.values import Value, field, replace

if TYPE_CHECKING:
    from app.domain.control import ControlState


class RetentionClassUnknown(Refusal):
    """The policy names no such retention class."""

    code = "retention-class-unknown"
    rules = ("L7",)


class LegalHoldUnknown(Refusal):
    """No such hold was placed."""

    code = "legal-hold-unknown"
    rules = ("L63",)


class EndInFuture(Refusal):
    """What ended or was paid is recorded afterwards: a clock is never set going ahead."""

    code = "end-in-future"
    rules = ("L7", "L64")


class Hold(Value, frozen=True, kw_only=True):
    """A hold that is in force."""

    ground: HoldGround
    retention_classes: frozenset[str]
    """Empty: every one."""
    occasion: UUID | None = None
    """Empty: whatever it was obtained at."""
    source: str = ""
    """The source of the policy on whose word it was placed."""

    def holds(self, retention_class: str, occasion: UUID | None) -> bool:
        """Whether material of a class, obtained at an occasion or at none, is to stay."""
        named = not self.retention_classes or retention_class in self.retention_classes
        return named and (self.occasion is None or self.occasion == occasion)


class Balance(Value, frozen=True, kw_only=True):
    """The payment from which the records of a grant are counted."""

    on: date
    amount_cents: int


class Occasions(Value, frozen=True, kw_only=True):
    """What the controller said of occasions and grants."""

    ended: Mapping[UUID, date] = field(default_factory=dict)
    paid: Mapping[UUID, Balance] = field(default_factory=dict)
    holds: Mapping[UUID, Hold] = field(default_factory=dict)
    """In force."""
    released: frozenset[UUID] = frozenset()


class EndOccasion(Value, frozen=True, kw_only=True):
    """Record that an occasion is over, or correct the day."""

    occasion: UUID
    on: date


class SettleGrant(Value, frozen=True, kw_only=True):
    """Record that the balance of a grant was paid, or correct the day or the amount."""

    grant: UUID
    on: date
    amount_cents: int


class HoldOccasion(Value, frozen=True, kw_only=True):
    """Keep the material of an occasion or grant until further notice."""

    hold: UUID
    occasion: UUID
    ground: HoldGround
    source: str
    retention_classes: frozenset[str] = frozenset()


class ReleaseOccasion(Value, frozen=True, kw_only=True):
    """End a hold on an occasion or grant."""

    hold: UUID


OccasionCommand: TypeAlias = EndOccasion | SettleGrant | HoldOccasion | ReleaseOccasion
OCCASION_COMMANDS = (EndOccasion, SettleGrant, HoldOccasion, ReleaseOccasion)
OCCASION_EVENTS = (OccasionEnded, GrantSettled, LegalHoldPlaced, LegalHoldReleased)


def decide_occasion(
    command: OccasionCommand, state: "ControlState", given: Circumstances
) -> tuple[Record, ...]:
    """The record of what was said of an occasion; the same again makes none."""
    known = state.occasions
    match command:
        case EndOccasion(occasion=occasion, on=on):
            _past(on, given)
            same = known.ended.get(occasion) == on
            return () if same else (Record(OccasionEnded(occasion=occasion, on=on)),)
        case SettleGrant(grant=grant, on=on, amount_cents=amount):
            _past(on, given)
            same = known.paid.get(grant) == Balance(on=on, amount_cents=amount)
            return () if same else (Record(GrantSettled(grant=grant, on=on, amount_cents=amount)),)
        case HoldOccasion():
            if command.hold in known.holds or command.hold in known.released:
                return ()
            event = LegalHoldPlaced(
                hold=command.hold,
                ground=command.ground,
                retention_classes=classes_named(command.retention_classes, given.policy),
                occasion=command.occasion,
                source=command.source,
            )
            return (Record(event),)
        case ReleaseOccasion(hold=hold):
            return released(hold, known.holds, known.released)
        case _:
            assert_never(command)


def classes_named(keys: frozenset[str], policy: Policy) -> tuple[str, ...]:
    """The retention classes by name; RetentionClassUnknown for one that is not of the policy."""
    if not keys <= policy.retention_classes.keys():
        raise RetentionClassUnknown
    return tuple(sorted(keys))


def released(hold: UUID, holds: Mapping[UUID, Hold], before: frozenset[UUID]) -> tuple[Record, ...]:
    """The record of a release; none when it was released before."""
    if hold in before:
        return ()
    if hold not in holds:
        raise LegalHoldUnknown
    return (Record(LegalHoldReleased(hold=hold)),)


def _past(on: date, given: Circumstances) -> None:
    if on > day_of(given.now, given):
        raise EndInFuture(on=on)


def occasions_after(state: Occasions, recorded: Recorded[Any]) -> Occasions:
    """What is known of occasions after one more event."""
    match recorded.event:
        case OccasionEnded(occasion=occasion, on=on):
            return replace(state, ended={**state.ended, occasion: on})
        case GrantSettled(grant=grant, on=on, amount_cents=amount):
            return replace(state, paid={**state.paid, grant: Balance(on=on, amount_cents=amount)})
        case LegalHoldPlaced() as event:
            return replace(state, holds={**state.holds, event.hold: hold_of(event)})
        case LegalHoldReleased(hold=hold):
            left = {key: one for key, one in state.holds.items() if key != hold}
            return replace(state, holds=left, released=state.released | {hold})
        case _:
            return state


def hold_of(event: LegalHoldPlaced) -> Hold:
    """A hold as it was placed."""
    return Hold(
        ground=event.ground,
        retention_classes=frozenset(event.retention_classes),
        occasion=event.occasion,
        source=event.source,
    )
