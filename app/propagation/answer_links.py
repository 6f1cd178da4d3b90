"""The answer to a request for a copy, fetched by the link in its letter (0023; S9, S21).

The mail carries no copy: mails lie on the servers of others for years. Its link works for two
weeks and a few times, as far as a mailbox can show who somebody is: for nobody of whom bank,
identity or signature data are held, and only from an address that was on file.
"""

from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID

from app.domain.days import day_of
from app.domain.decider import Circumstances
from app.domain.subject import SubjectState
from app.events.consultations import ConsultationRecorded
from app.events.recorded import Recorded
from app.events.rights_requests import Fulfilment, RequestedRight, RightsRequestFulfilled
from app.ledger import Ledger
from app.policy.model import Policy
from app.policy.vocabulary import FieldClass
from app.propagation.linked import BY, LinkUnknown
from app.propagation.survivors import survivor_of
from app.store.event_store import Stream
from app.values import Value
from app.vault.link_tokens import LinkKind, LinkTokens

LINK_DAYS: Final = 14
"""How long after the answer it can be fetched."""
FETCHED_MAX: Final = 5
"""How often: a download that broke off can be begun again, and a link in wrong hands ends."""

COPIES: Final = frozenset({RequestedRight.ACCESS, RequestedRight.PORTABILITY})
_BEYOND_A_MAILBOX: Final = frozenset(
    {FieldClass.FINANCIAL, FieldClass.IDENTITY, FieldClass.SIGNATURE}
)


class Fetched(Value, frozen=True, kw_only=True):
    """What a link leads to."""

    subject_id: UUID
    """The record that stands for the person now."""
    right: RequestedRight
    language: str | None
    """That of the request."""


def last_day(answered: Recorded[Any], given: Circumstances) -> date:
    """The last day on which the link in the letter about an answer works."""
    return day_of(answered.recorded_at, given) + timedelta(days=LINK_DAYS)


def answers_by_copy(answered: Recorded[Any], state: SubjectState) -> bool:
    """Whether an event answers a request for a copy, with something that was held."""
    event = answered.event
    if not isinstance(event, RightsRequestFulfilled) or event.outcome is Fulfilment.NOTHING_HELD:
        return False
    request = state.rights_requests.by_id[event.request]
    return request.right in COPIES and not request.stranger and not state.erased


def shown_to_a_mailbox(state: SubjectState, policy: Policy) -> bool:
    """Whether nothing is held, or was, for which a mailbox is too little of a proof (S9)."""
    held = {
        category.field_class
        for slot in state.collections.held.values()
        if (category := policy.categories.get(slot.category)) is not None
    }
    return held.isdisjoint(_BEYOND_A_MAILBOX)


class AnswerLinks:
    """Reads the links of answers. Why one does nothing, no answer tells."""

    def __init__(self, ledger: Ledger, tokens: LinkTokens) -> None:
        self._ledger = ledger
        self._tokens = tokens

    async def read(self, token: str) -> Fetched:
        """What a link leads to now; LinkUnknown for whatever leads nowhere any more."""
        link = self._tokens.link(token)
        if link is None or link.kind is not LinkKind.ANSWER:
            raise LinkUnknown
        stream = await self._ledger.store.read_stream(link.stream_id)
        state = self._ledger.meet(stream)
        given = (await self._ledger.rules()).at(self._ledger.clock())
        answered = _answer(stream, UUID(link.about))
        if answered is None or link.serial < state.links.serial:
            raise LinkUnknown
        over = day_of(given.now, given) > last_day(answered, given)
        if over or not answers_by_copy(answered, state) or _used(stream, answered):
            raise LinkUnknown
        person = await survivor_of(self._ledger, link.stream_id)
        now = state if person == link.stream_id else await self._ledger.state(person)
        if now.erased or not shown_to_a_mailbox(now, given.policy):
            raise LinkUnknown
        request = state.rights_requests.by_id[UUID(link.about)]
        return Fetched(subject_id=person, right=request.right, language=request.language)


def _answer(stream: Stream, request: UUID) -> Recorded[Any] | None:
    for one in stream.events:
        if isinstance(one.event, RightsRequestFulfilled) and one.event.request == request:
            return one
    return None


def _used(stream: Stream, answered: Recorded[Any]) -> bool:
    """Whether it was fetched as often as it may be: each time is on record with the person."""
    times = sum(
        isinstance(one.event, ConsultationRecorded)
        and one.by == BY.by
        and one.version > answered.version
        for one in stream.events
    )
    return times >= FETCHED_MAX
