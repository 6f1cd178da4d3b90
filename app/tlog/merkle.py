"""RFC 6962 §2.1: SHA-256 Merkle tree hashes of leaves, nodes and whole lists; pure."""

import hashlib
from collections.abc import Iterable

HASH_SIZE_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()
"""The tree hash of no leaves at all."""


def leaf_hash(entry: bytes) -> bytes:
    """SHA-256(0x00 ‖ entry): no leaf can pass for a node."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 ‖ left ‖ right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class CompactRange:
    """All that the root of a growing list depends on: its complete subtrees, the largest first.

    There is one for every 1 in the binary form of ``size``. Adding a leaf joins those that are
    complete with it, as when one counts in binary.
    """

    __slots__ = ("size", "subtrees")

    def __init__(self) -> None:
        self.size = 0
        self.subtrees: list[bytes] = []

    def append(self, leaf: bytes) -> None:
        """Adds the hash of one leaf."""
        self.size += 1
        subtree = leaf
        # One subtree is complete for every zero that the size ends on in binary.
        for _ in range((self.size & -self.size).bit_length() - 1):
            subtree = node_hash(self.subtrees.pop(), subtree)
        self.subtrees.append(subtree)

    def root(self) -> bytes:
        """The tree hash: joined from the right, that is split at the largest power of two."""
        return join(self.subtrees)


def join(subtrees: Iterable[bytes]) -> bytes:
    """The tree hash over complete subtrees that stand side by side, each smaller than the last."""
    rest = list(subtrees)
    if not rest:
        return EMPTY_ROOT
    whole = rest.pop()
    while rest:
        whole = node_hash(rest.pop(), whole)
    return whole


def root(leaves: Iterable[bytes]) -> bytes:
    """The tree hash over leaf hashes in their order."""
    tree = CompactRange()
    for leaf in leaves:
        tree.append(leaf)
    return tree.root()


def root_of_entries(entries: Iterable[bytes]) -> bytes:
    """The tree hash over entries, each hashed as a leaf."""
    return root(map(leaf_hash, entries))


def complete_root(hashes: bytes) -> bytes:
    """The tree hash over 2ⁿ hashes, given one after the other: level by level, twice as fast."""
    sha256 = hashlib.sha256
    while len(hashes) > HASH_SIZE_BYTES:
        hashes = b"".join(
            [
                sha256(b"\x01" + hashes[at : at + 64]).digest()
                for at in range(0, len(hashes), 2 * HASH_SIZE_BYTES)
            ]
        )
    return hashes
