"""Holds the keys of one process: epoch keys, data keys, and the keys of the two registers.

Layers (DESIGN 2.7): epoch root (custody, outside the database) wraps the epoch key, which wraps
one data key per (subject, retention class, generation).
"""

import hashlib
import hmac
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.clock import random_bytes, random_id
from app.identifiers import KeyId, LedgerId
from app.vault.custody import Custody
from app.vault.mac import Mac
from app.vault.sealing import (
    KEY_SIZE_BYTES,
    NONCE_SIZE_BYTES,
    commitment,
    prefixed,
    unwrap,
    wrap,
    wrapping_context,
)

TOKEN_SIZE_BYTES = 16


class EpochUnavailable(Exception):
    """No root opens the epoch's key: everything sealed under it is unreadable to this process."""


@dataclass(frozen=True, slots=True)
class DataKey:
    """One data key, ready for use. Never printed, never logged, never stored unwrapped."""

    key_id: KeyId
    cipher: AESGCM = field(repr=False)


@dataclass(frozen=True, slots=True)
class NewDataKey:
    """A data key just made, with what the append must store of it."""

    data_key: DataKey
    retention_class: str
    generation: str
    epoch: int
    wrapped: bytes = field(repr=False)
    commitment: bytes = field(repr=False)


class KeyVault:
    """The keys that this process may use. Owned by the event store; erasure never asks it."""

    def __init__(self, ledger_id: LedgerId, custody: Custody) -> None:
        self._ledger_id = ledger_id
        self._custody = custody
        self._epochs: dict[int, AESGCM] = {}
        self._index_keys: dict[int, Mac] = {}
        self._suppression_key = Mac(custody.suppression_key())
        self.active_epoch = 0
        self.known_epochs: frozenset[int] = frozenset()
        """Every epoch that there was when they were read last, shut and destroyed ones too."""
        self.live_epochs: tuple[int, ...] = ()
        """The active one, and those that drain: a token is under the key of one of them."""

    @property
    def ledger_id(self) -> LedgerId:
        """The ledger that every seal is bound to."""
        return self._ledger_id

    def open_epochs(
        self, wrapped: Mapping[int, bytes | None], *, active: int, draining: Collection[int] = ()
    ) -> None:
        """Takes the epoch keys as stored. An epoch without its root stays shut, without error.

        EpochUnavailable where the active one has none; what was held before stays as it was then.
        """
        epochs: dict[int, AESGCM] = {}
        index_keys: dict[int, Mac] = {}
        for epoch, envelope in wrapped.items():
            root = None if envelope is None else self._custody.root(epoch)
            if envelope is None or root is None:
                continue
            epoch_key = unwrap(AESGCM(root), envelope, bound_to=self._epoch_context(epoch))
            if epoch_key:
                epochs[epoch] = AESGCM(epoch_key)
                index_key = hmac.digest(epoch_key, b"ledger/blind-index/v1", hashlib.sha256)
                index_keys[epoch] = Mac(index_key)
        if active not in epochs:
            raise EpochUnavailable(f"epoch {active} has no root in custody")
        self._epochs, self._index_keys = epochs, index_keys
        self.active_epoch = active
        self.known_epochs = frozenset(wrapped)
        self.live_epochs = (active, *sorted(draining))

    def new_epoch_key(self, epoch: int) -> bytes:
        """A fresh epoch key under the root of ``epoch``, as it goes into the database."""
        root = self._custody.create_root(epoch)
        return wrap(
            AESGCM(root),
            random_bytes(KEY_SIZE_BYTES),
            nonce=random_bytes(NONCE_SIZE_BYTES),
            bound_to=self._epoch_context(epoch),
        )

    def new_data_key(self, retention_class: str, generation: str) -> NewDataKey:
        """A fresh key for one (subject, class, generation), wrapped under the active epoch."""
        material, key_id = random_bytes(KEY_SIZE_BYTES), KeyId(random_id())
        epoch = self.active_epoch
        wrapped = wrap(
            self._epochs[epoch],
            material,
            nonce=random_bytes(NONCE_SIZE_BYTES),
            bound_to=wrapping_context(self._ledger_id, key_id, retention_class, epoch),
        )
        return NewDataKey(
            DataKey(key_id, AESGCM(material)),
            retention_class,
            generation,
            epoch,
            wrapped,
            commitment(material, key_id),
        )

    def data_key(
        self, key_id: UUID, retention_class: str, epoch: int, wrapped: bytes
    ) -> DataKey | None:
        """The data key inside a keyring row; None when its epoch is shut or the row was altered."""
        material = self._material(key_id, retention_class, epoch, wrapped)
        return None if material is None else DataKey(KeyId(key_id), AESGCM(material))

    def opens(self, epoch: int) -> bool:
        """Whether the key of an epoch is open here."""
        return epoch in self._epochs

    def opens_data_key(
        self, key_id: UUID, retention_classes: Collection[str], wrapped: bytes
    ) -> bool:
        """Whether any epoch that is open here gives a key, as of whichever class and epoch.

        For whoever must be sure that nothing does: a row may say less than the truth of itself.
        """
        return any(self.epoch_of(key_id, one, wrapped) is not None for one in retention_classes)

    def epoch_of(self, key_id: UUID, retention_class: str, wrapped: bytes) -> int | None:
        """The epoch that a key is truly wrapped under, whatever its row says; None if none here."""
        found = (
            epoch
            for epoch in self._epochs
            if self._material(key_id, retention_class, epoch, wrapped) is not None
        )
        return next(found, None)

    def rewrapped(
        self, key_id: UUID, retention_class: str, epoch: int, wrapped: bytes
    ) -> bytes | None:
        """The same data key under the active epoch; None when its epoch is shut, or it was altered.

        What is answered was opened again: the key inside is the one that was there.
        """
        material = self._material(key_id, retention_class, epoch, wrapped)
        if material is None:
            return None
        active = self.active_epoch
        again = wrap(
            self._epochs[active],
            material,
            nonce=random_bytes(NONCE_SIZE_BYTES),
            bound_to=wrapping_context(self._ledger_id, key_id, retention_class, active),
        )
        if self._material(key_id, retention_class, active, again) != material:
            raise EpochUnavailable(f"epoch {active} does not give back what it was given")
        return again

    def identifier_token(self, kind: str, value: str) -> bytes:
        """Blind index of a normalised identifier: 128 bits of HMAC under the active epoch."""
        return self.token_under(self.active_epoch, kind, value)

    def token_under(self, epoch: int, kind: str, value: str) -> bytes:
        """The same under a given epoch; EpochUnavailable where that one is shut."""
        return _token(self._index_key(epoch), kind, value)

    def identifier_tokens(self, kind: str, value: str) -> tuple[tuple[int, bytes], ...]:
        """Epoch and token under each key that the index may have it under, the active one first."""
        return tuple((one, self.token_under(one, kind, value)) for one in self.live_epochs)

    def suppression_token(self, purpose: str, address: str) -> bytes:
        """Token of the suppression register, under a key of its own that does not rotate (L41)."""
        return _token(self._suppression_key, purpose, address)

    def cursor_mac(self, message: bytes) -> bytes:
        """Seals a place in a list, so that callers cannot make up cursors of their own (A11)."""
        return _cursor_mac(self._index_keys[self.active_epoch], message)

    def is_cursor_mac(self, message: bytes, mac: bytes) -> bool:
        """Whether it was sealed here, under whichever epoch: a page may be asked for much later."""
        made = (_cursor_mac(key, message) for key in self._index_keys.values())
        return any(hmac.compare_digest(mac, one) for one in made)

    def keyring_mac(self, epoch: int, digest: bytes) -> bytes:
        """Says that a keyring was written by whoever holds the root of its active epoch."""
        return self._index_key(epoch).digest(b"ledger/keyring/v1" + digest)

    def _index_key(self, epoch: int) -> Mac:
        key = self._index_keys.get(epoch)
        if key is None:
            raise EpochUnavailable(f"epoch {epoch} has no root in custody")
        return key

    def file_mac(self, subject_id: UUID, digest: str) -> bytes:
        """Names a file of one person by a digest of its id elsewhere, which may be guessable.

        Under the active epoch: whoever has the log alone cannot try names, and after the epoch
        nobody can.
        """
        key = self._index_keys[self.active_epoch]
        return key.digest(prefixed(b"ledger/file/v1", str(subject_id).encode(), digest.encode()))

    def new_register_key(self, context: str) -> bytes:
        """A fresh HMAC key for a register, wrapped under the active epoch."""
        return wrap(
            self._epochs[self.active_epoch],
            random_bytes(KEY_SIZE_BYTES),
            nonce=random_bytes(NONCE_SIZE_BYTES),
            bound_to=self._register_context(context),
        )

    def register_key(self, context: str, wrapped: bytes) -> bytes | None:
        """The HMAC key inside; None when no open epoch wrapped it."""
        bound_to = self._register_context(context)
        opened = (unwrap(epoch, wrapped, bound_to=bound_to) for epoch in self._epochs.values())
        return next((key for key in opened if key is not None), None)

    def opens_register_key(self, context: str, wrapped: bytes) -> bool:
        """Whether the active epoch opens it, with no help of one that leaves."""
        bound_to = self._register_context(context)
        return unwrap(self._epochs[self.active_epoch], wrapped, bound_to=bound_to) is not None

    def register_key_rewrapped(self, context: str, wrapped: bytes) -> bytes | None:
        """The same HMAC key under the active epoch; None when no open epoch wrapped it."""
        key = self.register_key(context, wrapped)
        if key is None:
            return None
        again = wrap(
            self._epochs[self.active_epoch],
            key,
            nonce=random_bytes(NONCE_SIZE_BYTES),
            bound_to=self._register_context(context),
        )
        if self.register_key(context, again) != key:
            raise EpochUnavailable("the active epoch does not give back what it was given")
        return again

    def _material(
        self, key_id: UUID, retention_class: str, epoch: int, wrapped: bytes
    ) -> bytes | None:
        epoch_cipher = self._epochs.get(epoch)
        if epoch_cipher is None:
            return None
        context = wrapping_context(self._ledger_id, key_id, retention_class, epoch)
        return unwrap(epoch_cipher, wrapped, bound_to=context)

    def _epoch_context(self, epoch: int) -> bytes:
        return prefixed(b"ledger/epoch/v1", str(self._ledger_id).encode(), str(epoch).encode())

    def _register_context(self, context: str) -> bytes:
        return prefixed(b"ledger/register/v1", str(self._ledger_id).encode(), context.encode())


def _cursor_mac(key: Mac, message: bytes) -> bytes:
    return key.digest(b"ledger/cursor/v1" + message)[:TOKEN_SIZE_BYTES]


def _token(key: Mac, kind: str, value: str) -> bytes:
    return key.digest(prefixed(kind.encode(), value.encode()))[:TOKEN_SIZE_BYTES]
