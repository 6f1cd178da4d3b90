"""Transfer mechanisms as the controller arranged them, and their lapse (Arts. 44 to 49; L55)."""

from datetime import date
from typing import TYPE_CHECKING

from app.domain.days import day_of
from app.domain.decider import Circumstances, Refusal
from app.domain.recipients import recipient_named
from app.events.policies import TransferMechanismLapsed, TransferMechanismSet
from app.events.recorded import Record
from app.values import Value, replace

if TYPE_CHECKING:
    from app.domain.control import ControlState


class MechanismNotInForce(Refusal):
    """The law knows no such mechanism for a recipient, or it does not hold on that day."""

    code = "mechanism-not-in-force"
    rules = ("L55", "L56")


class EvidenceInFuture(Refusal):
    """What a mechanism rests on was looked up: the day of that is not in the future."""

    code = "evidence-in-future"
    rules = ("L58",)


class Arrangement(Value, frozen=True, kw_only=True):
    """A transfer mechanism that the desk set for one recipient."""

    since: date
    evidence_on: date


class SetTransferMechanism(Value, frozen=True, kw_only=True):
    """Rest the transfers to a recipient on a mechanism of Chapter V."""

    recipient: str
    mechanism: str
    since: date
    evidence_on: date


class LapseTransferMechanism(Value, frozen=True, kw_only=True):
    """Record that a mechanism ended for a recipient, or for everybody."""

    mechanism: str
    on: date
    recipient: str | None = None


def decide_mechanism(
    command: SetTransferMechanism | LapseTransferMechanism,
    state: "ControlState",
    given: Circumstances,
) -> tuple[Record, ...]:
    """The record of an arrangement or of a lapse; the same again makes none."""
    name = command.recipient
    recipient = None if name is None else recipient_named(name, given.policy).key
    if isinstance(command, LapseTransferMechanism):
        _known_mechanism(command.mechanism, None, given)
        if state.lapses.get((recipient, command.mechanism)) == command.on:
            return ()
        lapsed = TransferMechanismLapsed(
            recipient=recipient, mechanism=command.mechanism, on=command.on
        )
        return (Record(lapsed),)
    assert recipient is not None, "a mechanism is set for somebody"
    _known_mechanism(command.mechanism, command.since, given)
    if command.evidence_on > day_of(given.now, given):
        raise EvidenceInFuture
    arrangement = Arrangement(since=command.since, evidence_on=command.evidence_on)
    if state.arrangements.get((recipient, command.mechanism)) == arrangement:
        return ()
    event = TransferMechanismSet(
        recipient=recipient,
        mechanism=command.mechanism,
        since=command.since,
        evidence_on=command.evidence_on,
    )
    return (Record(event),)


def _known_mechanism(key: str, on: date | None, given: Circumstances) -> None:
    mechanism = given.law.mechanisms.get(key)
    if mechanism is None or mechanism.per_person or (on and not mechanism.in_force(on)):
        raise MechanismNotInForce


def rearranged(
    state: "ControlState", event: TransferMechanismSet | TransferMechanismLapsed
) -> "ControlState":
    """What is arranged, after one more event."""
    key = (event.recipient, event.mechanism)
    if isinstance(event, TransferMechanismLapsed):
        return replace(state, lapses={**state.lapses, key: event.on})
    arrangement = Arrangement(since=event.since, evidence_on=event.evidence_on)
    lapses = {whose: on for whose, on in state.lapses.items() if whose != key}
    arranged = {**state.arrangements, (event.recipient, event.mechanism): arrangement}
    return replace(state, arrangements=arranged, lapses=lapses)
