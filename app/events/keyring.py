"""Rows of the keyring that were put right, on the control stream (Art. 32; L34).

No key changes by it, and none comes back that was destroyed.
"""

from enum import StrEnum
from uuid import UUID

from app.events.declare import event
from app.identifiers import Digest


class MendedBy(StrEnum):
    """From where it was known what the rows must be."""

    LOG = "log"
    """The entries that were sealed under the key name its person and its class."""
    KEYRING = "keyring"
    """An exported keyring had the key in a wrapping that opens."""


@event("keyring.mended", version=1)
class KeyringMended:
    """Rows that had been altered or damaged say again what they must."""

    source: MendedBy
    file: Digest | None
    """SHA-256 of the content of the keyring."""
    keys: tuple[UUID, ...]
    """Ids of the data keys."""
