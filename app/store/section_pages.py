"""Sections of many people, opened at once: one statement, one snapshot, no stream read whole.

For pages of a register. Beside the sections comes the end of each person's stream, on which the
record of the reading is appended; what is appended was decided on that snapshot or not at all.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from app.identifiers import KeyId
from app.store.codec import core_of, leaf_hash
from app.store.epochs import meet_epochs
from app.vault.key_vault import KeyVault
from app.vault.sealing import (
    Corrupt,
    Erased,
    KeyUnavailable,
    Opened,
    Sealed,
    associated_data,
    unseal,
)

# `at` stands at a fixed place of every entry (DESIGN 4).
_AT = slice(7, 34)

PAGE_SQL = """
SELECT 0 AS kind, w.stream_id, w.version, w.section, e.position, e.entry, s.blob,
       k.key_id, k.class, k.epoch, k.wrapped, k.state
  FROM unnest($1::uuid[], $2::int[], $3::smallint[], $4::uuid[])
       AS w(stream_id, version, section, key_id)
  JOIN ledger.events e ON e.stream_id = w.stream_id AND e.version = w.version
  LEFT JOIN ledger.sealed s
    ON s.stream_id = w.stream_id AND s.version = w.version AND s.section = w.section
  LEFT JOIN ledger.keyring k ON k.key_id = w.key_id AND k.subject_id = w.stream_id
UNION ALL
SELECT 1, l.stream_id, l.version, 0, l.position, l.entry, NULL, NULL, NULL, 0, NULL, NULL
  FROM unnest($5::uuid[]) AS p(stream_id)
 CROSS JOIN LATERAL (
       SELECT e.stream_id, e.version, e.position, e.entry FROM ledger.events e
        WHERE e.stream_id = p.stream_id ORDER BY e.version DESC LIMIT 1) AS l
"""

INHERITED_SQL = """
SELECT DISTINCT stream_id FROM ledger.events
 WHERE stream_id = ANY($1) AND type = 'matter.inherited'
"""
# Who read a person's data changes nothing in them.
NEWS_SQL = """
SELECT DISTINCT e.stream_id FROM ledger.events e
 WHERE e.stream_id = ANY($1::uuid[]) AND e.position > $2 AND e.type NOT LIKE 'consultation.%'
"""


@dataclass(frozen=True, slots=True)
class Place:
    """One sealed section: of whom, in which event, under which key."""

    subject_id: UUID
    version: int
    section: int
    key_id: UUID


@dataclass(frozen=True, slots=True)
class End:
    """The last event of a stream, as an append must know it."""

    version: int
    position: int
    leaf_hash: bytes
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class SectionPage:
    """What one statement found."""

    opened: Mapping[Place, Opened] = field(repr=False)
    ends: Mapping[UUID, End]

    def value(self, place: Place, category: str) -> str | None:
        """A value that could be opened."""
        found = self.opened.get(place)
        return found.personal.get(category) if isinstance(found, Sealed) else None


async def section_page(
    pool: "asyncpg.Pool[Any]",
    vault: KeyVault,
    places: Iterable[Place],
    subject_ids: Iterable[UUID],
) -> SectionPage:
    """Opens the sections; a key counts only as this snapshot shows it (E1 holds at commit)."""
    wanted = tuple(dict.fromkeys(places))
    rows = await pool.fetch(
        PAGE_SQL,
        [one.subject_id for one in wanted],
        [one.version for one in wanted],
        [one.section for one in wanted],
        [one.key_id for one in wanted],
        list(subject_ids),
    )
    # The place of somebody's last event has no key, and says 0.
    await meet_epochs(pool, vault, {row["epoch"] for row in rows if row["epoch"]})
    opened: dict[Place, Opened] = {}
    ends: dict[UUID, End] = {}
    for row in rows:
        entry = row["entry"]
        if row["kind"] == 1:
            recorded_at = datetime.fromisoformat(entry[_AT].decode())
            ends[row["stream_id"]] = End(
                row["version"], row["position"], leaf_hash(entry), recorded_at
            )
        elif row["key_id"] is not None:
            place = Place(row["stream_id"], row["version"], row["section"], row["key_id"])
            opened[place] = _opened(row, vault)
    return SectionPage(opened, ends)


async def changed_since(
    pool: "asyncpg.Pool[Any]", subject_ids: Iterable[UUID], position: int
) -> frozenset[UUID]:
    """Those of the people to whom more than a consultation happened after the position."""
    asked = list(subject_ids)
    rows = await pool.fetch(NEWS_SQL, asked, position) if asked else []
    return frozenset(row["stream_id"] for row in rows)


async def heard_of_others(
    pool: "asyncpg.Pool[Any]", subject_ids: Iterable[UUID]
) -> frozenset[UUID]:
    """Those of the people on whose stream something stands that was said on another record."""
    asked = list(subject_ids)
    rows = await pool.fetch(INHERITED_SQL, asked) if asked else []
    return frozenset(row["stream_id"] for row in rows)


def _opened(row: "asyncpg.Record", vault: KeyVault) -> Opened:
    if row["state"] == "erased":
        return Erased()
    if row["blob"] is None:
        return Corrupt()
    key = row["wrapped"] and vault.data_key(
        row["key_id"], row["class"], row["epoch"], row["wrapped"]
    )
    if not key:
        return KeyUnavailable()
    bound_to = associated_data(
        vault.ledger_id,
        KeyId(row["key_id"]),
        row["class"],
        index=row["section"],
        core=core_of(row["entry"]),
    )
    return unseal(key.cipher, row["blob"], bound_to=bound_to)
