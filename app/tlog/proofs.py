"""Inclusion and consistency proofs (RFC 6962 §2.1.1, §2.1.2): planned, built of tiles, verified.

Building takes three pure steps around one reading: which ranges of leaves the proof hashes, which
tiles those lie in, and, once the tiles are at hand, the hashes themselves.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from app.tlog.merkle import EMPTY_ROOT, HASH_SIZE_BYTES, complete_root, join, node_hash
from app.tlog.tiles import TILE_HEIGHT, TILE_WIDTH, TilePlace


class ProofInvalid(Exception):
    """The proof does not prove it. Whoever relied on it must not."""


@dataclass(frozen=True, slots=True)
class Span:
    """The leaves from ``start`` up to, without, ``end``, which one hash of a proof stands for."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Subtree:
    """A complete subtree of 2^height leaves, the index-th of its height."""

    height: int
    index: int

    @property
    def place(self) -> TilePlace:
        """The tile that its hash is computed from."""
        return TilePlace(self.height // TILE_HEIGHT, self._first // TILE_WIDTH)

    def hash(self, tile: bytes) -> bytes:
        """Its hash, out of that tile."""
        start = self._first % TILE_WIDTH * HASH_SIZE_BYTES
        end = start + HASH_SIZE_BYTES * 2 ** (self.height % TILE_HEIGHT)
        if end > len(tile):
            raise ProofInvalid("a tile is too short")
        return complete_root(tile[start:end])

    @property
    def _first(self) -> int:
        """Index of its first hash in the level of its tile."""
        return self.index << self.height % TILE_HEIGHT


def inclusion_spans(index: int, size: int) -> tuple[Span, ...]:
    """PATH(m, D[n]), from the leaf's sibling up; the leaf must be in the tree."""
    if not 0 <= index < size:
        raise ValueError("no such leaf in the tree")
    spans: list[Span] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            spans.append(Span(middle, end))
            end = middle
        else:
            spans.append(Span(start, middle))
            start = middle
    return tuple(reversed(spans))


def consistency_spans(first: int, second: int) -> tuple[Span, ...]:
    """PROOF(m, D[n]); none between a tree and itself, or from the empty tree."""
    if not 0 <= first <= second:
        raise ValueError("the first tree is not the smaller one")
    if first in (0, second):
        return ()
    spans: list[Span] = []
    start, end, known = 0, second, True
    while end != first:
        middle = start + _split(end - start)
        if first <= middle:
            spans.append(Span(middle, end))
            end = middle
        else:
            spans.append(Span(start, middle))
            start, known = middle, False
    if not known:
        spans.append(Span(start, end))
    return tuple(reversed(spans))


def tiles_for(spans: Iterable[Span]) -> frozenset[TilePlace]:
    """The tiles that the hashes of the spans are computed from."""
    return frozenset(subtree.place for span in spans for subtree in _subtrees(span))


def hashes_of(spans: Iterable[Span], tiles: Mapping[TilePlace, bytes]) -> tuple[bytes, ...]:
    """The proof, out of the tiles that `tiles_for` named."""
    return tuple(
        join(subtree.hash(tiles[subtree.place]) for subtree in _subtrees(span)) for span in spans
    )


def verify_inclusion(
    leaf: bytes, index: int, size: int, *, path: Sequence[bytes], root: bytes
) -> None:
    """ProofInvalid unless this leaf hash is at this index of the tree (RFC 9162 §2.1.3.2)."""
    if not 0 <= index < size:
        raise ProofInvalid("no such leaf in the tree")
    fn, sn, reached = index, size - 1, leaf
    for sibling in path:
        if sn == 0:
            raise ProofInvalid("the path is too long")
        if fn & 1 or fn == sn:
            reached = node_hash(sibling, reached)
            fn, sn = _past_right_edge(fn, sn)
        else:
            reached = node_hash(reached, sibling)
        fn, sn = fn >> 1, sn >> 1
    if sn != 0:
        raise ProofInvalid("the path is too short")
    if reached != root:
        raise ProofInvalid("the path leads to another root")


def verify_consistency(
    first: int, second: int, *, roots: tuple[bytes, bytes], path: Sequence[bytes]
) -> None:
    """ProofInvalid unless the tree of ``second`` leaves begins with that of ``first``.

    ``roots`` are theirs, in this order (RFC 9162 §2.1.4.2).
    """
    if not 0 <= first <= second:
        raise ProofInvalid("the first tree is not the smaller one")
    if first in (0, second):
        if path or roots[0] != (roots[1] if first else EMPTY_ROOT):
            raise ProofInvalid("the trees differ")
        return
    rest = list(path)
    if first & (first - 1) == 0:
        rest.insert(0, roots[0])
    if not rest:
        raise ProofInvalid("the path is too short")
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    old = new = rest[0]
    for sibling in rest[1:]:
        if sn == 0:
            raise ProofInvalid("the path is too long")
        if fn & 1 or fn == sn:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            fn, sn = _past_right_edge(fn, sn)
        else:
            new = node_hash(new, sibling)
        fn, sn = fn >> 1, sn >> 1
    if sn != 0:
        raise ProofInvalid("the path is too short")
    if (old, new) != roots:
        raise ProofInvalid("the path leads to other roots")


def _past_right_edge(fn: int, sn: int) -> tuple[int, int]:
    """Skips the levels where the node at the right edge has no sibling."""
    while not fn & 1 and fn:
        fn, sn = fn >> 1, sn >> 1
    return fn, sn


def _split(size: int) -> int:
    """The largest power of two below."""
    return 1 << (size - 1).bit_length() - 1


def _subtrees(span: Span) -> Iterable[_Subtree]:
    """The complete subtrees side by side that a span consists of, the largest first.

    A span of a proof starts at a multiple of any power of two that fits into it.
    """
    at = span.start
    while at < span.end:
        height = (span.end - at).bit_length() - 1
        yield _Subtree(height, at >> height)
        at += 1 << height
