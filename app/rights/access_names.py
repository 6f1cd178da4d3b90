"""Names of the policy in the language of a report, encoded once: rows repeat the same few (L27)."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final, TypeAlias

import msgspec

from app.documents.blocks import Text
from app.documents.event_titles import EVENTS
from app.documents.languages import Language
from app.policy.model import Policy
from app.policy.vocabulary import LegalBasis, SourceOrigin
from app.rights.sharing import category_value, purpose_value, recipient_value

Value: TypeAlias = dict[str, Any]  # Any: a JSON value

ENCODER: Final = msgspec.json.Encoder(uuid_format="canonical")

NULL: Final = msgspec.Raw(b"null")

NAMED: Final = frozenset(
    {
        "title",
        "how",
        "limits",
        "reason",
        "norm",
        "criteria",
        "legitimate_interest",
        "what",
        "why",
        "term",
        "meaning",
        "legal_form",
        "seat",
        "contact_role",
        "authority",
        "links",
    }
)
"""Members whose text is of the policy, of the law or of this program, and is told in a language."""

NAMED_LISTS: Final = frozenset({"address", "security"})


class Names:
    """What rows name, ready to be put in; holds nothing of any person."""

    def __init__(self, policy: Policy, spoken: Language) -> None:
        self._policy = policy
        self._spoken = spoken
        self._made: dict[tuple[str, str], msgspec.Raw] = {}

    def category(self, key: str) -> msgspec.Raw:
        """A category by key and title."""
        return self._name("category", key, lambda: category_value(key, self._policy))

    def purpose(self, key: str | None) -> msgspec.Raw:
        """A purpose by key and title; null for none."""
        if key is None:
            return NULL
        return self._name("purpose", key, lambda: purpose_value(key, self._policy))

    def recipient(self, key: str) -> msgspec.Raw:
        """A recipient by name."""
        return self._name("recipient", key, lambda: recipient_value(key, self._policy))

    def source(self, key: str, origin: SourceOrigin | None) -> msgspec.Raw:
        """Where data came from, and whether the person gave them (Art. 15(1)(g))."""

        def told() -> Value:
            found = self._policy.sources.get(key)
            whose = origin or (found.origin if found else None)
            return {
                "key": key,
                "title": key if found is None else found.title,
                "origin": None if whose is None else whose.value,
            }

        return self._name(f"source/{origin}", key, told)

    def use(self, purpose: str, basis: LegalBasis, source: str, origin: SourceOrigin) -> bytes:
        """The beginning of a use: what for, on which ground, from where."""
        kind = f"use/{basis}/{source}/{origin}"
        made = self._made.get((kind, purpose))
        if made is None:
            told = {
                "purpose": self.purpose(purpose),
                "basis": {"key": basis.value, "article": basis.article},
                "source": self.source(source, origin),
            }
            made = self._made[kind, purpose] = msgspec.Raw(ENCODER.encode(told)[:-1])
        return bytes(made)

    def event(self, key: str) -> msgspec.Raw:
        """What an event type says, in words."""
        return self._name("event", key, lambda: {"title": EVENTS.get(key, key)})

    def _name(self, kind: str, key: str, told: Callable[[], Value]) -> msgspec.Raw:
        made = self._made.get((kind, key))
        if made is None:
            made = msgspec.Raw(ENCODER.encode(told_in(told(), self._spoken)))
            self._made[kind, key] = made
        return made


@lru_cache(maxsize=32)
def names(policy: Policy, spoken: Language) -> Names:
    """One for each policy and language."""
    return Names(policy, spoken)


def told_in(value: Any, spoken: Language) -> Any:  # Any: JSON values in and out
    """The value with its texts in the language; ``untranslated`` names members left in English."""
    if isinstance(value, list):
        return [told_in(one, spoken) for one in value]
    if not isinstance(value, dict):
        return value
    told: Value = {}
    english: list[str] = []
    for key, member in value.items():
        if key in NAMED and isinstance(member, str):
            named = spoken.named(member)
            told[key] = named.value if isinstance(named, Text) else named
            if isinstance(named, Text):
                english.append(key)
        elif key in NAMED_LISTS and isinstance(member, list | tuple):
            texts = [spoken.named(one) for one in member]
            told[key] = [one.value if isinstance(one, Text) else one for one in texts]
        else:
            told[key] = told_in(member, spoken)
    if english:
        told["untranslated"] = english
    return told
