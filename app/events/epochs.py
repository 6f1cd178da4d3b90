"""The key epochs as they begin and end, on the control stream (Art. 17, Art. 32; L34).

The first one begins with the ledger, without an event.
"""

from enum import StrEnum
from uuid import UUID

from app.events.declare import event
from app.identifiers import Digest, Word


class RootCustody(StrEnum):
    """Where the root of an epoch was kept, which says what its destruction is worth."""

    FILE = "file"
    """A file on a machine: a copy of the folder, or the disk itself, may still have its bytes."""


class RootEnd(StrEnum):
    """What was found and done when a root was destroyed."""

    OVERWRITTEN = "overwritten"
    """Its bytes were written over, and its file removed; both were waited for."""
    FOUND_GONE = "found_gone"
    """It was no longer there: an earlier attempt had removed it, or somebody else."""


@event("epoch.opened", version=1)
class EpochOpened:
    """A key epoch is the active one from now on: every new key is wrapped under it."""

    epoch: int


@event("epoch.closed", version=1)
class EpochClosed:
    """A key epoch takes nothing more; what hangs on it goes over to the active one."""

    epoch: int


@event("epoch.end-requested", version=1)
class EpochEndRequested:
    """Somebody asked to destroy an epoch, where two people are needed; who did recorded this."""

    epoch: int


@event("epoch.end-approved", version=1)
class EpochEndApproved:
    """A second person approved what another had asked for; who did is who recorded this."""

    epoch: int


@event("epoch.give-up-requested", version=2)
class EpochGiveUpRequested:
    """Somebody asked to give up what nothing opens any more, and what keeps an epoch from ending.

    The counts are what was found then, by trying each; who asked recorded this.
    """

    epoch: int
    keys: int
    """Data keys of people that no root opens."""
    tokens: int
    """Tokens of the blind index whose value lies nowhere that can be read."""
    register_keys: int
    """Keys of repeated requests, subscriptions and receivers."""
    lost: Digest | None
    """SHA-256 of the ids of all that would be lost (`app/domain/key_losses.py`): who approves it
    approves exactly that. None where it was asked for before this was bound to anything."""


@event("epoch.give-up-approved", version=1)
class EpochGiveUpApproved:
    """A second person approved that it is given up, where two are needed."""

    epoch: int


@event("epoch.register-key-abandoned", version=1)
class EpochRegisterKeyAbandoned:
    """The row of a register was removed, since nothing opened its key any more."""

    epoch: int
    """The one that leaves, which it kept from ending."""
    register: Word
    """The table: `idempotency_key`, `subscriptions` or `receivers`; `keyring`, where no entry ever
    named the key of a row."""
    row: UUID | None
    """Which subscription, receiver or data key."""
    period: int | None
    """Which period of repeated requests."""


@event("epoch.give-up-completed", version=1)
class EpochGiveUpCompleted:
    """All that was asked for was given up: each key of a person by an entry of the person's own."""

    epoch: int


@event("epoch.condemned", version=1)
class EpochCondemned:
    """Nothing hangs on an epoch any more, and its root is being destroyed."""

    epoch: int


@event("epoch.restored", version=1)
class EpochRestored:
    """A newer keyring was put over a database that was taken back, and with it the newer epochs.

    What that keyring knew as destroyed is destroyed here by entries that follow.
    """

    file: Digest
    """SHA-256 of the keyring's content."""
    log_size: int
    """How many entries the log had when the keyring was written."""
    epoch: int
    """The active one from now on."""
    opened: tuple[int, ...]
    """Epochs that this database did not know, the active one among them."""
    destroyed: tuple[int, ...]
    """Epochs that were destroyed when the keyring was written."""


@event("epoch.destroyed", version=1)
class EpochDestroyed:
    """The root and the key of an epoch are gone: what only they open is unreadable everywhere."""

    epoch: int
    custody: RootCustody
    root: RootEnd
