"""Links that work without a log-in: unguessable, bound to what they are for, without a secret kept.

A token names a stream by its random id and what may be done, under a MAC of 128 bits. Nothing about
it is stored; it ends when the person's links are revoked, or when what it is for is over.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from enum import IntEnum
from typing import Final
from uuid import UUID

from app.vault.mac import Mac
from app.vault.sealing import prefixed

_MAC_SIZE_BYTES: Final = 16
_FIXED_SIZE_BYTES: Final = 1 + 16 + 2
TOKEN_LENGTH_MAX: Final = 200


class LinkKind(IntEnum):
    """What a link is for; a number on the wire, never used again for something else."""

    CONFIRM = 1
    """Confirms a sign-up or a consent that was asked for."""
    MAILING = 2
    """Ends mailings, and changes how one wants to hear."""
    POLICY = 3
    """Answers a change of the policy (C79)."""
    ANSWER = 4
    """Fetches the copy that answers a request (Arts. 15, 20)."""


@dataclass(frozen=True, slots=True)
class Link:
    """What a token says."""

    kind: LinkKind
    stream_id: UUID
    serial: int
    """The serial of the person's links when it was made."""
    about: str
    """A purpose, the id of a request, or the version of a policy."""


class LinkTokens:
    """Makes tokens, and reads those that it made itself."""

    def __init__(self, key: bytes) -> None:
        self._mac = Mac(key)

    def token(self, link: Link) -> str:
        """The token, for use in a URL."""
        said = (
            bytes([link.kind])
            + link.stream_id.bytes
            + link.serial.to_bytes(2, "big")
            + link.about.encode()
        )
        return _text(said + self._seal(said))

    def link(self, token: str) -> Link | None:
        """What a token says; None for one that this ledger did not make."""
        if len(token) > TOKEN_LENGTH_MAX:
            return None
        try:
            raw = urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
        except ValueError:
            return None
        if _text(raw) != token:  # the last character has bits to spare: one link has one token
            return None
        said, seal = raw[:-_MAC_SIZE_BYTES], raw[-_MAC_SIZE_BYTES:]
        if len(said) < _FIXED_SIZE_BYTES or not hmac.compare_digest(seal, self._seal(said)):
            return None
        serial = int.from_bytes(said[17:19], "big")
        return Link(LinkKind(said[0]), UUID(bytes=said[1:17]), serial, said[19:].decode())

    def _seal(self, said: bytes) -> bytes:
        return self._mac.digest(prefixed(b"ledger/link/v1", said))[:_MAC_SIZE_BYTES]


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")
