"""given(...).when(...).then(...): the only shape of a decider test (Chassaing, emmett)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

import pytest

from app.domain.arrangements import Arrangement
from app.domain.control import CONTROL, Command, Contract, ControlState
from app.domain.decider import Circumstances, Refusal
from app.domain.obtaining import Obtained
from app.domain.subject import SUBJECT, SubjectState
from app.domain.subjects import RegisterSubject
from app.events.declare import type_of
from app.events.recorded import Record, Recorded, Seal
from app.identifiers import EventId, KeyId
from app.policy.loader import load_packaged, load_packaged_law
from app.policy.vocabulary import AgreementKind
from app.values import replace

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
POLICY = load_packaged("impel-1")
LAW = load_packaged_law()
STREAM = UUID("9d3c6c8e-5f1b-4c57-9f5e-2f1d0c6a7b10")
OCCASION = UUID("5b0b0f6a-0d4e-4b0e-8c53-6e1f3a9d2c41")

CONTRACTED = ControlState(
    contracts={
        recipient.key: Contract(kind=AgreementKind.PROCESSING, since=date(2016, 1, 1), until=None)
        for recipient in POLICY.recipients.values()
        if recipient.contract_required
    },
    arrangements={
        (recipient.key, "dpf"): Arrangement(since=date(2023, 7, 10), evidence_on=NOW.date())
        for recipient in POLICY.recipients.values()
        if recipient.country == "US"
    },
)
"""Every processor has its contract, and every recipient in the United States is on the DPF list."""

NOTHING_ARRANGED = ControlState()
"""The policy as it stands: no contract and no transfer mechanism was ever registered."""

CONTACT = {
    "contact.name": "Zoë Ångström-O'Brien",
    "contact.email": "Zoe.Angstrom@Stad.example",
    "contact.phone": "+32 470 12 34 56",
    "work.title": "Miljöinspektör",
    "work.organisation": "Miljöförvaltningen",
}


def registration(*purposes: str, source: str = "registration_form", **more: Any) -> RegisterSubject:
    """Somebody with the usual contact details registers for purposes; one without any otherwise."""
    named = purposes or ("event_logistics",)
    return RegisterSubject(
        source=source,
        obtained=tuple(
            Obtained(purpose=purpose, personal=_allowed(CONTACT, purpose)) for purpose in named
        ),
        **more,
    )


def _allowed(personal: Mapping[str, str], purpose: str) -> dict[str, str]:
    allowed = POLICY.purpose(purpose)
    assert allowed is not None
    return {key: value for key, value in personal.items() if key in allowed.categories}


@dataclass(frozen=True)
class At:
    """A fact that was recorded at a certain time."""

    moment: datetime
    fact: object


def circumstances(
    *, control: ControlState = CONTRACTED, now: datetime = NOW, **others: Any
) -> Circumstances:
    """The packaged policy and law, at noon on the day on which the policy came into force."""
    return replace(Circumstances(policy=POLICY, law=LAW, control=control, now=now), **others)


def arranged(*commands: Command, before: ControlState = CONTRACTED) -> ControlState:
    """What the controller has said once the commands are carried out."""
    state = before
    for command in commands:
        for record in CONTROL.decide(command, state, circumstances(control=state)):
            state = CONTROL.evolve(state, stored(record, state.version + 1))
    return state


@dataclass(frozen=True)
class Given:
    """A person with a history."""

    state: SubjectState
    circumstances: Circumstances
    stream: tuple[Recorded[Any], ...] = ()
    """The events, as they are read back."""

    def when(self, command: object) -> "When":
        """What the decider makes of a command in this state."""
        return When(self, command)


@dataclass(frozen=True)
class When:
    """A command that was not decided yet."""

    given: Given
    command: object

    @property
    def records(self) -> tuple[Record, ...]:
        """The records decided, with what travels beside their events."""
        return SUBJECT.decide(self.command, self.given.state, self.given.circumstances)

    @property
    def after(self) -> Given:
        """The person once the command is carried out."""
        before, at = self.given, self.given.circumstances
        events = read_back(self.records, before.state.version, at.now)
        return Given(_evolved(before.state, events), at, (*before.stream, *events))

    def then(self, *events: object) -> None:
        """Exactly these events happen, in this order."""
        assert tuple(record.event for record in self.records) == events

    def then_nothing(self) -> None:
        """Nothing happens: there is nothing to do."""
        assert self.records == ()

    def then_refused(self, refusal: type[Refusal], **facts: object) -> None:
        """The command is refused for this reason, and these are among the facts."""
        with pytest.raises(refusal) as refused:
            _ = self.records
        assert refused.type is refusal
        assert facts.items() <= refused.value.facts.items()


def given(
    *history: object, control: ControlState = CONTRACTED, now: datetime = NOW, **others: Any
) -> Given:
    """A person whose history is these events, records and commands, in this order.

    Commands are carried out, each a minute after the one before, from thirty days ago on; `At`
    names another time.
    """
    at = circumstances(control=control, now=now, **others)
    state = SUBJECT.initial
    stream: list[Recorded[Any]] = []
    for minute, fact in enumerate(history):
        moment = fact.moment if isinstance(fact, At) else now + timedelta(-30, 60 * minute)
        records = _records(fact, state, replace(at, now=moment))
        events = read_back(records, state.version, moment)
        state = _evolved(state, events)
        stream += events
    return Given(state, at, tuple(stream))


def _records(fact: object, state: SubjectState, at: Circumstances) -> tuple[Record, ...]:
    match fact:
        case At(fact=inner):
            return _records(inner, state, at)
        case Record():
            return (fact,)
        case _ if is_event(fact):
            return (Record(fact),)
        case _:
            return SUBJECT.decide(fact, state, at)


def is_event(fact: object) -> bool:
    """Whether a fact is an instance of a declared event class."""
    try:
        type_of(fact)
    except KeyError:
        return False
    return True


def fold(state: SubjectState, records: Iterable[Record], moment: datetime) -> SubjectState:
    """The state after records were stored."""
    return _evolved(state, read_back(records, state.version, moment))


def read_back(
    records: Iterable[Record], version: int, moment: datetime = NOW
) -> tuple[Recorded[Any], ...]:
    """Records as the store would read them back, after the event of a version."""
    return tuple(stored(one, at, moment) for at, one in enumerate(records, version + 1))


def _evolved(state: SubjectState, events: Iterable[Recorded[Any]]) -> SubjectState:
    for recorded in events:
        state = SUBJECT.evolve(state, recorded)
    return state


def stored(record: Record, version: int, moment: datetime = NOW) -> Recorded[Any]:
    """A record as the store would read it back; one data key for each class and generation."""
    return Recorded(
        event=record.event,
        event_id=EventId(uuid5(NAMESPACE_OID, f"event {version}")),
        stream_id=STREAM,
        version=version,
        position=version - 1,
        recorded_at=moment,
        occurred_at=record.occurred_at,
        by="test",
        previous=None,
        leaf_hash=version.to_bytes(32),
        seals=tuple(
            Seal(index, retention_class, data_key(retention_class, generation), b"", 0)
            for index, (retention_class, generation) in enumerate(_buckets(record))
        ),
    )


def data_key(retention_class: str, generation: str) -> KeyId:
    """The data key of the person for a class and generation."""
    return KeyId(uuid5(NAMESPACE_OID, f"{retention_class} {generation}"))


def _buckets(record: Record) -> tuple[tuple[str, str], ...]:
    if record.sections:
        return tuple((one.retention_class, one.generation) for one in record.sections)
    event = record.event
    generations = getattr(event, "generations", None)
    return () if generations is None else tuple(generations.items())
