"""Expiry buckets: what is to be forgotten on one day shares a data key, and nothing else does."""

from datetime import date
from uuid import UUID

from app.policy.model import Policy


def generation(
    retention_class: str, policy: Policy, *, on: date, occasion: UUID | None = None
) -> str:
    """The bucket of a retention class: a word, `membership`, `occasion.<id>` or `year.2026`.

    A class that the policy splits by the calendar takes the year, month or day of `on`; any other
    takes the occasion (a trip, a grant, a chat), when there is one, else the class's own bucket.
    """
    split_by = policy.retention_classes[retention_class].generation
    if split_by == "year":
        return f"year.{on.year}"
    if split_by == "day":
        return f"day.{on.isoformat()}"
    if split_by == "month":
        return f"month.{on.year}-{on.month:02}"
    if split_by == "membership" or occasion is None:
        return split_by
    return f"{split_by}.{occasion}"
