"""What is counted over everybody: rows of a projection, told apart by some of their columns.

Two queries a matter, each of a range of people: which kinds of rows there are, and how many people
have which kinds. Neither counts distinct people by sorting them: a person is a mask of bits.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    DateTime,
    Integer,
    Select,
    Table,
    Text,
    Uuid,
    and_,
    bindparam,
    cast,
    column,
    func,
    literal_column,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import BIT
from sqlalchemy.types import TypeEngine

from app.projections.profile_tables import HeldState, held
from app.projections.profiles import PROFILES
from app.projections.projection import Projection
from app.projections.sharing_register import SHARING_REGISTER
from app.projections.sharing_register import register as shared
from app.projections.statements import SUBJECT, Query

_ZERO: Final = literal_column("0", Integer)
_LEAST: Final = bindparam("least", type_=Uuid)
_MOST: Final = bindparam("most", type_=Uuid)


class Matter:
    """Rows of one table, by what tells them apart; ``spans`` are measured from first to last.

    Kinds are told apart by a digest of 64 bits: of a thousand kinds, two agree once in 10^13.
    """

    def __init__(
        self,
        projection: Projection,
        table: Table,
        *,
        apart: Mapping[str, ColumnElement[Any]],
        where: ColumnElement[bool] | None = None,
        spans: Mapping[str, ColumnElement[Any]] | None = None,
    ) -> None:
        self.projection = projection
        self.names = tuple(apart)
        self.spans = tuple(spans or ())
        self.bounds = tuple(f"{name}_{end}" for name in self.spans for end in ("first", "last"))
        person: Column[Any] = table.c[SUBJECT]
        within = and_(person >= _LEAST, person <= _MOST, true() if where is None else where)
        digest = func.hash_record_extended(func.row(*apart.values()), _ZERO, type_=BigInteger)
        self.kinds = _kinds((person, digest, within), apart, spans or {})
        self.people = _people(person, digest, within)


def _range(person: ColumnElement[Any]) -> ColumnElement[int]:
    return func.get_byte(func.uuid_send(person), _ZERO, type_=Integer)


def _kinds(
    rows: tuple[ColumnElement[Any], ColumnElement[int], ColumnElement[bool]],
    apart: Mapping[str, ColumnElement[Any]],
    spans: Mapping[str, ColumnElement[Any]],
) -> Query:
    """One row a range and kind: any of its rows says what the kind is."""
    person, digest, within = rows
    measured = [
        of(value).label(f"{name}_{end}")
        for name, value in spans.items()
        for end, of in (("first", func.min), ("last", func.max))
    ]
    told = [_any_of(value).label(name) for name, value in apart.items()]
    return Query(
        select(
            _range(person).label("range"),
            digest.label("kind"),
            func.count().label("rows"),
            *told,
            *measured,
        )
        .where(within)
        .group_by(literal_column("1"), literal_column("2"))
    )


def _any_of(value: ColumnElement[Any]) -> ColumnElement[Any]:
    """One of several equal values: `any_value`, for servers that are older."""
    if isinstance(value.type, Boolean):
        return func.bool_or(value)
    return func.min(value.collate("C") if isinstance(value.type, Text) else value)


def _people(
    person: ColumnElement[Any], digest: ColumnElement[int], within: ColumnElement[bool]
) -> Query:
    """One row a range and mask: how many people have exactly these kinds."""
    size = bindparam("size", type_=Integer)
    digests = bindparam("digests", type_=ARRAY(BigInteger))
    one = literal_column("1", Integer)
    numbered = (
        func.unnest(digests)
        .table_valued(column("kind", BigInteger), with_ordinality="place")
        .render_derived(name="numbered")
    )
    empty = cast(func.repeat(literal_column("'0'", Text), size), _VARBIT)
    place = cast(numbered.c.place - one, Integer)
    named = (
        select(numbered.c.kind, func.set_bit(empty, place, one).label("bit"))
        .cte("named")
        .prefix_with("MATERIALIZED")
    )
    masks: Select[Any] = (
        select(person.label("person"), func.bit_or(named.c.bit).label("mask"))
        .join_from(person.table, named, named.c.kind == digest)
        .where(within)
        .group_by(person)
    )
    found = masks.subquery("masks")
    return Query(
        select(
            _range(found.c.person).label("range"), found.c.mask, func.count().label("people")
        ).group_by(literal_column("1"), literal_column("2"))
    )


_VARBIT: TypeEngine[Any] = BIT(varying=True)
_MOMENT = DateTime(timezone=True)


def _held(where: ColumnElement[bool]) -> Matter:
    apart = {name: held.c[name] for name in ("purpose", "category", "source")}
    kept = held.c.state != literal_column(f"'{HeldState.ERASED}'", Text)
    return Matter(PROFILES, held, apart=apart, where=and_(kept, where))


def _shared(*where: ColumnElement[bool]) -> Matter:
    names = ("recipient", "country", "mechanism", "purpose", "categories", "of_everything")
    return Matter(
        SHARING_REGISTER,
        shared,
        apart={name: shared.c[name] for name in names},
        where=and_(true(), *where),
        spans={"given": _GIVEN_AT, "recorded": shared.c.disclosed_at},
    )


def _held_then() -> Matter:
    at = bindparam("moment", type_=_MOMENT)
    current = or_(held.c.superseded_at.is_(None), held.c.superseded_at > at)
    return _held(and_(held.c.since <= at, current))


_GIVEN_AT: Final = func.coalesce(shared.c.occurred_at, shared.c.disclosed_at)
_KNOWN: Final = (
    shared.c.position <= bindparam("known_position", type_=BigInteger),
    shared.c.disclosed_at <= bindparam("known_moment", type_=_MOMENT),
)

LAST_POSITION: Final = 2**62
"""Of a cut by time alone."""
LAST_MOMENT: Final = datetime(9999, 1, 1, tzinfo=UTC)
"""Of a cut by position alone."""

HELD: Final = _held(held.c.superseded_at.is_(None))
"""What is held of whom, as it stands."""
HELD_THEN: Final = _held_then()
"""The same as it stood at a ``moment``; what was erased since is gone from the past too."""
SHARED: Final = _shared()
"""What was shared of whom: everything that the register still says."""
SHARED_THEN: Final = _shared(*_KNOWN)
"""What of it had been recorded by ``known_position`` and ``known_moment``."""
SHARED_SINCE: Final = _shared(*_KNOWN, bindparam("since", type_=_MOMENT) <= _GIVEN_AT)
"""And of that, what was given at ``since`` or later."""
