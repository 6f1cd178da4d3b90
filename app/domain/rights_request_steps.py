"""The steps of a rights request as commands, from its receipt to its answer (Arts. 11, 12)."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from app.events.rights_requests import (
    ExtensionGround,
    Fulfilment,
    IdentityProof,
    RefusalGround,
    RequestChannel,
    RequestedRight,
    RequestTrigger,
    TaskKind,
    TaskOutcome,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiveRequest:
    """Somebody who is known asks for something, by whatever channel."""

    file: UUID
    """New; under it the letters are sealed."""
    right: RequestedRight
    channel: RequestChannel
    trigger: RequestTrigger = RequestTrigger.PERSON
    language: str | None = None
    system: str | None = None
    text: str = field(default="", repr=False)
    """What the person wrote, or what was written down for them."""
    reply_address: str = field(default="", repr=False)
    evidence: UUID | None = None
    evidence_note: str = field(default="", repr=False)
    """What shows the day of receipt, when it is an earlier one."""
    proof: IdentityProof | None = None
    """Where whoever records it vouches for the identity at once."""
    occurred_at: datetime | None = None
    """When it reached the controller."""
    origin: UUID | None = None
    paused_days: int = 0
    extended: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiveFromStranger:
    """Somebody asks whom no identifier leads to: their own stream begins with the request."""

    asked: ReceiveRequest

    @property
    def occurred_at(self) -> datetime | None:
        """When it reached the controller."""
        return self.asked.occurred_at


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiveOnce:
    """A button of ours was pressed: pressed again before the answer, it asks for nothing new."""

    asked: ReceiveRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """What every further step names."""

    request: UUID
    """The event id of the receipt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _DatedStep(_Step):
    """What every step names that happened at some time, and by which the clock may be moved."""

    occurred_at: datetime | None = None
    evidence_note: str = field(default="", repr=False)
    """What shows the day, when it is an earlier one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TriageRequest(_Step):
    """Which right is meant, for one that was recorded as another, or as `other`."""

    right: RequestedRight
    system: str | None = None
    decided_by: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class DoubtIdentity(_DatedStep):
    """The person is asked who they are, on grounds that are written down."""

    grounds: str = field(repr=False)
    told_by: RequestChannel
    decided_by: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerDoubt(_DatedStep):
    """The person answered the question, or tells more after having been told it was too little."""

    text: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyRequest(_DatedStep):
    """It is the person's own."""

    proof: IdentityProof


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtendRequest(_DatedStep):
    """Two months more."""

    ground: ExtensionGround
    reasons: str = field(repr=False)
    told_by: RequestChannel | None
    """How the person was told; when, is the time at which it occurred."""
    decided_by: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class ApproveRequest(_Step):
    """It will be done; whoever must be told of it becomes a task."""

    decided_by: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTask(_Step):
    """Something else has to be done first."""

    kind: TaskKind
    recipient: str | None = None
    member: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseTask(_Step):
    """It was done, or why not."""

    task: int
    outcome: TaskOutcome
    note: str = field(repr=False)
    """What was done and what shows it, or why it could not be."""
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedies:
    """What Art. 12(4) has told with every refusal, in part or in whole."""

    reasons: str = field(repr=False)
    complaint: str = field(repr=False)
    """To which authority the person may complain."""
    remedy: str = field(repr=False)
    """That the courts are open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FulfilRequest(_DatedStep):
    """The person was given the answer."""

    outcome: Fulfilment = Fulfilment.FULFILLED
    answers: tuple[UUID, ...] = ()
    """What answered it; without any, whatever of that right was done since the receipt."""
    ground: RefusalGround | None = None
    refused: Remedies | None = None
    """For the part that was not done."""
    note: str = field(default="", repr=False)
    told_by: RequestChannel
    letter: UUID | None = None
    decided_by: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class RefuseRequest(_DatedStep):
    """It is not acted on; a human decided so and the person was told."""

    ground: RefusalGround
    refused: Remedies
    evidence: tuple[str, ...] = field(default=(), repr=False)
    approved_by: UUID | None = None
    told_by: RequestChannel
    letter: UUID | None = None
    decided_by: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawRequest(_DatedStep):
    """The person takes it back."""

    channel: RequestChannel


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseUnidentified(_DatedStep):
    """The person cannot be identified, and was told what would help (Art. 11(2))."""

    reasons: str = field(repr=False)
    told_by: RequestChannel
    letter: UUID | None = None
    decided_by: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinRequest(_Step):
    """The same was asked for twice by the same person."""

    into: UUID
    decided_by: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveRequest(_Step):
    """The stranger is somebody who is known."""

    subject: UUID
    decided_by: UUID


Step: TypeAlias = (
    TriageRequest
    | DoubtIdentity
    | AnswerDoubt
    | VerifyRequest
    | ExtendRequest
    | ApproveRequest
    | OpenTask
    | CloseTask
    | FulfilRequest
    | RefuseRequest
    | WithdrawRequest
    | CloseUnidentified
    | JoinRequest
    | MoveRequest
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRequest:
    """Somebody reads the letters of a request to answer it; who it is stands in the entry."""

    request: UUID


Command: TypeAlias = ReceiveRequest | ReceiveFromStranger | ReceiveOnce | Step | ReadRequest
