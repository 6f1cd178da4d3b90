"""C2SP tlog-checkpoint: origin, size and root of a tree as the text of a note; pure.

No extension lines: nobody could audit them, and not every kind of cosignature covers them.
"""

import binascii
import re
from base64 import b64decode, b64encode
from dataclasses import dataclass

from app.tlog.merkle import HASH_SIZE_BYTES

_TEXT = re.compile(
    r"(?P<origin>[^\n]+)\n(?P<size>0|[1-9][0-9]{0,18})\n(?P<root>[^\n]+)\n", re.ASCII
)


SIZE_MAX = 2**63 - 1
"""The largest number that PostgreSQL keeps; no tree comes near it."""


class CheckpointMalformed(ValueError):
    """The text is no checkpoint, or one with extension lines. Does not quote it."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log commits itself to."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """The three lines that are signed."""
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n"


def checkpoint(text: str) -> Checkpoint:
    """A checkpoint, read strictly; CheckpointMalformed for every other text."""
    found = _TEXT.fullmatch(text)
    if found is None:
        raise CheckpointMalformed
    try:
        root = b64decode(found["root"], validate=True)
    except (binascii.Error, ValueError):
        raise CheckpointMalformed from None
    made = Checkpoint(found["origin"], int(found["size"]), root)
    # The text is compared, since one root has several base64 texts for a lenient reader.
    if len(root) != HASH_SIZE_BYTES or made.size > SIZE_MAX or made.text() != text:
        raise CheckpointMalformed
    return made
