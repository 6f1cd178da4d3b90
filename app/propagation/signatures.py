"""Standard Webhooks 1.0.0: keys, and the signatures that a receiver checks (A18)."""

import hashlib
import hmac
from base64 import b64encode
from enum import StrEnum
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

KEY_SIZE_BYTES: Final = 32


class Scheme(StrEnum):
    """How deliveries are signed. With v1a the receiver holds no secret."""

    HMAC_SHA256 = "v1"
    ED25519 = "v1a"


def signature(scheme: Scheme, key: bytes, *, message_id: str, at: int, body: bytes) -> str:
    """One signature of `id.timestamp.body`, behind the name of its scheme."""
    signed = b"%b.%d.%b" % (message_id.encode(), at, body)
    if scheme is Scheme.HMAC_SHA256:
        made = hmac.digest(key, signed, hashlib.sha256)
    else:
        made = Ed25519PrivateKey.from_private_bytes(key).sign(signed)
    return f"{scheme.value},{b64encode(made).decode()}"


def headers(
    scheme: Scheme, keys: tuple[bytes, ...], *, message_id: str, at: int, body: bytes
) -> dict[str, str]:
    """The three headers; while keys overlap there is a signature by each."""
    made = [signature(scheme, key, message_id=message_id, at=at, body=body) for key in keys]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(at),
        "webhook-signature": " ".join(made),
    }


def shown_secret(key: bytes) -> str:
    """An HMAC key as its receiver is told it, once."""
    return f"whsec_{b64encode(key).decode()}"


def shown_public_key(key: bytes) -> str:
    """The public half of an Ed25519 key, which is no secret."""
    public = Ed25519PrivateKey.from_private_bytes(key).public_key()
    return f"whpk_{b64encode(public.public_bytes_raw()).decode()}"
