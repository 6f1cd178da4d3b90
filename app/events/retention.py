"""The end of a retention period, executed by itself (Art. 5(1)(e) GDPR; L7)."""

from datetime import date
from enum import StrEnum
from uuid import UUID

from app.events.declare import event
from app.identifiers import Digest, Word


class RetentionCause(StrEnum):
    """Why what lay under a key is kept no longer."""

    PERIOD_OVER = "period_over"
    NEWER_KEYRING = "newer_keyring"
    """A database was taken back, and the newer keyring put over it says that the key is destroyed.

    Why it was is told by entries that the database has lost.
    """
    KEY_LOST = "key_lost"
    """No rule destroyed it: nothing opened the key any more, and it was given up."""


@event("retention.executed", version=2)
class RetentionExecuted:
    """What lay under one data key is kept no longer, and the key was destroyed.

    Written by the database function that destroys, in the same transaction.
    """

    cause: RetentionCause
    retention_class: Word
    generation: Word
    until: date
    """The last day on which it was kept; by a keyring, the day on which that was written; of a lost
    key, the day since which it is known that nobody can read what lay under it."""
    policy: Word
    """The policy version whose period it was; of any other cause, the one in force."""
    keys: tuple[UUID, ...]
    classes: tuple[Word, ...]
    """Retention classes closed to the person from now on: none, for they may come again."""
    blobs: int
    identifiers: bool
    root: Digest
    """Merkle root over the hashes of the destroyed blobs."""

    @property
    def lost(self) -> bool:
        """Whether no rule ended it: nothing opened the key, and it was given up (L34)."""
        return self.cause is RetentionCause.KEY_LOST
