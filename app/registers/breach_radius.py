"""Whom a breach reaches, and with which categories: counted and listed (Arts. 33(3), 34; L52, L53).

At a recipient lies what was disclosed to it, whenever that was, and what people filled in there; it
is gone once that was verified. In the controller's own systems lies what is held. The sharing
register forgets whom it need tell of no erasure any more: those are counted from the log itself.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Final
from uuid import UUID

import asyncpg
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    ColumnElement,
    DateTime,
    Integer,
    Subquery,
    Text,
    Uuid,
    and_,
    any_,
    bindparam,
    cast,
    func,
    literal_column,
    not_,
    or_,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by

from app.domain.breaches import Radius, Span
from app.events.breaches import BreachExposure
from app.events.erasures import InformOutcome
from app.policy.model import Policy
from app.projections import PROFILES, SHARING_REGISTER
from app.projections.profile_tables import held, subjects
from app.projections.sharing_register import register as shared
from app.projections.statements import Query
from app.registers.ranges import RANGES, people_of, runs_of, spans_after
from app.registers.table import Part, Question, Row, columns
from app.rights.as_of import AsOf
from app.store.tables import events, positions

PROJECTIONS = (SHARING_REGISTER, PROFILES)
"""What is read: an answer stands where the one that lags stands."""

COLUMNS = columns(
    subject_id="Who is concerned; a random id.",
    categories="Which of their data.",
    addresses="Where they can be told: the e-mail addresses that are held. Opened when shown.",
)

RUN_MAX: Final = 64
"""Ranges of people that one query counts."""
NOBODY: Final = UUID(int=0)
"""Before the first id."""

_MOMENT = DateTime(timezone=True)
_LAST_POSITION: Final = 2**62
_LAST_MOMENT: Final = datetime(9999, 1, 1, tzinfo=UTC)


def _word(text: str) -> ColumnElement[str]:
    """A constant of the statement, not one of its parameters."""
    return literal_column(f"'{text}'", Text)


_BEGAN: Final = bindparam("began", type_=_MOMENT)
_ENDED: Final = bindparam("ended", type_=_MOMENT)
_RECIPIENT: Final = bindparam("recipient", type_=Text)
_MEMBER: Final = bindparam("member", type_=Uuid)
_SOURCES: Final = bindparam("sources", type_=ARRAY(Text))
_TRANSMITTED: Final = bindparam("transmitted", type_=Boolean)
_CATEGORIES: Final = bindparam("categories", type_=ARRAY(Text))
_LEAST: Final = bindparam("least", type_=Uuid)
_MOST: Final = bindparam("most", type_=Uuid)
_KNOWN_POSITION: Final = bindparam("known_position", type_=BigInteger)
_KNOWN_MOMENT: Final = bindparam("known_moment", type_=_MOMENT)
_ANY_CATEGORY: Final = func.cardinality(_CATEGORIES) == literal_column("0", Integer)
_GONE: Final = _word(InformOutcome.VERIFIED_GONE)


def _in_span(at: ColumnElement[datetime]) -> ColumnElement[bool]:
    return and_(at <= _ENDED, or_(not_(_TRANSMITTED), at >= _BEGAN))


def _disclosed() -> ColumnElement[bool]:
    """What the recipient was given, and was not verified to have deleted before it began."""
    deleted = and_(shared.c.informed == _GONE, shared.c.informed_at < _BEGAN)
    return and_(
        shared.c.subject_id.between(_LEAST, _MOST),
        or_(_ANY_CATEGORY, shared.c.categories.overlap(_CATEGORIES)),
        shared.c.recipient == _RECIPIENT,
        or_(_MEMBER.is_(None), shared.c.member == _MEMBER),
        _in_span(func.coalesce(shared.c.occurred_at, shared.c.disclosed_at)),
        not_(func.coalesce(deleted, literal_column("false", Boolean))),
        shared.c.position <= _KNOWN_POSITION,
        shared.c.disclosed_at <= _KNOWN_MOMENT,
    )


def _collected(reach: "_Reach") -> ColumnElement[bool]:
    """What people gave there, or what is held here; of an erasure only the own systems know."""
    there = held.c.source == any_(_SOURCES)
    here = or_(held.c.erased_at.is_(None), held.c.erased_at >= _BEGAN)
    return and_(
        held.c.subject_id.between(_LEAST, _MOST),
        or_(_ANY_CATEGORY, held.c.category == any_(_CATEGORIES)),
        here if reach is _Reach.OWN else there,
        _in_span(func.coalesce(held.c.occurred_at, held.c.since)),
        held.c.since <= _KNOWN_MOMENT,
    )


def _of_entry(table: Any, *path: str) -> Any:
    """A member of an entry's first line, as text."""
    one, newline = literal_column("1", Integer), literal_column("chr(10)", Text)
    first = func.split_part(func.convert_from(table.c.entry, _word("UTF8")), newline, one)
    return func.jsonb_extract_path_text(cast(first, JSONB), *(_word(name) for name in path))


def _disclosed_of_the_erased() -> Any:
    """Disclosures of people who were erased as such, from their streams."""
    told = events.alias("told")
    deleted = (
        select(literal_column("1", Integer))
        .where(
            told.c.stream_id == events.c.stream_id,
            told.c.version > events.c.version,
            told.c.type == _word("erasure.recipient-informed"),
            _of_entry(told, "d", "recipient") == _RECIPIENT,
            _of_entry(told, "d", "outcome") == _GONE,
            cast(_of_entry(told, "at"), _MOMENT) < _BEGAN,
        )
        .exists()
    )
    at = func.coalesce(_of_entry(events, "o"), _of_entry(events, "at"))
    named = cast(_of_entry(events, "d", "categories"), JSONB)
    return select(
        events.c.stream_id, func.jsonb_array_elements_text(named).label("category")
    ).where(
        subjects.c.subject_id.between(_LEAST, _MOST),
        subjects.c.erased_at.is_not(None),
        subjects.c.subject_id == events.c.stream_id,
        events.c.type == _word("data.disclosed"),
        events.c.position <= _KNOWN_POSITION,
        _of_entry(events, "d", "recipient") == _RECIPIENT,
        or_(_MEMBER.is_(None), cast(_of_entry(events, "d", "member"), Uuid) == _MEMBER),
        _in_span(cast(at, _MOMENT)),
        cast(_of_entry(events, "at"), _MOMENT) <= _KNOWN_MOMENT,
        not_(deleted),
    )


class _Reach(Enum):
    """Whose systems were breached: what is asked of one case would be dear in another."""

    OWN = "own"
    """The controller's own."""
    SOURCE = "source"
    """Where people fill something in."""
    RECIPIENT = "recipient"
    """Where data went."""
    RECIPIENT_AND_SOURCE = "recipient-and-source"
    """Both."""


def _disclosures(reach: _Reach) -> Iterator[Any]:
    """Person and category of what the recipient was given."""
    if reach in {_Reach.RECIPIENT, _Reach.RECIPIENT_AND_SOURCE}:
        category = func.unnest(shared.c.categories).label("category")
        yield select(shared.c.subject_id, category).where(_disclosed())


def _collections(reach: _Reach) -> Iterator[Any]:
    """Person and category of what is held here, or was given there."""
    if reach is not _Reach.RECIPIENT:
        yield select(held.c.subject_id, held.c.category).where(_collected(reach))


def _distinct(*rows: Any) -> Subquery:
    """Each person and category once, of the categories asked for."""
    found = union_all(*rows).subquery("found")
    wanted = or_(_ANY_CATEGORY, found.c.category == any_(_CATEGORIES))
    return select(found.c.subject_id, found.c.category).where(wanted).distinct().subquery("pairs")


_STANDING = Query(
    select(
        func.coalesce(func.min(positions.c.position), literal_column("-1", BigInteger)).label(
            "stands_at"
        )
    ).where(or_(*(projection.standing for projection in PROJECTIONS)))
)


def _counting(reach: _Reach) -> Query:
    """How many people of some ranges are reached with exactly which categories."""
    disclosed = [*_disclosures(reach)]
    pairs = _distinct(
        *disclosed, *_collections(reach), *(_disclosed_of_the_erased() for _ in disclosed)
    )
    reached = (
        select(
            pairs.c.subject_id,
            func.array_agg(aggregate_order_by(pairs.c.category, pairs.c.category)).label(
                "categories"
            ),
        )
        .group_by(pairs.c.subject_id)
        .subquery("reached")
    )
    whose = reached.outerjoin(subjects, subjects.c.subject_id == reached.c.subject_id)
    gone = subjects.c.erased_at.is_not(None)
    return Query(
        select(reached.c.categories, gone.label("erased"), func.count().label("people"))
        .select_from(whose)
        .group_by(reached.c.categories, gone)
    )


def _listing(reach: _Reach) -> Query:
    """Whoever of a span of ids can still be told: no objection or suppression keeps anybody off.

    People first, then what of theirs: to gather the categories of all for each page is too dear.
    """
    disclosed, collected = [*_disclosures(reach)], [*_collections(reach)]
    reached = union_all(
        *(rows.with_only_columns(shared.c.subject_id) for rows in disclosed),
        *(rows.with_only_columns(held.c.subject_id) for rows in collected),
    ).subquery("reached")
    erased = select(subjects.c.subject_id).where(
        subjects.c.subject_id == reached.c.subject_id, subjects.c.erased_at.is_not(None)
    )
    people = (
        select(reached.c.subject_id)
        .distinct()
        .where(not_(erased.exists()))
        .order_by(reached.c.subject_id)
        .limit(bindparam("size_max", type_=Integer))
        .cte("people")
    )
    chosen = select(people.c.subject_id).scalar_subquery()
    pairs = _distinct(
        *(rows.where(shared.c.subject_id.in_(chosen)) for rows in disclosed),
        *(rows.where(held.c.subject_id.in_(chosen)) for rows in collected),
    )
    return Query(
        select(pairs.c.subject_id, func.array_agg(pairs.c.category).label("categories"))
        .group_by(pairs.c.subject_id)
        .order_by(pairs.c.subject_id)
    )


_COUNTS = {reach: _counting(reach) for reach in _Reach}
_PAGE = {reach: _listing(reach) for reach in _Reach}


async def radius(pool: "asyncpg.Pool[Any]", span: Span, policy: Policy, now: datetime) -> Radius:
    """How many people and data a breach reaches, those included who were erased since.

    A part of the people at a time: whom it reaches has to be looked at, whoever they are.
    """
    parameters = _parameters(span, policy, now)
    stands_at = await _stands_at(pool)
    counts = _COUNTS[_reach(span, policy)]
    people, erased, by_category = 0, 0, Counter[str]()
    for run in runs_of(range(RANGES), RUN_MAX):
        least, most = people_of(*run)
        for row in await counts.fetch(pool, **parameters, least=least, most=most):
            people += row["people"]
            erased += row["people"] if row["erased"] else 0
            by_category.update(dict.fromkeys(row["categories"], row["people"]))
    return Radius(
        people=people,
        erased=erased,
        records=by_category.total(),
        by_category={key: by_category[key] for key in sorted(by_category)},
        stands_at=stands_at,
    )


async def _stands_at(pool: "asyncpg.Pool[Any]") -> int:
    return int((await _STANDING.fetch(pool))[0]["stands_at"])


async def people(
    pool: "asyncpg.Pool[Any]",
    question: Question,
    span: Span,
    policy: Policy,
    *,
    now: datetime,
    known: datetime | None,
) -> Part:
    """One page of those who are to be told, by id; ``known`` is the recorded time of a cut."""
    parameters = _parameters(span, policy, now, cut=question.as_of, known=known)
    stands_at = await _stands_at(pool)
    after, pages = UUID(question.after) if question.after else NOBODY, _PAGE[_reach(span, policy)]
    rows: list[Row] = []
    for least, most in spans_after(after, wanted=question.limit + 1, found=rows):
        missing = question.limit + 1 - len(rows)
        found = await pages.fetch(pool, **parameters, least=least, most=most, size_max=missing)
        rows += (
            {"subject_id": row["subject_id"], "categories": sorted(row["categories"])}
            for row in found
        )
    shown = tuple(rows[: question.limit])
    following = str(shown[-1]["subject_id"]) if len(rows) > question.limit else None
    return Part(stands_at, shown, following)


def _parameters(
    span: Span,
    policy: Policy,
    now: datetime,
    *,
    cut: AsOf | None = None,
    known: datetime | None = None,
) -> dict[str, Any]:
    position = None if cut is None else cut.position
    return {
        "began": span.began_at,
        "ended": span.ended_at or now,
        "recipient": span.recipient,
        "member": span.member,
        "sources": _sources(span, policy),
        "transmitted": span.exposure is BreachExposure.TRANSMITTED,
        "categories": list(span.categories),
        "known_position": _LAST_POSITION if position is None else position,
        "known_moment": known or _LAST_MOMENT,
    }


def _reach(span: Span, policy: Policy) -> _Reach:
    if span.recipient is None:
        return _Reach.OWN if span.source is None else _Reach.SOURCE
    return _Reach.RECIPIENT_AND_SOURCE if _sources(span, policy) else _Reach.RECIPIENT


def _sources(span: Span, policy: Policy) -> list[str]:
    """The sources concerned: the one named, and those that a breached recipient runs."""
    named = [] if span.source is None else [span.source]
    if span.recipient is None:
        return named
    return named + [
        key for key, source in policy.sources.items() if source.operator == span.recipient
    ]
