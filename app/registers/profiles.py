"""The register of profiles: what is held of each person and may be read for one purpose (L3, L4).

A page is read from the projection, its sections are opened at that moment, and the reading is
recorded of each person before it is answered. Where the projection lags behind a person's stream,
the person is under a restriction, or an earlier day is asked about, the stream itself is read.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import (
    ARRAY,
    Integer,
    Text,
    Uuid,
    and_,
    any_,
    bindparam,
    func,
    literal_column,
    or_,
    select,
    true,
)

from app.domain.accounts import mask_account
from app.domain.consultations import RecordConsultation, check_unrestricted, consulted
from app.domain.decider import Circumstances
from app.domain.purpose_limitation import purpose_named
from app.domain.restrictions import SubjectRestricted
from app.domain.subject import fold
from app.ledger import Ledger
from app.policy.vocabulary import FieldClass
from app.projections import PROFILES
from app.projections.profile_tables import HeldKind, HeldState, held, subjects
from app.projections.statements import Query
from app.receipts import Attribution
from app.registers.table import Columns, Part, Question, columns
from app.rights.as_of import AsOf
from app.rights.person import person_of
from app.rights.profile import profile
from app.store.append import Append, OutcomeCode
from app.store.section_pages import End, Place, changed_since, heard_of_others, section_page
from app.store.tables import positions

ABOUT = columns(
    subject_id="A random id.",
    registered_at="When the person became known.",
    source="Where the person came from.",
    origin="Whether they gave the data themselves.",
)

_ABOUT = ABOUT.names

Values = dict[str, list[str]]
"""Category -> its values: one, or one an occasion."""


def columns_for(purpose: str, given: Circumstances) -> Columns:
    """What is said of everybody, and the categories of the purpose."""
    named = purpose_named(purpose, given.policy)
    held = columns(**{key: given.policy.categories[key].title for key in sorted(named.categories)})
    return Columns((*ABOUT.every, *held.every))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """On whose behalf the register is read, and for what."""

    purpose: str
    by: Attribution
    given: Circumstances
    control: int
    """Version of the control stream that the purpose was looked up under."""

    def shown(self, question: Question) -> frozenset[str]:
        """The categories that are wanted and on the purpose's allow-list."""
        named = purpose_named(self.purpose, self.given.policy)
        return named.categories & question.shown


@dataclass(slots=True)
class _Person:
    """One person of a page, as the projection knows them."""

    about: dict[str, Any]
    restricted: bool
    held: list[tuple[str, Place | None]] = field(default_factory=list)
    """Category of each value that is wanted, and where it lies."""


def _paging() -> Query:
    """The next people that were not erased, each with the values in use that are wanted.

    A row says nothing but what is shown, and where the rest lies: a page reads five times as fast
    as with everything that is held.
    """
    people = (
        select(subjects)
        .where(
            subjects.c.subject_id > bindparam("after", type_=Uuid),
            subjects.c.erased_at.is_(None),
            or_(
                bindparam("source", type_=Text).is_(None),
                subjects.c.source == bindparam("source", type_=Text),
            ),
        )
        .order_by(subjects.c.subject_id)
        .limit(bindparam("size_max", type_=Integer))
        .subquery("people")
    )
    wanted = and_(
        held.c.subject_id == people.c.subject_id,
        held.c.state == literal_column(f"'{HeldState.CURRENT}'", Text),
        held.c.kind == literal_column(f"'{HeldKind.VALUE}'", Text),
        held.c.category == any_(bindparam("categories", type_=ARRAY(Text))),
        held.c.purpose == any_(bindparam("lineage", type_=ARRAY(Text))),
    )
    about = (people.c[name] for name in _ABOUT)
    return Query(
        select(
            positions.c.position.label("stands_at"),
            *about,
            (func.cardinality(people.c.restrictions) > literal_column("0", Integer)).label(
                "restricted"
            ),
            *(held.c[name] for name in ("category", "version", "section", "key_id")),
        )
        .select_from(positions.outerjoin(people, true()).outerjoin(held, wanted))
        .where(PROFILES.standing)
        .order_by(people.c.subject_id, held.c.category, held.c.obtained)
    )


_PAGE = _paging()


async def part(
    pool: "asyncpg.Pool[Any]", ledger: Ledger, reading: Reading, question: Question
) -> Part:
    """One page by subject id: without the erased, and without those who may not be used (L42)."""
    stands_at, known = await _page(pool, reading, question)
    following = str(list(known)[question.limit - 1]) if len(known) > question.limit else None
    known = dict(islice(known.items(), question.limit))
    found: dict[UUID, Values] = {}
    exact = set(known)
    if question.as_of is None:
        # Whether a restriction covers this purpose, only the person's own stream says; and what
        # was inherited of another record of theirs stands nowhere else.
        inheriting = await heard_of_others(pool, known)
        candidates = {
            one: person
            for one, person in known.items()
            if not person.restricted and one not in inheriting
        }
        found, stale = await _opened(pool, ledger, reading, (stands_at, candidates))
        exact = stale | (known.keys() - candidates.keys())
    found |= await _from_streams(ledger, reading, question, exact)
    rows = tuple(
        {**person.about, **_cells(values)}
        for one, person in known.items()
        if (values := found.get(one)) is not None
    )
    return Part(stands_at, rows, following)


async def _page(
    pool: "asyncpg.Pool[Any]", reading: Reading, question: Question
) -> tuple[int, dict[UUID, _Person]]:
    found = await _PAGE.fetch(
        pool,
        after=UUID(question.after) if question.after else UUID(int=0),
        source=question.filters.get("source"),
        size_max=question.limit + 1,
        categories=sorted(reading.shown(question)),
        lineage=list(reading.given.policy.lineage(reading.purpose)),
    )
    known: dict[UUID, _Person] = {}
    for row in found:
        subject_id = row["subject_id"]
        if subject_id is None:
            continue
        person = known.get(subject_id)
        if person is None:
            about = {name: row[name] for name in _ABOUT}
            person = known[subject_id] = _Person(about, row["restricted"])
        if row["category"] is not None:
            person.held.append((row["category"], _place(row)))
    return found[0]["stands_at"] if found else -1, known


def _place(row: asyncpg.Record) -> Place | None:
    if row["section"] is None or row["key_id"] is None:
        return None
    return Place(row["subject_id"], row["version"], row["section"], row["key_id"])


def _cells(values: Values) -> dict[str, Any]:
    return {key: many[0] if len(many) == 1 else many for key, many in values.items()}


async def _opened(
    pool: "asyncpg.Pool[Any]",
    ledger: Ledger,
    reading: Reading,
    page: tuple[int, Mapping[UUID, _Person]],
) -> tuple[dict[UUID, Values], set[UUID]]:
    """The values of a page, recorded as read; and those whom only their stream can tell."""
    stands_at, people = page
    places = [place for person in people.values() for _, place in person.held if place is not None]
    sections = await section_page(pool, ledger.store.vault, places, people)
    behind = [one for one, end in sections.ends.items() if end.position > stands_at]
    stale = set(await changed_since(pool, behind, stands_at))
    found: dict[UUID, Values] = {}
    for subject_id, person in people.items():
        values: Values = {}
        for category, place in person.held:
            value = None if place is None else sections.value(place, category)
            if value is not None:
                values.setdefault(category, []).append(_masked(category, value, reading.given))
        found[subject_id] = values
    read = {one: frozenset(values) for one, values in found.items() if values and one not in stale}
    return found, stale | await _record(ledger, reading, read, sections.ends)


def _masked(category: str, value: str, given: Circumstances) -> str:
    financial = given.policy.categories[category].field_class is FieldClass.FINANCIAL
    return mask_account(value) if financial else value


async def _record(
    ledger: Ledger,
    reading: Reading,
    read: Mapping[UUID, frozenset[str]],
    ends: Mapping[UUID, End],
) -> set[UUID]:
    """Appends one consultation a person, in one batch; those whose stream went on meanwhile."""
    now = reading.given.now
    appends = []
    for subject_id, categories in read.items():
        end = ends[subject_id]
        draft = ledger.store.draft(
            subject_id,
            [consulted(reading.purpose, categories, reading.given)],
            expected=end.version,
            previous=end.leaf_hash,
            keys={},
            recorded_at=max(now, end.recorded_at),
            by=reading.by.by,
        )
        appends.append(Append(subject_id, end.version, reading.control, draft.events))
    # Each alone: one person whose stream went on keeps nobody else from being answered.
    outcomes = await asyncio.gather(*(ledger.commit.append([one]) for one in appends))
    return {
        append.stream_id
        for append, [outcome] in zip(appends, outcomes, strict=True)
        if outcome.code is not OutcomeCode.APPENDED
    }


async def _from_streams(
    ledger: Ledger, reading: Reading, question: Question, subject_ids: Iterable[UUID]
) -> dict[UUID, Values]:
    """The same from the streams; without those who are restricted, erased or not known then."""
    wanted = list(subject_ids)
    shown = reading.shown(question)
    told = await asyncio.gather(
        *(_from_stream(ledger, reading, (one, question.as_of), shown) for one in wanted)
    )
    return {one: values for one, values in zip(wanted, told, strict=True) if values is not None}


async def _from_stream(
    ledger: Ledger, reading: Reading, whom: tuple[UUID, AsOf | None], shown: frozenset[str]
) -> Values | None:
    subject_id, as_of = whom
    stream = await ledger.store.read_stream(subject_id, with_blobs=True)
    person = person_of(ledger.store, stream, as_of)
    # Whoever is erased today was never known, whatever day is asked about.
    current = fold(person.state, person.stream.events[len(person.events) :])
    if current.erased or not person.state.registered:
        return None
    try:
        check_unrestricted(current, reading.purpose, reading.given)
    except SubjectRestricted:
        return None
    values: Values = {}
    for one in profile(person, reading.purpose, reading.given).fields:
        if one.value is not None and one.category in shown:
            values.setdefault(one.category, []).append(
                _masked(one.category, one.value, reading.given)
            )
    if values:
        command = RecordConsultation(purpose=reading.purpose, categories=frozenset(values))
        await ledger.execute(subject_id, command, reading.by)
    return values
