"""What a subscription failed to deliver, and delivering it again (A18)."""

from typing import Final
from uuid import UUID

from fastapi import Response

from app.api.answers import answer
from app.api.call import Call
from app.api.feed import POSITION_MAX
from app.api.operations import operation, router
from app.api.paging import CursorQuery, LimitQuery, cursor, page, place_of
from app.api.subscription_bodies import (
    SUBSCRIPTION_EXAMPLE,
    FailuresBody,
    FailureUnknown,
    ReplayAnswerBody,
    ReplayBody,
    SubscriptionBody,
    SubscriptionInactive,
    Wanted,
    failure_value,
)
from app.api.subscriptions import ONE, PATH, Manages, own, shown
from app.auth import Scope
from app.registers.waiting import PositionAhead
from app.store.subscriptions import Subscription

ROUTES = router("subscriptions")

FAILURE_EXAMPLE: Final = {
    "position": 42,
    "event_id": "0b0b7c1e-6a3c-4d8e-9b5c-3f0a5f6f4c11",
    "type": "consent.withdrawn",
    "state": "retrying",
    "attempts": 2,
    "reason": "status",
    "status": 503,
    "first_at": "2026-11-20T09:30:00Z",
    "last_at": "2026-11-20T09:30:05Z",
}


@operation(
    ROUTES,
    "GET",
    f"{ONE}/failures",
    scope=Scope.SUBSCRIPTIONS_MANAGE,
    answers=FailuresBody,
    summary="List failed deliveries",
    problems=("subscription-unknown", "cursor-invalid"),
    example={"items": [FAILURE_EXAMPLE], "next": None, "self": f"{PATH}/…/failures"},
)
async def list_delivery_failures(
    subscription_id: UUID,
    call: Manages,
    limit: LimitQuery = 50,
    cursor_: CursorQuery = None,
) -> Response:
    """Lists what was not delivered at once: why, how often it was tried, and what became of it.

    What was delivered after all, or left out, is remembered for 30 days.
    """
    found = await own(call, subscription_id)
    store, listing = call.service.store, f"failures/{subscription_id}"
    start = place_of(store, listing, cursor_)
    failures = await call.service.subscriptions.failures(found, start, limit + 1)
    told, more = failures[:limit], len(failures) > limit
    following = cursor(store, listing, told[-1].position + 1) if more else None
    body, headers = page(
        [failure_value(one) for one in told],
        f"{PATH}/{subscription_id}/failures",
        following=following,
    )
    return answer(body, headers=headers)


@operation(
    ROUTES,
    "POST",
    f"{ONE}/failures/{{position}}/replay",
    scope=Scope.SUBSCRIPTIONS_MANAGE,
    answers=ReplayAnswerBody,
    status=202,
    summary="Deliver one failure again",
    problems=("subscription-unknown", "subscription-inactive", "failure-unknown"),
    example={"position": 42, "accepted": True},
)
async def replay_failure(subscription_id: UUID, position: int, call: Manages) -> Response:
    """Delivers one event again as soon as can be; the list of failures tells what became of it.

    For the event that the subscription stands at, the schedule of attempts begins anew.
    """
    found = await _active(call, subscription_id)
    if not 0 <= position <= POSITION_MAX or not await call.service.subscriptions.replay(
        found, position
    ):
        raise FailureUnknown
    return answer({"position": position, "accepted": True}, 202)


@operation(
    ROUTES,
    "POST",
    f"{ONE}/replays",
    scope=Scope.SUBSCRIPTIONS_MANAGE,
    answers=SubscriptionBody,
    summary="Deliver again from a position",
    problems=(
        *("malformed-json", "unsupported-media-type", "body-too-large", "version-mismatch"),
        *("subscription-unknown", "subscription-inactive", "position-ahead"),
    ),
    example=SUBSCRIPTION_EXAMPLE,
)
async def replay_range(subscription_id: UUID, body: ReplayBody, call: Manages) -> Response:
    """Delivers everything after a position again, or leaves out what lies before it."""
    found = await _active(call, subscription_id)
    head = await call.service.store.head_position()
    if body.after > head:
        raise PositionAhead(head=head)
    return shown(await call.service.subscriptions.move(found, body.after))


async def _active(call: Call, subscription_id: UUID) -> Subscription:
    found = await own(call, subscription_id)
    if found.state != Wanted.ACTIVE:
        raise SubscriptionInactive
    return found
