"""Consents whose time is over, ended by an event on the day after the last (Art. 7; L16).

Which people may be concerned is looked up in the read model; whether anything is over is decided on
each person's own stream. Where the policy names no time, nobody is looked for.
"""

from datetime import UTC, datetime, time
from typing import Any, Final

import asyncpg
from sqlalchemy import DateTime, Text, bindparam, func, literal_column, select

from app.domain.consents import ExpireConsent
from app.ledger import Ledger
from app.policy.model import Policy
from app.projections.consents import CONSENT, consents
from app.projections.statements import Query
from app.receipts import Attribution

BY: Final = Attribution(by="consent-expiry")

_STANDING: Final = Query(
    select(consents.c.subject_id)
    .distinct()
    .where(
        consents.c.kind == literal_column(f"'{CONSENT}'", Text),
        consents.c.purpose == bindparam("purpose", type_=Text),
        consents.c.until_position.is_(None),
        func.coalesce(consents.c.occurred_at, consents.c.since)
        < bindparam("before", type_=DateTime(timezone=True)),
    )
)


class ExpiringConsents:
    """Looks for consents that stand for too long. Any number of processes may do it."""

    def __init__(self, ledger: Ledger, pool: "asyncpg.Pool[Any]") -> None:
        self._ledger = ledger
        self._pool = pool

    async def carry_out(self) -> bool:
        """As a daily task: ends what is over; whether nothing of it was left over."""
        policy = (await self._ledger.rulebook.refresh()).policy
        for purpose in _timed(policy):
            await self._expire(purpose)
        return True

    async def _expire(self, purpose: str) -> None:
        today = datetime.combine(self._ledger.clock().date(), time(), UTC)
        for row in await _STANDING.fetch(self._pool, purpose=purpose, before=today):
            subject_id = row["subject_id"]
            if (await self._ledger.state(subject_id)).erased:
                continue
            await self._ledger.execute(subject_id, ExpireConsent(purpose=purpose), BY)


def _timed(policy: Policy) -> tuple[str, ...]:
    """The purposes for which the policy says how long a consent stands."""
    return tuple(one.key for one in policy.all_purposes() if one.consent_keep is not None)
