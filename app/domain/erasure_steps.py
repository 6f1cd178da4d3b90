"""The steps of an erasure as commands, and why one is refused (Arts. 17, 19 GDPR; L36, L37)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from app.domain.decider import Refusal
from app.domain.erasure_plan import Keep
from app.domain.periods import Place
from app.events.erasures import ErasureLevel, ErasureTrigger, InformOutcome


class ErasureUnknown(Refusal):
    """No such erasure was requested, or it was withdrawn."""

    code = "erasure-unknown"
    rules = ("L37",)


class ChildNotDiscovered(Refusal):
    """Without a request, only a child's data are erased, and this person is not known as one."""

    code = "child-not-discovered"
    rules = ("C75",)


class ErasureUnprepared(Refusal):
    """Nothing is destroyed before the plan is on record, nor after it has become outdated."""

    code = "erasure-unprepared"
    rules = ("L36", "L37", "C71")


class ErasureHeld(Refusal):
    """Something that was to go is under a legal hold (Art. 17(3)(b), (e))."""

    code = "erasure-held"
    rules = ("L37", "L63", "L67")


class ErasureUnapproved(Refusal):
    """Two people are needed, and the second has not approved it."""

    code = "erasure-unapproved"
    rules = ("L9", "C66")


class ErasureIrrevocable(Refusal):
    """What was destroyed cannot be brought back, and a child's data are not left in place."""

    code = "erasure-irrevocable"
    rules = ("L37", "C75")


class RemainderNotResealed(Refusal):
    """A key would take data with it that the erasure does not reach."""

    code = "remainder-not-resealed"
    rules = ("L37", "C71")


class RemainderErased(Refusal):
    """Data that are to be erased cannot be sealed anew."""

    code = "remainder-erased"
    rules = ("L37",)


class RecipientNotConcerned(Refusal):
    """The recipient was given nothing that this erasure is about."""

    code = "recipient-not-concerned"
    rules = ("L36", "L32")


class RecipientsUninformed(Refusal):
    """An erasure stays open while a recipient was not told and its day has not come (Art. 19)."""

    code = "recipients-uninformed"
    rules = ("L36",)


class LevelNotReached(Refusal):
    """A level is stated for classes whose keys this erasure destroyed, and for no others."""

    code = "level-not-reached"
    rules = ("L34", "C61")


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestErasure:
    """Data are to be erased: of some purposes, of some categories, or, with neither, everything."""

    erasure: UUID
    source: str
    trigger: ErasureTrigger = ErasureTrigger.REQUEST
    purposes: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()
    statement: str = field(default="", repr=False)
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApproveErasure:
    """A second person approves it."""

    erasure: UUID
    by: str
    """The caller's id, which is not that of whoever asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockErasure:
    """Put on record that legal holds forbid it."""

    erasure: UUID
    keeps: tuple[Keep, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawErasure:
    """The person takes the request back in time."""

    erasure: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareErasure:
    """Put the plan on record, and aside what telling the recipients and the person will need."""

    erasure: UUID
    keeps: tuple[Keep, ...] = ()
    identifiers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Recipient -> by what it knows the person."""
    reply_address: str = field(default="", repr=False)
    language: str = ""
    """In which the person is written to."""
    told_with: UUID | None = None
    """The record that stands for the person, whose letter tells of this one's erasure as well."""
    addresses: tuple[str, ...] = field(default=(), repr=False)
    """The person's normalised e-mail addresses on file, for the suppression register."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remainder:
    """What stays of one section, opened by the caller."""

    place: Place
    generation: str
    """Of the key that will go."""
    personal: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResealSections:
    """Seal anew what stays under keys that will go."""

    erasure: UUID
    remainders: tuple[Remainder, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Destruction:
    """What the database is about to destroy, as counted by the caller from the same snapshot."""

    keys: tuple[UUID, ...]
    blobs: int
    root: str
    """Merkle root over the hashes of the blobs, in hex."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecuteErasure:
    """Destroy the keys of the plan."""

    erasure: UUID
    destruction: Destruction


@dataclass(frozen=True, slots=True, kw_only=True)
class InformRecipient:
    """Record what came of telling a recipient."""

    erasure: UUID
    recipient: str
    outcome: InformOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseErasure:
    """Destroy what was set aside for telling: the certificate is final from then on."""

    erasure: UUID
    destruction: Destruction


@dataclass(frozen=True, slots=True, kw_only=True)
class AssureErasure:
    """Record that a further level was reached for some classes (E2, E3)."""

    erasure: UUID
    level: ErasureLevel
    classes: frozenset[str]
    occurred_at: datetime | None = None


Command: TypeAlias = (
    RequestErasure
    | ApproveErasure
    | BlockErasure
    | WithdrawErasure
    | PrepareErasure
    | ResealSections
    | ExecuteErasure
    | InformRecipient
    | CloseErasure
    | AssureErasure
)
