"""C2SP tlog-tiles: which tiles a tree has, where they lie, and what is in a bundle of entries."""

import re
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from app.tlog.merkle import HASH_SIZE_BYTES

TILE_HEIGHT: Final = 8
TILE_WIDTH: Final = 2**TILE_HEIGHT
TILE_SIZE_BYTES: Final = TILE_WIDTH * HASH_SIZE_BYTES
LEVEL_MAX: Final = 63
INDEX_MAX: Final = 2**63 - 1
"""The largest number that PostgreSQL keeps; no tree comes near it."""
PREFIX: Final = struct.Struct(">H")
"""The length in front of each entry of a bundle."""

_PATH = re.compile(
    r"(?:(?P<level>0|[1-9][0-9]?)/)?"
    r"(?P<index>(?:x[0-9]{3}/){0,6}[0-9]{3})"
    r"(?:\.p/(?P<width>[1-9][0-9]{0,2}))?",
    re.ASCII,
)


class TilePathMalformed(ValueError):
    """No tile of any tree has this path. Does not name it."""


class BundleMalformed(ValueError):
    """The bytes are no bundle of entries."""


@dataclass(frozen=True, slots=True)
class TilePlace:
    """Level and index of a tile; a tile of entries lies where that of level 0 lies."""

    level: int
    index: int

    def width(self, size: int) -> int:
        """How many hashes a tree of this size has in it: 256 when full, 0 when it is not there."""
        return max(0, min(TILE_WIDTH, hashes_at(self.level, size) - self.index * TILE_WIDTH))


@dataclass(frozen=True, slots=True)
class TilePath:
    """What a path asks for: so many of a tile's hashes, from its first on."""

    place: TilePlace
    width: int = TILE_WIDTH

    def __str__(self) -> str:
        return f"{self.place.level}/{self.below_level()}"

    def below_level(self) -> str:
        """Index and width: what comes after the level, or after `entries`."""
        partial = "" if self.width == TILE_WIDTH else f".p/{self.width}"
        return index_path(self.place.index) + partial


def index_path(index: int) -> str:
    """An index in groups of three digits: 1234067 is `x001/x234/067`."""
    groups = f"{index:,}".split(",")
    groups[0] = groups[0].zfill(3)
    return "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])


def tile_path(text: str) -> TilePath:
    """`L/N[.p/W]`, read strictly; TilePathMalformed for every other text."""
    found = _PATH.fullmatch(text)
    if found is None or found["level"] is None:
        raise TilePathMalformed
    return _path(int(found["level"]), found)


def bundle_path(text: str) -> TilePath:
    """`N[.p/W]`, read strictly; TilePathMalformed for every other text."""
    found = _PATH.fullmatch(text)
    if found is None or found["level"] is not None:
        raise TilePathMalformed
    return _path(0, found)


def hashes_at(level: int, size: int) -> int:
    """How many complete subtrees of 256^level leaves a tree of this size begins with."""
    return size >> (TILE_HEIGHT * level)


def levels(size: int) -> int:
    """How many levels of tiles a tree has: a full tile has its hash in the level above."""
    return -(-size.bit_length() // TILE_HEIGHT)


def bundle(entries: Iterable[bytes]) -> bytes:
    """Entries one after the other, each behind its length."""
    return b"".join([PREFIX.pack(len(entry)) + entry for entry in entries])


def entries_in(data: bytes) -> Iterator[bytes]:
    """The entries of a bundle in order; BundleMalformed where it breaks off."""
    at = 0
    while at < len(data):
        start = at + PREFIX.size
        if start > len(data):
            raise BundleMalformed
        (length,) = PREFIX.unpack_from(data, at)
        at = start + length
        if at > len(data):
            raise BundleMalformed
        yield data[start:at]


def _path(level: int, found: re.Match[str]) -> TilePath:
    index = int(found["index"].replace("x", "").replace("/", ""))
    width = TILE_WIDTH if found["width"] is None else int(found["width"])
    path = TilePath(TilePlace(level, index), width)
    if level > LEVEL_MAX or index > INDEX_MAX or index_path(index) != found["index"]:
        raise TilePathMalformed
    if found["width"] is not None and width >= TILE_WIDTH:
        raise TilePathMalformed
    return path
