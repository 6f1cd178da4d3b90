"""What subscriptions look like from outside, and why a request about one can be refused (A18)."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import BaseModel, Field

from app.api.bodies import Body, WordField
from app.api.feed import POSITION_MAX
from app.domain.decider import Refusal
from app.propagation.destinations import URL_LENGTH_MAX
from app.propagation.signatures import Scheme, shown_public_key, shown_secret
from app.store.subscriptions import Failure, Subscription

OVERLAP_HOURS_MAX: Final = 168
SUBSCRIPTION_EXAMPLE: Final = {
    "subscription_id": "1f0e2b84-6f0c-4c8e-9d55-3f6d0f1c2a77",
    "url": "https://tool.example.org/hooks/ledger",
    "types": ["consent.withdrawn"],
    "scheme": "v1a",
    "public_key": "whpk_…",
    "state": "active",
    "disabled_for": None,
    "position": 41,
    "failed_attempts": 0,
    "next_attempt_at": None,
    "previous_key_until": None,
    "created_at": "2026-11-20T09:30:00Z",
    "delivered_at": None,
}


class SubscriptionUnknown(Refusal):
    """There is none of that id, or it is somebody else's: the two are not told apart."""

    code = "subscription-unknown"
    rules = ("S7",)


class SubscriptionLimit(Refusal):
    """A caller has as many as may be."""

    code = "subscription-limit"
    rules = ("S19",)


class SubscriptionInactive(Refusal):
    """What is paused or disabled delivers nothing, replays neither."""

    code = "subscription-inactive"
    rules = ("A18",)


class SubscriptionUnreadable(Refusal):
    """Its keys went with the key epoch that sealed them."""

    code = "subscription-unreadable"
    rules = ("A18",)


class FailureUnknown(Refusal):
    """No delivery of that position has failed, or it is long settled."""

    code = "failure-unknown"
    rules = ("A18",)


class Wanted(StrEnum):
    """What an owner can ask for."""

    ACTIVE = "active"
    PAUSED = "paused"


UrlField = Annotated[
    str,
    Field(
        min_length=12,
        max_length=URL_LENGTH_MAX,
        examples=["https://tool.example.org/hooks/ledger"],
        description="https, a public name, port 443. It is kept sealed.",
    ),
]
TypesField = Annotated[
    list[WordField],
    Field(max_length=100, description="Event types; an empty list means all of them."),
]


class NewSubscriptionBody(Body):
    """Where events shall go."""

    url: UrlField
    types: TypesField = Field(default_factory=list)
    scheme: Scheme = Field(
        default=Scheme.ED25519,
        description="v1a: Ed25519, you hold a public key. v1: HMAC-SHA256, you hold a secret.",
    )
    after: int | None = Field(
        default=None,
        ge=-1,
        le=POSITION_MAX,
        description="Deliver what comes after this position; without it, what comes from now on.",
    )


class SubscriptionChangeBody(Body):
    """What shall change; members left out stay as they are."""

    url: UrlField | None = None
    types: TypesField | None = None
    state: Wanted | None = Field(
        default=None, description="`active` also after it was disabled: nothing is left out."
    )


class RotationBody(Body):
    """How long both keys sign."""

    overlap_hours: int = Field(default=24, ge=0, le=OVERLAP_HOURS_MAX)


class ReplayBody(Body):
    """From where on."""

    after: int = Field(
        ge=-1, le=POSITION_MAX, description="The next delivery is what comes after it."
    )


class SubscriptionBody(BaseModel):
    """One subscription. Its secret is not shown again."""

    subscription_id: UUID
    url: str | None = Field(max_length=URL_LENGTH_MAX)
    types: list[str] = Field(max_length=100)
    scheme: Scheme
    public_key: str | None = Field(description="`whpk_…`, with v1a.", max_length=64)
    state: str = Field(description="active, paused or disabled.", max_length=16)
    disabled_for: str | None = Field(
        description="`gone`: you answered 410. `exhausted`: ten attempts in three days failed.",
        max_length=16,
    )
    position: int = Field(description="Delivered up to here.", ge=-1)
    failed_attempts: int = Field(description="Of the event that is next.", ge=0)
    next_attempt_at: datetime | None
    previous_key_until: datetime | None
    created_at: datetime
    delivered_at: datetime | None


class SubscriptionWithSecretBody(SubscriptionBody):
    """A subscription with the secret that is shown this once."""

    secret: str | None = Field(description="`whsec_…`, with v1 only.", max_length=64)


class SubscriptionsBody(BaseModel):
    """The caller's subscriptions, oldest first."""

    items: list[SubscriptionBody] = Field(max_length=40)


class FailureBody(BaseModel):
    """One event that was not delivered at once; nothing of an answer is kept but its status."""

    position: int = Field(ge=0)
    event_id: UUID
    type: str = Field(max_length=64)
    state: str = Field(description="retrying, given-up, recovered or skipped.", max_length=16)
    attempts: int = Field(ge=1)
    reason: str = Field(
        description="Of the last attempt: status, redirect, timeout, unreachable,"
        " destination-refused or gone.",
        max_length=32,
    )
    status: int | None
    first_at: datetime
    last_at: datetime


class FailuresBody(BaseModel):
    """One page of failures, in the order of positions."""

    items: list[FailureBody] = Field(max_length=200)
    next: str | None = Field(max_length=200)
    self: str = Field(max_length=200)


class ReplayAnswerBody(BaseModel):
    """The delivery is on its way."""

    position: int = Field(ge=0)
    accepted: bool


def subscription_value(one: Subscription) -> dict[str, Any]:  # Any: JSON values
    """The members of a SubscriptionBody."""
    signs_openly = one.secrets is not None and one.scheme == Scheme.ED25519
    return {
        "subscription_id": one.subscription_id,
        "url": one.secrets and one.secrets.url,
        "types": one.types,
        "scheme": one.scheme,
        "public_key": shown_public_key(one.secrets.key) if one.secrets and signs_openly else None,
        "state": one.state,
        "disabled_for": one.disabled_for,
        "position": one.position,
        "failed_attempts": one.attempts,
        "next_attempt_at": one.due_at if one.attempts and one.state == Wanted.ACTIVE else None,
        "previous_key_until": one.previous_until,
        "created_at": one.created_at,
        "delivered_at": one.delivered_at,
    }


def value_with_secret(one: Subscription) -> dict[str, Any]:  # Any: JSON values
    """The members of a SubscriptionWithSecretBody: the only place where a secret is told."""
    secret = None
    if one.secrets is not None and one.scheme == Scheme.HMAC_SHA256:
        secret = shown_secret(one.secrets.key)
    return {**subscription_value(one), "secret": secret}


def failure_value(one: Failure) -> dict[str, Any]:  # Any: JSON values
    """The members of a FailureBody."""
    return {
        "position": one.position,
        "event_id": one.event_id,
        "type": one.type,
        "state": one.state,
        "attempts": one.attempts,
        "reason": one.reason,
        "status": one.status,
        "first_at": one.first_at,
        "last_at": one.last_at,
    }
