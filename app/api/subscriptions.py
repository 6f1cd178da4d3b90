"""Subscriptions: the feed, pushed to a tool's own address as Standard Webhooks (A18).

A subscription belongs to the key that made it, and gets nothing once that key is revoked or has
expired; `pdledger subscription assign` gives it to the key that follows.
"""

import re
from datetime import timedelta
from typing import Annotated, Final
from uuid import UUID

from fastapi import Response, Security

from app.api.answers import answer
from app.api.call import BadHeader, Call, authorised, etag
from app.api.feed import check_types
from app.api.operations import operation, router
from app.api.subscription_bodies import (
    SUBSCRIPTION_EXAMPLE,
    NewSubscriptionBody,
    RotationBody,
    SubscriptionBody,
    SubscriptionChangeBody,
    SubscriptionLimit,
    SubscriptionsBody,
    SubscriptionUnknown,
    SubscriptionUnreadable,
    SubscriptionWithSecretBody,
    subscription_value,
    value_with_secret,
)
from app.auth import InsufficientScope, Scope
from app.clock import random_bytes
from app.propagation.signatures import KEY_SIZE_BYTES
from app.receipts import VersionMismatch
from app.registers.waiting import PositionAhead
from app.store.subscriptions import Secrets, Subscription, with_new_key

ROUTES = router("subscriptions")

PATH: Final = "/v1/subscriptions"
ONE: Final = f"{PATH}/{{subscription_id}}"
Manages = Annotated[Call, Security(authorised, scopes=[Scope.SUBSCRIPTIONS_MANAGE])]

_ETAG = re.compile(r'"[0-9]{1,9}"')


@operation(
    ROUTES,
    "POST",
    PATH,
    scope=Scope.SUBSCRIPTIONS_MANAGE,
    answers=SubscriptionWithSecretBody,
    status=201,
    summary="Subscribe to the feed",
    problems=(
        *("malformed-json", "unsupported-media-type", "body-too-large"),
        *("destination-refused", "event-type-unknown", "position-ahead", "subscription-limit"),
    ),
    law=("L9",),
    example={**SUBSCRIPTION_EXAMPLE, "secret": None},
)
async def create_subscription(body: NewSubscriptionBody, call: Manages) -> Response:
    """Delivers the feed to an address from now on; the key needs the scope events:read too.

    Each event is one POST of a CloudEvent, signed as Standard Webhooks 1.0.0 says, in order and at
    least once: tell repeated ones by `webhook-id`. Any 2xx accepts it; 410 ends the subscription;
    whatever else is tried again for three days while later events wait.
    """
    if Scope.EVENTS_READ not in call.caller.scopes:
        raise InsufficientScope(Scope.EVENTS_READ)
    check_types(body.types)
    destinations = call.service.destinations
    await destinations.addresses(destinations.parse(body.url))
    head = await call.service.store.head_position()
    position = head if body.after is None else body.after
    if position > head:
        raise PositionAhead(head=head)
    secrets = Secrets(body.url, random_bytes(KEY_SIZE_BYTES))
    register = call.service.subscriptions
    subscription_id = await register.create(
        call.caller.client_id,
        secrets,
        scheme=body.scheme.value,
        types=sorted(set(body.types)),
        position=position,
    )
    if subscription_id is None:
        raise SubscriptionLimit
    made = await own(call, subscription_id)
    return answer(
        value_with_secret(made),
        201,
        headers={"location": f"{PATH}/{subscription_id}", "etag": etag(made.version)},
    )


@operation(
    ROUTES,
    "GET",
    PATH,
    scope=Scope.SUBSCRIPTIONS_MANAGE,
    answers=SubscriptionsBody,
    summary="List the subscriptions",
    example={"items": [SUBSCRIPTION_EXAMPLE]},
)
async def list_subscriptions(call: Manages) -> Response:
    """Lists the subscriptions of the calling key, with how far each has come."""
    found = await call.service.subscriptions.all_of(call.caller.client_id)
    return answer({"items": [subscription_value(one) for one in found]})


@operation(
    ROUTES,
    "GET",
    ONE,
    scope=Scope.SUBSCRIPTIONS_MANAGE,
    answers=SubscriptionBody,
    summary="Show a subscription",
    problems=("subscription-unknown",),
    example=SUBSCRIPTION_EXAMPLE,
)
async def get_subscription(subscription_id: UUID, call: Manages) -> Response:
    """Shows where it delivers to, how far it has come, and what is in the way."""
    return shown(await own(call, subscription_id))


@operation(
    ROUTES,
    "PATCH",
    ONE,
    scope=Scope.SUBSCRIPTIONS_MANAGE,
    answers=SubscriptionBody,
    summary="Change a subscription",
    problems=(
        *("malformed-json", "unsupported-media-type", "body-too-large", "precondition-malformed"),
        *("version-mismatch", "subscription-unknown", "subscription-unreadable"),
        *("destination-refused", "event-type-unknown"),
    ),
    example=SUBSCRIPTION_EXAMPLE,
)
async def change_subscription(
    subscription_id: UUID, body: SubscriptionChangeBody, call: Manages
) -> Response:
    """Changes address, types or state; honours If-Match.

    Made active, it goes on with the event that it stood at, also after it was disabled: nothing is
    left out, and what failed is attempted at once.
    """
    was, secrets = await _readable(call, subscription_id)
    _check_version(call, was)
    if body.types is not None:
        check_types(body.types)
    if body.url is not None:
        destinations = call.service.destinations
        await destinations.addresses(destinations.parse(body.url))
        secrets = Secrets(body.url, secrets.key, secrets.previous)
    changed = await call.service.subscriptions.change(
        was,
        secrets=secrets,
        types=None if body.types is None else sorted(set(body.types)),
        state=None if body.state is None else body.state.value,
    )
    return shown(changed)


@operation(
    ROUTES,
    "DELETE",
    ONE,
    scope=Scope.SUBSCRIPTIONS_MANAGE,
    answers=None,
    status=204,
    summary="Delete a subscription",
    problems=("subscription-unknown",),
)
async def delete_subscription(subscription_id: UUID, call: Manages) -> Response:
    """Ends it and forgets its failures; a delivery that is under way may still arrive."""
    if not await call.service.subscriptions.delete(call.caller.client_id, subscription_id):
        raise SubscriptionUnknown
    return Response(status_code=204)


@operation(
    ROUTES,
    "POST",
    f"{ONE}/rotation",
    scope=Scope.SUBSCRIPTIONS_MANAGE,
    answers=SubscriptionWithSecretBody,
    summary="Rotate a subscription's key",
    problems=(
        *("malformed-json", "unsupported-media-type", "body-too-large"),
        *("version-mismatch", "subscription-unknown", "subscription-unreadable"),
    ),
    example={**SUBSCRIPTION_EXAMPLE, "secret": None},
)
async def rotate_subscription_key(
    subscription_id: UUID, body: RotationBody, call: Manages
) -> Response:
    """Makes a new key; while they overlap each delivery carries a signature by both."""
    was, secrets = await _readable(call, subscription_id)
    until = call.service.ledger.clock() + timedelta(hours=body.overlap_hours)
    made = await call.service.subscriptions.change(
        was,
        secrets=with_new_key(secrets, random_bytes(KEY_SIZE_BYTES)),
        previous_until=until,
    )
    return answer(value_with_secret(made), headers={"etag": etag(made.version)})


async def own(call: Call, subscription_id: UUID) -> Subscription:
    """The caller's own; SubscriptionUnknown for every other."""
    found = await call.service.subscriptions.one(call.caller.client_id, subscription_id)
    if found is None:
        raise SubscriptionUnknown
    return found


def shown(subscription: Subscription) -> Response:
    """The answer that shows it, with its ETag."""
    return answer(subscription_value(subscription), headers={"etag": etag(subscription.version)})


async def _readable(call: Call, subscription_id: UUID) -> tuple[Subscription, Secrets]:
    found = await own(call, subscription_id)
    if found.secrets is None:
        raise SubscriptionUnreadable
    return found, found.secrets


def _check_version(call: Call, was: Subscription) -> None:
    """VersionMismatch unless If-Match names the version that stands, or is not there."""
    text = call.request.headers.get("if-match", "*").strip()
    if text == "*":
        return
    if _ETAG.fullmatch(text) is None:
        raise BadHeader("precondition-malformed")
    if text != etag(was.version):
        raise VersionMismatch(current_version=was.version)
