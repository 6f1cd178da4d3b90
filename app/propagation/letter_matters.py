"""What an objection or a restriction is about, as letters name it: titles of the policy."""

from collections.abc import Iterable, Iterator
from uuid import UUID

from app.domain.scope import Scope
from app.domain.subject import SubjectState
from app.policy.model import Policy


def concerned(
    matters: Iterable[UUID], state: SubjectState, policy: Policy
) -> tuple[tuple[str, ...], ...]:
    """The titles of each matter that has a scope, once; none of them where every use is meant."""
    scopes = (scope for key in matters if (scope := _scope(key, state)) is not None)
    return tuple(dict.fromkeys(tuple(_titles(scope, policy)) for scope in scopes))


def _scope(key: UUID, state: SubjectState) -> Scope | None:
    """A restriction that an objection set has its name: the objection stays known after the end."""
    known = state.objections.by_id.get(key) or state.restrictions.active.get(key)
    return None if known is None else known.scope


def _titles(scope: Scope, policy: Policy) -> Iterator[str]:
    purpose = policy.purpose(scope.purpose) if scope.purpose else None
    if purpose is not None:
        yield purpose.title
    recipient = policy.recipients.get(scope.recipient or "")
    if recipient is not None:
        yield recipient.title
    for category in sorted(scope.categories & policy.categories.keys()):
        yield policy.categories[category].title
