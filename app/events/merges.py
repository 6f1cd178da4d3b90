"""Two streams that are one person: proposed, approved by somebody else, reverted (DESIGN 6).

Each of these stands on both streams under one id. What one of them forbids is inherited by the
other as events of its own, so that a stream is decided upon by itself (decision 0011).
"""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from app.events.declare import event
from app.identifiers import Digest, Word
from app.policy.vocabulary import ConsentMethod


class MergeSide(StrEnum):
    """Which of the two this stream is."""

    SURVIVOR = "survivor"
    """It stands for both from now on."""
    ABSORBED = "absorbed"
    """It takes no more commands."""


class MergeGround(StrEnum):
    """How it was seen that the two are one person."""

    CONTROL = "control"
    """The person showed control over an identifier of each."""
    STATEMENT = "statement"
    """The person says so, and the desk is satisfied."""
    COMPARISON = "comparison"
    """The desk compared the two records."""


class MatterKind(StrEnum):
    """What is inherited."""

    OBJECTION = "objection"
    RESTRICTION = "restriction"
    SUPPRESSION = "suppression"
    REFUSAL = "refusal"
    """A consent that was taken back."""


@event("merge.proposed", version=1)
class MergeProposed:
    """Somebody thinks that the two are one person; nothing changes by it."""

    merge: UUID
    side: MergeSide
    other: UUID
    ground: MergeGround
    finding: UUID | None
    """The possible duplicate that it answers."""


@event("merge.approved", version=1)
class MergeApproved:
    """Somebody else agrees: the survivor stands for both."""

    merge: UUID
    side: MergeSide
    other: UUID


@event("merge.rejected", version=1)
class MergeRejected:
    """They are two people, or nobody can tell."""

    merge: UUID


@event("merge.reverted", version=1)
class MergeReverted:
    """They were two people after all: each stream stands for itself again."""

    merge: UUID
    side: MergeSide
    other: UUID


@event("matter.inherited", version=1)
class MatterInherited:
    """What was said no to on the other stream is said no to on this one (Arts. 7(3), 18, 21)."""

    merge: UUID
    """The merge or split by which it came."""
    kind: MatterKind
    matter: UUID | None
    """The objection or restriction, by its id on the other stream."""
    ground: Word | None
    status: Word | None
    purpose: Word | None
    recipient: Word | None
    categories: tuple[Word, ...]
    since: datetime


@event("consent.inherited", version=1)
class ConsentInherited:
    """A consent given on the other stream, where its evidence stays (Art. 7(1))."""

    merge: UUID
    purpose: Word
    recipient: Word | None
    """For an explicit consent to transfers (L60)."""
    country: Word | None
    wording: Digest
    language: Word
    policy: Word
    method: ConsentMethod
    source: Word
    since: datetime
    proof_at: int
    """Version of the event on the other stream beside which the evidence lies."""


@event("matters.renewed", version=1)
class MattersRenewed:
    """What was inherited by a merge is replaced by what follows, or by nothing."""

    merge: UUID
