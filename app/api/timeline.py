"""A person's timeline: every event of the stream, with what it says and where it is in the log."""

from base64 import b64encode
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Response, Security
from pydantic import BaseModel, Field

from app.api.answers import answer
from app.api.call import Call, authorised
from app.api.inspections import INSPECTING, inspect
from app.api.operations import operation, router
from app.api.paging import CursorQuery, LimitQuery, cursor, page, place_of
from app.auth import Scope
from app.domain.subjects import SubjectUnknown
from app.events.declare import type_of
from app.events.recorded import Recorded
from app.store.recorded import UnknownEvent

ROUTES = router("subjects")


class TimelineEvent(BaseModel):
    """One event; what was personal about it is named by class, and never shown here."""

    event_id: UUID
    type: str = Field(examples=["consent.withdrawn"], max_length=64)
    version: int = Field(ge=1)
    position: int = Field(ge=0)
    recorded_at: datetime
    occurred_at: datetime | None
    by: str = Field(description="Caller id, never a name.", max_length=64)
    facts: dict[str, Any] = Field(description="The event's payload; see the event catalogue.")
    sealed_classes: list[str] = Field(max_length=50)
    leaf_hash: str = Field(max_length=44)


class TimelineBody(BaseModel):
    """One page of the timeline, oldest first."""

    items: list[TimelineEvent] = Field(max_length=200)
    next: str | None = Field(description="Cursor of the next page.", max_length=200)
    self: str = Field(max_length=200)


@operation(
    ROUTES,
    "GET",
    "/v1/subjects/{subject_id}/events",
    scope=Scope.SUBJECTS_READ,
    answers=TimelineBody,
    summary="Show a person's timeline",
    problems=("subject-unknown", "cursor-invalid", *INSPECTING),
    clauses=("C1", "C4"),
    law=("L3", "L6", "L9"),
    purpose=True,
)
async def list_subject_events(
    subject_id: UUID,
    call: Annotated[Call, Security(authorised, scopes=[Scope.SUBJECTS_READ])],
    limit: LimitQuery = 50,
    cursor_: CursorQuery = None,
) -> Response:
    """Shows what happened, oldest first; it stays readable after an erasure, as it names nobody.

    The reading is recorded under the purpose that the Purpose header names, once for all pages.
    """
    store = call.service.store
    listing = f"timeline/{subject_id}"
    after = place_of(store, listing, cursor_)
    events = await store.read_events(subject_id, after + 1, after + limit + 1)
    if not events and after == 0:
        raise SubjectUnknown
    await inspect(call, subject_id, further=after > 0)
    shown, more = events[:limit], len(events) > limit
    following = cursor(store, listing, shown[-1].version) if more else None
    body, headers = page(
        [_event(one) for one in shown], f"/v1/subjects/{subject_id}/events", following=following
    )
    return answer(body, headers=headers)


def _event(recorded: Recorded[Any]) -> dict[str, Any]:
    event = recorded.event
    known = not isinstance(event, UnknownEvent)
    return {
        "event_id": recorded.event_id,
        "type": type_of(event).name if known else event.name,
        "version": recorded.version,
        "position": recorded.position,
        "recorded_at": recorded.recorded_at,
        "occurred_at": recorded.occurred_at,
        "by": recorded.by,
        "facts": type_of(event).payload(event) if known else {},
        "sealed_classes": [seal.retention_class for seal in recorded.seals],
        "leaf_hash": b64encode(recorded.leaf_hash).decode(),
    }
