"""The sharing register: who was given what of a person, when, for what, on which ground.

It answers Art. 15(1)(c) with named recipients (L32) and Art. 19, which has each of them told of an
erasure (L36). A row outlives the person's data until those duties are closed, and no longer.
"""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    DateTime,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    and_,
    any_,
    bindparam,
    delete,
    func,
    insert,
    literal_column,
    null,
    or_,
    select,
    text,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY

from app.events.disclosures import DataDisclosed
from app.events.erasures import ErasureExecuted, ErasureRecipientInformed, ErasureStep
from app.events.recorded import Recorded
from app.projections.projection import Projection, Writes
from app.projections.statements import Query, Statement, given
from app.store.tables import READ_MODELS, positions

register = Table(
    "sharing_register_v1",
    READ_MODELS,
    Column("subject_id", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("member", Uuid),
    Column("country", Text),
    Column("mechanism", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("categories", ARRAY(Text), nullable=False),
    Column("source", Text),
    Column("occasion", Uuid),
    Column("policy", Text, nullable=False),
    Column("disclosed_at", DateTime(timezone=True), nullable=False),
    Column("occurred_at", DateTime(timezone=True)),
    Column("erasure", Uuid),
    Column("of_everything", Boolean, nullable=False, server_default=text("false")),
    Column("informed", Text),
    Column("informed_at", DateTime(timezone=True)),
    PrimaryKeyConstraint("subject_id", "version"),
    Index(None, "recipient", "position"),
    comment="Sharing register: one row a disclosure, kept until nobody need be told of an erasure.",
)

SHARING_REGISTER = Projection("sharing_register", version=1, tables=(register,))


@dataclass(frozen=True, slots=True)
class Disclosure:
    """One recipient was given data of one person, once."""

    subject_id: UUID
    version: int
    """Version of the event in the person's stream."""
    position: int
    recipient: str
    member: UUID | None
    country: str | None
    mechanism: str
    purpose: str
    categories: list[str]
    source: str | None
    occasion: UUID | None
    policy: str
    disclosed_at: datetime
    """When it was recorded."""
    occurred_at: datetime | None
    """When it happened, where that is another time."""
    erasure: UUID | None
    """The latest erasure that reaches the data: its recipients are to be told (Art. 19)."""
    of_everything: bool
    """Whether that erasure was of the person as such: the row goes when it is closed."""
    informed: str | None
    """What came of telling the recipient; None until then."""
    informed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Disclosures:
    """A part of the register, true at ``stands_at``."""

    stands_at: int
    """Position up to which the register has read the log."""
    rows: tuple[Disclosure, ...]

    @property
    def next_after(self) -> int | None:
        """Where the next page begins; None after an empty one."""
        return self.rows[-1].position if self.rows else None


_LATER = frozenset({"erasure", "of_everything", "informed", "informed_at"})
"""Columns that only an erasure fills."""


def _recording() -> Statement:
    filled = [column for column in register.columns if column.name not in _LATER]
    rows = given(*filled)
    return Statement(rows, insert(register).from_select(filled, select(rows)))


def _reaching() -> Statement:
    """Marks what an erasure reaches: with no purpose or no category named, any."""
    names = (register.c[name] for name in ("subject_id", "erasure", "of_everything", "categories"))
    rows = given(*names, Column("purposes", ARRAY(Text)))
    none: ColumnElement[int] = literal_column("0", Integer)
    reached = and_(
        register.c.subject_id == rows.c.subject_id,
        register.c.of_everything.is_(False),
        or_(
            func.cardinality(rows.c.purposes) == none,
            register.c.purpose == any_(rows.c.purposes),
        ),
        or_(
            func.cardinality(rows.c.categories) == none,
            register.c.categories.overlap(rows.c.categories),
        ),
    )
    return Statement(
        rows,
        update(register)
        .where(reached)
        .values(
            erasure=rows.c.erasure,
            of_everything=rows.c.of_everything,
            informed=null(),
            informed_at=null(),
        ),
    )


def _informing() -> Statement:
    names = ("subject_id", "recipient", "erasure", "informed", "informed_at")
    rows = given(*(register.c[name] for name in names))
    due = and_(*(register.c[name] == rows.c[name] for name in names[:3]))
    told = {name: rows.c[name] for name in names[3:]}
    return Statement(rows, update(register).where(due).values(told))


def _closing() -> Statement:
    rows = given(register.c.subject_id, register.c.erasure)
    of_this = and_(register.c.subject_id == rows.c.subject_id, register.c.erasure == rows.c.erasure)
    return Statement(rows, delete(register).where(of_this, register.c.of_everything))


RECORD = _recording()
REACH = _reaching()
INFORM = _informing()
CLOSE = _closing()


@SHARING_REGISTER.on(DataDisclosed)
def disclosed(recorded: Recorded[DataDisclosed]) -> Writes:
    """One disclosure is one row, also when the same recipient gets the same again (C23)."""
    event = recorded.event
    return (
        RECORD.write(
            subject_id=recorded.stream_id,
            version=recorded.version,
            position=recorded.position,
            recipient=event.recipient,
            member=event.member,
            country=event.country,
            mechanism=event.mechanism,
            purpose=event.purpose,
            categories=event.categories,
            source=event.source,
            occasion=event.occasion,
            policy=event.policy,
            disclosed_at=recorded.recorded_at,
            occurred_at=recorded.occurred_at,
        ),
    )


@SHARING_REGISTER.on(ErasureExecuted)
def erased(recorded: Recorded[ErasureExecuted]) -> Writes:
    """An erasure marks what its recipients must be told of; its closing lets the rows go.

    After a partial erasure they stay: the person may still ask who was given what (Art. 15(1)(c)).
    """
    event = recorded.event
    if event.step is ErasureStep.CLOSING:
        return (CLOSE.write(subject_id=recorded.stream_id, erasure=event.erasure),)
    return (
        REACH.write(
            subject_id=recorded.stream_id,
            erasure=event.erasure,
            of_everything=event.of_everything,
            purposes=event.purposes,
            categories=event.categories,
        ),
    )


@SHARING_REGISTER.on(ErasureRecipientInformed)
def informed(recorded: Recorded[ErasureRecipientInformed]) -> Writes:
    """The duty of Art. 19 towards one recipient was met, or could not be."""
    event = recorded.event
    return (
        INFORM.write(
            subject_id=recorded.stream_id,
            recipient=event.recipient,
            erasure=event.erasure,
            informed=event.outcome.value,
            informed_at=recorded.recorded_at,
        ),
    )


async def of_subject(pool: "asyncpg.Pool[Any]", subject_id: UUID) -> Disclosures:
    """Everything that is recorded as shared of one person, oldest first (Art. 15(1)(c); L32)."""
    return _disclosures(await _OF_ONE_SUBJECT.fetch(pool, wanted=subject_id))


async def by_recipient(
    pool: "asyncpg.Pool[Any]", recipient: str, *, after: int = -1, limit: int = 50
) -> Disclosures:
    """One page of what a recipient was given, by position; ``after`` is the last page's end."""
    rows = await _OF_ONE_RECIPIENT.fetch(pool, wanted=recipient, after=after, size_max=limit)
    return _disclosures(rows)


def _reading(*conditions: Any, size_max: Any = None) -> Query:
    """Rows with the position at which they are true, of one snapshot."""
    part = (
        select(register).where(*conditions).order_by(register.c.position).limit(size_max).subquery()
    )
    standing = positions.outerjoin(part, true())
    return Query(
        select(positions.c.position.label("stands_at"), part)
        .select_from(standing)
        .where(SHARING_REGISTER.standing)
        .order_by(part.c.position)
    )


_OF_ONE_SUBJECT = _reading(register.c.subject_id == bindparam("wanted"))
_OF_ONE_RECIPIENT = _reading(
    register.c.recipient == bindparam("wanted"),
    register.c.position > bindparam("after"),
    size_max=bindparam("size_max", type_=Integer),
)


def _disclosures(rows: "list[asyncpg.Record]") -> Disclosures:
    return Disclosures(
        stands_at=rows[0]["stands_at"] if rows else -1,
        rows=tuple(
            Disclosure(**{name: row[name] for name in _NAMES})
            for row in rows
            if row["subject_id"] is not None
        ),
    )


_NAMES = tuple(field.name for field in fields(Disclosure))
