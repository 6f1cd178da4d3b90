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

Ground: TypeAlias = tuple[msgspec.Raw, msgspec.Raw, msgspec.Raw]
"""Purpose, legal basis, source."""

NULL: Final = msgspec.Raw(b"null")

LISTS_MAX: Final = 1024
"""How many lists of categories are kept; events repeat the same few."""

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
        self._grounds: dict[tuple[str, str, str, str], Ground] = {}
        self._lists: dict[tuple[str, ...], msgspec.Raw] = {}

    def category(self, key: str) -> msgspec.Raw:
        """A category by key and title."""
        made = self._made.get(("category", key))
        return made or self._name("category", key, lambda: category_value(key, self._policy))

    def categories(self, keys: tuple[str, ...]) -> msgspec.Raw:
        """Several of them, as a list."""
        made = self._lists.get(keys)
        if made is None:
            if len(self._lists) >= LISTS_MAX:
                self._lists.clear()
            made = msgspec.Raw(ENCODER.encode([self.category(key) for key in keys]))
            self._lists[keys] = made
        return made

    def purpose(self, key: str | None) -> msgspec.Raw:
        """A purpose by key and title; null for none."""
        if key is None:
            return NULL
        made = self._made.get(("purpose", key))
        return made or self._name("purpose", key, lambda: purpose_value(key, self._policy))

    def recipient(self, key: str) -> msgspec.Raw:
        """A recipient by name."""
        made = self._made.get(("recipient", key))
        return made or self._name("recipient", key, lambda: recipient_value(key, self._policy))

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

    def basis(self, basis: LegalBasis) -> msgspec.Raw:
        """A legal ground with its Article."""
        value = {"key": basis.value, "article": basis.article}
        return self._name("basis", basis.value, lambda: value)

    def ground(self, purpose: str, basis: LegalBasis, source: str, origin: SourceOrigin) -> Ground:
        """What a use is for, on which ground, and from where its value came."""
        key = (purpose, basis, source, origin)
        made = self._grounds.get(key)
        if made is None:
            made = (self.purpose(purpose), self.basis(basis), self.source(source, origin))
            self._grounds[key] = made
        return made

    def event(self, key: str) -> msgspec.Raw:
        """What an event type says, in words."""
        made = self._made.get(("event", key))
        return made or self._name("event", key, lambda: {"title": EVENTS.get(key, key)})

    def standing(self, part: str, told: Callable[[], Any]) -> msgspec.Raw:  # Any: a JSON value
        """A part of every report that depends on policy and language alone, by its name."""
        return self._name("standing", part, told)

    def _name(self, kind: str, key: str, told: Callable[[], Any]) -> msgspec.Raw:
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
