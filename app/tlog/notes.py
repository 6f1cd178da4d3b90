"""C2SP signed-note: texts under Ed25519 signatures, and the verifier keys that check them; pure.

A note may carry any number of signature lines, by other keys and of other kinds than this module
can check (cosignatures, post-quantum ones): they are kept as they are, and prove nothing here.
"""

import binascii
import hashlib
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

ED25519: Final = 0x01
KEY_ID_SIZE_BYTES: Final = 4
PUBLIC_KEY_SIZE_BYTES: Final = 32
SIGNATURES_MAX: Final = 64
"""More than the 16 that every verifier must accept."""
NOTE_SIZE_MAX_BYTES: Final = 1_000_000

_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_NAME = re.compile(r"[^\s+]+")
_VERIFIER_KEY = re.compile(r"(?P<name>[^\s+]+)\+(?P<id>[0-9a-f]{8})\+(?P<key>[0-9A-Za-z+/=]+)")
_SIGNATURE_LINE = re.compile(r"\u2014 (?P<name>[^\s+]+) (?P<signature>[0-9A-Za-z+/=]+)")

Sign = Callable[[bytes], bytes]


class NoteMalformed(ValueError):
    """The bytes are no signed note. Does not quote them."""


class VerifierKeyMalformed(ValueError):
    """The text is no verifier key, or of a kind that is not checked here."""


class NotSigned(Exception):
    """No key that we trust signed the note, or one is named whose signature is wrong."""


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line; what follows the key id depends on the kind of key."""

    name: str
    key_id: bytes
    signature: bytes

    def __str__(self) -> str:
        return f"\u2014 {self.name} {b64encode(self.key_id + self.signature).decode()}"


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """The public half of an Ed25519 key with its name: `name+id+base64`, a vkey."""

    name: str
    public_key: bytes

    @property
    def key_id(self) -> bytes:
        """The first 4 bytes of SHA-256(name ‖ LF ‖ kind ‖ public key)."""
        return named_key_id(self.name, ED25519, self.public_key)

    def __str__(self) -> str:
        return vkey(self.name, ED25519, self.public_key)

    def made(self, line: Signature) -> bool:
        """Whether a line says that it is this key's; name and id do not prove it."""
        return (line.name, line.key_id) == (self.name, self.key_id)

    def verifies(self, text: str, line: Signature) -> bool:
        """Whether the line is a signature of the text by this key."""
        try:
            key = Ed25519PublicKey.from_public_bytes(self.public_key)
            key.verify(line.signature, text.encode())
        except (InvalidSignature, ValueError):
            return False
        return self.made(line)

    def sign(self, text: str, sign: Sign) -> Signature:
        """The line for a text, by the private half."""
        return Signature(self.name, self.key_id, sign(text.encode()))


@dataclass(frozen=True, slots=True)
class Note:
    """A text, which ends in a line feed, and its signature lines. Worth nothing until opened."""

    text: str
    signatures: tuple[Signature, ...]

    def __bytes__(self) -> bytes:
        lines = "".join(f"{line}\n" for line in self.signatures)
        return f"{self.text}\n{lines}".encode()

    def opened(self, trusted: Collection[VerifierKey]) -> str:
        """The text, if one of the trusted keys signed it and none of them wrongly; or NotSigned."""
        signers = [(key, line) for line in self.signatures for key in trusted if key.made(line)]
        if not signers or not all(key.verifies(self.text, line) for key, line in signers):
            raise NotSigned
        return self.text


def verifier_key(text: str) -> VerifierKey:
    """A vkey of kind 0x01, read strictly; VerifierKeyMalformed for every other text."""
    return VerifierKey(*read_vkey(text, ED25519))


def named_key_id(name: str, kind: int, public_key: bytes) -> bytes:
    """The first 4 bytes of SHA-256(name ‖ LF ‖ kind ‖ public key)."""
    named = name.encode() + b"\n" + bytes((kind,)) + public_key
    return hashlib.sha256(named).digest()[:KEY_ID_SIZE_BYTES]


def vkey(name: str, kind: int, public_key: bytes) -> str:
    """`name+id+base64`, the text of a key of any kind."""
    key = b64encode(bytes((kind,)) + public_key).decode()
    return f"{name}+{named_key_id(name, kind, public_key).hex()}+{key}"


def read_vkey(text: str, kind: int) -> tuple[str, bytes]:
    """Name and public key out of the text of a 32-byte key of that kind; read strictly."""
    found = _VERIFIER_KEY.fullmatch(text)
    if found is None:
        raise VerifierKeyMalformed
    try:
        of_kind, *key = b64decode(found["key"], validate=True)
    except (binascii.Error, ValueError):
        raise VerifierKeyMalformed from None
    name, public_key = found["name"], bytes(key)
    if (
        of_kind != kind
        or len(public_key) != PUBLIC_KEY_SIZE_BYTES
        or vkey(name, kind, public_key) != text
    ):
        raise VerifierKeyMalformed
    return name, public_key


def is_key_name(text: str) -> bool:
    """Whether it can name a key: no space, no plus, nothing that does not print."""
    return _NAME.fullmatch(text) is not None and text.isprintable()


def read_note(data: bytes) -> Note:
    """A note, read strictly; NoteMalformed for every other bytes."""
    try:
        whole = data.decode()
    except UnicodeDecodeError:
        raise NoteMalformed from None
    text, blank, lines = whole.rpartition("\n\n")
    signatures = lines.split("\n")
    if (
        len(data) > NOTE_SIZE_MAX_BYTES
        or _CONTROL.search(whole)
        or not (text and blank)
        or signatures.pop() != ""
        or not 1 <= len(signatures) <= SIGNATURES_MAX
    ):
        raise NoteMalformed
    return Note(f"{text}\n", tuple(map(signature_line, signatures)))


def signature_line(line: str) -> Signature:
    """One line without its line feed, read strictly; NoteMalformed for every other text."""
    found = _SIGNATURE_LINE.fullmatch(line)
    if found is None:
        raise NoteMalformed
    try:
        raw = b64decode(found["signature"], validate=True)
    except binascii.Error:
        raise NoteMalformed from None
    if len(raw) <= KEY_ID_SIZE_BYTES:
        raise NoteMalformed
    return Signature(found["name"], raw[:KEY_ID_SIZE_BYTES], raw[KEY_ID_SIZE_BYTES:])
