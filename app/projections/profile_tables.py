"""The tables of the profiles, and every statement that changes them.

A row says where a sealed value lies, by (stream, version, section) and data key, never what it is.
"""

from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    Column,
    ColumnElement,
    DateTime,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    any_,
    bindparam,
    func,
    insert,
    literal_column,
    null,
    or_,
    select,
    update,
)

from app.projections.statements import Statement
from app.store.tables import METADATA


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
    METADATA,
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
    METADATA,
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
_OF_SUBJECT = held.c.subject_id == bindparam("subject_id")
_OF_PERSON = subjects.c.subject_id == bindparam("subject_id")
_IN_USE = held.c.state == _word(HeldState.CURRENT)
_SLOT = (
    _OF_SUBJECT,
    held.c.category == bindparam("in_category"),
    held.c.purpose == bindparam("for_purpose"),
    held.c.occasion.is_not_distinct_from(bindparam("on_occasion", type_=Uuid)),
    held.c.obtained < bindparam("before"),
    _IN_USE,
)


def _filled(table: Table) -> list[Column[Any]]:
    return [column for column in table.columns if column.name not in _LEFT_EMPTY]


def _inserting(table: Table) -> Statement:
    return Statement(insert(table).values({c.name: bindparam(c.name) for c in _filled(table)}))


def _after_current(kind: HeldKind, origin: ColumnElement[Any]) -> Statement:
    """A row on the basis of the value that is current in a slot; where there is none, no row."""
    taken: dict[str, ColumnElement[Any]] = {
        "category": held.c.category,
        "purpose": held.c.purpose,
        "occasion": held.c.occasion,
        "basis": held.c.basis,
        "kind": _word(kind),
        "origin": origin,
        "state": _word(HeldState.CURRENT),
    }
    given = (taken.get(c.name, bindparam(c.name, type_=c.type)) for c in _filled(held))
    value = select(*given).where(*_SLOT, held.c.kind == _word(HeldKind.VALUE))
    return Statement(insert(held).from_select(_filled(held), value))


HOLD = _inserting(held)
REPLACE = _after_current(HeldKind.VALUE, held.c.origin)
SUPPLEMENT = _after_current(HeldKind.STATEMENT, null())
SUPERSEDE = Statement(
    update(held)
    .where(*_SLOT, held.c.kind.in_((_word(HeldKind.VALUE), _word(HeldKind.STATEMENT))))
    .values(state=_word(HeldState.SUPERSEDED), superseded_at=bindparam("at"))
)
RELEASE = Statement(
    update(held)
    .where(
        _OF_SUBJECT,
        held.c.obtained == bindparam("claimed"),
        held.c.kind == _word(HeldKind.IDENTIFIER),
        _IN_USE,
    )
    .values(state=_word(HeldState.SUPERSEDED), superseded_at=bindparam("at"))
)
MOVE = Statement(
    update(held)
    .where(
        _OF_SUBJECT,
        held.c.version == bindparam("from_version"),
        held.c.retention_class == bindparam("of_class"),
        held.c.state != _word(HeldState.ERASED),
        or_(
            held.c.category == any_(bindparam("among", type_=ARRAY(Text))),
            # Their sections hold a text under a category of its own, not the one it is about.
            held.c.kind.in_((_word(HeldKind.STATEMENT), _word(HeldKind.FILE))),
        ),
    )
    .values(
        version=bindparam("to_version"),
        section=bindparam("to_section"),
        key_id=bindparam("to_key"),
        generation=bindparam("to_generation"),
    )
)
ERASE = Statement(
    update(held)
    .where(
        _OF_SUBJECT,
        held.c.key_id == any_(bindparam("keys", type_=ARRAY(Uuid))),
        held.c.state != _word(HeldState.ERASED),
    )
    .values(state=_word(HeldState.ERASED), erased_at=bindparam("at"))
)

REGISTER = _inserting(subjects)
ERASE_SUBJECT = Statement(update(subjects).where(_OF_PERSON).values(erased_at=bindparam("at")))
_RESTRICTION = bindparam("restriction", type_=Uuid)
_OTHERS = func.array_remove(subjects.c.restrictions, _RESTRICTION)
LIFT = Statement(update(subjects).where(_OF_PERSON).values(restrictions=_OTHERS))
RESTRICT = Statement(
    update(subjects).where(_OF_PERSON).values(restrictions=func.array_append(_OTHERS, _RESTRICTION))
)
TOUCH = Statement(update(subjects).where(_OF_PERSON).values(content_version=bindparam("reached")))
