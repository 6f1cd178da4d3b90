"""Reads the transparency log: checkpoints, tiles, entries and verifier keys, as they are stored."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from app.store.append import PARTITION
from app.tlog.cosignatures import CosignatureInvalid, witness_key
from app.tlog.edge import Edge
from app.tlog.merkle import EMPTY_ROOT, HASH_SIZE_BYTES, leaf_hash
from app.tlog.notes import (
    Note,
    NoteMalformed,
    Signature,
    VerifierKey,
    VerifierKeyMalformed,
    read_note,
    signature_line,
    verifier_key,
)
from app.tlog.proofs import ProofInvalid, Span, hashes_of, tiles_for
from app.tlog.tiles import TILE_WIDTH, TilePath, TilePlace, hashes_at

_CHECKPOINT_SQL = """
SELECT c.size, c.note,
       ARRAY(SELECT ROW(s.witness, s.line) FROM ledger.log_cosignature s
              WHERE s.partition = c.partition AND s.size = c.size
              ORDER BY s.received_at, s.witness LIMIT 32) AS cosignatures
  FROM ledger.log_checkpoint c WHERE c.partition = $1 {which}
"""
PAGE_SIZE = 4096
"""Entries that are hashed at once."""
NEWEST_SQL = _CHECKPOINT_SQL.format(which="ORDER BY c.size DESC LIMIT 1")
CHECKPOINT_SQL = _CHECKPOINT_SQL.format(which="AND c.size = $2")
# A probe for each tile, never a join: a plan made while the table was small would scan it. The edge
# is read in the same snapshot, since a tile may become full at any moment.
TILES_SQL = """
SELECT level, idx, (SELECT t.hashes FROM ledger.log_tile t
                     WHERE t.partition = $1 AND t.level = wanted.level AND t.idx = wanted.idx)
  FROM unnest($2::int[], $3::bigint[]) AS wanted(level, idx)
UNION ALL
SELECT NULL, size, hashes FROM ledger.log_edge WHERE partition = $1
"""
ENTRIES_SQL = """
SELECT entry FROM ledger.events
 WHERE partition = $1 AND position >= $2 AND position < $3 ORDER BY position
"""
APPENDED_SQL = "SELECT coalesce(max(position), -1) + 1 FROM ledger.events WHERE partition = $1"
EDGE_SQL = "SELECT size, hashes FROM ledger.log_edge WHERE partition = $1"
POSITION_SQL = "SELECT position FROM ledger.events WHERE partition = $1 AND event_id = $2"
KEYS_SQL = "SELECT vkey FROM ledger.log_key WHERE partition = $1 ORDER BY opened_at DESC"
# `at` stands at a fixed place of every entry: bytes 8 to 34 (DESIGN 4).
STANDING_SQL = """
SELECT e.size,
       coalesce((SELECT max(position) FROM ledger.events WHERE partition = $1), -1) + 1 AS appended,
       (SELECT extract(epoch FROM clock_timestamp()
                 - convert_from(substring(w.entry FROM 8 FOR 27), 'UTF8')::timestamptz)::float8
          FROM ledger.events w WHERE w.partition = $1 AND w.position = e.size) AS lag_s
  FROM ledger.log_edge e WHERE e.partition = $1
"""


class LogDamaged(Exception):
    """Tiles or entries that a checkpoint covers are not there, or do not fit each other."""


@dataclass(frozen=True, slots=True)
class SignedTree:
    """A checkpoint that was published, under the log's line and those of witnesses."""

    size: int
    note: Note


@dataclass(frozen=True, slots=True)
class Standing:
    """How far the tree has come."""

    size: int
    lag: int
    """Entries that were appended and are not in the tree."""
    lag_s: float
    """How long the oldest of them has waited."""


class LogTree:
    """The published tree of the ledger's one partition."""

    def __init__(self, pool: "asyncpg.Pool[Any]") -> None:
        self._pool = pool

    async def newest(self) -> SignedTree | None:
        """The newest checkpoint; None before the log was opened."""
        return _signed_tree(await self._pool.fetchrow(NEWEST_SQL, PARTITION))

    async def of_size(self, size: int) -> SignedTree | None:
        """The checkpoint of exactly that size; None when none was signed."""
        return _signed_tree(await self._pool.fetchrow(CHECKPOINT_SQL, PARTITION, size))

    async def tiles(self, places: Collection[TilePlace]) -> Mapping[TilePlace, bytes]:
        """The hashes of tiles, all that there are of each by now; those that are not are left out.

        ``places`` have levels that the tree can have (0 to 7).
        """
        wanted = list(places)
        rows = await self._pool.fetch(
            TILES_SQL, PARTITION, [one.level for one in wanted], [one.index for one in wanted]
        )
        found: dict[TilePlace, bytes] = {}
        edge = Edge()
        for level, index, hashes in rows:
            if level is None:
                edge = Edge.unpacked(index, hashes)
            elif hashes is not None:
                found[TilePlace(level, index)] = hashes
        for level, hashes in enumerate(edge.partial):
            place = TilePlace(level, hashes_at(level, edge.size) // TILE_WIDTH)
            if hashes and place in wanted:
                found[place] = hashes
        return found

    async def hashes(self, spans: Sequence[Span]) -> tuple[bytes, ...]:
        """The hashes of a proof, over spans that the tree has; LogDamaged."""
        tiles = await self.tiles(tiles_for(spans))
        try:
            return hashes_of(spans, tiles)
        except (KeyError, ProofInvalid):
            raise LogDamaged from None

    async def tile(self, path: TilePath) -> bytes:
        """The hashes of one tile that the tree has, up to a width; LogDamaged."""
        hashes = (await self.tiles([path.place])).get(path.place, b"")
        wanted = hashes[: path.width * HASH_SIZE_BYTES]
        if len(wanted) != path.width * HASH_SIZE_BYTES:
            raise LogDamaged
        return wanted

    async def bundle(self, path: TilePath) -> list[bytes]:
        """The entries under one tile of the lowest level, up to a width; LogDamaged."""
        entries = await self.entries(path.place.index * TILE_WIDTH, path.width)
        if len(entries) != path.width:
            raise LogDamaged
        return entries

    async def entries(self, start: int, count: int) -> list[bytes]:
        """So many entries from a position on, as they were appended; fewer at the end."""
        rows = await self._pool.fetch(ENTRIES_SQL, PARTITION, start, start + count)
        return [row[0] for row in rows]

    async def appended(self) -> int:
        """How many entries the log holds, signed or not."""
        return int(await self._pool.fetchval(APPENDED_SQL, PARTITION))

    async def root(self, size: int) -> bytes | None:
        """The root over the first so many entries, also of those that are not integrated so far.

        None when the tiles are not those of a tree, or the entries are not there.
        """
        row = await self._pool.fetchrow(EDGE_SQL, PARTITION)
        assert row is not None, "every partition has its edge"
        edge = Edge.unpacked(row["size"], row["hashes"])
        if size <= edge.size:
            try:
                return (await self.hashes([Span(0, size)]))[0] if size else EMPTY_ROOT
            except LogDamaged:
                return None
        while edge.size < size:
            entries = await self.entries(edge.size, min(PAGE_SIZE, size - edge.size))
            if not entries:
                return None
            edge, _ = edge.extended([leaf_hash(entry) for entry in entries])
        return edge.root()

    async def position_of(self, event_id: UUID) -> int | None:
        """Where an event stands; None for an id that nothing has."""
        position: int | None = await self._pool.fetchval(POSITION_SQL, PARTITION, event_id)
        return position

    async def keys(self) -> tuple[VerifierKey, ...]:
        """The keys that sign, or once signed, checkpoints of this log; the newest first."""
        return tuple(verifier_key(row[0]) for row in await self._pool.fetch(KEYS_SQL, PARTITION))

    async def standing(self) -> Standing:
        """Size and lag, of one snapshot."""
        row = await self._pool.fetchrow(STANDING_SQL, PARTITION)
        assert row is not None, "every partition has its edge"
        return Standing(row["size"], row["appended"] - row["size"], max(row["lag_s"] or 0.0, 0.0))


def _signed_tree(row: Any) -> SignedTree | None:  # Any: a row, or None
    if row is None:
        return None
    note = read_note(row["note"])
    lines = [_cosignature(note.text, *one) for one in row["cosignatures"]]
    signatures = (*note.signatures, *(line for line in lines if line is not None))
    return SignedTree(row["size"], Note(note.text, signatures))


def _cosignature(text: str, witness: str, line: str) -> Signature | None:
    """The line if it is what its row says: one that is not would spoil the whole note."""
    try:
        signature = signature_line(line)
        witness_key(witness).cosigned_at_s(text, signature)
    except (NoteMalformed, VerifierKeyMalformed, CosignatureInvalid):
        return None
    return signature
