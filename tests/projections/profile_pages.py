"""Pages of people as the projection knows them, each with everything that is held about them."""

from dataclasses import dataclass, fields
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import Integer, bindparam, select, true

from app.projections.profile_tables import HeldKind, HeldState, held, subjects
from app.projections.profiles import PROFILES
from app.projections.statements import Query
from app.store.tables import positions


@dataclass(frozen=True, slots=True)
class Holding:
    """One held datum: why it may be held, and where it lies."""

    obtained: int
    """Version of the event that brought it: its name for good."""
    category: str
    purpose: str
    kind: HeldKind
    basis: str
    source: str
    origin: str | None
    """None where the event does not say: for a statement and for a further identifier."""
    policy: str
    occasion: UUID | None
    since: datetime
    """When it was recorded."""
    occurred_at: datetime | None
    """When it was obtained, where that is another time."""
    state: HeldState
    superseded_at: datetime | None
    erased_at: datetime | None
    retention_class: str
    generation: str
    version: int
    """Version of the event in whose section it lies now."""
    section: int | None
    key_id: UUID | None


@dataclass(frozen=True, slots=True)
class Profile:
    """One person as the projection knows them."""

    subject_id: UUID
    registered_at: datetime
    source: str
    origin: str
    restrictions: tuple[UUID, ...]
    """Restrictions in force, of every use or of some; one by an objection bears its id (L42)."""
    erased_at: datetime | None
    """When the person as such was erased."""
    content_version: int
    """Version of the last event that was not a consultation: the strong ETag (A9)."""
    holdings: tuple[Holding, ...] = ()

    @property
    def restricted(self) -> bool:
        """Whether a restriction is in force."""
        return bool(self.restrictions)

    @property
    def erased(self) -> bool:
        """Whether the person as such was erased."""
        return self.erased_at is not None


@dataclass(frozen=True, slots=True)
class Profiles:
    """A page of people by id, true at ``stands_at``."""

    stands_at: int
    """Position up to which the projection has read the log."""
    rows: tuple[Profile, ...]

    @property
    def next_after(self) -> UUID | None:
        """Where the next page begins; None after an empty one."""
        return self.rows[-1].subject_id if self.rows else None


async def page(
    pool: "asyncpg.Pool[Any]", *, after: UUID | None = None, limit: int = 50
) -> Profiles:
    """The next people by id, each with everything held about them, history and erased included."""
    found = await _PAGE.fetch(pool, after=after or UUID(int=0), size_max=limit)
    stands_at = found[0]["stands_at"] if found else -1
    people = groupby((row for row in found if row["subject_id"]), lambda row: row["subject_id"])
    return Profiles(stands_at, tuple(_profile(list(group)) for _, group in people))


def _profile(found: "list[asyncpg.Record]") -> Profile:
    first = found[0]
    return Profile(
        **{name: first[name] for name in _PERSON},
        restrictions=tuple(first["restrictions"]),
        holdings=tuple(_holding(row) for row in found if row["held_obtained"] is not None),
    )


def _holding(row: asyncpg.Record) -> Holding:
    values = {name: row[f"held_{name}"] for name in _DATUM}
    values |= {"kind": HeldKind(values["kind"]), "state": HeldState(values["state"])}
    return Holding(**values)


def _paging() -> Query:
    people = (
        select(subjects)
        .where(subjects.c.subject_id > bindparam("after"))
        .order_by(subjects.c.subject_id)
        .limit(bindparam("size_max", type_=Integer))
        .subquery("people")
    )
    joined = positions.outerjoin(people, true()).outerjoin(
        held, held.c.subject_id == people.c.subject_id
    )
    data = (column.label(f"held_{column.name}") for column in held.columns)
    return Query(
        select(positions.c.position.label("stands_at"), people, *data)
        .select_from(joined)
        .where(PROFILES.standing)
        .order_by(people.c.subject_id, held.c.obtained, held.c.category, held.c.purpose)
    )


_PAGE = _paging()
_DATUM = tuple(field.name for field in fields(Holding))
_PERSON = tuple(
    field.name for field in fields(Profile) if field.name not in {"restrictions", "holdings"}
)
