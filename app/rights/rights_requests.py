"""Rights requests as they are shown: standing, clock and letters of one of them (Art. 12; L20-L28).

A request is found by the event id of its receipt in the log itself, so no projection has to have
read it before the desk can go on.
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any, Final, TypeAlias
from uuid import UUID

import asyncpg

from app.domain.decider import Circumstances
from app.domain.legal_clock import Due, day_of, pause_warns_on, target
from app.domain.rights_request_progress import RequestStatus, RightsRequest
from app.domain.rights_request_refusals import RightsRequestUnknown
from app.events.declare import type_of
from app.events.recorded import Recorded
from app.events.rights_requests import RequestedRight, RightsRequestReceived
from app.policy.law import Law
from app.rights.lost_sections import LostSections, lost_sections_of
from app.rights.person import Person, person_of
from app.store.event_store import EventStore
from app.store.recorded import UnknownEvent
from app.vault.sealing import Erased, Sealed

Value: TypeAlias = dict[str, Any]  # Any: a JSON value

DPV_JUSTIFICATION: Final = "https://w3id.org/dpv/legal/eu/gdpr#Justification"
DPV_OTHER: Final = "https://w3id.org/dpv/justifications#"
AMBER_DAYS, RED_DAYS = 14, 5
LOCATE_SQL: Final = """
SELECT stream_id FROM ledger.events WHERE event_id = $1 AND type = 'rights-request.received'
"""


async def stream_of(pool: "asyncpg.Pool[Any]", request: UUID) -> UUID:
    """In whose stream the request is; RightsRequestUnknown when there is none."""
    stream: UUID | None = await pool.fetchval(LOCATE_SQL, request)
    if stream is None:
        raise RightsRequestUnknown
    return stream


async def read_request(
    store: EventStore, pool: "asyncpg.Pool[Any]", request: UUID
) -> tuple[Person, RightsRequest]:
    """The request with the stream that it is in, whoever's and in whatever state."""
    stream = await store.read_stream(await stream_of(pool, request), with_blobs=True)
    person = person_of(store, stream)
    found = person.state.rights_requests.by_id.get(request)
    if found is None:
        raise RightsRequestUnknown
    return person, found


def request_value(key: UUID, request: RightsRequest, person: UUID, given: Circumstances) -> Value:
    """Everything about a request that is not a letter."""
    status, reason = request.status.exchange
    return {
        "request": key,
        "subject_id": None if request.stranger else person,
        "right": request.right.value,
        "asked_as": request.asked_as.value,
        "rule": _rule(request.right, given),
        "channel": request.channel.value,
        "trigger": request.trigger.value,
        "language": request.language,
        "system": request.system,
        "answer_form": "electronic" if request.channel.electronic else "post",
        "received_at": request.received_at,
        "recorded_at": request.recorded_at,
        "origin": request.origin,
        "status": request.status.value,
        "exchange": {"status": status, "reason": reason},
        "next": next_step(request),
        "identity": identity_value(request, given),
        "deadline": deadline_value(request, given),
        "tasks": [
            {
                "task": number,
                "kind": task.kind.value,
                "recipient": task.recipient,
                "member": task.member,
                "outcome": task.outcome and task.outcome.value,
            }
            for number, task in request.tasks.items()
        ],
        "outcome": request.outcome and request.outcome.value,
        "ground": request.ground,
        "ground_iri": ground_iri(request.ground),
        "answers": list(request.answers),
        "into": request.into,
        "closed_at": request.closed_at,
        "late": request.late,
    }


def next_step(request: RightsRequest) -> str | None:
    """The one thing to do next; None when nobody waits."""
    match request.status:
        case RequestStatus.RECEIVED:
            return "verify"
        case RequestStatus.AWAITING_IDENTITY:
            return "answer-doubt"
        case RequestStatus.IDENTITY_CONFIRMED:
            return "triage" if request.right is RequestedRight.OTHER else "approve"
        case RequestStatus.APPROVED:
            return "tasks" if request.open_tasks else "fulfil"
        case _:
            return None


def identity_value(request: RightsRequest, given: Circumstances) -> Value:
    """Who asks, as far as it is known, and whether the person owes an answer."""
    asked_at = request.asked_at
    warns_on = None if asked_at is None else pause_warns_on(asked_at, given.law)
    return {
        "proof": request.proof and request.proof.value,
        "asked_at": asked_at,
        "warns_on": warns_on,
        "warning": warns_on is not None and today(given) >= warns_on and request.status.open,
    }


def deadline_value(request: RightsRequest, given: Circumstances) -> Value:
    """When the answer is due, why then, and how much time is left (U2)."""
    law, now = given.law, given.now
    at = request.closed_at or now
    due = request.due(law, at)
    chained = target(request.received_at, law, paused_days=due.paused_days)
    open_ = request.status.open
    left = (due.last_day - today(given)).days
    return {
        "received_on": due.received_on,
        "calendar_day": due.calendar_day,
        "due_on": due.last_day,
        "due_at": due.ends_at,
        "months": due.months,
        "extended": request.extended,
        "target_on": min(chained, due.last_day) if request.extended else None,
        "extendable": open_
        and not request.extended
        and not request.first_month(law, now).over(now),
        "paused_days": due.paused_days,
        "paused": request.asked_at is not None,
        "moved_over": rests_value(due),
        "days_left": left if open_ else None,
        "urgency": urgency(left) if open_ else None,
        "overdue": open_ and due.over(now),
    }


def rests_value(due: Due) -> list[Value]:
    """The days over which the end was moved, each with its reason."""
    return [{"on": rest.on, "why": rest.why} for rest in due.rests]


def urgency(days_left: int) -> str:
    """Green, amber, red or overdue."""
    if days_left < 0:
        return "overdue"
    if days_left <= RED_DAYS:
        return "red"
    return "amber" if days_left <= AMBER_DAYS else "green"


def today(given: Circumstances) -> date:
    """The day where the controller sits."""
    return day_of(given.now, given.law)


def ground_iri(ground: str | None) -> str | None:
    """DPV's term for a ground; None where it has none."""
    if ground is None or ground == "right_not_applicable":
        return None
    if ground.startswith("a1"):
        return DPV_JUSTIFICATION + _camel(ground)
    return DPV_OTHER + _camel(ground)


def letters_of(person: Person, key: UUID) -> list[Value]:
    """What was written, oldest first; what was destroyed is named, and gone."""
    lost = lost_sections_of(person)
    return [
        letter for one in of_request(person.events, key) for letter in _letters(person, one, lost)
    ]


def of_request(events: tuple[Recorded[Any], ...], key: UUID) -> Iterator[Recorded[Any]]:
    """The events of one request, its receipt first."""
    for one in events:
        receipt = isinstance(one.event, RightsRequestReceived) and one.event_id == key
        if receipt or getattr(one.event, "request", None) == key:
            yield one


def _letters(person: Person, recorded: Recorded[Any], lost: LostSections) -> Iterator[Value]:
    if isinstance(recorded.event, UnknownEvent):
        return
    for seal in recorded.seals:
        place = (recorded.version, seal.retention_class)
        opened = person.open(*place)
        gone = isinstance(opened, Erased)
        given_up = gone and place in lost()
        texts: Mapping[str, str] = opened.personal if isinstance(opened, Sealed) else {}
        told = {
            "event": type_of(recorded.event).name,
            "version": recorded.version,
            "at": recorded.happened_at,
            "retention_class": seal.retention_class,
            "erased": gone and not given_up,
            "lost": given_up,
        }
        yield from ({**told, "category": key, "text": text} for key, text in texts.items())
        if not texts:
            yield {**told, "category": None, "text": None}


def _rule(right: RequestedRight, given: Circumstances) -> Value | None:
    """What the person is told of the right, with its limits (C63)."""
    for notice in given.policy.rights.values():
        if notice.right.value == right.value:
            return {
                "article": notice.right.article,
                "title": notice.title,
                "how": notice.how,
                "limits": notice.limits,
            }
    return None


def _camel(word: str) -> str:
    return "".join(part.capitalize() for part in word.split("_"))


def days_left(due_on: date, now: datetime, law: Law) -> int:
    """Days to the last one; negative when it is over."""
    return (due_on - day_of(now, law)).days
