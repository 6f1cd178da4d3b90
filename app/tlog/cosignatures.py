"""C2SP tlog-cosignature v1: a witness says when it saw a log grow to a checkpoint; pure.

A cosignature is one more signature line of the note. It says, at a time, that this was the largest
consistent tree that the witness knew of the log.
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from app.tlog.notes import Note, Sign, Signature, named_key_id, read_vkey, vkey

COSIGNATURE: Final = 0x04
TIME_MAX_S: Final = 2**63 - 1
_TIMESTAMPED: Final = struct.Struct(">Q64s")
"""Seconds since 1970, then the Ed25519 signature: 72 bytes."""


class CosignatureInvalid(Exception):
    """The line is no cosignature of the checkpoint by this witness."""


@dataclass(frozen=True, slots=True)
class WitnessKey:
    """The public half of a witness's Ed25519 key with its name: a vkey of kind 0x04."""

    name: str
    public_key: bytes

    @property
    def key_id(self) -> bytes:
        """The first 4 bytes of SHA-256(name ‖ LF ‖ kind ‖ public key)."""
        return named_key_id(self.name, COSIGNATURE, self.public_key)

    def __str__(self) -> str:
        return vkey(self.name, COSIGNATURE, self.public_key)

    def made(self, line: Signature) -> bool:
        """Whether a line says that it is this witness's; name and id do not prove it."""
        return (line.name, line.key_id) == (self.name, self.key_id)

    def cosigned_at_s(self, text: str, line: Signature) -> int:
        """When the witness cosigned the text of a checkpoint, in seconds since 1970.

        CosignatureInvalid unless the line proves it.
        """
        if not self.made(line) or len(line.signature) != _TIMESTAMPED.size:
            raise CosignatureInvalid
        at_s, signature = _TIMESTAMPED.unpack(line.signature)
        try:
            key = Ed25519PublicKey.from_public_bytes(self.public_key)
            key.verify(signature, cosigned_message(text, at_s))
        except (InvalidSignature, ValueError):
            raise CosignatureInvalid from None
        if at_s > TIME_MAX_S:
            raise CosignatureInvalid
        return int(at_s)

    def cosign(self, text: str, at_s: int, sign: Sign) -> Signature:
        """The line for the text of a checkpoint, by the private half."""
        signature = sign(cosigned_message(text, at_s))
        return Signature(self.name, self.key_id, _TIMESTAMPED.pack(at_s, signature))


def witness_key(text: str) -> WitnessKey:
    """A vkey of kind 0x04, read strictly; VerifierKeyMalformed for every other text."""
    return WitnessKey(*read_vkey(text, COSIGNATURE))


def cosigned_message(text: str, at_s: int) -> bytes:
    """What a witness signs: a line that says what it is, one with the time, and the checkpoint."""
    return f"cosignature/v1\ntime {at_s}\n{text}".encode()


def cosigned(note: Note, witnesses: Iterable[WitnessKey]) -> dict[WitnessKey, int]:
    """Which of the witnesses cosigned the note, and when each last did (seconds since 1970).

    Lines by others are passed over, as C2SP asks. So are lines that only say that they are by one
    of these: they prove nothing, and whoever forwards a note may add them.
    """
    found: dict[WitnessKey, int] = {}
    for key in witnesses:
        for line in note.signatures:
            try:
                at_s = key.cosigned_at_s(note.text, line)
            except CosignatureInvalid:
                continue
            found[key] = max(at_s, found.get(key, 0))
    return found
