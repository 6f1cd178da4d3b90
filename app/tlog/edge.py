"""The right edge of a tree: its tiles that are not full, and how they grow; pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from app.tlog.merkle import HASH_SIZE_BYTES, CompactRange, complete_root, join
from app.tlog.tiles import TILE_SIZE_BYTES, TILE_WIDTH, TilePlace, hashes_at, levels


class EdgeMalformed(ValueError):
    """The hashes are not as many as the edge of a tree of this size has."""


@dataclass(frozen=True, slots=True)
class FullTile:
    """A tile that will never change again."""

    place: TilePlace
    hashes: bytes


@dataclass(frozen=True, slots=True)
class Edge:
    """A tree by its size and, from the leaves up, the partial tile of each level, maybe empty.

    All that it takes to go on with the tree, and to know its root.
    """

    size: int = 0
    partial: tuple[bytes, ...] = ()

    @classmethod
    def unpacked(cls, size: int, hashes: bytes) -> Self:
        """The edge out of what `packed` made of it."""
        partial, at = [], 0
        for level in range(levels(size)):
            end = at + partial_width(level, size) * HASH_SIZE_BYTES
            partial.append(hashes[at:end])
            at = end
        if at != len(hashes):
            raise EdgeMalformed
        return cls(size, tuple(partial))

    def packed(self) -> bytes:
        """The hashes of every level, one after the other; the size tells how many each has."""
        return b"".join(self.partial)

    def root(self) -> bytes:
        """The tree hash of everything from the first leaf on."""
        return join(self.subtrees())

    def subtrees(self, *, lowest: int = 0) -> list[bytes]:
        """The complete subtrees side by side, the largest first; those of a level and above."""
        subtrees: list[bytes] = []
        for hashes in reversed(self.partial[lowest:]):
            tile = CompactRange()
            for at in range(0, len(hashes), HASH_SIZE_BYTES):
                tile.append(hashes[at : at + HASH_SIZE_BYTES])
            subtrees += tile.subtrees
        return subtrees

    def extended(self, leaves: Sequence[bytes]) -> tuple["Edge", tuple[FullTile, ...]]:
        """The tree with more leaves, given by their hashes, and the tiles that became full."""
        full: list[FullTile] = []
        partial: list[bytes] = []
        new, level = b"".join(leaves), 0
        while new or level < len(self.partial):
            before = self.partial[level] if level < len(self.partial) else b""
            first = hashes_at(level, self.size) // TILE_WIDTH
            hashes = before + new
            above: list[bytes] = []
            for at in range(0, len(hashes) - TILE_SIZE_BYTES + 1, TILE_SIZE_BYTES):
                tile = hashes[at : at + TILE_SIZE_BYTES]
                full.append(FullTile(TilePlace(level, first + len(above)), tile))
                above.append(complete_root(tile))
            partial.append(hashes[len(above) * TILE_SIZE_BYTES :])
            new, level = b"".join(above), level + 1
        return Edge(self.size + len(leaves), tuple(partial)), tuple(full)


def partial_width(level: int, size: int) -> int:
    """How many hashes the partial tile of a level has."""
    return hashes_at(level, size) % TILE_WIDTH
