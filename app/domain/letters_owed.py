"""Which events of a stream the person must be told of by letter (Arts. 11, 12, 17 to 19, 21; L25).

A letter is owed from the moment on which its event is in the log, and until a mail with the id of
that event is queued: nothing else has to remember it, and no crash in between can lose it.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from app.domain.days import day_of
from app.domain.decider import Circumstances
from app.events.erasures import (
    ErasureExecuted,
    ErasureRecipientInformed,
    ErasureStep,
)
from app.events.objections import (
    GrantReason,
    ObjectionCause,
    ObjectionGranted,
    ObjectionGround,
    ObjectionOverridden,
    ObjectionRaised,
)
from app.events.recorded import Recorded
from app.events.restrictions import AccuracyDisputed, RestrictionLiftAnnounced, RestrictionSet
from app.events.rights_requests import (
    RequestedRight,
    RightsRequestDoubted,
    RightsRequestExtended,
    RightsRequestFulfilled,
    RightsRequestReceived,
    RightsRequestRefused,
    RightsRequestUnidentified,
    RightsRequestWithdrawn,
)
from app.policy.model import Policy

if TYPE_CHECKING:
    from app.domain.subject import SubjectState

TELLING: Final = (
    RightsRequestReceived,
    RightsRequestDoubted,
    RightsRequestExtended,
    RightsRequestFulfilled,
    RightsRequestRefused,
    RightsRequestUnidentified,
    RightsRequestWithdrawn,
    ErasureExecuted,
    ErasureRecipientInformed,
    ObjectionRaised,
    ObjectionGranted,
    ObjectionOverridden,
    RestrictionSet,
    AccuracyDisputed,
    RestrictionLiftAnnounced,
)
"""Events that may owe a letter."""

OWN_PAGES: Final = "self_service"
"""The source of the policy that the pages behind the links in mails are."""


def owed(
    events: Sequence[Recorded[Any]], state: "SubjectState", given: Circumstances
) -> Iterator[Recorded[Any]]:
    """The events of a whole stream whose letter is not in the post yet, oldest first."""
    for recorded in events:
        if not isinstance(recorded.event, TELLING) or recorded.event_id in state.mails.by_id:
            continue
        told = _told_by_desk(recorded, given) or _told_on_the_spot(recorded, events, given.policy)
        if not told and not _overtaken(recorded, state, given) and _owes(recorded, events, state):
            yield recorded


def _owes(recorded: Recorded[Any], events: Sequence[Recorded[Any]], state: "SubjectState") -> bool:
    """Whether the event is to be told by a letter of the ledger's own.

    What is part of an open request is told by the answer to the request, but for what its silence
    granted.
    """
    event, at = recorded.event, recorded.happened_at
    match event:
        case RightsRequestReceived():
            return event.origin is None  # a stranger's was confirmed when it came
        case ErasureExecuted():
            one = state.erasures.by_id[event.erasure]
            return event.step is ErasureStep.SUBJECT and one.told_with is None
        case ErasureRecipientInformed():
            last = _last_told(recorded, events, state)
            return last and not _asked(RequestedRight.ERASURE, at, state)
        case ObjectionRaised():
            weighed = event.ground is ObjectionGround.OWN_SITUATION
            return weighed and not _asked(RequestedRight.OBJECTION, at, state)
        case ObjectionGranted(reason=GrantReason.SILENCE):
            return True  # the desk answered nothing: the person does not wait for it any longer
        case ObjectionGranted() | ObjectionOverridden():
            return not _asked(RequestedRight.OBJECTION, at, state)
        case RestrictionSet() | AccuracyDisputed():
            return not _asked(RequestedRight.RESTRICTION, at, state)
        case RestrictionLiftAnnounced():
            return event.ends_on is not None  # without a day the desk told by its own means
        case _:
            return True


def _overtaken(recorded: Recorded[Any], state: "SubjectState", given: Circumstances) -> bool:
    """Whether the answer stands already, and the day that a confirmation would promise is over.

    What was entered after its day is told by the letter about the answer, or about the silence that
    grants it.
    """
    event, law = recorded.event, given.law
    match event:
        case RightsRequestReceived():
            request = state.rights_requests.by_id[recorded.event_id]
            ended = request.closed_at
            return ended is not None and request.due(law, ended).over(given.now)
        case ObjectionRaised():
            objection = state.objections.by_id[event.objection]
            return objection.due(state.rights_requests, law, given.now).over(given.now)
        case _:
            return False


def _told_by_desk(recorded: Recorded[Any], given: Circumstances) -> bool:
    """Whether the desk keeps the letter of a step, or had told of it on an earlier day."""
    event = recorded.event
    if not hasattr(event, "told_by"):
        return False
    earlier = day_of(recorded.happened_at, given) < day_of(recorded.recorded_at, given)
    return earlier or getattr(event, "letter", None) is not None


def _last_told(
    recorded: Recorded[Any], events: Sequence[Recorded[Any]], state: "SubjectState"
) -> bool:
    """Whether all are told of an erasure since its certificate was written, by this one at last.

    What the letter of another record tells is told as it stood when that was written: soon after.
    """
    erasure = recorded.event.erasure
    steps = [one for one in events if getattr(one.event, "erasure", None) == erasure]
    executed = next(
        one
        for one in steps
        if isinstance(one.event, ErasureExecuted) and one.event.step is ErasureStep.SUBJECT
    )
    certificate = state.mails.by_id.get(executed.event_id)
    elsewhere = state.erasures.by_id[erasure].told_with is not None
    told = [one for one in steps if isinstance(one.event, ErasureRecipientInformed)]
    lacking = elsewhere or (
        certificate is not None and certificate.queued_at <= recorded.recorded_at
    )
    return lacking and not state.erasures.by_id[erasure].untold and told[-1] is recorded


def _asked(right: RequestedRight, at: datetime, state: "SubjectState") -> bool:
    """Whether a request for the right was open at the time."""
    return any(
        one.right is right
        and one.received_at <= at
        and (one.closed_at is None or one.closed_at >= at)
        for one in state.rights_requests.by_id.values()
    )


def _told_on_the_spot(
    recorded: Recorded[Any], events: Sequence[Recorded[Any]], policy: Policy
) -> bool:
    """Whether a no to news was answered where it was said: on a page of ours, or by the tool."""
    event = recorded.event
    if not isinstance(event, ObjectionGranted) or event.reason is not GrantReason.ABSOLUTE:
        return False
    raised = next(
        one.event
        for one in events
        if isinstance(one.event, ObjectionRaised) and one.event.objection == event.objection
    )
    source = policy.source(raised.source)
    operated = source is not None and source.operator is not None
    return operated or raised.source == OWN_PAGES or raised.cause is not ObjectionCause.PERSON
