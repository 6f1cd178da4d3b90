"""Whether the log begins with all that was signed of it and is remembered outside of the database.

A database that was taken back to an earlier day does not know that it was. The file beside the
checkpoint key does, a checkpoint that somebody kept does, and so do witnesses.
"""

import asyncio
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import structlog

from app.store.log_tree import LogTree
from app.tlog.checkpoints import Checkpoint, CheckpointMalformed, checkpoint
from app.tlog.notes import Note, NoteMalformed, NotSigned, read_note
from app.vault.signed_head import signed_head_file

LOOK_EVERY_S: Final = 5.0

_LOG: Any = structlog.get_logger("pdledger.standing")


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
    THIS_PROCESS = "this-process"


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
            Source.THIS_PROCESS: "this process saw",
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


class LogWatch:
    """Looks every now and then whether the database under a running service was exchanged.

    Connections that a restore cut are opened again by themselves, to whatever is there then.
    """

    def __init__(self, log: LogTree, ledger_id: UUID, keys: Path) -> None:
        self._log = log
        self._ledger_id = ledger_id
        self._keys = keys
        self._seen: Checkpoint | None = None
        """The newest checkpoint at the last look: a machine without the key has no file."""

    async def look(self) -> TakenBack | None:
        """What the log contradicts by now; None when all is well."""
        found = await examine_log(self._log, self._ledger_id, self._keys)
        if found is not None:
            return found
        seen = self._seen
        if seen is not None:
            reason = await _compared(self._log, seen.size, seen.root)
            if reason is not None:
                here = await self._log.appended()
                return TakenBack(reason, Source.THIS_PROCESS, seen.size, here, root=seen.root)
        await self.remember()
        return None

    async def remember(self) -> None:
        """Takes the newest checkpoint for what the log has to begin with from here on."""
        tree = await self._log.newest()
        self._seen = None if tree is None else checkpoint(tree.note.text)

    async def until_taken_back(self) -> TakenBack:
        """Looks for ever, and answers what it found at last. A database that is away is no find."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                found = await self.look()
            except Exception as error:  # noqa: BLE001  # the head of a worker's loop
                _LOG.warning("log not looked at", error_class=type(error).__name__)
                continue
            if found is not None:
                _LOG.error("nothing is served any more", reason=str(found))
                return found


async def left_unexamined(
    _log: LogTree, _ledger_id: UUID, _keys: Path, _trusted: Path | None
) -> TakenBack | None:
    """In the place of `examine_log`, for a recovery: it was looked at, and nobody is served."""
    return None


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
