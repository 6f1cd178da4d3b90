"""The sharing register: who got which categories of whom, when, for what, on which ground.

Art. 15(1)(c) with named recipients (L32); what Art. 30(1)(d) and (e) look like in practice (L59).
"""

from typing import Any

import asyncpg

from app.projections.sharing_register import SHARING_REGISTER
from app.projections.sharing_register import register as shared
from app.registers.listing import Lasting, Listing
from app.registers.table import Part, Question, columns

COLUMNS = columns(
    position="Position of the disclosure in the log.",
    subject_id="Whose data; a random id.",
    recipient="Who got them: a key of the policy.",
    member="Which one, where the recipient is a group.",
    country="Where they went, ISO 3166 alpha-2.",
    mechanism="The ground of the transfer on that day: `eea` or a mechanism of Chapter V.",
    purpose="What for.",
    categories="Which categories.",
    source="From which system they were taken.",
    occasion="The meeting, project or trip in question.",
    policy="The policy version that it was decided under.",
    disclosed_at="When it was recorded.",
    occurred_at="When it happened, where that is another time.",
    erasure="The erasure that the recipient has to be told of; not with `as_of`.",
    informed="What came of telling the recipient; not with `as_of`.",
    informed_at="When the recipient was told; not with `as_of`.",
)

_LATER = frozenset({"erasure", "informed", "informed_at"})
"""What became of a disclosure afterwards: the table knows it as of now, and no earlier day."""

_LISTING = Listing(SHARING_REGISTER, shared, Lasting("position", "disclosed_at"))


async def part(pool: "asyncpg.Pool[Any]", question: Question) -> Part:
    """One page by position. After an erasure is closed its rows are gone, for earlier days too."""
    found = await _LISTING.part(pool, question)
    if question.as_of is None:
        return found
    rows = tuple({**row, **dict.fromkeys(_LATER)} for row in found.rows)
    return Part(found.stands_at, rows, found.following)
