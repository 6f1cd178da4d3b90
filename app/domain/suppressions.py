"""Addresses that must not be used for a purpose again, whoever imports them (L41, L43)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from app.domain.concern import Concern
from app.domain.decider import Circumstances, Refusal
from app.domain.purpose_limitation import purpose_named
from app.events.consents import ConsentWithdrawn
from app.events.recorded import Record, Recorded, Suppression
from app.events.suppressions import (
    SuppressionCause,
    SuppressionLifted,
    SuppressionMatched,
    SuppressionRecorded,
)
from app.values import replace

if TYPE_CHECKING:
    from app.domain.subject import SubjectState


class SubjectSuppressed(Refusal):
    """The person's address is on the suppression register for this purpose."""

    code = "subject-suppressed"
    rules = ("L41", "L43", "C73")


@dataclass(frozen=True, slots=True)
class Suppressed:
    """Why a purpose is closed to this person, and since when."""

    cause: SuppressionCause | None
    """None: the address was on the register before the person was known."""
    since: datetime


@dataclass(frozen=True, slots=True)
class Suppressions:
    """The purposes that are closed to this person."""

    purposes: Mapping[str, Suppressed] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsubscribe:
    """The person left a mailing in another system: withdraws a consent, if there is one.

    Unlike a withdrawal it needs no consent to be known (C73), and its place in time does not
    matter: a message that was delayed on its way is obeyed all the same.
    """

    purpose: str
    source: str
    cause: SuppressionCause = SuppressionCause.UNSUBSCRIBE
    addresses: tuple[str, ...] = field(default=(), repr=False)
    """The person's normalised e-mail addresses on file."""
    occurred_at: datetime | None = None


def decide(command: Unsubscribe, state: "SubjectState", given: Circumstances) -> tuple[Record, ...]:
    """The records that an unsubscribe makes."""
    purpose = purpose_named(command.purpose, given.policy).key
    records: list[Record] = []
    if state.consents.of(purpose).open:
        withdrawn = ConsentWithdrawn(purpose=purpose, source=command.source)
        records.append(Record(withdrawn, occurred_at=command.occurred_at))
    if purpose not in state.suppressions.purposes:
        suppressed = suppression(purpose, command.cause, command.source, command.addresses)
        records.append(replace(suppressed, occurred_at=command.occurred_at))
    return tuple(records)


def suppression(
    purpose: str, cause: SuppressionCause, source: str, addresses: Iterable[str]
) -> Record:
    """The record that closes a purpose, with one entry of the register for each address."""
    return Record(
        SuppressionRecorded(purpose=purpose, cause=cause, source=source),
        suppressions=tuple(Suppression(purpose, address) for address in addresses),
    )


def carried_over(slice_: Suppressions, address: str) -> tuple[Suppression, ...]:
    """The entries that keep a person suppressed under a new address as well (C7)."""
    return tuple(Suppression(purpose, address) for purpose in slice_.purposes)


def matches(
    state: "SubjectState", suppressed_for: Mapping[str, datetime] | Iterable[str]
) -> tuple[Record, ...]:
    """The records for purposes whose register matched an address that came in.

    A purpose is left out when it is closed already, or when the person has since given a consent
    that is in force. A mapping also says since when the address has been on the register.
    """
    since = suppressed_for if isinstance(suppressed_for, Mapping) else {}
    return tuple(
        Record(SuppressionMatched(purpose=purpose, since=since.get(purpose)))
        for purpose in sorted(suppressed_for)
        if purpose not in state.suppressions.purposes and state.consents.of(purpose).proof is None
    )


def evolve(slice_: Suppressions, recorded: Recorded[Any]) -> Suppressions:
    """The closed purposes after one more event."""
    match recorded.event:
        case SuppressionRecorded(purpose=purpose, cause=cause):
            return _closed(slice_, purpose, Suppressed(cause, recorded.happened_at))
        case SuppressionMatched(purpose=purpose, since=since):
            return _closed(slice_, purpose, Suppressed(None, since or recorded.recorded_at))
        case SuppressionLifted(purpose=lifted):
            return Suppressions({key: one for key, one in slice_.purposes.items() if key != lifted})
        case _:
            return slice_


def _closed(slice_: Suppressions, purpose: str, suppressed: Suppressed) -> Suppressions:
    return Suppressions({**slice_.purposes, purpose: suppressed})


SUPPRESSIONS = Concern(
    "suppressions",
    commands=(Unsubscribe,),
    folds=(SuppressionRecorded, SuppressionMatched, SuppressionLifted),
    initial=Suppressions(),
    decide=decide,
    evolve=evolve,
)
