"""Mails to a person: queued with address and message sealed, and what came of each (Art. 12).

What came of a mail is told step by step: sent, delayed, then delivered or returned. The first one
tells of the right to object, on its own (Art. 21(4); L45).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, TypeAlias, assert_never
from uuid import UUID

from app.domain.concern import Concern
from app.domain.days import day_of
from app.domain.decider import Circumstances, Refusal
from app.domain.generations import generation
from app.domain.periods import SealedValue
from app.domain.purpose_limitation import purpose_named
from app.domain.resting import ended
from app.domain.restrictions import SubjectRestricted
from app.domain.suppressions import SubjectSuppressed
from app.events.mails import (
    MailBounced,
    MailChannel,
    MailDelivered,
    MailFailed,
    MailFailure,
    MailKind,
    MailQueued,
    MailRequeued,
    MailSent,
    MailWithdrawn,
)
from app.events.recorded import Record, Recorded, Section
from app.identifiers import KeyId
from app.values import Confidential, replace

if TYPE_CHECKING:
    from app.domain.subject import SubjectState

MESSAGE: Final = "correspondence.message"
ADDRESS: Final = "correspondence.reply_address"


class MailState(StrEnum):
    """Where a mail stands."""

    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"
    DELAYED = "delayed"
    """It is on its way, and may still come back."""
    BOUNCED = "bounced"
    """It came back for good."""
    WITHDRAWN = "withdrawn"


_REACHING: Final = frozenset({MailState.QUEUED, MailState.SENT, MailState.DELAYED})


class MailUnknown(Refusal):
    """The person has no such mail."""

    code = "mail-unknown"
    rules = ("L9",)


class MailSettled(Refusal):
    """What is asked does not fit where the mail stands: ``state`` says where."""

    code = "mail-settled"
    rules = ("L9",)


class ObjectionRightUntold(Refusal):
    """The first message to a person tells of the right to object, apart from all else."""

    code = "objection-right-untold"
    rules = ("L45",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One mail; what it says and to whom lies sealed at ``version``."""

    version: int
    kind: MailKind
    purpose: str
    matter: UUID | None
    retention_class: str
    key_id: KeyId | None
    message: str
    policy: str
    language: str
    state: MailState
    queued_at: datetime
    by: MailChannel | None = None
    """By which way it left last; None while it is to be tried again."""
    again_at: datetime | None = None
    """Since when there is another attempt than the first; None without one."""
    arrived: bool = False
    """Whether the last attempt, once delayed, is known to have arrived."""

    @property
    def left(self) -> bool:
        """Whether it went out and did not come back for good: that has told nobody anything."""
        return self.state in (MailState.SENT, MailState.DELAYED)


@dataclass(frozen=True, slots=True)
class Mails:
    """Every mail to a person."""

    by_id: Mapping[UUID, Mail] = field(default_factory=dict)
    telling: frozenset[UUID] = frozenset()
    """Those in which the right to object is told."""

    @property
    def objection_told(self) -> bool:
        """Whether the right to object was told in one that left, or is about to (Art. 21(4))."""
        return any(self.by_id[mail].state in _REACHING for mail in self.telling)

    def sealed_values(self) -> Iterator[SealedValue]:
        """What lies sealed beside the mails."""
        for mail in self.by_id.values():
            for category in (MESSAGE, ADDRESS):
                yield SealedValue(
                    place=(mail.version, mail.retention_class),
                    category=category,
                    meant_as=category,
                    purpose=mail.purpose,
                    key_id=mail.key_id,
                    since=mail.queued_at,
                )


class QueueMail(Confidential, frozen=True, kw_only=True):
    """A composed message is to be sent to an address; without one, to be printed."""

    CONFIDENTIAL = ("address", "text")

    mail: UUID
    kind: MailKind
    purpose: str
    address: str
    text: str
    """The message as it will be sent (RFC 5322)."""
    message: str
    """Its SHA-256 in hex."""
    letter: str
    language: str
    matter: UUID | None = None
    objection: str | None = None
    unsubscribe: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordMailSent:
    """The mail left."""

    mail: UUID
    channel: MailChannel
    attempts: int = 1
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordMailFailed:
    """The mail is given up."""

    mail: UUID
    failure: MailFailure
    attempts: int
    code: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordMailBounced:
    """The mail came back."""

    mail: UUID
    permanent: bool
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordMailDelivered:
    """The mail that was delayed arrived."""

    mail: UUID
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequeueMail:
    """A mail that failed, is delayed or came back is to be tried again."""

    mail: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawMail:
    """A mail that has not left is not to be sent."""

    mail: UUID


Command: TypeAlias = (
    QueueMail
    | RecordMailSent
    | RecordMailFailed
    | RecordMailBounced
    | RecordMailDelivered
    | RequeueMail
    | WithdrawMail
)

_UNSETTLED: Final = frozenset({MailState.QUEUED, MailState.FAILED, MailState.BOUNCED})
"""Nobody has it, so a human may send it or call it off."""
_LOST: Final = frozenset({MailState.FAILED, MailState.DELAYED, MailState.BOUNCED})
_OUT: Final = frozenset({MailState.SENT, MailState.DELAYED})


def decide(command: Command, state: "SubjectState", given: Circumstances) -> tuple[Record, ...]:
    """The records that a step of a mail makes."""
    if isinstance(command, QueueMail):
        return _queue(command, state, given)
    mail = state.mails.by_id.get(command.mail)
    if mail is None:
        raise MailUnknown
    match command:
        case RecordMailSent():
            event: object = MailSent(
                mail=command.mail, channel=command.channel, attempts=command.attempts
            )
            return _settled(
                mail, MailState.SENT, _UNSETTLED | _LOST, event, occurred_at=command.occurred_at
            )
        case RecordMailFailed():
            event = MailFailed(
                mail=command.mail,
                failure=command.failure,
                code=command.code,
                attempts=command.attempts,
            )
            return _settled(mail, MailState.FAILED, frozenset({MailState.QUEUED}), event)
        case RecordMailBounced():
            event = MailBounced(mail=command.mail, permanent=command.permanent)
            came = MailState.BOUNCED if command.permanent else MailState.DELAYED
            return _settled(mail, came, _OUT, event, occurred_at=command.occurred_at)
        case RecordMailDelivered():
            event = MailDelivered(mail=command.mail)
            late = frozenset({MailState.DELAYED})
            return _settled(mail, MailState.SENT, late, event, occurred_at=command.occurred_at)
        case RequeueMail():
            event = MailRequeued(mail=command.mail)
            return _settled(mail, MailState.QUEUED, _LOST, event)
        case WithdrawMail():
            event = MailWithdrawn(mail=command.mail)
            return _settled(mail, MailState.WITHDRAWN, _UNSETTLED, event)
        case _:
            assert_never(command)


def _queue(command: QueueMail, state: "SubjectState", given: Circumstances) -> tuple[Record, ...]:
    if command.mail in state.mails.by_id:
        return ()
    # What became of an earlier one since this was written is for the next one to make good.
    if command.objection is None and not state.mails.telling:
        raise ObjectionRightUntold
    if command.unsubscribe is not None and state.restrictions.active:
        raise SubjectRestricted  # nothing that is not owed reaches a restricted person (Art. 18(2))
    if command.unsubscribe is not None and ended(command.unsubscribe, state, given.policy):
        raise SubjectSuppressed(purpose=command.unsubscribe)
    purpose = purpose_named(command.purpose, given.policy)
    retention_class = purpose.retention_class(MESSAGE)
    queued = MailQueued(
        mail=command.mail,
        kind=command.kind,
        purpose=purpose.key,
        matter=command.matter,
        language=command.language,
        policy=given.policy.version,
        letter=command.letter,
        message=command.message,
        objection=command.objection,
        unsubscribe=command.unsubscribe,
    )
    today = day_of(given.now, given)
    bucket = generation(retention_class, given.policy, on=today, occasion=command.matter)
    address = {ADDRESS: command.address} if command.address else {}
    section = Section(retention_class, bucket, {**address, MESSAGE: command.text})
    return (Record(queued, sections=(section,)),)


def _settled(
    mail: Mail,
    state: MailState,
    before: frozenset[MailState],
    event: object,
    *,
    occurred_at: datetime | None = None,
) -> tuple[Record, ...]:
    if mail.state is state:
        return ()
    if mail.state not in before:
        raise MailSettled(state=mail.state.value)
    return (Record(event, occurred_at=occurred_at),)


def evolve(slice_: Mails, recorded: Recorded[Any]) -> Mails:
    """The mails after one more event."""
    match recorded.event:
        case MailQueued() as event:
            return _queued(slice_, event, recorded)
        case MailSent():
            return _sent(slice_, recorded)
        case MailFailed(mail=mail):
            return _now(slice_, mail, MailState.FAILED)
        case MailBounced(mail=mail, permanent=permanent):
            return _now(slice_, mail, MailState.BOUNCED if permanent else MailState.DELAYED)
        case MailDelivered(mail=mail):
            return _now(slice_, mail, MailState.SENT, arrived=True)
        case MailRequeued(mail=mail):
            again = recorded.recorded_at
            return _now(slice_, mail, MailState.QUEUED, by=None, again_at=again, arrived=False)
        case MailWithdrawn(mail=mail):
            return _now(slice_, mail, MailState.WITHDRAWN)
        case _:
            return slice_


def _queued(slice_: Mails, event: MailQueued, recorded: Recorded[Any]) -> Mails:
    seal = next(iter(recorded.seals), None)
    mail = Mail(
        version=recorded.version,
        kind=event.kind,
        purpose=event.purpose,
        matter=event.matter,
        retention_class="" if seal is None else seal.retention_class,
        key_id=None if seal is None else seal.key_id,
        message=event.message,
        policy=event.policy,
        language=event.language,
        state=MailState.QUEUED,
        queued_at=recorded.recorded_at,
    )
    telling = slice_.telling if event.objection is None else slice_.telling | {event.mail}
    return Mails({**slice_.by_id, event.mail: mail}, telling)


def _sent(slice_: Mails, recorded: Recorded[Any]) -> Mails:
    event: MailSent = recorded.event
    before = slice_.by_id[event.mail]
    # What a human sends after it was lost is another attempt, like one that is asked for.
    again = recorded.happened_at if before.state in _LOST else before.again_at
    return _now(slice_, event.mail, MailState.SENT, by=event.channel, again_at=again, arrived=False)


def _now(
    slice_: Mails,
    mail: UUID,
    state: MailState,
    **more: Any,  # Any: other members of a Mail
) -> Mails:
    changed = replace(slice_.by_id[mail], state=state, **more)
    return Mails({**slice_.by_id, mail: changed}, slice_.telling)


MAILS = Concern(
    "mails",
    commands=(
        QueueMail,
        RecordMailSent,
        RecordMailFailed,
        RecordMailBounced,
        RecordMailDelivered,
        RequeueMail,
        WithdrawMail,
    ),
    folds=(
        MailQueued,
        MailSent,
        MailFailed,
        MailBounced,
        MailDelivered,
        MailRequeued,
        MailWithdrawn,
    ),
    initial=Mails(),
    decide=decide,
    evolve=evolve,
)
