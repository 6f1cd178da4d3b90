"""How many people have what, over everybody: added up from ranges of ids, kept, counted by change.

Ids are random, so their first byte cuts people into 256 ranges of one size. What was counted of a
range stays true until something is recorded of one of its people: only then is it counted again. An
answer knows all that its projection had read when it was asked for.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import asyncpg

from app.projections.projection import Projection
from app.registers.matters import HELD, SHARED, Matter
from app.registers.ranges import RANGES, people_of, runs_of
from app.store.append import PARTITION

RUN_MAX: Final = 64
"""Ranges that one query counts: it takes a quarter of all rows, and ends long before a time-out."""
SIDE_BY_SIDE: Final = 2

STANDING_SQL = """
SELECT p.build, p.position,
       ARRAY(SELECT s.subject_id FROM ledger.parked_subjects s
              WHERE s.projection = p.projection AND s.version = p.version AND s.build = p.build
              ORDER BY s.subject_id) AS parked
  FROM ledger.positions p
 WHERE p.projection = $1 AND p.version = $2 AND p.state = 'serving'
"""
CHANGED_SQL = """
SELECT DISTINCT get_byte(uuid_send(stream_id), 0) FROM ledger.events
 WHERE partition = $1 AND position > $2 AND position <= $3 AND type = ANY($4::text[])
"""
CHANGES_MAX: Final = 50_000
"""After more events than these there is hardly a range without one: nobody looks which."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Rows that are alike: what tells them apart from others, and how many there are."""

    bit: int
    """Stands for the kind in `Tally.people`; a power of two."""
    values: Mapping[str, Any]  # Any: what the columns hold
    rows: int
    spans: Mapping[str, tuple[Any, Any]]
    """First and last of what the matter measures."""


@dataclass(frozen=True, slots=True)
class Tally:
    """All kinds of rows, and how many people have rows of exactly which kinds."""

    stands_at: int
    kinds: tuple[Kind, ...] = ()
    people: Mapping[int, int] = field(default_factory=dict)
    """Bits of the kinds that a person has -> how many people have these and no others."""

    def among(self, kinds: Iterable[Kind]) -> int:
        """How many people have a row of any of the kinds: each person once."""
        bits = bits_of(kinds)
        return sum(number for mask, number in self.people.items() if mask & bits)

    def of(self, kinds: Iterable[Kind]) -> "Tally":
        """These kinds alone: to ask much of a few of many."""
        kept = tuple(kinds)
        bits, people = bits_of(kept), Counter[int]()
        for mask, number in self.people.items():
            if mask & bits:
                people[mask & bits] += number
        return Tally(self.stands_at, kept, people)


def bits_of(kinds: Iterable[Kind]) -> int:
    """The bits of some kinds together."""
    bits = 0
    for kind in kinds:
        bits |= kind.bit
    return bits


@dataclass(slots=True)
class _Part:
    """What was counted of one range."""

    sums: list[tuple[int, int, tuple[Any, ...]]] = field(default_factory=list)
    """Index of a kind, rows, and first and last of each span."""
    people: dict[int, int] = field(default_factory=dict)


class _Parts:
    """What was counted so far, by range, and the people of all of it together."""

    def __init__(self) -> None:
        self._parts: dict[int, _Part] = {}
        self._indices: dict[int, int] = {}
        self._values: list[Mapping[str, Any]] = []  # Any: what the columns hold
        self._people = Counter[int]()

    @property
    def missing(self) -> list[int]:
        """The ranges that are to be counted."""
        return [one for one in range(RANGES) if one not in self._parts]

    @property
    def digests(self) -> list[int]:
        """The digests by which the database tells kinds apart, in the order of their numbers."""
        return list(self._indices)

    def index(self, digest: int, values: Mapping[str, Any]) -> int:
        """The number of a kind: kinds are numbered as they are met, for good."""
        if digest not in self._indices:
            self._indices[digest] = len(self._values)
            self._values.append(values)
        return self._indices[digest]

    def take(self, number: int, part: _Part) -> None:
        """What was counted of a range that was missing."""
        self._people.update(part.people)
        self._parts[number] = part

    def drop(self, numbers: Iterable[int]) -> None:
        """Something was recorded there: these are missing again."""
        for number in numbers:
            gone = self._parts.pop(number, None)
            if gone is not None:
                self._people.subtract(gone.people)

    def together(self, matter: Matter, stands_at: int) -> Tally:
        """The sum of all ranges."""
        rows, bounds = Counter[int](), dict[int, tuple[Any, ...]]()
        for part in self._parts.values():
            for index, number, found in part.sums:
                rows[index] += number
                known = bounds.get(index)
                bounds[index] = found if known is None else _wider(known, found)
        kinds = tuple(
            Kind(
                bit=1 << index,
                values=self._values[index],
                rows=rows[index],
                spans=dict(zip(matter.spans, _pairs(bounds[index]), strict=True)),
            )
            for index in sorted(rows)
        )
        return Tally(stands_at, kinds, +self._people)


@dataclass(frozen=True, slots=True)
class _Standing:
    build: int | None
    position: int
    parked: frozenset[UUID]


class Tallied:
    """The tally of one matter as it stands, counted on by change. One a process, for many askers.

    A first question counts everybody; it, too, asks a part of them at a time.
    """

    def __init__(self, matter: Matter) -> None:
        self._matter = matter
        self._turn = asyncio.Lock()
        self._standing: _Standing | None = None
        self._parts = _Parts()
        """What is true of each range at the standing; one that has to be counted is missing."""
        self._tally = Tally(stands_at=-1)

    async def read(self, pool: "asyncpg.Pool[Any]") -> Tally:
        """The tally at what the projection shows now, or later."""
        wanted = await _standing(pool, self._matter.projection)
        async with self._turn:  # who waited finds what was counted meanwhile
            if not self._covers(wanted):
                await self._move(pool, await _standing(pool, self._matter.projection))
            return self._tally

    def _covers(self, wanted: _Standing) -> bool:
        known = self._standing
        return (
            known is not None
            and not self._parts.missing
            and known.build == wanted.build
            and known.parked == wanted.parked
            and known.position >= wanted.position
        )

    async def _move(self, pool: "asyncpg.Pool[Any]", standing: _Standing) -> None:
        """Positions first, rows afterwards: they know at least as much as the position says.

        Whatever was counted before a fault stays counted.
        """
        if self._is_another(standing):
            self._parts = _Parts()
        else:
            self._parts.drop(await self._changed(pool, standing))
        self._standing = standing
        await _count(pool, self._matter, self._parts)
        self._tally = self._parts.together(self._matter, standing.position)

    def _is_another(self, to: _Standing) -> bool:
        """Whether what serves was rebuilt or begun anew: nothing that was counted is of it."""
        known = self._standing
        return known is None or known.build != to.build or known.position > to.position

    async def _changed(self, pool: "asyncpg.Pool[Any]", to: _Standing) -> Iterable[int]:
        """Ranges of whose people anything was recorded since.

        A person who was parked, and is no longer, has rows that no event since speaks of.
        """
        known = self._standing
        assert known is not None, "asked of one build alone"
        if to.position - known.position > CHANGES_MAX:
            return range(RANGES)
        rows = await pool.fetch(
            CHANGED_SQL,
            PARTITION,
            known.position,
            to.position,
            self._matter.projection.event_types,
        )
        return {row[0] for row in rows} | {one.bytes[0] for one in known.parked ^ to.parked}


@dataclass(frozen=True, slots=True)
class Tallies:
    """What one process keeps counted."""

    held: Tallied
    shared: Tallied


def tallies() -> Tallies:
    """Nothing is counted yet."""
    return Tallies(held=Tallied(HELD), shared=Tallied(SHARED))


async def counted(
    pool: "asyncpg.Pool[Any]",
    matter: Matter,
    **values: Any,  # what the conditions of the matter ask for
) -> Tally:
    """The tally of a matter whose conditions take values, such as a cut: nothing is kept."""
    standing = await _standing(pool, matter.projection)
    parts = _Parts()
    await _count(pool, matter, parts, **values)
    return parts.together(matter, standing.position)


async def _standing(pool: "asyncpg.Pool[Any]", projection: Projection) -> _Standing:
    row = await pool.fetchrow(STANDING_SQL, projection.name, projection.version)
    if row is None:
        return _Standing(None, -1, frozenset())
    return _Standing(row["build"], row["position"], frozenset(row["parked"]))


async def _count(
    pool: "asyncpg.Pool[Any]",
    matter: Matter,
    parts: _Parts,
    **values: Any,  # as above
) -> None:
    """Counts every range that is missing, two runs of them at a time."""
    runs = list(runs_of(parts.missing, RUN_MAX))
    each = iter(runs)

    async def some() -> None:
        for run in each:
            await _count_run(pool, matter, run, parts, **values)

    counting = [asyncio.create_task(some()) for _ in range(min(SIDE_BY_SIDE, len(runs)))]
    try:
        await asyncio.gather(*counting)
    finally:
        for one in counting:
            one.cancel()


async def _count_run(
    pool: "asyncpg.Pool[Any]",
    matter: Matter,
    run: tuple[int, int],
    parts: _Parts,
    **values: Any,  # as above
) -> None:
    least, most = people_of(*run)
    made = {one: _Part() for one in range(run[0], run[1] + 1)}
    for row in await matter.kinds.fetch(pool, least=least, most=most, **values):
        index = parts.index(row["kind"], {name: row[name] for name in matter.names})
        spans = tuple(row[name] for name in matter.bounds)
        made[row["range"]].sums.append((index, row["rows"], spans))
    # A kind that appears between the two is of an event behind the position: counted next time.
    known = {"digests": parts.digests, "size": len(parts.digests)}
    for row in await matter.people.fetch(pool, least=least, most=most, **known, **values):
        mask = row["mask"].to_int(bitorder="little", signed=False)
        made[row["range"]].people[mask] = row["people"]
    for number, part in made.items():
        parts.take(number, part)


def _wider(known: tuple[Any, ...], found: tuple[Any, ...]) -> tuple[Any, ...]:
    """First and last in turn: the smaller of the first, the greater of the last."""
    return tuple(
        max(one, other) if place % 2 else min(one, other)
        for place, (one, other) in enumerate(zip(known, found, strict=True))
    )


def _pairs(bounds: tuple[Any, ...]) -> list[tuple[Any, Any]]:
    return list(zip(bounds[::2], bounds[1::2], strict=True))
