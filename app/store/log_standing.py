"""Whether the log begins with all that was signed of it and is remembered outside of the database.

A database that was taken back to an earlier day does not know that it was. The file beside the
checkpoint key does, a checkpoint that somebody kept does, and so do witnesses.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from uuid import UUID

from app.store.log_tree import LogTree
from app.tlog.checkpoints import Checkpoint, CheckpointMalformed, checkpoint
from app.tlog.notes import Note, NoteMalformed, NotSigned, read_note
from app.vault.signed_head import signed_head_file


class Reason(StrEnum):
    """What is wrong with the log."""

    SHORTENED = "shortened"
    """It holds fewer entries than were signed."""
    FORKED = "forked"
    """It holds other entries than were signed."""


class Source(StrEnum):
    """Who remembers."""

    SIGNED_HEAD = "signed-head"
    TRUSTED_CHECKPOINT = "trusted-checkpoint"
    WITNESS = "witness"


@dataclass(frozen=True, slots=True)
class TakenBack:
    """The log contradicts a tree that was signed."""

    reason: Reason
    source: Source
    remembered: int
    """Size of the tree that is remembered."""
    here: int
    """How many entries the database holds."""
    witness: str | None = None
    """Its name in the policy, where it is one."""
    root: bytes | None = field(default=None, repr=False)
    """Of the tree that is remembered; a witness tells a size alone."""

    def __str__(self) -> str:
        who = {
            Source.SIGNED_HEAD: "the file beside the checkpoint key remembers",
            Source.TRUSTED_CHECKPOINT: "the trusted checkpoint has",
            Source.WITNESS: f"the witness {self.witness} cosigned",
        }[self.source]
        what = {
            Reason.SHORTENED: f"the log holds {self.here} entries",
            Reason.FORKED: "the log holds other entries",
        }[self.reason]
        return f"{what}, and {who} a tree of {self.remembered}"


class LogTakenBack(Exception):
    """Nothing is served: `pdledger log recover` explains the ways out."""

    def __init__(self, found: TakenBack) -> None:
        super().__init__(f"{found}; see `pdledger log recover`")
        self.found = found


class TrustedCheckpointUnusable(Exception):
    """The file of LEDGER_LOG_TRUSTED_CHECKPOINT holds no checkpoint."""


async def examine_log(
    log: LogTree, ledger_id: UUID, keys: Path, trusted: Path | None = None
) -> TakenBack | None:
    """What this machine remembers and the log contradicts; None when all is well.

    ``keys`` is the folder of the keys, where the integrator keeps what it signed last.
    """
    head = signed_head_file(keys, ledger_id).read()
    if head is not None:
        reason = await _compared(log, head.size, head.root)
        if reason is not None:
            here = await log.appended()
            return TakenBack(reason, Source.SIGNED_HEAD, head.size, here, root=head.root)
    return None if trusted is None else await _examine_trusted(log, trusted)


async def _examine_trusted(log: LogTree, file: Path) -> TakenBack | None:
    note, made = _kept(file)
    reason = await _compared(log, made.size, made.root)
    keys = [key for key in await log.keys() if key.name == made.origin]
    try:
        note.opened(keys)
    except NotSigned:
        # Signed by a key that this log never had: then that one is not this one.
        reason = reason or Reason.FORKED
    if reason is None:
        return None
    here = await log.appended()
    return TakenBack(reason, Source.TRUSTED_CHECKPOINT, made.size, here, root=made.root)


async def _compared(log: LogTree, size: int, root: bytes) -> Reason | None:
    """What keeps the log from beginning with that tree."""
    if await log.appended() < size:
        return Reason.SHORTENED
    return None if await log.root(size) == root else Reason.FORKED


def _kept(file: Path) -> tuple[Note, Checkpoint]:
    try:
        note = read_note(file.read_bytes())
        return note, checkpoint(note.text)
    except (OSError, NoteMalformed, CheckpointMalformed):
        raise TrustedCheckpointUnusable(
            "the file of LEDGER_LOG_TRUSTED_CHECKPOINT holds no checkpoint"
        ) from None
