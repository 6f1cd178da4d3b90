"""Signs what people take along and can show to others: packages and receipts (Ed25519, RFC 8032).

One key for the life of a ledger, kept in custody beside the roots. It opens nothing and outlives
every epoch: a signature that was once given can be checked as long as its bytes are kept.
"""

import hashlib
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

PUBLIC_KEY_SIZE_BYTES: Final = 32
ALGORITHM: Final = "Ed25519"


class Signer:
    """The signing key of one ledger; only signatures and the public half leave it."""

    def __init__(self, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        public = self._key.public_key()
        self.public_key: Final = public.public_bytes_raw()
        self.key_id: Final = key_id(self.public_key)
        self.public_pem: Final = public.public_bytes(
            Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
        ).decode()

    def sign(self, message: bytes) -> bytes:
        """64 bytes, the same for the same message."""
        return self._key.sign(message)


def key_id(public_key: bytes) -> str:
    """The short name of a key: half the SHA-256 of its 32 bytes, in hex."""
    return hashlib.sha256(public_key).hexdigest()[:32]


def is_signed(message: bytes, signature: bytes, public_key: bytes) -> bool:
    """Whether the key signed exactly these bytes; no key that is malformed ever did."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
