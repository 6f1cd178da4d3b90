"""The tables of the profiles, and every statement that changes them.

A row says where a sealed value lies, by (stream, version, section) and data key, never what it is.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ARRAY,
    Boolean,
    CheckConstraint,
    Column,
    ColumnElement,
    DateTime,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    TableValuedAlias,
    Text,
    Uuid,
    and_,
    any_,
    func,
    insert,
    literal_column,
    not_,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.types import TypeEngine

from app.projections.statements import Statement, given
from app.store.tables import READ_MODELS

MOMENT = DateTime(timezone=True)
_WORDS = ARRAY(Text)


class HeldKind(StrEnum):
    """What a held datum is."""

    VALUE = "value"
    """The value of a category, collected or corrected."""
    STATEMENT = "statement"
    """A supplementary statement on such a value (L47)."""
    IDENTIFIER = "identifier"
    """One more value by which the person is found, beside the collected one (C7, C8)."""
    FILE = "file"
    """A reference to a file in another system (C13, C16, C43); its title is sealed."""


class HeldState(StrEnum):
    """Whether a held datum is in use."""

    CURRENT = "current"
    SUPERSEDED = "superseded"
    """History: kept, marked, and not used (L6)."""
    ERASED = "erased"


subjects = Table(
    "profiles_subjects_v1",
    READ_MODELS,
    Column("subject_id", Uuid, primary_key=True),
    Column("registered_at", DateTime(timezone=True), nullable=False),
    Column("source", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("restrictions", ARRAY(Uuid), nullable=False),
    Column("erased_at", DateTime(timezone=True)),
    Column("content_version", Integer, nullable=False),
    comment="Profiles: one row a person.",
)

held = Table(
    "profiles_v1",
    READ_MODELS,
    Column("subject_id", Uuid, nullable=False),
    Column("obtained", Integer, nullable=False),
    Column("category", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("basis", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("origin", Text),
    Column("policy", Text, nullable=False),
    Column("occasion", Uuid),
    Column("since", DateTime(timezone=True), nullable=False),
    Column("occurred_at", DateTime(timezone=True)),
    Column("state", Text, nullable=False),
    Column("superseded_at", DateTime(timezone=True)),
    Column("erased_at", DateTime(timezone=True)),
    Column("retention_class", Text, nullable=False),
    Column("generation", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("section", SmallInteger),
    Column("key_id", Uuid),
    PrimaryKeyConstraint("subject_id", "obtained", "category", "purpose"),
    CheckConstraint("state IN ('current', 'superseded', 'erased')", name="state"),
    comment="Profiles: one row a held datum; where its sealed value lies, never what it is.",
)


def _word(value: StrEnum) -> ColumnElement[str]:
    """A constant of the statement, not one of its parameters."""
    return literal_column(f"'{value}'", Text)


_LEFT_EMPTY = frozenset({"superseded_at", "erased_at"})
_IN_USE = held.c.state == _word(HeldState.CURRENT)


def _filled(table: Table) -> list[Column[Any]]:
    return [column for column in table.columns if column.name not in _LEFT_EMPTY]


def _rows(*names: str, **more: TypeEngine[Any]) -> TableValuedAlias:
    """Given rows of one person: columns of `held` by their names, others by their types."""
    named = (held.c[name] for name in ("subject_id", *names))
    return given(*named, *(Column(name, kind) for name, kind in more.items()))


def _inserting(table: Table) -> Statement:
    rows = given(*_filled(table))
    return Statement(rows, insert(table).from_select(_filled(table), select(rows)))


def _of(rows: TableValuedAlias) -> ColumnElement[bool]:
    return held.c.subject_id == rows.c.subject_id


def _slot(rows: TableValuedAlias, of_category: ColumnElement[bool]) -> ColumnElement[bool]:
    """What is current in the slots of a row, and was there before it."""
    return and_(
        _of(rows),
        of_category,
        held.c.purpose == rows.c.purpose,
        held.c.occasion.is_not_distinct_from(rows.c.occasion),
        held.c.obtained < rows.c.obtained,
        _IN_USE,
    )


def _after_current(kind: HeldKind, origin: ColumnElement[Any]) -> Statement:
    """A row on the basis of the value that is current in a slot; where there is none, no row."""
    taken: dict[str, ColumnElement[Any]] = {
        "basis": held.c.basis,
        "kind": _word(kind),
        "origin": origin,
        "state": _word(HeldState.CURRENT),
    }
    rows = given(*(column for column in _filled(held) if column.name not in taken))
    filled = [taken[c.name] if c.name in taken else rows.c[c.name] for c in _filled(held)]
    value = select(*filled).join_from(rows, held, _slot(rows, held.c.category == rows.c.category))
    value = value.where(held.c.kind == _word(HeldKind.VALUE))
    return Statement(rows, insert(held).from_select(_filled(held), value))


def _superseding() -> Statement:
    rows = _rows("purpose", "occasion", "obtained", categories=_WORDS, at=MOMENT)
    slots = _slot(rows, held.c.category == any_(rows.c.categories))
    of_slot = held.c.kind.in_((_word(HeldKind.VALUE), _word(HeldKind.STATEMENT)))
    changed = update(held).where(slots, of_slot)
    return Statement(
        rows, changed.values(state=_word(HeldState.SUPERSEDED), superseded_at=rows.c.at)
    )


def _releasing() -> Statement:
    rows = _rows("obtained", at=MOMENT)
    identifier = held.c.kind == _word(HeldKind.IDENTIFIER)
    claim = and_(_of(rows), held.c.obtained == rows.c.obtained, identifier, _IN_USE)
    changed = update(held).where(claim)
    return Statement(
        rows, changed.values(state=_word(HeldState.SUPERSEDED), superseded_at=rows.c.at)
    )


def _moving() -> Statement:
    rows = _rows(
        "retention_class",
        "generation",
        "version",
        "section",
        "key_id",
        from_version=Integer(),
        categories=_WORDS,
    )
    there = and_(
        _of(rows),
        held.c.version == rows.c.from_version,
        held.c.retention_class == rows.c.retention_class,
        held.c.state != _word(HeldState.ERASED),
    )
    kept = or_(
        held.c.category == any_(rows.c.categories),
        # Their sections hold a text under a category of its own, not the one it is about.
        held.c.kind.in_((_word(HeldKind.STATEMENT), _word(HeldKind.FILE))),
    )
    place = ("generation", "version", "section", "key_id")
    return Statement(
        rows, update(held).where(there, kept).values({name: rows.c[name] for name in place})
    )


def _erasing() -> Statement:
    """What loses its key, and what is erased for its purpose while another one keeps the key."""
    names = {"data_keys": ARRAY(Uuid), "purposes": _WORDS, "categories": _WORDS}
    rows = _rows(**names, retained=_WORDS, step_of_subject=Boolean(), at=MOMENT)
    none: ColumnElement[int] = literal_column("0", Integer)
    reached = and_(
        rows.c.step_of_subject,
        or_(func.cardinality(rows.c.purposes) == none, held.c.purpose == any_(rows.c.purposes)),
        or_(
            func.cardinality(rows.c.categories) == none,
            held.c.category == any_(rows.c.categories),
        ),
        not_(held.c.retention_class == any_(rows.c.retained)),
    )
    gone = or_(held.c.key_id == any_(rows.c.data_keys), reached)
    changed = update(held).where(_of(rows), gone, held.c.state != _word(HeldState.ERASED))
    return Statement(rows, changed.values(state=_word(HeldState.ERASED), erased_at=rows.c.at))


def _person(value: str, kind: TypeEngine[Any], become: Callable[[Any], Any]) -> Statement:
    """A change of one person's row by one value."""
    rows = _rows(**{value: kind})
    changed = update(subjects).where(subjects.c.subject_id == rows.c.subject_id)
    return Statement(rows, changed.values(become(rows.c[value])))


HOLD = _inserting(held)
REPLACE = _after_current(HeldKind.VALUE, held.c.origin)
SUPPLEMENT = _after_current(HeldKind.STATEMENT, null())
SUPERSEDE = _superseding()
RELEASE = _releasing()
MOVE = _moving()
ERASE = _erasing()
REGISTER = _inserting(subjects)
ERASE_SUBJECT = _person("at", MOMENT, lambda at: {"erased_at": at})
TOUCH = _person("version", Integer(), lambda version: {"content_version": version})
LIFT = _person(
    "restriction",
    Uuid(),
    lambda one: {"restrictions": func.array_remove(subjects.c.restrictions, one)},
)
RESTRICT = _person(
    "restriction",
    Uuid(),
    lambda one: {
        "restrictions": func.array_append(func.array_remove(subjects.c.restrictions, one), one)
    },
)
