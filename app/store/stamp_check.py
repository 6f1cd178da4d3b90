"""Checks the time-stamps that are stored with checkpoints (RFC 3161)."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from app.store.checkpoint_check import Add, Trust, checkpoint_place
from app.store.integrity import pages
from app.store.stream_check import Finding, Row, Rule
from app.tlog.notes import NoteMalformed, read_note
from app.tlog.time_stamps import StampInvalid, claimed_at

if TYPE_CHECKING:
    from app.store.integrity import Connection

# One of a checkpoint that is not there has no note; there is none of another partition.
_STAMPS_SQL: Final = """
SELECT t.size, t.response, t.stamped_at, c.note
  FROM ledger.log_timestamp t
  LEFT JOIN ledger.log_checkpoint c ON c.partition = t.partition AND c.size = t.size
 ORDER BY t.size, t.authority
"""


@dataclass(slots=True)
class StampVerification:
    """What was found of the time-stamps."""

    count: int = 0
    newest_size: int | None = None
    newest_at: datetime | None = None
    """When the largest tree that has a good stamp was stamped."""


async def check_stamps(connection: "Connection", trust: Trust, add: Add) -> StampVerification:
    """Checks all of them within the transaction: there are few, and they come late."""
    done = StampVerification()
    async for page in pages(connection, _STAMPS_SQL):
        for row in page:
            done.count += 1
            at = stamped_at(row, trust)
            if at is None:
                place = f"time-stamp of {checkpoint_place(row['size'])}"
                add(Finding(Rule.TIME_STAMP_WRONG, None, None, place=place))
            else:
                done.newest_size, done.newest_at = row["size"], at
    return done


def stamped_at(row: Row, trust: Trust) -> datetime | None:
    """The time of a row of size, response, stamped_at and note; None where the row lies."""
    try:
        text = read_note(row["note"] or b"").text
        if trust.stamps.roots:
            at = trust.stamps.stamped_at(row["response"], text)
        else:
            at = claimed_at(row["response"], text)
    except (NoteMalformed, StampInvalid):
        return None
    return at if at == row["stamped_at"] else None
