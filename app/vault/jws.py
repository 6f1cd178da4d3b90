"""Signed files that people keep: compact JWS (RFC 7515) by Ed25519 (RFC 9864), payload inside.

One file, its own bytes signed: whoever has it and the public key checks it with any JOSE library,
offline, and needs no canonical form of JSON for that.
"""

from base64 import urlsafe_b64encode
from typing import Final

import msgspec

from app.vault.signing import ALGORITHM, Signer

MEDIA_TYPE: Final = "application/jose"


def compact_jws(signer: Signer, payload: bytes, content_type: str) -> bytes:
    """The payload with its signature, and the id of the key in the header."""
    header = {"alg": ALGORITHM, "cty": content_type, "kid": signer.key_id, "typ": "JOSE"}
    signed = b".".join((_encoded(msgspec.json.encode(header)), _encoded(payload)))
    return b".".join((signed, _encoded(signer.sign(signed))))


def _encoded(raw: bytes) -> bytes:
    return urlsafe_b64encode(raw).rstrip(b"=")
