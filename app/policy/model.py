"""A privacy policy as a value: what it promises, and the questions that decisions ask of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from app.policy.durations import Duration
from app.policy.law import (
    EEA_GROUND,
    AreaMember,
    Authority,
    DatedValue,
    HolidayRule,
    Law,
    LawSilent,
    TransferMechanism,
)
from app.policy.records import (
    Capability,
    ConsentWording,
    Controller,
    DataCategory,
    DeclaredMechanism,
    Exemption,
    ForbiddenLinking,
    PolicyText,
    ProcessingActivity,
    ProhibitedDisclosure,
    Purpose,
    Recipient,
    RelationshipKind,
    RetentionClass,
    RightNotice,
    SecurityMeasure,
    Source,
    StandingFinding,
)
from app.policy.vocabulary import IdentifierKind

__all__ = [
    "EEA_GROUND",
    "AreaMember",
    "Authority",
    "Capability",
    "ConsentWording",
    "Controller",
    "DataCategory",
    "DatedValue",
    "DeclaredMechanism",
    "Duration",
    "Exemption",
    "ForbiddenLinking",
    "HolidayRule",
    "Law",
    "LawSilent",
    "Policy",
    "PolicyText",
    "ProcessingActivity",
    "ProhibitedDisclosure",
    "Purpose",
    "Recipient",
    "RelationshipKind",
    "RetentionClass",
    "RightNotice",
    "SecurityMeasure",
    "Source",
    "StandingFinding",
    "TransferMechanism",
    "fold_name",
]

EVERYBODY = "*"
"""In a prohibited disclosure: whoever the recipient is."""


def fold_name(name: str) -> str:
    """A name as the alias table compares it: case, surrounding and doubled blanks do not count."""
    return " ".join(name.split()).casefold()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Policy:
    """One published version, read-only; the keys of its tables are what events and callers name."""

    version: str
    sha256: str
    """Of the bytes of the structure, in hex."""
    effective_from: date
    effective_from_evidence: str
    minimum_age: int
    controller: Controller
    texts: Mapping[str, PolicyText]
    """By language."""
    relationships: Mapping[str, RelationshipKind]
    sources: Mapping[str, Source]
    categories: Mapping[str, DataCategory]
    purposes: Mapping[str, Purpose]
    """The purposes of the policy itself."""
    uses: Mapping[str, Purpose]
    """Narrower uses of a purpose, each objectable or consented to on its own (L44)."""
    statutory: Mapping[str, Purpose]
    """Processing that the law demands whatever the policy says."""
    recipients: Mapping[str, Recipient]
    retention_classes: Mapping[str, RetentionClass]
    mechanisms: Mapping[str, DeclaredMechanism]
    prohibited_disclosures: tuple[ProhibitedDisclosure, ...]
    forbidden_linkings: tuple[ForbiddenLinking, ...]
    rights: Mapping[str, RightNotice]
    exemptions: Mapping[str, Exemption]
    activities: Mapping[str, ProcessingActivity]
    measures: Mapping[str, SecurityMeasure]
    standing_findings: Mapping[str, StandingFinding]
    wordings: tuple[ConsentWording, ...]
    """What whoever signs up by the public form agrees to, word for word."""
    aliases: Mapping[str, str]
    """Folded name in any language -> key of the one recipient or source (C47)."""

    def category(self, key: str) -> DataCategory | None:
        """The category, or None: unknown categories do not exist for this controller."""
        return self.categories.get(key)

    def identifying(self, kind: IdentifierKind) -> tuple[str, ...]:
        """The categories whose values are identifiers of a kind, such as e-mail addresses."""
        return tuple(
            key for key, category in self.categories.items() if category.identifier_kind is kind
        )

    def purpose(self, key: str) -> Purpose | None:
        """A purpose, a use or a statutory purpose by its key."""
        return self.purposes.get(key) or self.uses.get(key) or self.statutory.get(key)

    def lineage(self, key: str) -> tuple[str, ...]:
        """The key itself, then what it narrows: an objection to any of these stops it (L44)."""
        keys = [key]
        purpose = self.purpose(key)
        while purpose is not None and purpose.parent is not None:
            keys.append(purpose.parent)
            purpose = self.purpose(purpose.parent)
        return tuple(keys)

    def all_purposes(self) -> tuple[Purpose, ...]:
        """Purposes, uses and statutory purposes, in this order."""
        return (*self.purposes.values(), *self.uses.values(), *self.statutory.values())

    def recipient(self, name: str) -> Recipient | None:
        """A recipient by its key or by any name the texts use for it."""
        found = self.recipients.get(name)
        return found or self.recipients.get(self.aliases.get(fold_name(name), ""))

    def source(self, name: str) -> Source | None:
        """A source by its key or by any name the texts use for it."""
        found = self.sources.get(name)
        return found or self.sources.get(self.aliases.get(fold_name(name), ""))

    def retention_class(self, category: str, purpose: str) -> str:
        """The retention class of a category held for a purpose; both must be of this policy."""
        found = self.purpose(purpose)
        assert found is not None, "the purpose is not one of this policy"
        return found.retention_class(category)

    def mechanism_valid(
        self,
        recipient: str,
        on: date,
        law: Law,
        *,
        country: str | None = None,
        arranged: Iterable[str] = (),
    ) -> str | None:
        """On which ground data may go to the recipient on that day: `eea`, a mechanism, or None.

        `country` names the case for a group of recipients; `arranged` are the mechanisms that
        the data-protection desk has set for the recipient, tried before the declared ones.
        """
        found = self.recipient(recipient)
        if found is None:
            return None
        where = country if found.group and country is not None else found.country
        return law.transfer_ground(where, (*arranged, *found.mechanisms), on)

    def prohibited(
        self, source: str | None, recipient: str, categories: Iterable[str]
    ) -> ProhibitedDisclosure | None:
        """The promise that a share would break: data of that source, or of its categories."""
        origin = None if source is None else self.aliases.get(fold_name(source), source)
        receiver = self.aliases.get(fold_name(recipient), recipient)
        named = frozenset(categories)
        for rule in self.prohibited_disclosures:
            meant = origin == rule.source or not named.isdisjoint(rule.categories)
            to_whom = EVERYBODY in rule.recipients or receiver in rule.recipients
            if meant and to_whom and receiver not in rule.except_recipients:
                return rule
        return None

    def linking_forbidden(self, categories: Iterable[str]) -> ForbiddenLinking | None:
        """The promise that attaching these categories to a person would break (C19)."""
        named = frozenset(categories)
        for rule in self.forbidden_linkings:
            if not named.isdisjoint(rule.categories):
                return rule
        return None
