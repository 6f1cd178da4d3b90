"""What the checkpoint key signed last, kept beside it and outside of the database.

A database that was taken back to yesterday does not know what was signed today; this file does. It
is written before a signature leaves the process, so that no later one can contradict it.
"""

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from app.vault.custody import FILE_MODE


class SignedHeadUnreadable(Exception):
    """The file is there, and is none of ours: what was signed cannot be told."""


@dataclass(frozen=True, slots=True)
class SignedHead:
    """Size and root of a tree that was signed."""

    size: int
    root: bytes


def signed_head_file(keys: Path, ledger_id: UUID) -> "SignedHeadFile":
    """Where the integrators of a ledger remember it: beside the keys."""
    return SignedHeadFile(keys / f"checkpoint-{ledger_id}.signed")


class SignedHeadFile:
    """One file a log; nobody but the integrators of this machine writes it, one at a time."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = file.with_suffix(".lock")

    def read(self) -> SignedHead | None:
        """The newest one, None before the first."""
        try:
            size, root = self._file.read_text(encoding="ascii").split()
            return SignedHead(int(size), bytes.fromhex(root))
        except FileNotFoundError:
            return None
        except ValueError:
            raise SignedHeadUnreadable(f"{self._file.name} is not as it was written") from None

    def set_aside(self) -> Path | None:
        """Takes it out of use and keeps it under another name; None when there is none.

        For a log that goes on under another origin, since what was signed is lost.
        """
        known = self.read()
        if known is None:
            return None
        aside = self._file.with_suffix(f".lost-{known.size}")
        self._file.replace(aside)
        return aside

    def write(self, head: SignedHead) -> None:
        """Puts it in place in one step, on the disk when this returns; never a smaller one."""
        lock = os.open(self._lock, os.O_RDWR | os.O_CREAT, FILE_MODE)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            known = self.read()
            if known is None or known.size < head.size:
                self._replace(f"{head.size} {head.root.hex()}\n".encode())
        finally:
            os.close(lock)

    def _replace(self, content: bytes) -> None:
        draft = self._file.with_suffix(".draft")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE)
        try:
            os.write(descriptor, content)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        draft.replace(self._file)
