"""Accounts that a person has in a system, and what they contributed there (C41, C42, C62, C72)."""

from datetime import date
from enum import StrEnum
from uuid import UUID

from app.events.declare import event
from app.identifiers import Digest, Word


class AccountActor(StrEnum):
    """Who closed an account."""

    SELF = "self"
    """The person, where the system has a setting for it."""
    DESK = "desk"
    """The secretariat, for the person."""


@event("account.opened", version=1)
class AccountOpened:
    """The person has an account in a system; its user name is collected like any other datum."""

    account: UUID
    system: Word
    source: Word


@event("account.deactivation-requested", version=1)
class AccountDeactivationRequested:
    """The person wants to stop using the account; the desk closes it until a day (C72)."""

    account: UUID
    source: Word
    due: date


@event("account.deactivated", version=1)
class AccountDeactivated:
    """The account is closed. What the person contributed stays, and so do their data (C62)."""

    account: UUID
    actor: AccountActor
    source: Word
    evidence: Digest | None
    """Of what shows it: a copy of the screen, the system's own message."""


@event("contribution.recorded", version=1)
class ContributionRecorded:
    """The person is the author of something that others see in a system (C26, C62)."""

    contribution: UUID
    account: UUID
    occasion: UUID | None
