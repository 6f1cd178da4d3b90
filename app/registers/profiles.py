"""The register of profiles: what is held of each person and may be read for one purpose (L3, L4).

A page is read from the projection, its sections are opened at that moment, and the reading is
recorded of each person before it is answered. Where the projection lags behind a person's stream,
the person is under a restriction, or an earlier day is asked about, the stream itself is read.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from app.domain.accounts import mask_account
from app.domain.consultations import RecordConsultation, check_unrestricted, consulted
from app.domain.decider import Circumstances
from app.domain.purpose_limitation import purpose_named
from app.domain.restrictions import SubjectRestricted
from app.domain.subject import fold
from app.ledger import Ledger
from app.policy.vocabulary import FieldClass
from app.projections import profiles
from app.projections.profile_tables import HeldKind, HeldState
from app.projections.profiles import Holding
from app.receipts import Attribution
from app.registers.table import Columns, Part, Question, Row, columns
from app.rights.as_of import AsOf
from app.rights.person import person_of
from app.rights.profile import profile
from app.store.append import Append, OutcomeCode
from app.store.section_pages import End, Place, changed_since, section_page

ABOUT = columns(
    subject_id="A random id.",
    registered_at="When the person became known.",
    source="Where the person came from.",
    origin="Whether they gave the data themselves.",
)

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


async def part(
    pool: "asyncpg.Pool[Any]", ledger: Ledger, reading: Reading, question: Question
) -> Part:
    """One page by subject id: without the erased, and without those who may not be used (L42)."""
    after = None if question.after is None else UUID(question.after)
    page = await profiles.page(pool, after=after, limit=question.limit + 1)
    people = page.rows[: question.limit]
    following = str(people[-1].subject_id) if len(page.rows) > question.limit else None
    known = {
        one.subject_id: {
            "subject_id": one.subject_id,
            "registered_at": one.registered_at,
            "source": one.source,
            "origin": one.origin,
        }
        for one in people
        if not one.erased
    }
    if question.as_of is not None:
        exact = set(known)
        found: dict[UUID, Values] = {}
    else:
        # Whether a restriction covers this purpose, only the person's own stream says.
        restricted = {one.subject_id for one in people if one.restricted}
        candidates = {
            one.subject_id: one.holdings
            for one in people
            if one.subject_id in known and not one.restricted
        }
        found, stale = await _opened(
            pool, ledger, reading, (candidates, reading.shown(question), page.stands_at)
        )
        exact = (stale | restricted) & known.keys()
    streams = await _from_streams(ledger, reading, question, exact)
    rows = tuple(
        {**about, **_cells(values)}
        for subject_id, about in known.items()
        if (values := streams.get(subject_id) if subject_id in exact else found[subject_id])
        is not None
        and _matches(about, question)
    )
    return Part(page.stands_at, rows, following)


def _matches(about: Row, question: Question) -> bool:
    return all(about.get(name) == value for name, value in question.filters.items())


def _cells(values: Values) -> dict[str, Any]:
    return {key: many[0] if len(many) == 1 else many for key, many in values.items()}


async def _opened(
    pool: "asyncpg.Pool[Any]",
    ledger: Ledger,
    reading: Reading,
    page: tuple[Mapping[UUID, Sequence[Holding]], frozenset[str], int],
) -> tuple[dict[UUID, Values], set[UUID]]:
    """The values of a page, recorded as read; and those whom only their stream can tell."""
    holdings, shown, stands_at = page
    lineage = frozenset(reading.given.policy.lineage(reading.purpose))
    wanted = {
        subject_id: [
            (_place(subject_id, one), one.category)
            for one in many
            if one.category in shown and _in_use(one, lineage)
        ]
        for subject_id, many in holdings.items()
    }
    places = [place for many in wanted.values() for place, _ in many if place is not None]
    sections = await section_page(pool, ledger.store.vault, places, holdings)
    behind = [one for one, end in sections.ends.items() if end.position > stands_at]
    stale = set(await changed_since(pool, behind, stands_at))
    found: dict[UUID, Values] = {}
    for subject_id, many in wanted.items():
        values: Values = {}
        for place, category in many:
            value = None if place is None else sections.value(place, category)
            if value is not None:
                values.setdefault(category, []).append(_masked(category, value, reading.given))
        found[subject_id] = values
    read = {one: frozenset(values) for one, values in found.items() if values and one not in stale}
    return found, stale | await _record(ledger, reading, read, sections.ends)


def _in_use(one: Holding, lineage: frozenset[str]) -> bool:
    return one.state is HeldState.CURRENT and one.kind is HeldKind.VALUE and one.purpose in lineage


def _place(subject_id: UUID, one: Holding) -> Place | None:
    if one.section is None or one.key_id is None:
        return None
    return Place(subject_id, one.version, one.section, one.key_id)


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
