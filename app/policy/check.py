"""A policy against the law and against its predecessor: remarks, differences, the right text."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date, timedelta
from enum import StrEnum

from app.policy.model import Law, Policy
from app.policy.own_names import SIGNING_UP, STATUTORY
from app.policy.records import Recipient
from app.policy.text import PolicyDocument
from app.policy.vocabulary import LegalBasis, RecipientRole, ServiceType
from app.policy.wordings import wordings


class TextRefused(ValueError):
    """The bytes are not the text of this version in this language."""

    def __init__(self, language: str, reason: str) -> None:
        self.language = language
        self.reason = reason
        super().__init__(f"{language}: {reason}")


@dataclass(frozen=True, slots=True, order=True)
class Remark:
    """Something that a valid policy file leaves open; it does not stop publishing."""

    where: str
    what: str
    clauses: tuple[str, ...] = ()


class ChangeKind(StrEnum):
    """What became of an entry from one version to the next."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True, order=True)
class Change:
    """One difference between two versions, by key path; values are those of the files."""

    where: str
    kind: ChangeKind
    before: str = ""
    after: str = ""


def verify_text(policy: Policy, language: str, raw: bytes) -> PolicyDocument:
    """The text, when its hash is the one that the structure names; `TextRefused` otherwise."""
    declared = policy.texts.get(language)
    if declared is None:
        raise TextRefused(language, "the version declares no text in this language")
    document = PolicyDocument(raw)
    if document.sha256 != declared.sha256:
        raise TextRefused(language, f"SHA-256 is {document.sha256}, declared {declared.sha256}")
    return document


def check(policy: Policy, law: Law, on: date) -> tuple[Remark, ...]:
    """What the file leaves open on a day: C31, C39, C40, C48, L55, L58 and drift from the law."""
    return tuple(
        sorted(
            {
                *_against_law(policy, law, on),
                *_interests(policy),
                *_recipients(policy, law, on),
                *_own_names(policy),
                *_sign_up(policy, law, on),
            }
        )
    )


def _against_law(policy: Policy, law: Law, on: date) -> Iterator[Remark]:
    for key in policy.mechanisms:
        if key not in law.mechanisms:
            yield Remark(f"mechanisms.{key}", "the law file does not know it")
        elif not law.mechanisms[key].in_force(on):
            yield Remark(f"mechanisms.{key}", "is not in force", ("C30",))
    age = law.age_of_consent(policy.controller.country, on)
    if policy.minimum_age < age:
        yield Remark("minimum_age", f"below {age}, a consent needs a parent's (Art. 8)", ("C74",))


def _own_names(policy: Policy) -> Iterator[Remark]:
    """What the ledger itself could not write down under this policy."""
    for key, categories in STATUTORY.items():
        if key == SIGNING_UP and not wordings(policy):
            continue
        purpose = policy.statutory.get(key)
        if purpose is None:
            yield Remark(f"statutory.{key}", "is missing: the ledger itself writes for it")
            continue
        for category in sorted(categories - purpose.categories):
            where = f"statutory.{key}.categories"
            yield Remark(where, f"lacks {category}: the ledger itself writes it")


def _sign_up(policy: Policy, law: Law, on: date) -> Iterator[Remark]:
    """Whether the public form asks for something, and forgets whoever does not confirm in time."""
    purpose = policy.statutory.get(SIGNING_UP)
    if purpose is None:
        return
    if not wordings(policy):
        yield Remark("wordings", "are missing: nobody can sign up by the public form", ("C82",))
    days = law.number("consent.confirmation_days", on)
    for key in {purpose.retention_class(category) for category in purpose.categories}:
        if policy.retention_classes[key].until(on) != on + timedelta(days=days):
            where = f"retention_classes.{key}.keep"
            yield Remark(where, f"differs from the {days} days to confirm a sign-up", ("C82",))


def _interests(policy: Policy) -> Iterator[Remark]:
    tables = (("purposes", policy.purposes), ("uses", policy.uses), ("statutory", policy.statutory))
    for table, purposes in tables:
        for purpose in purposes.values():
            if purpose.legal_basis is not LegalBasis.LEGITIMATE_INTEREST:
                continue
            where = f"{table}.{purpose.key}"
            if purpose.legitimate_interest is None:
                yield Remark(f"{where}.legitimate_interest", "is not recorded", ("C31",))
            if purpose.assessment is None:
                yield Remark(f"{where}.assessment", "no weighing of interests", ("C31",))


def _recipients(policy: Policy, law: Law, on: date) -> Iterator[Remark]:
    for recipient in policy.recipients.values():
        where = f"recipients.{recipient.key}"
        if recipient.service_types == {ServiceType.OTHER}:
            yield Remark(f"{where}.service_types", "only `other` is named", ("C39",))
        if not recipient.group and policy.mechanism_valid(recipient.key, on, law) is None:
            yield Remark(f"{where}.mechanisms", "none is in force", ("C30",))
        if recipient.role is RecipientRole.PROCESSOR:
            yield from _vendor_statement(recipient, law, on)


def _vendor_statement(recipient: Recipient, law: Law, on: date) -> Iterator[Remark]:
    age_max = timedelta(days=law.number("recheck.vendor_statement_days", on))
    where = f"recipients.{recipient.key}"
    if recipient.policy_url is None:
        yield Remark(f"{where}.policy_url", "is not recorded", ("C48",))
    elif recipient.policy_checked_at is None or on - recipient.policy_checked_at > age_max:
        yield Remark(f"{where}.policy_checked_at", "was not looked up within a year", ("C48",))


def diff(before: Policy, after: Policy) -> tuple[Change, ...]:
    """Every entry that was added, removed or changed, field by field, in the order of key paths."""
    changes: list[Change] = []
    for field in fields(Policy):
        if field.name not in _DERIVED:
            old, new = getattr(before, field.name), getattr(after, field.name)
            changes.extend(_differences(field.name, _keyed(old), _keyed(new)))
    return tuple(sorted(changes))


_DERIVED = frozenset({"sha256", "aliases"})


def _keyed(value: object) -> object:
    """A sequence of entries as a mapping by their keys, so that it is compared entry by entry."""
    if isinstance(value, tuple) and all(hasattr(entry, "key") for entry in value):
        return {entry.key: entry for entry in value}
    return value


def _differences(where: str, old: object, new: object) -> Iterator[Change]:
    if old == new:
        return
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in old.keys() - new.keys():
            yield Change(f"{where}.{key}", ChangeKind.REMOVED)
        for key in new.keys() - old.keys():
            yield Change(f"{where}.{key}", ChangeKind.ADDED)
        for key in old.keys() & new.keys():
            yield from _differences(f"{where}.{key}", old[key], new[key])
    elif hasattr(old, "__dataclass_fields__") and type(old) is type(new):
        for name in old.__dataclass_fields__:
            yield from _differences(f"{where}.{name}", getattr(old, name), getattr(new, name))
    else:
        yield Change(where, ChangeKind.CHANGED, _written(old), _written(new))


def _written(value: object) -> str:
    if isinstance(value, frozenset | tuple):
        return ", ".join(sorted(str(part) for part in value))
    return "" if value is None else str(value)
