"""Writes a table that erasure takes rows from anew, beside living appends (E2; decision 0014).

The database holds how far it came: whoever calls next goes on there, after a kill as well.
"""

import asyncio
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from time import monotonic
from typing import Any, Final

import asyncpg

TABLES: Final = ("sealed", "keyring", "identifiers")
"""From which an erasure takes rows."""
STEP_BYTES: Final = 2**20
"""Copied or compared at a time; an erasure, and no append, may wait for so much."""
RESERVE_BYTES: Final = 2**26
"""Stays free on the disk: below it, the database may have to stop."""
WAL_A_BYTE: Final = 3
"""Written to the log for each byte of the table: the rows, their index entries, images of pages."""
REST_MAX_S: Final = 0.25
"""After a step, at most: half of the machine is left to others while a table is copied."""
TIMEOUT_S: Final = 55.0
TRIES_MAX: Final = 20
PAUSE_S: Final = 0.25
"""A table that is in use is tried again; each try gives way to appends in a tenth of a second."""

BEGIN_SQL: Final = "SELECT outcome FROM ledger.ledger_rewrite_begin($1)"
STEP_SQL: Final = "SELECT outcome, done, whole FROM ledger.ledger_rewrite_step($1, $2)"
SWAP_SQL: Final = "SELECT outcome FROM ledger.ledger_rewrite_swap($1)"
ABANDON_SQL: Final = "SELECT ledger.ledger_rewrite_abandon($1) AS outcome"
STANDINGS_SQL: Final = """
SELECT relation, phase, begun_at, done_at, done_through, done_wal,
       phase <> 'idle' AND begun_at < clock_timestamp() - interval '2 days' AS stuck
  FROM ledger.rewrites ORDER BY array_position($1::text[], relation)
"""
SIZE_SQL: Final = """
SELECT pg_total_relation_size(('ledger.' || $1)::regclass) AS size_bytes,
       pg_size_bytes(current_setting('max_wal_size')) AS wal_max
"""


class Hindrance(StrEnum):
    """Why a table was not written anew."""

    BUSY = "busy"
    """Somebody holds it, a backup perhaps; what was copied is kept."""
    WAITING = "waiting"
    """Somebody looks at the database as it was before the copy was whole; the copy is kept."""
    NO_ROOM = "no-room"
    """A second copy of it does not fit on the disk; nothing is left of one."""
    UNLIKE = "unlike"
    """Somebody gave the table what is not copied (a view, a publication), or altered it meanwhile.

    Nothing is left of a copy.
    """
    DIFFERS = "differs"
    """The copy was not equal: a defect. It is given up; the table itself was not touched."""


LATER: Final = frozenset({Hindrance.BUSY, Hindrance.WAITING})
"""Worth trying again within the hour."""

Told = Callable[[str, str, int, int], None]
"""Hears the table, the phase, and how many of how many blocks of it are done."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How far one table is written anew, and when it was last."""

    relation: str
    phase: str
    begun_at: datetime | None
    done_at: datetime | None
    done_through: int | None
    """Position: what any entry up to it destroyed is in none of the table's files."""
    done_wal: int | None
    stuck: bool
    """Under way for more than two days."""

    @property
    def under_way(self) -> bool:
        """Whether a copy was begun and is not in its place yet."""
        return self.phase != "idle"


async def standings(connection: "asyncpg.Pool[Any] | asyncpg.Connection[Any]") -> list[Standing]:
    """Of every table that erasure takes rows from, in the order in which they are written anew."""
    rows = await connection.fetch(STANDINGS_SQL, TABLES)
    return [Standing(**dict(row)) for row in rows]


def free_on_disk(folder: Path | None) -> Callable[[], int | None]:
    """Asks how many bytes are free where the database lies; None: not known from here."""

    def free() -> int | None:
        if folder is None or not folder.exists():
            return None
        return shutil.disk_usage(folder).free

    return free


class Rewriting:
    """Writes tables anew over the eraser's connections."""

    def __init__(
        self,
        eraser: "asyncpg.Pool[Any]",
        *,
        free: Callable[[], int | None],
        step_bytes: int = STEP_BYTES,
        pause_s: float = PAUSE_S,
        told: Told | None = None,
    ) -> None:
        self._eraser = eraser
        self._free = free
        self._step_bytes = step_bytes
        self._pause_s = pause_s
        self._told = told

    async def write_anew(self, standing: Standing) -> Hindrance | None:
        """One table, from where it stands to the end; None once it is done.

        A copy that cannot be ended is dropped; busy while somebody keeps that from being done.
        """
        table = standing.relation
        if not standing.under_way and not await self._fits(table):
            return Hindrance.NO_ROOM
        begun = await self._tried(BEGIN_SQL, table)
        if begun in (Hindrance.BUSY, Hindrance.UNLIKE):
            return Hindrance(begun)
        try:
            hindered = await self._copy(table)
        except asyncpg.DiskFullError:
            hindered = Hindrance.NO_ROOM
        if hindered is None:
            swapped = await self._tried(SWAP_SQL, table)
            if swapped in ("rewritten", "idle"):  # by us, or by another process
                return None
            known = swapped in (Hindrance.WAITING, Hindrance.UNLIKE)
            hindered = Hindrance(swapped) if known else Hindrance.BUSY
        if hindered not in LATER and not await self.abandon(table):
            return Hindrance.BUSY
        return hindered

    async def abandon(self, table: str) -> bool:
        """Gives a copy up and takes its room back; False while somebody holds the table."""
        return await self._tried(ABANDON_SQL, table) != Hindrance.BUSY

    async def _copy(self, table: str) -> Hindrance | None:
        """Step by step until the copy is whole and compared; rests as long as it works."""
        tries = 0
        while True:
            if (free := self._free()) is not None and free < RESERVE_BYTES:
                return Hindrance.NO_ROOM
            began = monotonic()
            row = await self._eraser.fetchrow(STEP_SQL, table, self._step_bytes, timeout=TIMEOUT_S)
            assert row is not None, "the function answers one row"
            if row["outcome"] in ("ready", "idle"):
                return None
            if row["outcome"] == Hindrance.DIFFERS:
                return Hindrance.DIFFERS
            if row["outcome"] == Hindrance.BUSY:
                tries += 1
                if tries >= TRIES_MAX:
                    return Hindrance.BUSY
            elif self._told:
                self._told(table, row["outcome"], row["done"], row["whole"])
            await asyncio.sleep(min(monotonic() - began, REST_MAX_S))

    async def _fits(self, table: str) -> bool:
        """Whether a second copy has room, and what it writes to the log until a checkpoint."""
        free = self._free()
        if free is None:
            return True
        row = await self._eraser.fetchrow(SIZE_SQL, table)
        assert row is not None, "the table is there"
        size: int = row["size_bytes"]
        wal: int = min(WAL_A_BYTE * size, row["wal_max"])
        return free >= size + wal + RESERVE_BYTES

    async def _tried(self, sql: str, table: str) -> str:
        """What came of it; a table that is in use is tried again for some seconds."""
        outcome: str = Hindrance.BUSY
        for tried in range(TRIES_MAX):
            if tried:
                await asyncio.sleep(self._pause_s)
            outcome = await self._eraser.fetchval(sql, table, timeout=TIMEOUT_S)
            if outcome not in LATER:
                break
        return outcome
