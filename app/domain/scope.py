"""What an objection or a restriction is about: a purpose, a recipient, categories, or all."""

from dataclasses import dataclass
from typing import Final

from app.policy.model import Policy, Purpose

ANY: Final[frozenset[str]] = frozenset()
"""No category is named: any may be meant."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The part of the processing that is meant; what is not named is meant whole."""

    purpose: str | None = None
    recipient: str | None = None
    categories: frozenset[str] = frozenset()

    def covers(
        self, lineage: tuple[str, ...], recipient: str | None, categories: frozenset[str]
    ) -> bool:
        """Whether a use is meant.

        ``lineage`` is the purpose and the one that it narrows, so that who objects to a purpose
        objects to its uses. A use whose categories are not told may concern any of them.
        """
        return (
            (self.purpose is None or self.purpose in lineage)
            and (self.recipient is None or self.recipient == recipient)
            and (
                not self.categories or not categories or not self.categories.isdisjoint(categories)
            )
        )


def affected(scope: Scope, policy: Policy) -> tuple[Purpose, ...]:
    """The purposes and uses that an objection stops: none when Art. 21 does not reach them."""
    return tuple(
        purpose
        for purpose in policy.all_purposes()
        if purpose.objectable
        and scope.covers(policy.lineage(purpose.key), scope.recipient, ANY)
        and (scope.recipient is None or scope.recipient in purpose.recipients)
    )
