"""Who got what about a person, when and for what, each recipient by name (Art. 15(1)(c); L32)."""

from typing import Any, TypeAlias

from app.domain.decider import Circumstances
from app.events.disclosures import DataDisclosed
from app.events.recorded import Recorded
from app.policy.model import EEA_GROUND, Policy
from app.rights.person import Person

Value: TypeAlias = dict[str, Any]  # Any: a JSON value


def recipients_value(person: Person, given: Circumstances) -> list[Value]:
    """Every recipient by name, with all that it was ever given."""
    return [
        {
            **recipient_value(recipient, given.policy),
            "member": member,
            "countries": sorted(country.upper() for country in shared.countries),
            "mechanisms": [
                mechanism_value(mechanism, given) for mechanism in sorted(shared.mechanisms)
            ],
            "purposes": [purpose_value(key, given.policy) for key in sorted(shared.purposes)],
            "categories": [category_value(key, given.policy) for key in sorted(shared.categories)],
            "first_at": shared.first_at,
            "last_at": shared.last_at,
            "count": shared.count,
        }
        for (recipient, member), shared in person.state.disclosures.shared.items()
    ]


def disclosures(person: Person) -> list[Recorded[DataDisclosed]]:
    """What was shared about the person, oldest first."""
    return person.of(DataDisclosed)


def disclosure_value(recorded: Recorded[DataDisclosed], policy: Policy) -> Value:
    """One share."""
    event = recorded.event
    return {
        "event_id": recorded.event_id,
        "version": recorded.version,
        "position": recorded.position,
        "recorded_at": recorded.recorded_at,
        "occurred_at": recorded.happened_at,
        "recipient": recipient_value(event.recipient, policy),
        "member": event.member,
        "country": None if event.country is None else event.country.upper(),
        "mechanism": event.mechanism,
        "purpose": purpose_value(event.purpose, policy),
        "categories": [category_value(key, policy) for key in event.categories],
        "source": event.source,
        "occasion": event.occasion,
        "policy": event.policy,
    }


def recipient_value(key: str, policy: Policy) -> Value:
    """A recipient by name; a key of an older policy version stands for itself."""
    found = policy.recipients.get(key)
    if found is None:
        return {"key": key, "title": key, "role": None}
    return {
        "key": key,
        "title": found.title,
        "role": found.role.value,
        "privacy_statement": found.policy_url,
    }


def purpose_value(key: str, policy: Policy) -> Value:
    """A purpose by name."""
    found = policy.purpose(key)
    return {"key": key, "title": key if found is None else found.title}


def category_value(key: str, policy: Policy) -> Value:
    """A category by name."""
    found = policy.category(key)
    return {"key": key, "title": key if found is None else found.title}


def mechanism_value(key: str, given: Circumstances) -> Value:
    """A transfer ground with its Article; `eea` is no transfer (Art. 15(2))."""
    if key == EEA_GROUND:
        return {"key": key, "title": "Inside the European Economic Area", "article": None}
    found = given.law.mechanisms.get(key)
    if found is None:
        return {"key": key, "title": key, "article": None}
    return {"key": key, "title": found.title, "article": found.article}
