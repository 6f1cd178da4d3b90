"""The register of merges: which records wait for a decision, and which belong together (0011)."""

from dataclasses import replace
from typing import Any

import asyncpg
from sqlalchemy import Text, literal_column

from app.events.merges import MergeSide
from app.projections.merges import MERGES, merges
from app.registers.listing import EVERYTHING, IN_FORCE, Listing, ending
from app.registers.table import Part, Question, columns

COLUMNS = columns(
    position="Position of the proposal in the log.",
    merge="Its id, in common to both records.",
    subject_id="The record that stands for both, or would.",
    other="The record that takes no more commands, or would.",
    ground="How it was seen that they are one person.",
    finding="The possible duplicate that it answers.",
    since="When it was proposed.",
    since_by="Who proposed it: a caller id. Somebody else approves.",
    approved_at="When it was approved; empty while it waits.",
    approved_by="Who approved it.",
    until="When it was rejected or reverted; empty while it waits or is in force.",
    until_by="Who did.",
)

_OF_SURVIVORS = (merges.c.side == literal_column(f"'{MergeSide.SURVIVOR}'", Text),)
_STANDING = Listing(MERGES, merges, IN_FORCE, _OF_SURVIVORS)
_EVERY = Listing(MERGES, merges, EVERYTHING, _OF_SURVIVORS)


async def part(pool: "asyncpg.Pool[Any]", question: Question, *, history: bool) -> Part:
    """One page of those that wait or are in force, or of all there have been."""
    found = await (_EVERY if history else _STANDING).part(pool, question)
    return replace(found, rows=tuple(ending(row, question.as_of) for row in found.rows))
