"""C2SP tlog-witness: what a log sends to a witness, and what a witness may answer; pure.

A witness knows one thing of each log: the largest tree that it cosigned. It cosigns another one
only when a proof shows that the new tree begins with that one.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, TypeAlias

from app.tlog.checkpoints import Checkpoint, CheckpointMalformed, checkpoint
from app.tlog.merkle import EMPTY_ROOT
from app.tlog.notes import Note, NoteMalformed, NotSigned, VerifierKey, read_note
from app.tlog.proof_text import ProofMalformed, hash_lines, hashes_in
from app.tlog.proofs import ProofInvalid, verify_consistency

SIZE_TYPE: Final = "text/x.tlog.size"
PATH_MAX: Final = 63

_OLD = re.compile(r"old (0|[1-9][0-9]{0,18})", re.ASCII)
_SIZE = re.compile(rb"(0|[1-9][0-9]{0,18})\n")


class AddCheckpointMalformed(ValueError):
    """The bytes are no such request. Does not quote them."""


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """The size that the witness is believed to know, the proof from there, and the checkpoint."""

    old: int
    path: tuple[bytes, ...]
    note: Note

    def __bytes__(self) -> bytes:
        lines = [f"old {self.old}", *hash_lines(self.path), "", ""]
        return "\n".join(lines).encode() + bytes(self.note)


@dataclass(frozen=True, slots=True)
class Head:
    """The largest tree of a log that a witness cosigned."""

    size: int
    root: bytes


@dataclass(frozen=True, slots=True)
class Consistent:
    """It may be cosigned: 200."""

    head: Head


@dataclass(frozen=True, slots=True)
class Conflicting:
    """The witness knows another size, or another root of this one: 409, and the size it knows."""

    size: int


@dataclass(frozen=True, slots=True)
class Refused:
    """It may not be cosigned, whatever is sent beside it: a status of HTTP."""

    status: int


Judgement: TypeAlias = Consistent | Conflicting | Refused

UNTRUSTED: Final = Refused(403)
UNKNOWN_LOG: Final = Refused(404)
IMPOSSIBLE: Final = Refused(400)
UNPROVED: Final = Refused(422)


def add_checkpoint(data: bytes) -> AddCheckpoint:
    """A request, read strictly; AddCheckpointMalformed for every other bytes."""
    head, blank, note = data.partition(b"\n\n")
    try:
        lines = head.decode("ascii").split("\n")
        old = _OLD.fullmatch(lines.pop(0))
        if old is None or not blank or len(lines) > PATH_MAX:
            raise AddCheckpointMalformed
        made = AddCheckpoint(int(old[1]), hashes_in(lines), read_note(note))
        checkpoint(made.note.text)
    except (UnicodeDecodeError, ProofMalformed, NoteMalformed, CheckpointMalformed):
        raise AddCheckpointMalformed from None
    return made


def judge(
    request: AddCheckpoint, trusted: Collection[VerifierKey], known: Head | None
) -> Judgement:
    """What a witness answers that last cosigned ``known`` of this log, and trusts these keys.

    The order of the checks is that of the specification: a stranger learns nothing of the size.
    """
    made = checkpoint(request.note.text)
    keys = [key for key in trusted if key.name == made.origin]
    if not keys:
        return UNKNOWN_LOG
    if not _is_signed(request.note, keys):
        return UNTRUSTED
    if request.old > made.size:
        return IMPOSSIBLE
    before = Head(0, EMPTY_ROOT) if known is None else known
    if request.old != before.size:
        return Conflicting(before.size)
    if request.old == made.size and before.root != made.root:
        return Conflicting(before.size)
    return _proved(request, made, before)


def _is_signed(note: Note, keys: Collection[VerifierKey]) -> bool:
    """By one of the keys; a line that only says it is by one of them proves nothing."""
    for line in note.signatures:
        try:
            Note(note.text, (line,)).opened(keys)
        except NotSigned:
            continue
        return True
    return False


def _proved(request: AddCheckpoint, made: Checkpoint, before: Head) -> Judgement:
    try:
        verify_consistency(
            before.size, made.size, roots=(before.root, made.root), path=request.path
        )
    except ProofInvalid:
        return UNPROVED
    return Consistent(Head(made.size, made.root))


def conflicting_size(body: bytes) -> int | None:
    """The size out of the body of a 409; None for every other body."""
    found = _SIZE.fullmatch(body)
    return None if found is None else int(found[1])


def size_body(size: int) -> bytes:
    """The body of a 409."""
    return b"%d\n" % size
