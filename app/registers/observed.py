"""What the log shows of each processing activity: what is held, and who was given what (L48).

Tallies of two projections over everybody, as they stand or as they stood at a cut in time.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import asyncpg

from app.registers.matters import HELD_THEN, LAST_POSITION, SHARED_THEN
from app.registers.tallies import Kind, Tallies, Tally, counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """What one recipient was given for one purpose on one ground."""

    purpose: str
    recipient: str
    mechanism: str
    categories: frozenset[str]
    disclosures: int
    people: int
    first: datetime
    last: datetime


@dataclass(slots=True)
class Observed:
    """What was observed of one activity; of none: of purposes that no activity lists."""

    held: dict[str, frozenset[str]] = field(default_factory=dict)
    """Purpose -> categories held for it."""
    flows: list[Flow] = field(default_factory=list)
    sources: frozenset[str] = frozenset()
    people: int = 0

    @property
    def purposes(self) -> frozenset[str]:
        """The purposes that anything is held or was shared for."""
        return frozenset(self.held) | {flow.purpose for flow in self.flows}

    @property
    def categories(self) -> frozenset[str]:
        """The categories that are held or were shared."""
        groups = (*self.held.values(), *(flow.categories for flow in self.flows))
        return frozenset(one for group in groups for one in group)

    @property
    def recipients(self) -> frozenset[str]:
        """Who was given anything."""
        return frozenset(flow.recipient for flow in self.flows)

    @property
    def disclosures(self) -> int:
        """How often."""
        return sum(flow.disclosures for flow in self.flows)


@dataclass(frozen=True, slots=True)
class Observation:
    """What was observed, and the last position of the log that it knows of."""

    stands_at: int
    by_activity: dict[str | None, Observed]
    """Under no activity: what happens for purposes that no activity lists."""


async def observed(
    pool: "asyncpg.Pool[Any]",
    tallies: Tallies,
    pairs: Iterable[tuple[str, str]],
    moment: datetime | None,
) -> Observation:
    """What was observed, by a moment or by now. ``pairs`` are (activity, purpose), as declared."""
    if moment is None:
        held, shared = await tallies.held.read(pool), await tallies.shared.read(pool)
    else:
        held = await counted(pool, HELD_THEN, moment=moment)
        shared = await counted(pool, SHARED_THEN, known_position=LAST_POSITION, known_moment=moment)
    listing: dict[str, list[str | None]] = {}
    for activity, purpose in pairs:
        listing.setdefault(purpose, []).append(activity)
    found = _holding(held, listing)
    for flow in _flows(shared):
        for listed in listing.get(flow.purpose, [None]):
            found.setdefault(listed, Observed()).flows.append(flow)
    return Observation(min(held.stands_at, shared.stands_at), found)


def _holding(held: Tally, listing: dict[str, list[str | None]]) -> dict[str | None, Observed]:
    """Activity -> what is held for its purposes, whence, and of how many people."""
    kinds: dict[str | None, list[Kind]] = defaultdict(list)
    for kind in held.kinds:
        for activity in listing.get(kind.values["purpose"], [None]):
            kinds[activity].append(kind)
    return {
        activity: Observed(
            held={
                purpose: frozenset(
                    one.values["category"] for one in some if one.values["purpose"] == purpose
                )
                for purpose in {one.values["purpose"] for one in some}
            },
            sources=frozenset(one.values["source"] for one in some),
            people=held.among(some),
        )
        for activity, some in kinds.items()
    }


def _flows(shared: Tally) -> list[Flow]:
    """Every flow, by purpose, recipient and ground."""
    names = ("purpose", "recipient", "mechanism")
    kinds: dict[tuple[str, ...], list[Kind]] = defaultdict(list)
    for kind in shared.kinds:
        kinds[tuple(kind.values[name] for name in names)].append(kind)
    return [
        Flow(
            purpose=purpose,
            recipient=recipient,
            mechanism=mechanism,
            categories=frozenset(name for one in some for name in one.values["categories"]),
            disclosures=sum(one.rows for one in some),
            people=shared.among(some),
            first=min(one.spans["recorded"][0] for one in some),
            last=max(one.spans["recorded"][1] for one in some),
        )
        for (purpose, recipient, mechanism), some in sorted(kinds.items(), key=lambda of: of[0])
    ]
