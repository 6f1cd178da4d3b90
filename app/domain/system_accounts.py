"""Accounts at third parties: opened, closed by the person or the desk; content stays (C62, C72)."""

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias, assert_never
from uuid import UUID

from app.domain.concern import Concern
from app.domain.days import day_of
from app.domain.decider import Circumstances, Refusal
from app.domain.legal_clock import ANSWER
from app.domain.purpose_limitation import source_named
from app.domain.recipients import recipient_named
from app.events.recorded import Record, Recorded
from app.events.system_accounts import (
    AccountActor,
    AccountDeactivated,
    AccountDeactivationRequested,
    AccountOpened,
    ContributionRecorded,
)
from app.identifiers import is_digest
from app.policy.durations import Duration
from app.values import Value, field, replace

if TYPE_CHECKING:
    from app.domain.subject import SubjectState


class AccountState(StrEnum):
    """Where an account stands."""

    OPEN = "open"
    CLOSING = "closing"
    """The person asked for it; the desk has until a day."""
    DEACTIVATED = "deactivated"


class Account(Value, frozen=True, kw_only=True):
    """One account in one system."""

    system: str
    opened_at: datetime
    asked_at: datetime | None = None
    due: date | None = None
    deactivated_at: datetime | None = None
    actor: AccountActor | None = None
    evidence: str | None = None

    @property
    def state(self) -> AccountState:
        """Where it stands."""
        if self.deactivated_at is not None:
            return AccountState.DEACTIVATED
        return AccountState.OPEN if self.due is None else AccountState.CLOSING


class Contribution(Value, frozen=True, kw_only=True):
    """Something that the person contributed under an account; its text lies in the system."""

    account: UUID
    occasion: UUID | None
    since: datetime


class SystemAccounts(Value, frozen=True):
    """The accounts of a person, and what they are the author of."""

    by_id: Mapping[UUID, Account] = field(default_factory=dict)
    contributions: Mapping[UUID, Contribution] = field(default_factory=dict)

    def of_system(self, system: str) -> tuple[Account, ...]:
        """The accounts in one system, oldest first."""
        return tuple(one for one in self.by_id.values() if one.system == system)


class OpenAccount(Value, frozen=True, kw_only=True):
    """The person has an account in a system."""

    account: UUID
    system: str
    source: str
    occurred_at: datetime | None = None


class AskDeactivation(Value, frozen=True, kw_only=True):
    """The person wants the desk to close it."""

    account: UUID
    source: str
    occurred_at: datetime | None = None


class DeactivateAccount(Value, frozen=True, kw_only=True):
    """It is closed: by the person in the system, or by the desk."""

    account: UUID
    actor: AccountActor
    source: str
    evidence: str | None = None
    """SHA-256 of what shows it; the desk always has something to show."""
    occurred_at: datetime | None = None


class RecordContribution(Value, frozen=True, kw_only=True):
    """The person contributed something under an account."""

    contribution: UUID
    account: UUID
    occasion: UUID | None = None
    occurred_at: datetime | None = None


Command: TypeAlias = OpenAccount | AskDeactivation | DeactivateAccount | RecordContribution


class AccountUnknown(Refusal):
    """The person has no such account."""

    code = "account-unknown"
    rules = ("C72",)


class AccountClosed(Refusal):
    """The account is closed: nothing is contributed under it any more."""

    code = "account-closed"
    rules = ("C62", "C72")


class DeactivationUnproven(Refusal):
    """What the desk did is shown by something: its SHA-256 is recorded."""

    code = "deactivation-unproven"
    rules = ("C72", "L9")


def decide(command: Command, state: "SubjectState", given: Circumstances) -> tuple[Record, ...]:
    """The records that a command about an account makes."""
    match command:
        case OpenAccount():
            return _open(command, state, given)
        case AskDeactivation():
            return _ask(command, state, given)
        case DeactivateAccount():
            return _deactivate(command, state, given)
        case RecordContribution():
            return _contribute(command, state)
        case _:
            assert_never(command)


def _open(command: OpenAccount, state: "SubjectState", given: Circumstances) -> tuple[Record, ...]:
    if command.account in state.system_accounts.by_id:
        return ()
    event = AccountOpened(
        account=command.account,
        system=recipient_named(command.system, given.policy).key,
        source=source_named(command.source, given.policy).key,
    )
    return (Record(event, occurred_at=command.occurred_at),)


def _ask(
    command: AskDeactivation, state: "SubjectState", given: Circumstances
) -> tuple[Record, ...]:
    account = _known(command.account, state)
    if account.state is not AccountState.OPEN:
        return ()
    since = day_of(command.occurred_at or given.now, given)
    months = given.law.term(ANSWER, since)
    event = AccountDeactivationRequested(
        account=command.account,
        source=source_named(command.source, given.policy).key,
        due=Duration(months=months).after(since),
    )
    return (Record(event, occurred_at=command.occurred_at),)


def _deactivate(
    command: DeactivateAccount, state: "SubjectState", given: Circumstances
) -> tuple[Record, ...]:
    account = _known(command.account, state)
    if account.state is AccountState.DEACTIVATED:
        return ()
    shown = command.evidence is not None and is_digest(command.evidence)
    if not shown and (command.actor is AccountActor.DESK or command.evidence is not None):
        raise DeactivationUnproven
    event = AccountDeactivated(
        account=command.account,
        actor=command.actor,
        source=source_named(command.source, given.policy).key,
        evidence=command.evidence,
    )
    return (Record(event, occurred_at=command.occurred_at),)


def _contribute(command: RecordContribution, state: "SubjectState") -> tuple[Record, ...]:
    if command.contribution in state.system_accounts.contributions:
        return ()
    account = _known(command.account, state)
    at, closed = command.occurred_at, account.deactivated_at
    if closed is not None and (at is None or at > closed):
        raise AccountClosed
    event = ContributionRecorded(
        contribution=command.contribution, account=command.account, occasion=command.occasion
    )
    return (Record(event, occurred_at=command.occurred_at),)


def _known(account: UUID, state: "SubjectState") -> Account:
    known = state.system_accounts.by_id.get(account)
    if known is None:
        raise AccountUnknown
    return known


def evolve(slice_: SystemAccounts, recorded: Recorded[Any]) -> SystemAccounts:
    """The accounts after one more event; a deactivation takes no contribution away."""
    at = recorded.happened_at
    match recorded.event:
        case AccountOpened(account=key, system=system):
            return _with(slice_, key, Account(system=system, opened_at=at))
        case AccountDeactivationRequested(account=key, due=due):
            return _with(slice_, key, replace(slice_.by_id[key], asked_at=at, due=due))
        case AccountDeactivated(account=key, actor=actor, evidence=evidence):
            closed = replace(slice_.by_id[key], deactivated_at=at, actor=actor, evidence=evidence)
            return _with(slice_, key, closed)
        case ContributionRecorded() as event:
            one = Contribution(account=event.account, occasion=event.occasion, since=at)
            return replace(slice_, contributions={**slice_.contributions, event.contribution: one})
        case _:
            return slice_


def _with(slice_: SystemAccounts, key: UUID, account: Account) -> SystemAccounts:
    return replace(slice_, by_id={**slice_.by_id, key: account})


SYSTEM_ACCOUNTS = Concern(
    "system_accounts",
    commands=(OpenAccount, AskDeactivation, DeactivateAccount, RecordContribution),
    folds=(
        AccountOpened,
        AccountDeactivationRequested,
        AccountDeactivated,
        ContributionRecorded,
    ),
    initial=SystemAccounts(),
    decide=decide,
    evolve=evolve,
)
