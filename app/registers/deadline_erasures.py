"""Until when an erasure is to be carried out, and each recipient told of it (Arts. 12(3), 17, 19).

One may begin without a request: at the desk, by a link, or because somebody is too young. It is due
as if it had been asked for on that day; with a request, when that is (L36, L37).
"""

from collections.abc import Iterator
from uuid import UUID

from app.domain import legal_clock
from app.domain.decider import Circumstances
from app.domain.erasure_progress import RUNNING, Erasure
from app.domain.legal_clock import Due
from app.domain.rights_request_progress import RightsRequest
from app.domain.subject import SubjectState
from app.events.rights_requests import RequestedRight
from app.registers.deadline_days import fixed, reckoned
from app.registers.table import Row
from app.rights.erasure_report import close_by


def of_erasures(
    subject: UUID, state: SubjectState, given: Circumstances, nothing: Row
) -> Iterator[Row]:
    """What waits of a person's erasures; ``nothing`` is a row in which nothing is said yet."""
    common = {
        **nothing,
        "kind": "erasure",
        "subject_id": subject,
        "right": RequestedRight.ERASURE.value,
    }
    for key, erasure in state.erasures.by_id.items():
        if erasure.stage in RUNNING:
            yield {**common, "matter": key, **_to_carry_out(erasure, state, given)}
        elif erasure.telling:
            told = _to_tell(erasure, state, given)
            yield from ({**common, "matter": key, **one} for one in told)
    if _not_begun(state):
        yield {**common, **_to_begin(state, given)}


def _not_begun(state: SubjectState) -> bool:
    """Whether everything about a child is to go, and nobody has begun it (C75)."""
    running = (one for one in state.erasures.by_id.values() if one.stage in RUNNING)
    return state.child and not state.erased and not any(one.extent.of_everything for one in running)


def _to_begin(state: SubjectState, given: Circumstances) -> Row:
    since = state.subjects.child_since
    assert since is not None, "a child is one since its discovery"
    due = legal_clock.due(since, given.law)
    return {**reckoned(due, None, given), "matter": state.subjects.discovery, "what": "discovered"}


def _to_carry_out(erasure: Erasure, state: SubjectState, given: Circumstances) -> Row:
    request, due = _due(erasure, state, given)
    return {**reckoned(due, request, given), "what": erasure.stage.value}


def _due(
    erasure: Erasure, state: SubjectState, given: Circumstances
) -> tuple[RightsRequest | None, Due]:
    """The clock of the first open request for it; else that of the day on which it began."""
    asking = [
        one
        for one in state.rights_requests.by_id.values()
        if one.status.open and one.right is RequestedRight.ERASURE
    ]
    if not asking:
        return None, legal_clock.due(erasure.requested_at, given.law)
    first = min(asking, key=lambda one: one.received_at)
    return first, first.due(given.law, given.now)


def _to_tell(erasure: Erasure, state: SubjectState, given: Circumstances) -> Iterator[Row]:
    """One row a recipient, until the day on which what is needed to tell them goes as well.

    A request for it cannot be answered before: then they are told by the day of that answer.
    """
    last_day = close_by(erasure, given)
    assert last_day is not None, "it was executed and is not closed"
    request, due = _due(erasure, state, given)
    answered_first = request is not None and due.last_day < last_day
    days = reckoned(due, request, given) if answered_first else fixed(last_day, given)
    assert erasure.executed_at is not None
    for number, recipient in enumerate(erasure.recipients, 1):
        if recipient in erasure.untold:
            yield {
                **days,
                "task": number,
                "what": "inform_recipient",
                "recipient": recipient,
                "received_on": legal_clock.day_of(erasure.executed_at, given.law),
            }
