"""Checks time-stamps of a text by the certificates of their authority (RFC 3161); pure.

What is stamped of a checkpoint is its text: origin, size and root, each line with its end. Who
verifies one needs that text, the answer and the certificates; `openssl ts` does it as well.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

import rfc3161_client as tsp
from cryptography import x509


class StampInvalid(Exception):
    """The answer is no time-stamp of this text by this authority."""


@dataclass(frozen=True, slots=True)
class Certificates:
    """What vouches for an authority; without a root, nothing does."""

    roots: tuple[x509.Certificate, ...] = ()
    intermediates: tuple[x509.Certificate, ...] = ()

    def stamped_at(self, response: bytes, text: str, *, nonce: int | None = None) -> datetime:
        """When the text was stamped; StampInvalid unless the response proves it.

        The certificates must have been valid at that time, not now. ``nonce`` is that of the
        request, where it is known.
        """
        builder = tsp.VerifierBuilder(
            roots=list(self.roots), intermediates=list(self.intermediates), nonce=nonce
        )
        try:
            decoded = tsp.decode_timestamp_response(response)
            builder.build().verify_message(decoded, text.encode())
            return _moment(decoded)
        except (tsp.VerificationError, *_UNREADABLE):
            raise StampInvalid from None


def claimed_at(response: bytes, text: str) -> datetime:
    """The time that a response claims for the text, whoever made it; StampInvalid if of another.

    For who has no certificates: it shows that the response belongs there, and proves no time.
    """
    try:
        decoded = tsp.decode_timestamp_response(response)
        if decoded.tst_info.message_imprint.message == sha256(text.encode()).digest():
            return _moment(decoded)
    except _UNREADABLE:
        pass
    raise StampInvalid


# The decoder raises ValueError for bytes, and others for what the bytes do not have.
_UNREADABLE = (ValueError, TypeError, AttributeError)


def _moment(response: tsp.TimeStampResponse) -> datetime:
    at = response.tst_info.gen_time
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)
