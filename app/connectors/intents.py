"""What a newsletter tool tells of an address, and what the GDPR makes of it (Art. 7, 16, 21)."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias, assert_never


class UnsubscribeAction(StrEnum):
    """Who ended it: the person (`unsub`), or an administrator who removed the contact."""

    UNSUBSCRIBE = "unsub"
    DELETE = "delete"
    OTHER = "other"
    """A word that the vendor has added since; the unsubscription counts all the same."""


class UnsubscribeReason(StrEnum):
    """Why; `abuse` is a spam complaint."""

    MANUAL = "manual"
    ABUSE = "abuse"
    OTHER = "other"


class CleanedReason(StrEnum):
    """Why the tool stopped writing to an address: it bounced, or the reader complained of spam."""

    HARD_BOUNCE = "hard"
    ABUSE = "abuse"
    OTHER = "other"


class CampaignStatus(StrEnum):
    """What became of a campaign."""

    SENT = "sent"
    CANCELED = "canceled"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What every intent says: about which list, and when the tool says it happened (UTC)."""

    list_id: str
    fired_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscribed(Told):
    """An address joined the list. A hint only: it carries no evidence that anybody consented."""

    email: str = field(repr=False)
    member_id: str | None = field(default=None, repr=False)
    given_name: str | None = field(default=None, repr=False)
    family_name: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsubscribed(Told):
    """An address left the list, by its person or by an administrator of the tool."""

    email: str = field(repr=False)
    member_id: str | None = field(default=None, repr=False)
    action: UnsubscribeAction | None = None
    reason: UnsubscribeReason | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileUpdated(Told):
    """The person's fields as they now stand in the tool: all of them, not the difference."""

    email: str = field(repr=False)
    member_id: str | None = field(default=None, repr=False)
    given_name: str | None = field(default=None, repr=False)
    family_name: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailChanged(Told):
    """The person's address was replaced; a suppression of either address holds for both (C7)."""

    old_email: str = field(repr=False)
    new_email: str = field(repr=False)
    new_member_id: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaned(Told):
    """The tool will write to the address no more."""

    email: str = field(repr=False)
    reason: CleanedReason
    campaign_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignSent(Told):
    """A campaign went out or was called off: about nobody. Its subject line is not kept."""

    campaign_id: str
    status: CampaignStatus


Intent: TypeAlias = (
    Subscribed | Unsubscribed | ProfileUpdated | EmailChanged | Cleaned | CampaignSent
)


class Effect(StrEnum):
    """What an intent obliges the controller to do. Giving consent is not among them."""

    WITHDRAW_CONSENT = "withdraw-consent"
    """Art. 7(3): the consent to the newsletter ends."""
    SUPPRESS = "suppress"
    """The address enters the suppression register, known person or not."""
    OBJECT = "object"
    """Art. 21(2): an objection to direct marketing."""
    RECTIFY = "rectify"
    """Art. 16: what is held about the person is corrected."""


def effects_of(intent: Intent) -> frozenset[Effect]:
    """Withdrawing is always safe to apply, whoever called; granting never follows from a call."""
    match intent:
        case Unsubscribed(reason=UnsubscribeReason.ABUSE):
            return frozenset({Effect.WITHDRAW_CONSENT, Effect.SUPPRESS, Effect.OBJECT})
        case Unsubscribed():
            return frozenset({Effect.WITHDRAW_CONSENT, Effect.SUPPRESS})
        case Cleaned():
            return frozenset({Effect.OBJECT, Effect.SUPPRESS})
        case ProfileUpdated() | EmailChanged():
            return frozenset({Effect.RECTIFY})
        case Subscribed() | CampaignSent():
            return frozenset()
        case _:
            assert_never(intent)
