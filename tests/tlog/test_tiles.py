"""Tiles and bundles: their paths, their widths, and how a tree grows by them (C2SP tlog-tiles)."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.tlog.edge import Edge, EdgeMalformed
from app.tlog.merkle import CompactRange
from app.tlog.tiles import (
    LEVEL_MAX,
    BundleMalformed,
    TilePath,
    TilePathMalformed,
    TilePlace,
    bundle,
    bundle_path,
    entries_in,
    levels,
    tile_path,
)
from tests.tlog import reference

LEAVES = [reference.leaf(b"%d" % number) for number in range(70_000)]


@pytest.mark.parametrize(
    ("text", "level", "index", "width"),
    [
        ("0/000", 0, 0, 256),
        ("63/x001/x234/067", 63, 1_234_067, 256),
        ("1/017.p/17", 1, 17, 17),
        ("0/x001/000.p/255", 0, 1000, 255),
        ("10/999.p/1", 10, 999, 1),
    ],
)
def test_a_path_says_level_index_and_width(text: str, level: int, index: int, width: int) -> None:
    path = TilePath(TilePlace(level, index), width)

    assert tile_path(text) == path
    assert str(path) == text
    assert bundle_path(path.below_level()) == TilePath(TilePlace(0, index), width)


MALFORMED = [
    "",
    "0",
    "0/",
    "0/0",
    "0/00",
    "0/0000",
    "00/000",
    "01/000",
    "64/000",
    "100/000",
    "-1/000",
    "0/x000/000",
    "0/x000/x001/000",
    "0/001/000",
    "0/x001",
    "0/x001/x000",
    "0/x1/000",
    "0/x999/x999/x999/x999/x999/x999/x999/999",
    "0/000.p",
    "0/000.p/",
    "0/000.p/0",
    "0/000.p/01",
    "0/000.p/256",
    "0/000.p/999",
    "0/000.p/-1",
    "0/000/",
    "/0/000",
    "0//000",
    "0/000.p/1/",
    "0/\u0660\u0660\u0660",
    "0/000\n",
    "0/000.p/1\n",
    "data/000",
    "entries/000",
]


@pytest.mark.parametrize("text", MALFORMED)
def test_another_path_is_no_tile_s(text: str) -> None:
    with pytest.raises(TilePathMalformed):
        tile_path(text)
    with pytest.raises(TilePathMalformed):
        bundle_path(text if text in ("", "00/000") else text.removeprefix("0/"))


@given(st.text(alphabet="0123x/.p-\n", max_size=20))
def test_a_path_has_one_form(text: str) -> None:
    try:
        path = tile_path(text)
    except TilePathMalformed:
        return
    assert str(path) == text


@given(st.integers(0, LEVEL_MAX), st.integers(0, 2**63 - 1), st.integers(1, 256))
def test_every_place_has_a_path(level: int, index: int, width: int) -> None:
    path = TilePath(TilePlace(level, index), width)

    assert tile_path(str(path)) == path


def test_a_tree_of_70000_has_the_tiles_that_the_specification_says() -> None:
    widths = {
        (level, index): width
        for level in range(4)
        for index in range(300)
        if (width := TilePlace(level, index).width(70_000))
    }

    assert widths == {(0, index): 256 for index in range(273)} | {
        (0, 273): 112,
        (1, 0): 256,
        (1, 1): 17,
        (2, 0): 1,
    }
    assert levels(70_000) == 3
    assert [levels(size) for size in (0, 1, 255, 256, 65_535, 65_536)] == [0, 1, 1, 2, 2, 3]
    assert TilePlace(LEVEL_MAX, 0).width(2**60) == 0


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, 1500), max_size=8))
def test_a_tree_grows_by_full_tiles_and_its_edge(steps: list[int]) -> None:
    edge = Edge()
    tiles: dict[TilePlace, bytes] = {}
    for step in steps:
        edge, full = edge.extended(LEAVES[edge.size : edge.size + step])
        assert not {one.place for one in full} & tiles.keys(), "a full tile is made once"
        tiles |= {one.place: one.hashes for one in full}
        assert Edge.unpacked(edge.size, edge.packed()) == edge
    leaves = LEAVES[: edge.size]

    assert edge.size == sum(steps)
    assert edge.root() == reference.mth(leaves)
    for level, hashes in enumerate(edge.partial):
        index = (edge.size >> 8 * level) // 256
        assert hashes == reference.tile(level, index, leaves)
    for place, hashes in tiles.items():
        assert len(hashes) == 8192
        assert hashes == reference.tile(place.level, place.index, leaves)
    assert len(tiles) == edge.size // 256 + edge.size // 65_536


def test_growing_past_a_tile_of_tiles_is_the_same_at_once_and_in_two_steps() -> None:
    at_once, _ = Edge().extended(LEAVES[:66_000])
    first, _ = Edge().extended(LEAVES[:65_535])
    stepwise, full = first.extended(LEAVES[65_535:66_000])

    assert at_once == stepwise
    assert [(one.place.level, one.place.index) for one in full] == [(0, 255), (0, 256), (1, 0)]
    assert at_once.root() == reference.mth(LEAVES[:66_000])


def test_nothing_added_changes_nothing() -> None:
    edge, _ = Edge().extended(LEAVES[:300])

    assert edge.extended([]) == (edge, ())


@pytest.mark.parametrize(("size", "length"), [(0, 32), (1, 0), (1, 31), (256, 64), (257, 32)])
def test_an_edge_of_another_size_is_none(size: int, length: int) -> None:
    with pytest.raises(EdgeMalformed):
        Edge.unpacked(size, b"\x00" * length)


@given(st.integers(0, 700))
def test_a_compact_range_has_a_subtree_for_every_one_of_its_size(size: int) -> None:
    tree = CompactRange()
    for leaf in LEAVES[:size]:
        tree.append(leaf)

    assert len(tree.subtrees) == size.bit_count()
    assert tree.root() == reference.mth(LEAVES[:size])


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_a_bundle_gives_back_its_entries(entries: list[bytes]) -> None:
    assert list(entries_in(bundle(entries))) == entries


def test_the_longest_entry_fits_a_bundle() -> None:
    longest = b"x" * 65_535

    assert list(entries_in(bundle([longest, b""]))) == [longest, b""]


@pytest.mark.parametrize("data", [b"\x00", b"\x00\x02a", b"\x00\x01ab"])
def test_a_bundle_that_breaks_off_is_none(data: bytes) -> None:
    with pytest.raises(BundleMalformed):
        list(entries_in(data))
