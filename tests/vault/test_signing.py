"""Signatures of what people take along: by the standard, and by nobody else's key."""

from base64 import b64decode

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from app.vault.signing import Signer, is_signed, key_id

SEED = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
PUBLIC = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
SIGNED = bytes.fromhex(
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
    "d25bf5f0595bbe24655141438e7a100b"
)


def test_a_signature_is_the_one_of_the_standard() -> None:
    """RFC 8032 §7.1, test 1."""
    signer = Signer(SEED)

    assert signer.public_key == PUBLIC
    assert signer.sign(b"") == SIGNED
    assert is_signed(b"", SIGNED, PUBLIC)


def test_the_key_is_told_in_two_forms_and_named_by_its_hash() -> None:
    signer = Signer(SEED)
    lines = signer.public_pem.strip().split("\n")

    load_pem_public_key(signer.public_pem.encode())
    assert b64decode("".join(lines[1:-1])).endswith(PUBLIC)
    assert signer.key_id == key_id(PUBLIC) == "21fe31dfa154a261626bf854046fd227"


@pytest.mark.parametrize(
    ("message", "signature", "key"),
    [
        (b"x", SIGNED, PUBLIC),
        (b"", SIGNED[:-1] + b"\x00", PUBLIC),
        (b"", SIGNED[:-1], PUBLIC),
        (b"", b"", PUBLIC),
        (b"", SIGNED, PUBLIC[:-1]),
        (b"", SIGNED, Signer(b"\x01" * 32).public_key),
    ],
)
def test_anything_else_was_not_signed(message: bytes, signature: bytes, key: bytes) -> None:
    assert not is_signed(message, signature, key)
