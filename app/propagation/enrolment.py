"""The short way of an import: somebody nobody knew is appended, and not remembered.

The ledger folds and keeps every person it writes, since most are asked for again soon. The people
of an import are not: keeping them costs a tenth of the time, and drives out those that are in use.
"""

from uuid import UUID

from app.clock import random_id
from app.domain.decider import Refusal
from app.domain.subject import SUBJECT
from app.domain.subjects import RegisterSubject
from app.ledger import Ledger
from app.receipts import Attribution, Receipt, receipt_lines
from app.store.append import Append, OutcomeCode
from app.store.event_store import Draft


class Enrolment:
    """Appends new people once. Whatever does not go smoothly is left to the ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def enrol(self, command: RegisterSubject, attribution: Attribution) -> Receipt | None:
        """The receipt; None when the ledger has to be asked, which nothing here has changed.

        Repeated requests, refusals and conflicts are all the ledger's to answer.
        """
        rules, now = await self._ledger.rules(), self._ledger.clock()
        try:
            records = SUBJECT.decide(command, SUBJECT.initial, rules.at(now))
        except Refusal:
            return None
        stream_id = random_id()
        draft = self._ledger.store.draft(
            stream_id,
            records,
            expected=0,
            previous=None,
            keys={},
            recorded_at=now,
            by=attribution.by,
        )
        asked = attribution.idempotency
        append = Append(
            stream_id=stream_id,
            expected=0,
            control=rules.control.version,
            events=draft.events,
            new_keys=draft.wrapped_keys(),
            identifiers=draft.identifiers,
            suppressions=draft.suppressions,
            idempotency=None if asked is None else await self._ledger.idempotency.token(asked, now),
        )
        [outcome] = await self._ledger.commit.append([append])
        if outcome.code is not OutcomeCode.APPENDED or outcome.first_position is None:
            return None
        return _receipt(stream_id, draft, outcome.first_position)


def _receipt(stream_id: UUID, draft: Draft, first_position: int) -> Receipt:
    return Receipt(stream_id, len(draft.events), receipt_lines(draft.recorded, first_position))
