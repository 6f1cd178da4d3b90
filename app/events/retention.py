"""The end of a retention period, executed by itself (Art. 5(1)(e) GDPR; L7)."""

from datetime import date
from uuid import UUID

from app.events.declare import event
from app.identifiers import Digest, Word


@event("retention.executed", version=1)
class RetentionExecuted:
    """The period of what lay under one data key was over, and the key was destroyed.

    Written by the database function that destroys, in the same transaction.
    """

    retention_class: Word
    generation: Word
    until: date
    """The last day on which it was kept."""
    policy: Word
    """The policy version whose period it was."""
    keys: tuple[UUID, ...]
    classes: tuple[Word, ...]
    """Retention classes closed to the person from now on: none, for they may come again."""
    blobs: int
    identifiers: bool
    root: Digest
    """Merkle root over the hashes of the destroyed blobs."""
