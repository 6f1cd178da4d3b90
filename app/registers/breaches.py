"""The register of all breaches, with their clocks (Art. 33(5)), as of now or of an earlier day."""

from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import BigInteger, bindparam, literal_column, select

from app.domain.breaches import BREACH, BreachState, BreachUnknown, Radius, due_at
from app.events.breaches import BreachAssessed, BreachAudience
from app.policy.model import Law
from app.projections.breaches import BREACHES, breaches
from app.projections.statements import Query
from app.registers.listing import Lasting, Listing
from app.registers.table import Part, Question, columns
from app.rights.as_of import AsOf
from app.store.append import PARTITION
from app.store.event_store import EventStore
from app.store.recorded import read_entry
from app.store.tables import events

COLUMNS = columns(
    breach="Its id.",
    position="Position of its detection in the log.",
    recorded_at="When its detection was recorded.",
    aware_at="When the controller became aware of it: the clock runs from then on.",
    due_at="When the authority must have been told.",
    nature="What was lost: confidentiality, integrity, availability.",
    cause="How it came about.",
    reporter="From whom the controller knew.",
    recipient="Whose systems were breached; null for the controller's own, or a source's.",
    member="Which one, where the recipient is a group.",
    source="The source whose systems were breached.",
    exposure="Whether it reaches all that was there, or what went there in the span.",
    categories="The categories concerned; none named: all.",
    began_at="From when.",
    ended_at="Until when; null while it goes on.",
    risk="The risk to people; null until it was assessed.",
    people="Data subjects concerned, by the last assessment.",
    erased="How many of them were erased since.",
    records="Data concerned: one a person and category.",
    authority_told_at="When the authority was first told.",
    subjects_told_at="When the people were first told, by letter or in public.",
    subjects_due="Whether the people concerned are to be told (Art. 34).",
    late="Whether the authority was told after the deadline, or was not in time.",
    overdue="Whether it still has to be told, and the deadline has passed.",
    settled="Whether nobody is left to be told.",
    file="Where the desk keeps what has to be told in sentences.",
)

Value = dict[str, Any]  # Any: a JSON value

LISTING = Listing(BREACHES, breaches, Lasting("position", "recorded_at"))

_ENTRY_AT = Query(
    select(events.c.entry).where(
        events.c.partition == literal_column(str(PARTITION)),
        events.c.position == bindparam("position", type_=BigInteger),
    )
)


@dataclass(frozen=True, slots=True)
class Breach:
    """One breach, as of a moment."""

    breach: UUID
    state: BreachState
    asked_at: datetime
    """Now, or the time of the cut: whether a deadline has passed is asked of that moment."""


async def read_breach(
    store: EventStore, breach: UUID, asked_at: datetime, cut: AsOf | None = None
) -> Breach:
    """A breach from its stream, always current; BreachUnknown where there was none."""
    stream = await store.read_stream(breach)
    known = stream if cut is None else cut.cut(stream)
    state = reduce(BREACH.evolve, known.events, BREACH.initial)
    if state.detected is None:
        raise BreachUnknown
    return Breach(breach, state, asked_at)


async def moment_of(pool: "asyncpg.Pool[Any]", cut: AsOf | None) -> datetime | None:
    """The recorded time that a cut stands for; None without a cut, or beyond the log."""
    if cut is None or cut.position is None:
        return None if cut is None else cut.moment
    found = await _ENTRY_AT.fetch(pool, position=cut.position)
    return read_entry(found[0]["entry"], cut.position).recorded_at if found else None


async def part(
    pool: "asyncpg.Pool[Any]", store: EventStore, question: Question, *, law: Law, now: datetime
) -> Part:
    """One page of the register, in the order of recording."""
    found = await LISTING.part(pool, question)
    asked_at = await moment_of(pool, question.as_of) or now
    rows = [
        row_of(await read_breach(store, row["subject_id"], asked_at, question.as_of), law)
        | {"position": row["position"]}
        for row in found.rows
    ]
    return Part(found.stands_at, tuple(rows), found.following)


def row_of(found: Breach, law: Law) -> Value:
    """What the register says of one breach."""
    state = found.state
    span, detected, assessed = state.span, state.detected, state.assessed
    assert detected is not None, "whatever was read was detected"
    deadline = due_at(detected.aware_at, law)
    told = state.first(BreachAudience.AUTHORITY)
    overdue = state.authority_due and found.asked_at > deadline
    return {
        "breach": found.breach,
        "recorded_at": state.detected_at,
        "aware_at": detected.aware_at,
        "due_at": deadline,
        "nature": list(detected.nature),
        "cause": detected.cause,
        "reporter": detected.reporter,
        "recipient": span.recipient,
        "member": span.member,
        "source": span.source,
        "exposure": span.exposure,
        "categories": list(span.categories),
        "began_at": span.began_at,
        "ended_at": span.ended_at,
        "risk": None if assessed is None else assessed.risk,
        "people": None if assessed is None else assessed.people,
        "erased": None if assessed is None else assessed.erased,
        "records": None if assessed is None else assessed.records,
        "authority_told_at": told,
        "subjects_told_at": state.first(BreachAudience.SUBJECTS, BreachAudience.PUBLIC),
        "subjects_due": state.subjects_due,
        "late": overdue or (told is not None and told > deadline),
        "overdue": overdue,
        "settled": state.settled,
        "file": detected.file,
    }


def breach_value(found: Breach, law: Law) -> Value:
    """The same with the last assessment and every notification."""
    state = found.state
    assessed = state.assessed
    return {
        **row_of(found, law),
        "version": state.version,
        "assessment": None
        if assessed is None
        else {
            "assessed_at": state.assessed_at,
            "risk": assessed.risk,
            **radius_value(assessed),
            "consequences": list(assessed.consequences),
            "measures": list(assessed.measures),
            "exemptions": list(assessed.exemptions),
            "file": assessed.file,
        },
        "notifications": [
            {
                "notified_at": one.at,
                "audience": one.event.audience,
                "complete": one.event.complete,
                "due_at": one.event.due_at,
                "reasons": list(one.event.reasons),
                "people": one.event.people,
                "file": one.event.file,
            }
            for one in state.told
        ],
    }


def radius_value(counted: Radius | BreachAssessed) -> Value:
    """The numbers of Art. 33(3)(a)."""
    return {
        "people": counted.people,
        "erased": counted.erased,
        "reachable": counted.people - counted.erased,
        "records": counted.records,
        "categories": [
            {"category": category, "people": number}
            for category, number in sorted(counted.by_category.items())
        ],
        "stands_at": counted.stands_at,
    }
