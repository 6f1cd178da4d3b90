"""Signed receipts: one Ed25519 signature over the Merkle root of what one flush appended; pure.

A leaf is SHA-256(0x00 ‖ line), a line the text of one event as its receipt tells it. The tree over
the lines is that of RFC 6962 §2.1. What is signed is a C2SP signed note of four lines: the key's
name, `receipts` and the number of lines, the root in base64, and the newest recorded time.
"""

from base64 import b64encode
from bisect import bisect_left
from collections.abc import Sequence
from operator import attrgetter
from typing import Final
from uuid import UUID

from app.tlog.merkle import leaf_hash, node_hash
from app.tlog.notes import Sign, Signature, VerifierKey
from app.tlog.proofs import ProofInvalid
from app.values import Value

MERGE_DELAY_S: Final = 3600
"""How long after its time a receipt is honoured at the latest; a second is what is usual."""
WORD: Final = "receipts"
"""Second line of the note. It is no number, so that no reader takes the note for a checkpoint."""
ENTRY_WORD: Final = "entry"
"""Stands there where one entry alone is promised."""
RECEIPT_KEY_LINE: Final = "# receipts "
"""Begins a line of a tlog-policy with a key of receipts: a comment to everybody else."""

_POSITION: Final = attrgetter("position")


class BatchLine(Value, frozen=True):
    """One event of a batch, with all that its receipt says of it."""

    position: int
    stream_id: UUID
    version: int
    event_id: UUID
    type: str
    at: str
    """Recorded time as the entry has it: RFC 3339 in UTC with six digits."""
    entry_hash: bytes
    """The leaf hash of the entry in the log."""

    def leaf(self) -> bytes:
        """Its leaf hash in the batch's tree."""
        return leaf_hash(
            b"%d %b %d %b %b %b %b"
            % (
                self.position,
                str(self.stream_id).encode(),
                self.version,
                str(self.event_id).encode(),
                self.type.encode(),
                self.at.encode(),
                b64encode(self.entry_hash),
            )
        )


class SignedLines(Value, frozen=True):
    """What makes some lines of a batch a signed receipt."""

    name: str
    """Of the key."""
    at: str
    """The newest time of the batch; the log owes the entries MERGE_DELAY_S later."""
    index: int
    """Place of the receipt's first line in the batch."""
    size: int
    """Lines of the batch."""
    path: tuple[bytes, ...]
    """The hashes beside the receipt's lines, from the leaves up, on each level left before right.

    For a single line that is the inclusion proof of RFC 6962 §2.1.1.
    """
    signature: bytes
    """Key id and signature, as the line of a signed note has them."""


class PromisedEntry(Value, frozen=True):
    """That one entry stands at one place, and nothing of what kind it is or how many were before.

    For an answer that must not tell more: whether a person was known is personal data.
    """

    position: int
    stream_id: UUID
    at: str
    """Recorded time as the entry has it."""
    entry_hash: bytes
    """The leaf hash of the entry in the log."""

    def statement(self, name: str) -> str:
        """The four lines that are signed by the key of that name."""
        entry = b64encode(self.entry_hash).decode()
        return f"{name}\n{ENTRY_WORD} {self.position} {self.stream_id}\n{entry}\n{self.at}\n"


class Batch:
    """The events of one flush, in the order of their positions; signed when somebody asks."""

    __slots__ = ("_at", "_key", "_levels", "_sign", "_signature", "asked", "lines")

    def __init__(self, lines: Sequence[BatchLine], key: VerifierKey, sign: Sign) -> None:
        self.lines = lines
        self.asked = False
        """Whether anybody was given a receipt of it."""
        self._key = key
        self._sign = sign
        self._levels: list[list[bytes]] = []
        self._at = ""
        self._signature = b""

    @property
    def is_signed(self) -> bool:
        """Whether the signature was made already."""
        return bool(self._signature)

    def sign(self) -> None:
        """Makes the one signature, once: ahead of time, or when the first proof is asked for."""
        if self._signature:
            return
        self._levels = levels([line.leaf() for line in self.lines])
        self._at = max(line.at for line in self.lines)
        text = statement(self._key.name, len(self.lines), self._levels[-1][0], self._at)
        made = self._key.sign(text, self._sign)
        self._signature = made.key_id + made.signature

    def signed(self, position: int, count: int) -> SignedLines:
        """The proof for so many lines from the one at a position on."""
        self.asked = True
        self.sign()
        index = bisect_left(self.lines, position, key=_POSITION)
        return SignedLines(
            self._key.name,
            self._at,
            index,
            len(self.lines),
            span_path(self._levels, index, index + count),
            self._signature,
        )


class ReceiptKey:
    """The key that signs receipts: its public half, and how to sign with the other one."""

    __slots__ = ("_sign", "verifier_key")

    def __init__(self, verifier_key: VerifierKey, sign: Sign) -> None:
        self.verifier_key = verifier_key
        self._sign = sign

    def batch(self, lines: Sequence[BatchLine]) -> Batch:
        """What was appended together, to be signed by this key."""
        return Batch(lines, self.verifier_key, self._sign)

    def promise(self, entry: PromisedEntry) -> bytes:
        """Key id and signature over one entry: the same bytes whenever it is asked for."""
        made = self.verifier_key.sign(entry.statement(self.verifier_key.name), self._sign)
        return made.key_id + made.signature


def key_name(ledger_id: UUID) -> str:
    """The name of a ledger's receipt keys, which no recovery changes."""
    return f"{ledger_id}.ledger.invalid/{WORD}"


def statement(name: str, size: int, root: bytes, at: str) -> str:
    """The four lines that are signed."""
    return f"{name}\n{WORD} {size}\n{b64encode(root).decode()}\n{at}\n"


def note_line(name: str, signature: bytes) -> Signature:
    """The signature as a line of the note."""
    return Signature(name, signature[:4], signature[4:])


def levels(leaves: Sequence[bytes]) -> list[list[bytes]]:
    """The tree from the leaves to the root: a node without a sibling stands on the next level, too.

    It is the tree of RFC 6962, which splits at the largest power of two.
    """
    rows = [list(leaves)]
    while len(row := rows[-1]) > 1:
        above = [node_hash(row[at], row[at + 1]) for at in range(0, len(row) - 1, 2)]
        rows.append([*above, row[-1]] if len(row) % 2 else above)
    return rows


def span_path(rows: Sequence[Sequence[bytes]], start: int, end: int) -> tuple[bytes, ...]:
    """The hashes that, with the leaves from ``start`` up to ``end``, lead to the root."""
    path: list[bytes] = []
    for row in rows[:-1]:
        if start % 2:
            path.append(row[start - 1])
        if end % 2 and end < len(row):
            path.append(row[end])
        start, end = start // 2, (end + 1) // 2
    return tuple(path)


def root_by_span(leaves: Sequence[bytes], start: int, size: int, path: Sequence[bytes]) -> bytes:
    """The root of the tree of ``size`` leaves that these are part of; ProofInvalid otherwise."""
    end, row, beside = start + len(leaves), list(leaves), iter(path)
    if not leaves or start < 0 or end > size:
        raise ProofInvalid("no such leaves in the tree")
    try:
        while size > 1:
            if start % 2:
                row.insert(0, next(beside))
            if end % 2 and end < size:
                row.append(next(beside))
            above = [node_hash(row[at], row[at + 1]) for at in range(0, len(row) - 1, 2)]
            row = [*above, row[-1]] if len(row) % 2 else above
            start, end, size = start // 2, (end + 1) // 2, (size + 1) // 2
    except StopIteration:
        raise ProofInvalid("the path is too short") from None
    if next(beside, None) is not None:
        raise ProofInvalid("the path is too long")
    return row[0]
