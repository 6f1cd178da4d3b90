"""The keys of one process: what each opens, what each token is bound to, and what stays shut."""

import hashlib
import hmac
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.identifiers import LedgerId
from app.vault.custody import FileCustody
from app.vault.key_vault import DataKey, EpochUnavailable, KeyVault
from app.vault.sealing import commitment, prefixed, unwrap, wrapping_context

LEDGER = LedgerId(UUID("fe14010b-4fe8-4303-852f-0467c919ef9a"))
SUBJECT = UUID("5f0c1c56-3f0e-4f7c-9a53-0d6a2f1f8b11")
DIGEST = "ab" * 32


def opened(keys: Path, *epochs: int, ledger: LedgerId = LEDGER) -> KeyVault:
    """A vault with fresh epochs, the last of them active."""
    vault = KeyVault(ledger, FileCustody(keys))
    vault.open_epochs({epoch: vault.new_epoch_key(epoch) for epoch in epochs}, active=epochs[-1])
    return vault


def epoch_key(keys: Path, epoch: int, wrapped: bytes) -> bytes:
    """What is inside a wrapped epoch key, opened by the root in the file."""
    place = prefixed(b"ledger/epoch/v1", str(LEDGER).encode(), str(epoch).encode())
    inside = unwrap(
        AESGCM((keys / f"epoch-{epoch:04d}.root").read_bytes()), wrapped, bound_to=place
    )
    assert inside is not None
    return inside


def test_an_epoch_key_is_thirty_two_bytes_under_the_root_of_its_epoch(tmp_path: Path) -> None:
    vault = KeyVault(LEDGER, FileCustody(tmp_path))

    first, second = vault.new_epoch_key(1), vault.new_epoch_key(1)

    assert len(epoch_key(tmp_path, 1, first)) == 32
    assert epoch_key(tmp_path, 1, first) != epoch_key(tmp_path, 1, second)
    assert first[1:13] != second[1:13]


def test_an_epoch_without_its_root_stays_shut(tmp_path: Path) -> None:
    vault = opened(tmp_path, 1, 2)
    wrapped = {epoch: vault.new_epoch_key(epoch) for epoch in (1, 2)}
    (tmp_path / "epoch-0001.root").unlink()

    vault.open_epochs(wrapped, active=2)

    assert vault.active_epoch == 2
    made = vault.new_data_key("participation", "2026")
    key_id = made.data_key.key_id
    assert vault.data_key(key_id, "participation", 2, made.wrapped) is not None
    assert vault.data_key(key_id, "participation", 1, made.wrapped) is None
    with pytest.raises(EpochUnavailable):
        vault.open_epochs(wrapped, active=1)


def test_an_epoch_key_of_another_ledger_or_epoch_stays_shut(tmp_path: Path) -> None:
    vault = opened(tmp_path, 1)
    stranger = KeyVault(LedgerId(SUBJECT), FileCustody(tmp_path))

    with pytest.raises(EpochUnavailable):
        stranger.open_epochs({1: vault.new_epoch_key(1)}, active=1)
    with pytest.raises(EpochUnavailable):
        vault.open_epochs({2: vault.new_epoch_key(1)}, active=2)


def test_opening_epochs_forgets_those_that_are_gone(tmp_path: Path) -> None:
    vault = opened(tmp_path, 1)
    made = vault.new_data_key("participation", "2026")
    register = vault.new_register_key("idempotency")

    vault.open_epochs({2: vault.new_epoch_key(2)}, active=2)

    assert vault.data_key(made.data_key.key_id, "participation", 1, made.wrapped) is None
    assert vault.register_key("idempotency", register) is None


def test_a_data_key_is_made_once_and_committed_to(tmp_path: Path) -> None:
    vault = opened(tmp_path, 1, 2)

    made, other = (vault.new_data_key("participation", "2026") for _ in range(2))

    assert (made.retention_class, made.generation, made.epoch) == ("participation", "2026", 2)
    assert made.data_key.key_id != other.data_key.key_id
    assert made.wrapped[1:13] != other.wrapped[1:13]
    assert len(made.wrapped) == 61
    key_id = made.data_key.key_id
    assert made.commitment not in (other.commitment, commitment(b"", key_id))
    assert_same_key(made.data_key, vault.data_key(key_id, "participation", 2, made.wrapped))


def assert_same_key(first: DataKey, second: DataKey | None) -> None:
    """What one seals the other opens."""
    assert second is not None
    assert first.key_id == second.key_id
    nonce = bytes(12)
    assert second.cipher.decrypt(nonce, first.cipher.encrypt(nonce, b"text", b""), b"") == b"text"


def test_a_commitment_is_to_the_very_key_that_is_stored(tmp_path: Path) -> None:
    vault = KeyVault(LEDGER, FileCustody(tmp_path))
    wrapped_epoch = vault.new_epoch_key(1)
    vault.open_epochs({1: wrapped_epoch}, active=1)

    made = vault.new_data_key("participation", "2026")

    key_id = made.data_key.key_id
    place = wrapping_context(LEDGER, key_id, "participation", 1)
    cipher = AESGCM(epoch_key(tmp_path, 1, wrapped_epoch))
    material = unwrap(cipher, made.wrapped, bound_to=place)
    assert material is not None
    assert len(material) == 32
    assert made.commitment == commitment(material, key_id)


def test_a_row_of_the_keyring_cannot_be_moved(tmp_path: Path) -> None:
    vault = opened(tmp_path, 1)
    made = vault.new_data_key("participation", "2026")
    key_id = made.data_key.key_id

    assert vault.data_key(SUBJECT, "participation", 1, made.wrapped) is None
    assert vault.data_key(key_id, "accounting", 1, made.wrapped) is None
    assert vault.data_key(key_id, "participation", 1, made.wrapped[:-1] + b"\x00\x00") is None


def test_the_tokens_are_those_of_the_design(tmp_path: Path) -> None:
    """128 bits of HMAC, the identifier's under a key of the epoch, the suppression's for good."""
    vault = KeyVault(LEDGER, FileCustody(tmp_path))
    wrapped = {epoch: vault.new_epoch_key(epoch) for epoch in (1, 2)}
    vault.open_epochs(wrapped, active=2)

    index_key = hmac.digest(epoch_key(tmp_path, 2, wrapped[2]), b"ledger/blind-index/v1", "sha256")
    register_key = (tmp_path / "suppression.key").read_bytes()

    def code(key: bytes, message: bytes) -> bytes:
        return hmac.digest(key, message, hashlib.sha256)

    message = b"\x00\x00\x00\x05email\x00\x00\x00\x03a@b"
    assert vault.identifier_token("email", "a@b") == code(index_key, message)[:16]
    assert vault.suppression_token("email", "a@b") == code(register_key, message)[:16]
    assert vault.cursor_mac(b"place") == code(index_key, b"ledger/cursor/v1place")[:16]
    named = prefixed(b"ledger/file/v1", str(SUBJECT).encode(), DIGEST.encode())
    assert vault.file_mac(SUBJECT, DIGEST) == code(index_key, named)


def test_only_the_suppression_register_outlives_an_epoch(tmp_path: Path) -> None:
    """An objection to marketing is kept as long as the ledger (L41)."""
    vault = opened(tmp_path, 1)
    identifier = vault.identifier_token("email", "a@b")
    suppressed = vault.suppression_token("newsletter", "a@b")

    vault.open_epochs({2: vault.new_epoch_key(2)}, active=2)

    assert vault.identifier_token("email", "a@b") != identifier
    assert vault.suppression_token("newsletter", "a@b") == suppressed


def test_a_register_key_opens_in_any_open_epoch_and_for_its_register_alone(tmp_path: Path) -> None:
    vault = KeyVault(LEDGER, FileCustody(tmp_path))
    wrapped = {epoch: vault.new_epoch_key(epoch) for epoch in (1, 2)}
    vault.open_epochs(wrapped, active=1)
    made = vault.new_register_key("idempotency 7")
    vault.open_epochs(wrapped, active=2)

    key = vault.register_key("idempotency 7", made)

    assert key is not None
    assert len(key) == 32
    place = prefixed(b"ledger/register/v1", str(LEDGER).encode(), b"idempotency 7")
    cipher = AESGCM(epoch_key(tmp_path, 1, wrapped[1]))
    assert unwrap(cipher, made, bound_to=place) == key
    assert vault.register_key("idempotency 8", made) is None
    assert vault.register_key("idempotency 7", vault.new_register_key("idempotency 7")) is not None
    assert made[1:13] != vault.new_register_key("idempotency 7")[1:13]


def test_a_vault_knows_its_ledger_and_starts_without_an_epoch(tmp_path: Path) -> None:
    vault = KeyVault(LEDGER, FileCustody(tmp_path))

    assert vault.ledger_id == LEDGER
    assert vault.active_epoch == 0
    with pytest.raises(KeyError):
        vault.new_data_key("participation", "2026")
