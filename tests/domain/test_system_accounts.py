"""Accounts at third parties: closed by either path, with content and authorship kept (C62, C72)."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from app.domain.purpose_limitation import SourceUnknown
from app.domain.recipients import RecipientNotListed
from app.domain.system_accounts import (
    AccountClosed,
    AccountState,
    AccountUnknown,
    AskDeactivation,
    DeactivateAccount,
    DeactivationUnproven,
    OpenAccount,
    RecordContribution,
)
from app.events.system_accounts import (
    AccountActor,
    AccountDeactivated,
    AccountDeactivationRequested,
    AccountOpened,
    ContributionRecorded,
)
from app.values import replace
from tests.spec import NOW, OCCASION, At, given, registration

PERSON = registration("network_exchange")
ACCOUNT, CONTRIBUTION = (
    UUID(f"{digit}" * 8 + "-0000-4000-8000-000000000004") for digit in ("a", "b")
)
EVIDENCE = "cd" * 32
OPEN = OpenAccount(account=ACCOUNT, system="basecamp", source="basecamp")
MESSAGE = RecordContribution(contribution=CONTRIBUTION, account=ACCOUNT, occasion=OCCASION)
SELF = DeactivateAccount(account=ACCOUNT, actor=AccountActor.SELF, source="basecamp")
DESK = DeactivateAccount(
    account=ACCOUNT, actor=AccountActor.DESK, source="secretariat", evidence=EVIDENCE
)


@pytest.mark.clause("C41", "C42", "C72")
@pytest.mark.parametrize("system", ["basecamp", "travelperk"])
def test_an_account_is_of_one_system(system: str) -> None:
    command = OpenAccount(account=ACCOUNT, system=system, source=system)
    when = given(PERSON).when(command)
    when.then(AccountOpened(account=ACCOUNT, system=system, source=system))
    when.after.when(command).then_nothing()
    assert [one.state for one in when.after.state.system_accounts.of_system(system)] == [
        AccountState.OPEN
    ]


@pytest.mark.clause("C35", "C47")
def test_a_system_or_a_source_that_the_policy_does_not_know_is_refused() -> None:
    given(PERSON).when(
        OpenAccount(account=ACCOUNT, system="myspace", source="basecamp")
    ).then_refused(RecipientNotListed)
    given(PERSON).when(
        OpenAccount(account=ACCOUNT, system="basecamp", source="myspace")
    ).then_refused(SourceUnknown)


@pytest.mark.clause("C72")
@pytest.mark.parametrize("command", [SELF, DESK], ids=["self", "desk"])
@pytest.mark.parametrize("asked", [False, True])
def test_both_paths_end_in_the_same_event(command: DeactivateAccount, *, asked: bool) -> None:
    """The person closes it themselves where there is a setting, else the secretariat does."""
    before = (AskDeactivation(account=ACCOUNT, source="secretariat"),) if asked else ()
    when = given(PERSON, OPEN, *before).when(command)
    when.then(
        AccountDeactivated(
            account=ACCOUNT,
            actor=command.actor,
            source=command.source,
            evidence=command.evidence,
        )
    )
    assert when.after.state.system_accounts.by_id[ACCOUNT].state is AccountState.DEACTIVATED
    when.after.when(command).then_nothing()


@pytest.mark.clause("C72", "L20")
def test_who_asks_the_desk_is_told_until_when() -> None:
    """A month from receipt, by the calendar, whenever it was written down."""
    command = AskDeactivation(
        account=ACCOUNT, source="secretariat", occurred_at=NOW - timedelta(days=22)
    )
    when = given(PERSON, OPEN).when(command)
    when.then(
        AccountDeactivationRequested(account=ACCOUNT, source="secretariat", due=date(2026, 11, 30))
    )
    account = when.after.state.system_accounts.by_id[ACCOUNT]
    assert (account.state, account.due) == (AccountState.CLOSING, date(2026, 11, 30))
    when.after.when(command).then_nothing()
    given(PERSON, OPEN, SELF).when(command).then_nothing()


@pytest.mark.clause("C72", "L9")
@pytest.mark.parametrize(
    ("actor", "evidence"),
    [(AccountActor.DESK, None), (AccountActor.DESK, "done"), (AccountActor.SELF, "done")],
)
def test_what_the_desk_did_is_shown_by_something(actor: AccountActor, evidence: Any) -> None:
    command = DeactivateAccount(
        account=ACCOUNT, actor=actor, source="secretariat", evidence=evidence
    )
    given(PERSON, OPEN).when(command).then_refused(DeactivationUnproven)


@pytest.mark.clause("C62", "X12")
def test_a_deactivation_takes_neither_data_nor_contributions_away() -> None:
    before = given(PERSON, OPEN, MESSAGE)
    after = before.when(SELF).after

    assert after.state.system_accounts.contributions == before.state.system_accounts.contributions
    assert after.state.collections == before.state.collections
    assert after.state.identifiers == before.state.identifiers
    assert not after.state.erased


@pytest.mark.clause("C62")
def test_a_contribution_is_recorded_with_its_account_and_without_its_text() -> None:
    when = given(PERSON, OPEN).when(MESSAGE)
    when.then(ContributionRecorded(contribution=CONTRIBUTION, account=ACCOUNT, occasion=OCCASION))
    assert when.records[0].sections == ()
    when.after.when(MESSAGE).then_nothing()


@pytest.mark.clause("C62", "C72")
def test_nothing_is_contributed_under_a_closed_account_but_what_was_before() -> None:
    closed = given(PERSON, OPEN, SELF)
    closed.when(MESSAGE).then_refused(AccountClosed)
    earlier = RecordContribution(
        contribution=CONTRIBUTION, account=ACCOUNT, occurred_at=NOW - timedelta(days=40)
    )
    assert closed.when(earlier).records


@pytest.mark.clause("C72")
@pytest.mark.parametrize(
    "command", [AskDeactivation(account=ACCOUNT, source="secretariat"), SELF, DESK, MESSAGE]
)
def test_an_account_that_is_not_there_is_neither_closed_nor_used(command: object) -> None:
    given(PERSON).when(command).then_refused(AccountUnknown)


@pytest.mark.clause("C62", "C72")
def test_what_was_contributed_in_the_second_of_the_closing_was_before_it() -> None:
    closed_at = NOW - timedelta(days=3)
    closed = given(PERSON, OPEN, At(closed_at, SELF))

    assert closed.when(replace(MESSAGE, occurred_at=closed_at)).records
    late = replace(MESSAGE, occurred_at=closed_at + timedelta(seconds=1))
    closed.when(late).then_refused(AccountClosed)


@pytest.mark.clause("C41", "C42", "C72")
def test_each_step_of_an_account_bears_the_day_on_which_it_was() -> None:
    """What another system tells later is not younger for it."""
    day = NOW - timedelta(days=2)
    ask = AskDeactivation(account=ACCOUNT, source="secretariat")
    for history, command in (
        ((), OPEN),
        ((OPEN,), ask),
        ((OPEN,), SELF),
        ((OPEN,), DESK),
        ((OPEN,), MESSAGE),
    ):
        [record] = given(PERSON, *history).when(replace(command, occurred_at=day)).records
        assert record.occurred_at == day
