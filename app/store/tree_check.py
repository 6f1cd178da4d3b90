"""Recomputes the tree from the entries and compares it with all that is stored and signed of it.

Entries in the order of their positions, hashed; each tile as it becomes full; the right edge; the
root at every size that was ever signed (RFC 6962 §2.1). Where an entry and the tree disagree, the
hash one level up says which of them was changed; the walk goes on with the other one, so that one
change is one finding. Memory holds a page of entries and of tiles.
"""

import hashlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from typing import TYPE_CHECKING, Final

from app.store.append import PARTITION
from app.store.checkpoint_check import (
    Trust,
    check_row,
    checkpoint_place,
    kept_roots,
    read_keys,
)
from app.store.integrity import Ahead, Verification, pages
from app.store.log_tree import KEYS_SQL
from app.store.stream_check import Finding, Row, Rule
from app.tlog.edge import Edge, EdgeMalformed
from app.tlog.merkle import HASH_SIZE_BYTES, CompactRange, complete_root, join
from app.tlog.notes import VerifierKey
from app.tlog.tiles import TILE_WIDTH, TilePath, TilePlace

if TYPE_CHECKING:
    from app.store.integrity import Connection

TILES_A_PAGE: Final = 64
NO_LEAF: Final = bytes(HASH_SIZE_BYTES)
"""Stands where an entry is missing; no entry has it."""

_NEWEST_SQL = """
SELECT size, root, note FROM ledger.log_checkpoint WHERE partition = $1 ORDER BY size DESC LIMIT 1
"""
_EDGE_SQL = "SELECT size, hashes FROM ledger.log_edge WHERE partition = $1"
_CHECKPOINTS_SQL = """
SELECT c.size, c.root, c.note,
       ARRAY(SELECT ROW(s.witness, s.line, extract(epoch FROM s.cosigned_at)::bigint)
               FROM ledger.log_cosignature s
              WHERE s.partition = c.partition AND s.size = c.size) AS cosignatures
  FROM ledger.log_checkpoint c WHERE c.partition = $1 AND c.size >= $2 ORDER BY c.size
"""
# Of checkpoints that are not there.
_FOREIGN_LINES_SQL = """
SELECT DISTINCT s.size FROM ledger.log_cosignature s
 WHERE NOT EXISTS (SELECT FROM ledger.log_checkpoint c
                    WHERE c.partition = s.partition AND c.size = s.size) ORDER BY 1
"""
_ENTRIES_SQL = """
SELECT position, entry FROM ledger.events WHERE partition = $1 AND position >= $2 ORDER BY position
"""
_TILES_SQL = """
SELECT idx, hashes FROM ledger.log_tile
 WHERE partition = $1 AND level = $2 AND idx >= $3 AND idx < $4
"""
_FOREIGN_SQL = """
SELECT level, idx FROM ledger.log_tile
 WHERE partition <> $1 OR level NOT BETWEEN 0 AND 6 OR idx < 0
    OR idx >= $2::bigint >> (8 * (level + 1)) ORDER BY level, idx
"""
_PLACE_SQL = "SELECT stream_id, version FROM ledger.events WHERE partition = $1 AND position = $2"


@dataclass(slots=True)
class TreeVerification:
    """What the tree was found to be."""

    size: int = 0
    """Entries that a checkpoint covers."""
    unsigned: int = 0
    """Entries after them: they wait to be signed, which takes up to 250 ms."""
    checkpoints: int = 0
    witnessed: int | None = None
    """The largest size that enough witnesses cosigned; the newest where none has to."""
    tiles: int = 0
    keys: tuple[VerifierKey, ...] = ()
    note: bytes | None = None
    """The newest checkpoint."""
    edge: Edge = field(default_factory=Edge)
    """The tree, as recomputed: whoever keeps it can go on from here."""


async def check_tree(
    connection: "Connection",
    trust: Trust,
    found: Verification,
    *,
    start: Edge | None = None,
    told: Callable[[int], None] | None = None,
) -> TreeVerification:
    """Checks all that comes after ``start`` within the transaction; ``told`` hears of each page."""
    keys = read_keys([row[0] for row in await connection.fetch(KEYS_SQL, PARTITION)], found.add)
    if trust.pinned and not set(keys).issubset(trust.keys):
        # What `/log/policy` shows, to whoever has no other word for it.
        place = "verifier key that was not brought along"
        found.add(Finding(Rule.VERIFIER_KEY_WRONG, None, None, place=place))
    walk = _Walk(connection, trust.with_keys(keys), found, start or Edge())
    return await walk.check(told or (lambda _count: None))


class _Walk:
    """From the left to the right edge."""

    def __init__(
        self, connection: "Connection", trust: Trust, found: Verification, start: Edge
    ) -> None:
        self._connection = connection
        self._trust = trust
        self._found = found
        self._done = TreeVerification(keys=trust.keys, edge=start)
        self._stored: Edge | None = None
        """The right edge as it is stored, where it is one of the size that was signed."""
        self._root: bytes | None = None
        """What the newest checkpoint's row says."""
        self._pages: dict[int, tuple[int, Mapping[int, bytes]]] = {}
        """Level -> the page of its tiles that was read last: its number, and hashes by index."""
        self._kept = kept_roots(trust, found.add)
        self._sizes = Ahead(
            pages(connection, _CHECKPOINTS_SQL, PARTITION, start.size), itemgetter("size")
        )

    async def check(self, told: Callable[[int], None]) -> TreeVerification:
        """Every leaf, tile, root and signature, then the edge."""
        done = self._done
        newest = await self._connection.fetchrow(_NEWEST_SQL, PARTITION)
        if newest is not None:
            done.size, self._root, done.note = newest
        for size in (*self._kept, done.edge.size):
            if size > done.size:
                self._add(Rule.LOG_SHORTENED, checkpoint_place(size))
        if done.edge.size > done.size:
            return done
        await self._read_edge()
        await self._check_sizes(_Roots(done.edge, []))
        async for leaves in self._tiles(told):
            await self._take(leaves)
        if newest is None and self._trust.keys:  # else it was never opened, as far as one can know
            self._add(Rule.LOG_UNSIGNED, checkpoint_place(0))
        if newest is not None and done.witnessed is None:
            self._add(Rule.QUORUM_MISSED, checkpoint_place(done.size))
        for row in await self._connection.fetch(_FOREIGN_LINES_SQL):
            self._add(Rule.COSIGNATURE_WRONG, checkpoint_place(row["size"]))
        if done.edge.size < done.size:
            self._add(Rule.LOG_SHORTENED, checkpoint_place(done.size))
        elif done.edge != self._stored:
            self._add(Rule.EDGE_ALTERED, "right edge")
        for row in await self._connection.fetch(_FOREIGN_SQL, PARTITION, done.size):
            self._add(Rule.TILE_UNACCOUNTED, _tile_place(TilePlace(row["level"], row["idx"])))
        return done

    async def _read_edge(self) -> None:
        row = await self._connection.fetchrow(_EDGE_SQL, PARTITION)
        try:
            edge = Edge.unpacked(row["size"], row["hashes"]) if row else None
        except (EdgeMalformed, ValueError):
            edge = None
        self._stored = edge if edge and edge.size == self._done.size else None

    async def _tiles(self, told: Callable[[int], None]) -> AsyncIterator[list[bytes]]:
        """Leaf hashes up to the end of each tile, and of what was signed; the rest is counted."""
        done, leaves = self._done, list[bytes]()
        position = done.edge.size
        async for page in pages(self._connection, _ENTRIES_SQL, PARTITION, position):
            leaves += await self._hashed(page, position)
            position = max(position, page[-1]["position"] + 1)
            if position > done.size:
                done.unsigned += sum(row["position"] >= done.size for row in page)
            while done.edge.size < done.size:
                wanted = min(TILE_WIDTH - done.edge.size % TILE_WIDTH, done.size - done.edge.size)
                if len(leaves) < wanted:
                    break
                yield leaves[:wanted]
                del leaves[:wanted]
            if done.edge.size == done.size:
                leaves.clear()
            told(len(page))
        if leaves:
            yield leaves  # entries are missing at the end: less is there than was signed

    async def _hashed(self, page: list[Row], expected: int) -> list[bytes]:
        """The leaf hashes of a page from a position on, NO_LEAF where an entry is missing."""
        sha256 = hashlib.sha256
        if [row["position"] for row in page] == list(range(expected, expected + len(page))):
            return [sha256(b"\x00" + row["entry"]).digest() for row in page]
        hashed: list[bytes] = []
        for row in page:
            position = row["position"]
            if position != expected:
                await self._add_entry(Rule.POSITION_GAP, position)
            if position >= expected:  # else it is given twice
                hashed += [NO_LEAF] * (min(position, max(expected, self._done.size)) - expected)
                hashed.append(sha256(b"\x00" + row["entry"]).digest())
                expected = position + 1
        return hashed

    async def _take(self, leaves: list[bytes]) -> None:
        """Compares up to a tile of leaves, and the tiles that become full, with what is stored."""
        done = self._done
        leaves = await self._settled(leaves)
        await self._check_sizes(_Roots(done.edge, leaves))
        done.edge, full = done.edge.extended(leaves)
        for tile in full:
            done.tiles += 1
            stored = await self._stored_tile(tile.place)
            if stored is None:
                self._add(Rule.TILE_MISSING, _tile_place(tile.place))
            elif stored != tile.hashes:
                self._add(Rule.TILE_ALTERED, _tile_place(tile.place))

    async def _settled(self, leaves: list[bytes]) -> list[bytes]:
        """The leaves to go on with: those of the tree, where it says that entries were changed."""
        before = self._done.edge.partial[0] if self._done.edge.partial else b""
        place = TilePlace(0, self._done.edge.size // TILE_WIDTH)
        ours = before + b"".join(leaves)
        stored, is_held = await self._leaves_of_tree(place, len(ours))
        if stored is None or stored == ours or not is_held:
            return leaves
        for at in range(0, len(ours), HASH_SIZE_BYTES):
            if ours[at : at + HASH_SIZE_BYTES] != stored[at : at + HASH_SIZE_BYTES]:
                position = place.index * TILE_WIDTH + at // HASH_SIZE_BYTES
                await self._add_entry(Rule.ENTRY_NOT_IN_TREE, position)
        rest = stored[len(before) :]
        return [rest[at : at + HASH_SIZE_BYTES] for at in range(0, len(rest), HASH_SIZE_BYTES)]

    async def _leaves_of_tree(self, place: TilePlace, size: int) -> tuple[bytes | None, bool]:
        """A tile of leaf hashes as it is stored, and whether what stands above it agrees."""
        if size == TILE_WIDTH * HASH_SIZE_BYTES:
            stored = await self._stored_tile(place)
            return stored, stored is not None and complete_root(stored) == await self._above(place)
        if self._stored is None or len(self._stored.partial[0]) != size:
            return None, False
        return self._stored.partial[0], self._stored.root() == self._root

    async def _above(self, place: TilePlace) -> bytes | None:
        """The hash of a tile as the level above has it stored."""
        parent = TilePlace(place.level + 1, place.index // TILE_WIDTH)
        if parent.width(self._done.size) == TILE_WIDTH:
            hashes = await self._stored_tile(parent)
        else:
            hashes = self._stored.partial[parent.level] if self._stored else None
        at = place.index % TILE_WIDTH * HASH_SIZE_BYTES
        return hashes[at : at + HASH_SIZE_BYTES] if hashes else None

    async def _stored_tile(self, place: TilePlace) -> bytes | None:
        """A full tile; its neighbours are read along with it."""
        number = place.index // TILES_A_PAGE
        if self._pages.get(place.level, (-1,))[0] != number:
            ends = (number * TILES_A_PAGE, (number + 1) * TILES_A_PAGE)
            rows = await self._connection.fetch(_TILES_SQL, PARTITION, place.level, *ends)
            self._pages[place.level] = (number, dict(rows))
        return self._pages[place.level][1].get(place.index)

    async def _check_sizes(self, roots: "_Roots") -> None:
        """The checkpoints of sizes that a tile makes, those that were kept included."""
        rows = await self._sizes.up_to(roots.last)
        kept = [size for size in self._kept if roots.first <= size <= roots.last]
        root_at = {size: roots.at(size) for size in sorted({*kept, *(row["size"] for row in rows)})}
        for row in rows:
            self._done.checkpoints += 1
            checked = check_row(row, self._trust)
            for finding in checked.findings:
                self._found.add(finding)
            if checked.witnessed:
                self._done.witnessed = row["size"]
            if row["root"] != root_at[row["size"]]:
                self._add(Rule.ROOT_WRONG, checkpoint_place(row["size"]))
        for size in kept:
            if self._kept[size] != {root_at[size]}:
                self._add(Rule.LOG_FORKED, checkpoint_place(size))

    def _add(self, rule: Rule, place: str) -> None:
        self._found.add(Finding(rule, None, None, place=place))

    async def _add_entry(self, rule: Rule, position: int) -> None:
        """Names the entry's stream, too, where there is an entry."""
        row = await self._connection.fetchrow(_PLACE_SQL, PARTITION, position)
        self._found.add(Finding(rule, position, *(row or (None, None))))


class _Roots:
    """The roots of the sizes that some leaves, of one tile, make of a tree."""

    def __init__(self, edge: Edge, leaves: list[bytes]) -> None:
        self.first = edge.size + 1 if leaves else edge.size
        self.last = edge.size + len(leaves)
        self._edge = edge
        self._leaves = leaves
        self._tile: CompactRange | None = None
        self._above: list[bytes] = []

    def at(self, size: int) -> bytes:
        """The root at a size between the first and the last; sizes are asked for as they grow."""
        if self._tile is None:
            self._tile, self._above = CompactRange(), self._edge.subtrees(lowest=1)
            hashes = self._edge.partial[0] if self._edge.partial else b""
            for at in range(0, len(hashes), HASH_SIZE_BYTES):
                self._tile.append(hashes[at : at + HASH_SIZE_BYTES])
        taken = self._tile.size - self._edge.size % TILE_WIDTH
        for leaf in self._leaves[taken : size - self._edge.size]:
            self._tile.append(leaf)
        return join([*self._above, *self._tile.subtrees])


def _tile_place(place: TilePlace) -> str:
    """How a finding names a tile."""
    return f"tile {TilePath(place)}"
