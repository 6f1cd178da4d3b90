"""What witnesses said of our checkpoints: kept, and which checkpoint enough of them agree on."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import asyncpg

from app.store.append import PARTITION
from app.tlog.cosignatures import WitnessKey
from app.tlog.notes import Signature
from app.tlog.trust_policies import NOBODY, TrustPolicy

RECENT_MAX = 512
"""Cosignatures that are looked at for the newest checkpoint that enough witnesses agree on."""

ADD_SQL = "SELECT ledger.ledger_log_cosign($1, $2, $3, $4, $5)"
RECENT_SQL = """
SELECT size, witness FROM ledger.log_cosignature
 WHERE partition = $1 ORDER BY size DESC, witness LIMIT $2
"""
STANDING_SQL = """
SELECT w.witness, s.size, s.cosigned_at
  FROM unnest($2::text[]) AS w(witness)
  JOIN LATERAL (SELECT size, cosigned_at FROM ledger.log_cosignature c
                 WHERE c.partition = $1 AND c.witness = w.witness
                 ORDER BY c.size DESC LIMIT 1) s ON true
"""


@dataclass(frozen=True, slots=True)
class Reached:
    """The largest tree of ours that a witness cosigned, and when it did."""

    size: int
    cosigned_at: datetime


class Cosignatures:
    """Reads with the serving role; adds through the one function for it."""

    def __init__(self, pool: "asyncpg.Pool[Any]") -> None:
        self._pool = pool

    async def add(self, size: int, key: WitnessKey, line: Signature, *, at_s: int) -> None:
        """Keeps a line that was verified; a second one by the same witness changes nothing."""
        at = datetime.fromtimestamp(at_s, UTC)
        await self._pool.execute(ADD_SQL, PARTITION, size, str(key), str(line), at)

    async def reached(self, policy: TrustPolicy) -> dict[str, Reached]:
        """How far each witness of the policy has come, by its name there."""
        names = {str(one.key): one.name for one in policy.witnesses}
        rows = await self._pool.fetch(STANDING_SQL, PARTITION, list(names))
        return {names[row["witness"]]: Reached(row["size"], row["cosigned_at"]) for row in rows}

    async def newest_size(self, policy: TrustPolicy) -> int | None:
        """The largest size that enough witnesses cosigned; where none has to, that one did.

        None when there is none among the newest.
        """
        names = {str(one.key): one.name for one in policy.witnesses}
        by_size: dict[int, set[str]] = {}
        for size, witness in await self._pool.fetch(RECENT_SQL, PARTITION, RECENT_MAX):
            if witness in names:
                by_size.setdefault(size, set()).add(names[witness])
        for size, reached in by_size.items():
            if policy.quorum == NOBODY or policy.is_witnessed(reached):
                return size
        return None
