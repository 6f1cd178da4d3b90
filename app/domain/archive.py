"""The archive of policy versions as the control stream tells of it (C76, C77)."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from app.events.policies import PolicyPublished, PolicyTextSupplied
from app.events.recorded import Recorded
from app.values import Value, replace


class Published(Value, frozen=True, kw_only=True):
    """One published policy version."""

    structure: str
    texts: Mapping[str, str]
    """Language -> SHA-256 that the structure names."""
    supplied: frozenset[str]
    """Languages whose text is in the archive."""
    effective_from: date
    published_at: datetime


def policies_after(
    policies: Mapping[str, Published], recorded: Recorded[Any]
) -> Mapping[str, Published]:
    """The versions after one more publication or text, the one published last at the end."""
    event: PolicyPublished | PolicyTextSupplied = recorded.event
    if isinstance(event, PolicyTextSupplied):
        published = policies[event.policy]
        supplied = replace(published, supplied=published.supplied | {event.language})
        return {**policies, event.policy: supplied}
    known = policies.get(event.policy)
    published = Published(
        structure=event.structure,
        texts=event.texts,
        supplied=frozenset() if known is None else known.supplied,
        effective_from=event.effective_from,
        published_at=recorded.recorded_at if known is None else known.published_at,
    )
    others = {key: one for key, one in policies.items() if key != event.policy}
    return {**others, event.policy: published}


def in_force_at(policies: Mapping[str, Published], moment: datetime) -> str | None:
    """The version under which decisions were made at a moment; None before there was any."""
    known = (key for key, one in policies.items() if one.published_at <= moment)
    return max(known, key=lambda key: policies[key].published_at, default=None)
