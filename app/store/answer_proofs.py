"""Builds the proofs that answers carry: entries under a checkpoint, without waiting for one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg

from app.store.cosignatures import Cosignatures
from app.store.log_tree import LogTree, SignedTree
from app.tlog.answer_proofs import entry_value, proof_value
from app.tlog.notes import Note
from app.tlog.proofs import inclusion_spans
from app.tlog.trust_policies import NOBODY, TrustPolicy

Value: TypeAlias = dict[str, Any]  # Any: a JSON value
Entry: TypeAlias = tuple[int, bytes]
"""Position and entry."""

STREAM_SQL = """
SELECT position, entry FROM ledger.events
 WHERE stream_id = $1 AND version <= $2 ORDER BY version
"""


@dataclass(frozen=True, slots=True)
class Anchor:
    """One entry of a chain with its path to a checkpoint; those before it hang on it."""

    note: Note | None
    position: int | None
    """None while all of the chain is too young."""
    path: tuple[bytes, ...]


def proof_of(chain: Sequence[Entry], anchor: Anchor, receipt: Value | None = None) -> Value:
    """Entries of one stream, each under the one after it, and one of them under a checkpoint."""
    entries = [
        entry_value(position, entry, anchor.path if position == anchor.position else None)
        for position, entry in chain
    ]
    return proof_value(entries, anchor.note, receipt if chain[-1][0] != anchor.position else None)


class AnswerProofs:
    """Proves under the newest checkpoint that the policy of the log is content with."""

    def __init__(self, pool: "asyncpg.Pool[Any]", policy: TrustPolicy) -> None:
        self._pool = pool
        self._policy = policy
        self._log = LogTree(pool)

    async def of_stream(
        self, stream_id: UUID, versions: int, receipt: Value | None = None
    ) -> Value:
        """So many entries of a stream, from its first on; the newest in the tree has a path.

        ``receipt`` promises the last one, which may be too young for any checkpoint.
        """
        rows = [tuple(row) for row in await self._pool.fetch(STREAM_SQL, stream_id, versions)]
        return await self.of_chain(rows, receipt)

    async def of_chain(self, chain: Sequence[Entry], receipt: Value | None = None) -> Value:
        """The same for entries of one stream that are at hand."""
        return proof_of(chain, await self.anchor([position for position, _ in chain]), receipt)

    async def anchor(self, positions: Sequence[int]) -> Anchor:
        """Where a chain of entries at these positions hangs: the newest that is in the tree."""
        return await self.anchor_in(await self.tree(), positions)

    async def anchor_in(self, tree: SignedTree | None, positions: Sequence[int]) -> Anchor:
        """The same in a tree that is at hand."""
        if tree is None:
            return Anchor(None, None, ())
        anchor = max((one for one in positions if one < tree.size), default=None)
        path = () if anchor is None else await self._path(anchor, tree.size)
        return Anchor(tree.note, anchor, path)

    async def of_each(self, entries: Sequence[Entry]) -> Value | None:
        """Entries that need not follow each other, each with its path; None while one is young."""
        tree = await self.tree()
        if tree is None or any(position >= tree.size for position, _ in entries):
            return None
        proved = [
            entry_value(position, entry, await self._path(position, tree.size))
            for position, entry in entries
        ]
        return proof_value(proved, tree.note)

    async def tree(self) -> SignedTree | None:
        """The newest checkpoint that the policy of the log is content with."""
        if self._policy.quorum == NOBODY:
            return await self._log.newest()
        size = await Cosignatures(self._pool).newest_size(self._policy)
        return None if size is None else await self._log.of_size(size)

    async def _path(self, position: int, size: int) -> tuple[bytes, ...]:
        return await self._log.hashes(inclusion_spans(position, size))
