"""What a person or the desk writes in a matter of rights, as sealed sections (Arts. 12 to 22)."""

from collections.abc import Mapping
from uuid import UUID

from app.domain.days import day_of
from app.domain.decider import Circumstances
from app.domain.generations import generation
from app.domain.purpose_limitation import category_named
from app.domain.values import normalise
from app.events.recorded import Section
from app.policy.own_names import RIGHTS

STATEMENT = "correspondence.statement"
"""The person's own reasons."""

DECISION = "correspondence.decision"
"""The controller's reasons."""


def letters(
    texts: Mapping[str, str], matter: UUID, given: Circumstances, *, purpose: str = RIGHTS
) -> tuple[Section, ...]:
    """One section for each retention class of the texts that are not blank, by category."""
    by_class: dict[str, dict[str, str]] = {}
    for category, text in texts.items():
        if text.strip():
            retention_class = given.policy.retention_class(category, purpose)
            value = normalise(category_named(category, given.policy), text)
            by_class.setdefault(retention_class, {})[category] = value
    return tuple(
        Section(
            key, generation(key, given.policy, on=day_of(given.now, given), occasion=matter), values
        )
        for key, values in by_class.items()
    )
