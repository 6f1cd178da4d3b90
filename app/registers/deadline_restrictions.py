"""When a restriction ends that the person was told the end of (Art. 18(3); L42).

The letter named the day, and nothing ends by itself: until a human lifts it, the person was told
something that is not so. One that ends with an objection that was taken back needs no human.
"""

from collections.abc import Iterator
from uuid import UUID

from app.domain.days import day_of
from app.domain.decider import Circumstances
from app.domain.objections import Status
from app.domain.subject import SubjectState
from app.events.rights_requests import RequestedRight
from app.registers.deadline_days import fixed
from app.registers.table import Row


def of_restrictions(
    subject: UUID, state: SubjectState, given: Circumstances, nothing: Row
) -> Iterator[Row]:
    """The announced ends of a person's restrictions; ``nothing`` is a row that says nothing yet."""
    for key, restriction in state.restrictions.active.items():
        objection = state.objections.by_id.get(key)
        taken_back = objection is not None and objection.status is Status.WITHDRAWN
        if restriction.ends_on is None or restriction.announced_at is None or taken_back:
            continue
        yield {
            **nothing,
            **fixed(restriction.ends_on, given),
            "kind": "restriction",
            "matter": key,
            "subject_id": subject,
            "right": RequestedRight.RESTRICTION.value,
            "what": "lift",
            "received_on": day_of(restriction.announced_at, given),
        }
