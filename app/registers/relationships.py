"""The register of relationships: who takes part in what, through which organisation (C2, C3)."""

from dataclasses import replace
from typing import Any

import asyncpg

from app.projections.relationships import RELATIONSHIPS, relationships
from app.registers.listing import EVERYTHING, IN_FORCE, Listing, ending
from app.registers.table import Part, Question, columns

COLUMNS = columns(
    position="Position of the start in the log.",
    subject_id="Who; a random id.",
    kind="In what way: a key of the policy.",
    organisation="Through which organisation.",
    occasion="The meeting, project or trip in question.",
    policy="The policy version that it began under.",
    since="When its start was recorded.",
    occurred_at="When it started, where that is another time.",
    until="When its end was recorded; empty while it lasts.",
    ended_at="When it ended: the retention period is counted from then (L40).",
)

_LASTING = Listing(RELATIONSHIPS, relationships, IN_FORCE)
_EVERY = Listing(RELATIONSHIPS, relationships, EVERYTHING)


async def part(pool: "asyncpg.Pool[Any]", question: Question, *, history: bool) -> Part:
    """One page of those that last, or of all there have been."""
    found = await (_EVERY if history else _LASTING).part(pool, question)
    rows = []
    for row in found.rows:
        told = ending(row, question.as_of)
        rows.append({**told, "ended_at": told["ended_at"] if told["until"] else None})
    return replace(found, rows=tuple(rows))
