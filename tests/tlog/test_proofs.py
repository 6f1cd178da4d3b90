"""Proofs built of tiles are those of the definition, and verification refuses all others."""

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.tlog.edge import Edge
from app.tlog.merkle import EMPTY_ROOT
from app.tlog.proofs import (
    ProofInvalid,
    Span,
    consistency_spans,
    hashes_of,
    inclusion_spans,
    tiles_for,
    verify_consistency,
    verify_inclusion,
)
from app.tlog.tiles import TilePlace
from tests.tlog import reference

SIZE = 66_200
LEAVES = [reference.leaf(b"%d" % number) for number in range(SIZE)]
SIZES = st.one_of(
    st.integers(1, 1100),
    st.sampled_from([255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537, 65_793, SIZE]),
)


def all_tiles(size: int) -> Mapping[TilePlace, bytes]:
    """Every tile of the tree, full or not, as a log of this size serves it."""
    edge, full = Edge().extended(LEAVES[:size])
    tiles = {one.place: one.hashes for one in full}
    for level, hashes in enumerate(edge.partial):
        tiles[TilePlace(level, (size >> 8 * level) // 256)] = hashes
    return tiles


TILES = all_tiles(SIZE)


def built(spans: Sequence[Span], tiles: Mapping[TilePlace, bytes] = TILES) -> tuple[bytes, ...]:
    return hashes_of(spans, {place: tiles[place] for place in tiles_for(spans)})


@settings(max_examples=25, deadline=None)
@given(SIZES, st.data())
def test_an_inclusion_proof_is_the_audit_path(size: int, data: st.DataObject) -> None:
    """RFC 6962 §2.1.1; built of the tiles of a tree that has grown since."""
    index = data.draw(st.integers(0, size - 1))
    leaves = LEAVES[:size]
    path = built(inclusion_spans(index, size))

    assert list(path) == reference.path(index, leaves)
    verify_inclusion(LEAVES[index], index, size, path=path, root=reference.mth(leaves))


@settings(max_examples=25, deadline=None)
@given(SIZES, st.data())
def test_a_consistency_proof_is_that_of_the_definition(size: int, data: st.DataObject) -> None:
    """RFC 6962 §2.1.2."""
    first = data.draw(st.integers(0, size))
    leaves = LEAVES[:size]
    roots = (reference.mth(leaves[:first]), reference.mth(leaves))
    path = built(consistency_spans(first, size))

    assert list(path) == ([] if first == 0 else reference.proof(first, leaves))
    verify_consistency(first, size, roots=roots, path=path)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 600), st.data())
def test_a_proof_needs_no_tile_that_the_tree_of_its_size_lacks(
    size: int, data: st.DataObject
) -> None:
    first = data.draw(st.integers(0, size))
    index = data.draw(st.integers(0, size - 1))
    spans = (*consistency_spans(first, size), *inclusion_spans(index, size))

    assert built(spans, all_tiles(size)) == built(spans)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 300), st.data())
def test_no_other_inclusion_is_proved(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    path, root = list(built(inclusion_spans(index, size))), reference.mth(LEAVES[:size])
    other = data.draw(st.integers(0, size - 1).filter(lambda one: one != index)) if size > 1 else 1
    wrong = [
        (LEAVES[SIZE - 1], index, size, path, root),
        (LEAVES[index], other, size, path, root),
        (LEAVES[index], -1, size, path, root),
        (LEAVES[index], size, size, path, root),
        (LEAVES[index], index, size, [*path, root], root),
        (LEAVES[index], index, size, path, reference.mth(LEAVES[: size + 1])),
    ]
    if path:
        at = data.draw(st.integers(0, len(path) - 1))
        flipped = bytes((path[at][0] ^ 1,)) + path[at][1:]
        wrong += [
            (LEAVES[index], index, size, path[:-1], root),
            (LEAVES[index], index, size, [*path[:at], flipped, *path[at + 1 :]], root),
        ]

    for leaf, where, total, hashes, top in wrong:
        with pytest.raises(ProofInvalid):
            verify_inclusion(leaf, where, total, path=hashes, root=top)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 300), st.data())
def test_no_other_consistency_is_proved(size: int, data: st.DataObject) -> None:
    first = data.draw(st.integers(1, size))
    roots = (reference.mth(LEAVES[:first]), reference.mth(LEAVES[:size]))
    fork = reference.mth([*LEAVES[: first - 1], LEAVES[SIZE - 1]])
    path = list(built(consistency_spans(first, size)))
    wrong = [
        (first, size, (fork, roots[1]), path),
        (first, size, (roots[0], fork), path),
        (first, size, roots, [*path, roots[0]]),
        (size + 1, size, roots, path),
        (-1, size, roots, path),
        (0, size, roots, path),
    ]
    if path:
        at = data.draw(st.integers(0, len(path) - 1))
        flipped = bytes((path[at][0] ^ 1,)) + path[at][1:]
        wrong += [
            (first, size, roots, path[:-1]),
            (first, size, roots, []),
            (first, size, roots, [*path[:at], flipped, *path[at + 1 :]]),
        ]

    for old, new, both, hashes in wrong:
        with pytest.raises(ProofInvalid):
            verify_consistency(old, new, roots=both, path=hashes)


def test_the_empty_tree_begins_every_tree_and_nothing_else_is_empty() -> None:
    root = reference.mth(LEAVES[:5])

    verify_consistency(0, 5, roots=(EMPTY_ROOT, root), path=())
    verify_consistency(0, 0, roots=(EMPTY_ROOT, EMPTY_ROOT), path=())
    with pytest.raises(ProofInvalid):
        verify_consistency(0, 5, roots=(root, root), path=())
    with pytest.raises(ProofInvalid):
        verify_consistency(0, 0, roots=(root, root), path=())


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0)])
def test_a_leaf_outside_of_the_tree_has_no_proof(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="no such leaf"):
        inclusion_spans(index, size)


@pytest.mark.parametrize(("first", "second"), [(-1, 3), (4, 3)])
def test_a_larger_tree_begins_no_smaller_one(first: int, second: int) -> None:
    with pytest.raises(ValueError, match="not the smaller"):
        consistency_spans(first, second)


def test_a_tile_that_was_cut_off_gives_no_proof() -> None:
    spans = inclusion_spans(0, 300)
    tiles = {place: TILES[place][:64] for place in tiles_for(spans)}

    with pytest.raises(ProofInvalid, match="too short"):
        hashes_of(spans, tiles)
