"""C2SP tlog-proof: a proof of inclusion with its checkpoint, as a text that stands alone; pure."""

import binascii
import re
from base64 import b64decode, b64encode
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from app.tlog.checkpoints import Checkpoint, checkpoint
from app.tlog.merkle import HASH_SIZE_BYTES
from app.tlog.notes import Note, VerifierKey, read_note
from app.tlog.proofs import verify_inclusion

HEADER: Final = "c2sp.org/tlog-proof@v1"
PATH_MAX: Final = 64

_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})", re.ASCII)


class ProofMalformed(ValueError):
    """The bytes are no proof. Does not quote them."""


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """Where an entry is, the hashes from its sibling up, and the checkpoint that they lead to."""

    index: int
    path: tuple[bytes, ...]
    note: Note
    extra: bytes | None = None
    """Opaque, and signed by nobody."""

    def __bytes__(self) -> bytes:
        extra = [] if self.extra is None else [f"extra {b64encode(self.extra).decode()}"]
        lines = [HEADER, *extra, f"index {self.index}", *hash_lines(self.path), "", ""]
        return "\n".join(lines).encode() + bytes(self.note)

    def verify(self, leaf: bytes, trusted: Collection[VerifierKey]) -> Checkpoint:
        """The checkpoint under which the leaf hash is included.

        NotSigned, CheckpointMalformed or ProofInvalid where that is not proved. The name of the key
        that signed must be the log's origin.
        """
        made = checkpoint(self.note.text)
        self.note.opened([key for key in trusted if key.name == made.origin])
        verify_inclusion(leaf, self.index, made.size, path=self.path, root=made.root)
        return made


def inclusion_proof(data: bytes) -> InclusionProof:
    """A proof, read strictly; ProofMalformed, NoteMalformed or CheckpointMalformed otherwise."""
    head, blank, note = data.partition(b"\n\n")
    try:
        lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise ProofMalformed from None
    if not blank or lines.pop(0) != HEADER or not lines:
        raise ProofMalformed
    extra = None
    if lines[0].startswith("extra "):
        extra = _decoded(lines.pop(0).removeprefix("extra "))
    index = _INDEX.fullmatch(lines.pop(0) if lines else "")
    if index is None or len(lines) > PATH_MAX:
        raise ProofMalformed
    made = InclusionProof(int(index[1]), hashes_in(lines), read_note(note), extra)
    checkpoint(made.note.text)
    return made


def hash_lines(hashes: Iterable[bytes]) -> list[str]:
    """One base64 line a hash, as proofs are written."""
    return [b64encode(one).decode() for one in hashes]


def hashes_in(lines: Iterable[str]) -> tuple[bytes, ...]:
    """The hashes out of such lines; ProofMalformed where one is none."""
    hashes = tuple(map(_decoded, lines))
    if any(len(one) != HASH_SIZE_BYTES for one in hashes):
        raise ProofMalformed
    return hashes


def _decoded(text: str) -> bytes:
    try:
        decoded = b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ProofMalformed from None
    if b64encode(decoded).decode() != text:
        raise ProofMalformed
    return decoded
