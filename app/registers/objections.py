"""The registers of objections and restrictions: what must rest, for whom (L42 to L44)."""

from dataclasses import replace
from typing import Any

import asyncpg

from app.projections.objections import OBJECTIONS, objections, restrictions
from app.registers.listing import EVERYTHING, IN_FORCE, Listing, ending, known_by
from app.registers.table import Part, Question, Row, columns
from app.rights.as_of import AsOf

OBJECTION_COLUMNS = columns(
    position="Position of the objection in the log.",
    subject_id="Who objects; a random id.",
    objection="Its id.",
    ground="Art. 21(2) `direct_marketing`, or Art. 21(1) `own_situation`.",
    purpose="Against which purpose; empty: against any.",
    recipient="Against sharing with whom; empty: with anybody.",
    cause="What it was read from.",
    source="In which system.",
    state="`open`, `granted`, `overridden` or `withdrawn`.",
    reason="Why it was granted.",
    since="When it was recorded.",
    occurred_at="When it was raised, where that is another time.",
    decided_at="When it was decided.",
    until="When it was withdrawn.",
)
RESTRICTION_COLUMNS = columns(
    position="Position of the restriction in the log.",
    subject_id="Whose data rest; a random id.",
    restriction="Its id; that of the objection that it waits for.",
    ground="Art. 18(1), one word a letter.",
    purpose="The one use that rests; empty: every use.",
    recipient="The one recipient to whom nothing goes; empty: any.",
    categories="What is contested; empty: everything.",
    source="In which system.",
    since="When it was recorded.",
    occurred_at="When it was asked for, where that is another time.",
    announced_at="When the person was told that it is about to end (Art. 18(3)).",
    until="When it was lifted.",
)

_OBJECTIONS = {True: Listing(OBJECTIONS, objections, EVERYTHING)}
_OBJECTIONS[False] = Listing(OBJECTIONS, objections, IN_FORCE)
_RESTRICTIONS = {True: Listing(OBJECTIONS, restrictions, EVERYTHING)}
_RESTRICTIONS[False] = Listing(OBJECTIONS, restrictions, IN_FORCE)


async def objections_part(pool: "asyncpg.Pool[Any]", question: Question, *, history: bool) -> Part:
    """One page of the objections in force, or of all there have been."""
    found = await _OBJECTIONS[history].part(pool, question)
    rows = (_objection(ending(row, question.as_of), question.as_of) for row in found.rows)
    # One that compelling grounds overrode stops nothing (Art. 21(1)).
    told = tuple(row for row in rows if history or row["state"] != "overridden")
    return replace(found, rows=told)


async def restrictions_part(
    pool: "asyncpg.Pool[Any]", question: Question, *, history: bool
) -> Part:
    """One page of the restrictions in force, or of all there have been."""
    found = await _RESTRICTIONS[history].part(pool, question)
    rows = (_restriction(ending(row, question.as_of), question.as_of) for row in found.rows)
    return replace(found, rows=tuple(rows))


def _objection(row: Row, cut: AsOf | None) -> Row:
    if not known_by(cut, row["decided_position"], row["decided_at"]):
        row = {**row, "decision": None, "reason": None, "decided_at": None}
    state = "withdrawn" if row["until"] else row["decision"] or "open"
    return {**row, "state": state}


def _restriction(row: Row, cut: AsOf | None) -> Row:
    known = known_by(cut, row["announced_position"], row["announced_at"])
    return row if known else {**row, "announced_at": None}
