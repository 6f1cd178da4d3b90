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


def root(leaves: Iterable[bytes]) -> bytes:
    """The tree hash over leaf hashes in their order.

    Complete subtrees are joined as soon as they are there, as when one counts in binary; what is
    left at the end is joined from the right. That is the split at the largest power of two.
    """
    subtrees: list[bytes] = []
    for count, leaf in enumerate(leaves, 1):
        subtree = leaf
        # One subtree is complete for every zero that the count ends on in binary.
        for _ in range((count & -count).bit_length() - 1):
            subtree = node_hash(subtrees.pop(), subtree)
        subtrees.append(subtree)
    if not subtrees:
        return EMPTY_ROOT
    whole = subtrees.pop()
    while subtrees:
        whole = node_hash(subtrees.pop(), whole)
    return whole


def root_of_entries(entries: Iterable[bytes]) -> bytes:
    """The tree hash over entries, each hashed as a leaf."""
    return root(map(leaf_hash, entries))
