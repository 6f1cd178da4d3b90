"""Seals and opens one section of personal data with AES-256-GCM (DESIGN 4); nonces come in."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SUITE = b"\x01"
"""AES-256-GCM, random 96-bit nonce, 128-bit tag. Another suite takes another byte."""

NONCE_SIZE_BYTES = 12
KEY_SIZE_BYTES = 32
PADDING_STEP_BYTES = 32

_SEAL_CONTEXT = b"ledger/seal/v1"
_WRAP_CONTEXT = b"ledger/wrap/v1"
_COMMITMENT_CONTEXT = b"ledger/dek-commit/v1"


@dataclass(frozen=True, slots=True)
class NeverSealed:
    """The event has no section of that class."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """The section is there and its key opened it."""

    personal: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Erased:
    """The key was destroyed and the ciphertext deleted, by an event of the log."""


@dataclass(frozen=True, slots=True)
class KeyUnavailable:
    """The ciphertext is there, but its key cannot be had now (epoch root missing, say)."""


@dataclass(frozen=True, slots=True)
class Corrupt:
    """Ciphertext and entry do not belong together, or a blob is missing without an erasure."""


Opened: TypeAlias = NeverSealed | Sealed | Erased | KeyUnavailable | Corrupt


def prefixed(*parts: bytes) -> bytes:
    """Each part behind its length as u32 big-endian: no two lists of parts give the same bytes."""
    return b"".join([len(part).to_bytes(4, "big") + part for part in parts])


def associated_data(
    ledger_id: UUID, key_id: UUID, retention_class: str, *, index: int, core: bytes
) -> bytes:
    """What a seal is bound to; ``core`` is line 1 of the entry without its LF."""
    return bound_head(ledger_id, key_id, retention_class) + bound_tail(index, core)


def bound_head(ledger_id: UUID, key_id: UUID, retention_class: str) -> bytes:
    """The part of it that is alike for everything under one data key."""
    return prefixed(
        _SEAL_CONTEXT, str(ledger_id).encode(), str(key_id).encode(), retention_class.encode()
    )


def bound_tail(index: int, core: bytes) -> bytes:
    """The part of it that is the section's own."""
    return index.to_bytes(2, "big") + len(core).to_bytes(4, "big") + core


def plaintext(personal: Mapping[str, str]) -> bytes:
    """Compact JSON, keys sorted, padded with 0 to 31 spaces to a multiple of 32 bytes."""
    text = _ENCODER.encode(personal)
    return text + b" " * (-len(text) % PADDING_STEP_BYTES)


def seal(cipher: AESGCM, personal: Mapping[str, str], *, nonce: bytes, bound_to: bytes) -> bytes:
    """The blob: suite byte, nonce, ciphertext, tag."""
    return SUITE + nonce + cipher.encrypt(nonce, plaintext(personal), bound_to)


def unseal(cipher: AESGCM, blob: bytes, *, bound_to: bytes) -> Sealed | Corrupt:
    """Opens a blob; Corrupt when it was altered, moved elsewhere, or is of no known suite."""
    if blob[:1] != SUITE:
        return Corrupt()
    nonce, sealed = blob[1 : 1 + NONCE_SIZE_BYTES], blob[1 + NONCE_SIZE_BYTES :]
    try:
        return Sealed(_DECODER.decode(cipher.decrypt(nonce, sealed, bound_to)))
    except (InvalidTag, msgspec.DecodeError, ValueError):
        return Corrupt()


def commitment(data_key: bytes, key_id: UUID) -> bytes:
    """Proves later which key was created; says nothing of the key once it is destroyed."""
    message = _COMMITMENT_CONTEXT + str(key_id).encode()
    return hmac.digest(data_key, message, hashlib.sha256)


def wrapping_context(ledger_id: UUID, key_id: UUID, retention_class: str, epoch: int) -> bytes:
    """What a wrapped data key is bound to: a row cannot be moved to another key or epoch."""
    return prefixed(
        _WRAP_CONTEXT,
        str(ledger_id).encode(),
        str(key_id).encode(),
        retention_class.encode(),
        str(epoch).encode(),
    )


def wrap(cipher: AESGCM, data_key: bytes, *, nonce: bytes, bound_to: bytes) -> bytes:
    """A key under a key: suite byte, nonce, ciphertext, tag (61 bytes for 32)."""
    return SUITE + nonce + cipher.encrypt(nonce, data_key, bound_to)


def unwrap(cipher: AESGCM, wrapped: bytes, *, bound_to: bytes) -> bytes | None:
    """The key inside, or None when ``wrapped`` is not from ``cipher`` or not for this place."""
    if wrapped[:1] != SUITE:
        return None
    try:
        return cipher.decrypt(wrapped[1 : 1 + NONCE_SIZE_BYTES], wrapped[13:], bound_to)
    except (InvalidTag, ValueError):  # the latter where it was cut short
        return None


_ENCODER = msgspec.json.Encoder(order="sorted")
_DECODER: msgspec.json.Decoder[dict[str, str]] = msgspec.json.Decoder(dict[str, str])
