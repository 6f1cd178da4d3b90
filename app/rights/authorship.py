"""Who is shown as the author of what, and the accounts behind it (C62, C72)."""

from datetime import date
from typing import Any, TypeAlias

from app.domain.subject import SubjectState
from app.domain.system_accounts import AccountState

Value: TypeAlias = dict[str, Any]  # Any: a JSON value

MEMBER, FORMER_MEMBER = "member", "former_member"


def author_of(state: SubjectState) -> str:
    """How the author of a contribution is shown; only an erasure takes the name away (X12)."""
    return FORMER_MEMBER if state.erased else MEMBER


def contributions_value(state: SubjectState) -> Value:
    """What a person is the author of, each with where its account stands."""
    accounts = state.system_accounts.by_id
    return {
        "author": author_of(state),
        "contributions": [
            {
                "contribution": key,
                "account": one.account,
                "system": accounts[one.account].system,
                "account_state": accounts[one.account].state.value,
                "occasion": one.occasion,
                "since": one.since,
            }
            for key, one in state.system_accounts.contributions.items()
        ],
    }


def accounts_value(state: SubjectState, today: date) -> list[Value]:
    """The accounts of a person, with the days that are left for closing one."""
    return [
        {
            "account": key,
            "system": one.system,
            "state": one.state.value,
            "opened_at": one.opened_at,
            "asked_at": one.asked_at,
            "due": one.due,
            "days_left": None
            if one.due is None or one.state is AccountState.DEACTIVATED
            else (one.due - today).days,
            "deactivated_at": one.deactivated_at,
            "actor": None if one.actor is None else one.actor.value,
            "evidence": one.evidence,
        }
        for key, one in state.system_accounts.by_id.items()
    ]
