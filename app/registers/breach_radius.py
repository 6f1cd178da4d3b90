"""Whom a breach reaches, and with which categories: counted and listed (Arts. 33(3), 34; L52, L53).

At a recipient lies what was disclosed to it, whenever that was, and what people filled in there; it
is gone once that was verified. In the controller's own systems lies what is held. The sharing
register forgets whom it need tell of no erasure any more: those are counted from the log itself.
"""

from datetime import UTC, datetime
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
    null,
    or_,
    select,
    union,
    union_all,
)
from sqlalchemy.dialects.postgresql import JSONB

from app.domain.breaches import Radius, Span
from app.events.breaches import BreachExposure
from app.events.erasures import InformOutcome
from app.policy.model import Policy
from app.projections import PROFILES, SHARING_REGISTER
from app.projections.profile_tables import held, subjects
from app.projections.sharing_register import register as shared
from app.projections.statements import Query
from app.registers.table import Part, Question, columns
from app.rights.as_of import AsOf
from app.store.tables import events, positions

PROJECTIONS = (SHARING_REGISTER, PROFILES)
"""What is read: an answer stands where the one that lags stands."""

COLUMNS = columns(
    subject_id="Who is concerned; a random id.",
    categories="Which of their data.",
    addresses="Where they can be told: the e-mail addresses that are held. Opened when shown.",
)

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
_OWN: Final = bindparam("own", type_=Boolean)
_TRANSMITTED: Final = bindparam("transmitted", type_=Boolean)
_CATEGORIES: Final = bindparam("categories", type_=ARRAY(Text))
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
        or_(_ANY_CATEGORY, shared.c.categories.overlap(_CATEGORIES)),
        shared.c.recipient == _RECIPIENT,
        or_(_MEMBER.is_(None), shared.c.member == _MEMBER),
        _in_span(func.coalesce(shared.c.occurred_at, shared.c.disclosed_at)),
        not_(func.coalesce(deleted, literal_column("false", Boolean))),
        shared.c.position <= _KNOWN_POSITION,
        shared.c.disclosed_at <= _KNOWN_MOMENT,
    )


def _collected() -> ColumnElement[bool]:
    """What people gave there, or what is held here; of an erasure only the own systems know."""
    return and_(
        or_(_ANY_CATEGORY, held.c.category == any_(_CATEGORIES)),
        or_(_OWN, held.c.source == any_(_SOURCES)),
        _in_span(func.coalesce(held.c.occurred_at, held.c.since)),
        or_(not_(_OWN), held.c.erased_at.is_(None), held.c.erased_at >= _BEGAN),
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


def _pairs() -> tuple[Any, Any]:
    """Person and category of every row of the two registers that is reached."""
    category = func.unnest(shared.c.categories).label("category")
    disclosed = select(shared.c.subject_id, category).where(_disclosed())
    collected = select(held.c.subject_id, held.c.category).where(_collected())
    return disclosed, collected


def _distinct(*rows: Any) -> Subquery:
    """Each person and category once, of the categories asked for."""
    found = union_all(*rows).subquery("found")
    wanted = or_(_ANY_CATEGORY, found.c.category == any_(_CATEGORIES))
    return select(found.c.subject_id, found.c.category).where(wanted).distinct().subquery("pairs")


_STANDS_AT = (
    select(func.coalesce(func.min(positions.c.position), literal_column("-1", BigInteger)))
    .where(or_(*(projection.standing for projection in PROJECTIONS)))
    .scalar_subquery()
)


def _counting() -> Query:
    """A row a category, and one without a category for all; nothing is counted with DISTINCT."""
    pairs = _distinct(*_pairs(), _disclosed_of_the_erased())
    whose = pairs.outerjoin(subjects, subjects.c.subject_id == pairs.c.subject_id)
    gone = subjects.c.erased_at.is_not(None).label("erased")
    reached = select(pairs, gone).select_from(whose).cte("reached")
    people = (
        select(func.bool_or(reached.c.erased).label("erased"), func.count().label("records"))
        .group_by(reached.c.subject_id)
        .subquery("people")
    )
    of_category = select(
        reached.c.category,
        func.count().label("people"),
        func.count().filter(reached.c.erased).label("erased"),
        func.count().label("records"),
    ).group_by(reached.c.category)
    of_all = select(
        null().label("category"),
        func.count(),
        func.count().filter(people.c.erased),
        cast(func.coalesce(func.sum(people.c.records), literal_column("0", Integer)), BigInteger),
    )
    counted = union_all(of_category, of_all).subquery("counted")
    return Query(select(counted, _STANDS_AT.label("stands_at")))


def _listing() -> Query:
    """Whoever can still be told: no objection and no suppression keeps anybody off the list.

    People first, then what of theirs: to gather the categories of all for each page is too dear.
    """
    after = bindparam("after", type_=Uuid)
    reached = union(
        select(shared.c.subject_id).where(_disclosed(), shared.c.subject_id > after),
        select(held.c.subject_id).where(_collected(), held.c.subject_id > after),
    ).subquery("reached")
    erased = select(subjects.c.subject_id).where(
        subjects.c.subject_id == reached.c.subject_id, subjects.c.erased_at.is_not(None)
    )
    people = (
        select(reached.c.subject_id)
        .where(not_(erased.exists()))
        .order_by(reached.c.subject_id)
        .limit(bindparam("size_max", type_=Integer))
        .cte("people")
    )
    chosen = select(people.c.subject_id).scalar_subquery()
    disclosed, collected = _pairs()
    pairs = _distinct(
        disclosed.where(shared.c.subject_id.in_(chosen)),
        collected.where(held.c.subject_id.in_(chosen)),
    )
    page = (
        select(pairs.c.subject_id, func.array_agg(pairs.c.category).label("categories"))
        .group_by(pairs.c.subject_id)
        .subquery("page")
    )
    standing = select(_STANDS_AT.label("stands_at")).subquery("standing")
    return Query(
        select(standing.c.stands_at, page)
        .select_from(standing.outerjoin(page, literal_column("true", Boolean)))
        .order_by(page.c.subject_id)
    )


_COUNTS = _counting()
_PAGE = _listing()


async def radius(pool: "asyncpg.Pool[Any]", span: Span, policy: Policy, now: datetime) -> Radius:
    """How many people and data a breach reaches, those included who were erased since."""
    found = await _COUNTS.fetch(pool, **_parameters(span, policy, now))
    counted = {row["category"]: row for row in found}
    whole = counted.pop(None, None)
    return Radius(
        people=whole["people"] if whole else 0,
        erased=whole["erased"] if whole else 0,
        records=whole["records"] if whole else 0,
        by_category={key: counted[key]["people"] for key in sorted(counted)},
        stands_at=whole["stands_at"] if whole else -1,
    )


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
    found = await _PAGE.fetch(
        pool,
        after=UUID(question.after) if question.after else UUID(int=0),
        size_max=question.limit + 1,
        **parameters,
    )
    rows = [
        {"subject_id": row["subject_id"], "categories": sorted(row["categories"])}
        for row in found
        if row["subject_id"] is not None
    ]
    shown = tuple(rows[: question.limit])
    following = str(shown[-1]["subject_id"]) if len(rows) > question.limit else None
    return Part(found[0]["stands_at"] if found else -1, shown, following)


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
        "own": span.recipient is None and span.source is None,
        "transmitted": span.exposure is BreachExposure.TRANSMITTED,
        "categories": list(span.categories),
        "known_position": _LAST_POSITION if position is None else position,
        "known_moment": known or _LAST_MOMENT,
    }


def _sources(span: Span, policy: Policy) -> list[str]:
    """The sources concerned: the one named, and those that a breached recipient runs."""
    named = [] if span.source is None else [span.source]
    if span.recipient is None:
        return named
    return named + [
        key for key, source in policy.sources.items() if source.operator == span.recipient
    ]
