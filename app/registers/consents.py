"""The register of consents: every act, its evidence, and what carries anything (L12, L14)."""

from dataclasses import replace
from typing import Any

import asyncpg
from sqlalchemy import Column, ColumnElement, Text, literal_column, or_

from app.projections.consents import CONSENT, CONSENTS, TRANSFER, consents
from app.registers.listing import EVERYTHING, IN_FORCE, Listing, ending
from app.registers.table import Part, Question, Row, columns

COLUMNS = columns(
    position="Position of the act in the log.",
    subject_id="Whose consent; a random id.",
    purpose="To what.",
    kind="`consent`, `request` of a double opt-in, `transfer` (Art. 49(1)(a)), or `claim`.",
    act="`requested`, `given`, `confirmed`, `withdrawn`, `expired` or `unproven`.",
    in_force="Whether it carries anything at the cut.",
    recipient="To whom a transfer may go.",
    country="Where a transfer may go, ISO 3166 alpha-2.",
    wording="SHA-256 of the sentence that was agreed to.",
    language="Its language.",
    policy="The policy version that was shown.",
    method="How it was expressed.",
    source="In which system; none where it expired.",
    since_by="Who recorded it: a caller id.",
    occurred_at="When it was expressed.",
    since="When it was recorded.",
    until="When a later act took its place.",
    evidence="`sealed`, `none`, or gone with its key: `erased` by a rule, `lost` where the key was "
    "given up. What it is, the receipt says.",
)
_CARRYING = frozenset({CONSENT, TRANSFER})
_GIVING = frozenset({"given", "confirmed"})


def _one_of(column: Column[str], words: frozenset[str]) -> ColumnElement[bool]:
    """Words of this module, so constants of the statement and none of its parameters."""
    return or_(*(column == literal_column(f"'{word}'", Text) for word in sorted(words)))


_EVERY = Listing(CONSENTS, consents, EVERYTHING)
_LASTING = Listing(
    CONSENTS,
    consents,
    IN_FORCE,
    (_one_of(consents.c.kind, _CARRYING), _one_of(consents.c.act, _GIVING)),
)


async def part(pool: "asyncpg.Pool[Any]", question: Question, *, in_force: bool) -> Part:
    """One page of the whole history, or of the consents in force."""
    found = await (_LASTING if in_force else _EVERY).part(pool, question)
    return replace(found, rows=tuple(_row(ending(row, question.as_of)) for row in found.rows))


def _row(row: Row) -> Row:
    gives = row["kind"] in _CARRYING and row["act"] in _GIVING
    return {**row, "in_force": gives and row["until"] is None}
