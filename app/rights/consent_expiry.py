"""Consents whose time is over, ended by an event on the day after the last (Art. 7; L16).

Which people may be concerned is looked up in the read model; whether anything is over is decided on
each person's own stream. Where the policy names no time, nobody is looked for.
"""

from typing import Any, Final

import asyncpg
import structlog
from sqlalchemy import DateTime, Text, bindparam, func, literal_column, select

from app.domain.consents import ExpireConsent
from app.domain.merges import SubjectAbsorbed
from app.domain.subjects import SubjectErased
from app.ledger import Ledger
from app.policy.model import Policy
from app.projections.consents import CONSENT, consents
from app.projections.statements import Query
from app.receipts import Attribution

BY: Final = Attribution(by="consent-expiry")

_log: Any = structlog.get_logger(__name__)

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
        policy, done = (await self._ledger.rulebook.refresh()).policy, True
        for purpose in _timed(policy):
            done = await self._expire(purpose) and done
        return done

    async def _expire(self, purpose: str) -> bool:
        done = True
        now = self._ledger.clock()
        for row in await _STANDING.fetch(self._pool, purpose=purpose, before=now):
            subject_id = row["subject_id"]
            try:
                await self._ledger.execute(subject_id, ExpireConsent(purpose=purpose), BY)
            except (SubjectErased, SubjectAbsorbed):
                continue  # nothing stands here any more: what was inherited ends where it is
            except Exception as error:  # noqa: BLE001  # the next person's consent is over as well
                done = False
                _log.error("consent not ended", error_class=type(error).__name__)
        return done


def _timed(policy: Policy) -> tuple[str, ...]:
    """The purposes for which the policy says how long a consent stands."""
    return tuple(one.key for one in policy.all_purposes() if one.consent_keep is not None)
