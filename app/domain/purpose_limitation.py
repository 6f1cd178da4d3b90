"""Which data may be held for which purpose at all (Art. 5(1)(b) and (c), Art. 6 GDPR)."""

from collections.abc import Iterable
from typing import Final

from app.domain.decider import Circumstances, Refusal
from app.policy.model import DataCategory, Policy, Purpose, Source
from app.policy.own_names import STATUTORY

LEDGERS_OWN: Final = frozenset(STATUTORY)
"""Purposes for which the ledger alone seals, and whose classes outlast an erasure or serve it."""


class PurposeMissing(Refusal):
    """Data without a purpose cannot be held (L2)."""

    code = "purpose-missing"
    rules = ("L2",)


class PurposeUnknown(Refusal):
    """The policy names no such purpose; what was named instead is not repeated."""

    code = "purpose-unknown"
    rules = ("L2", "C28")


class SourceUnknown(Refusal):
    """The policy names no such source, and without one Art. 14(2)(f) cannot be answered."""

    code = "source-unknown"
    rules = ("L29", "L31", "C47")


class CategoryUnknown(Refusal):
    """The policy names no such category, or it is a special one (Art. 9); it is not repeated."""

    code = "category-unknown"
    rules = ("L2",)


class CategoryDisabled(Refusal):
    """Off until the data-protection desk records why it is necessary (C-394/23)."""

    code = "category-disabled"
    rules = ("L5", "C10")


class CategoryNotAllowedForPurpose(Refusal):
    """The purpose's allow-list does not name the category (Art. 5(1)(c))."""

    code = "category-not-allowed-for-purpose"
    rules = ("L4", "C12", "C13", "C24")


class LinkingForbidden(Refusal):
    """The policy promises never to attach this category to a person."""

    code = "linking-forbidden"
    rules = ("C19",)


def purpose_named(key: str, policy: Policy) -> Purpose:
    """The purpose with this key, with its legal basis."""
    if not key:
        raise PurposeMissing
    purpose = policy.purpose(key)
    if purpose is None:
        raise PurposeUnknown
    return purpose


def source_named(name: str, policy: Policy) -> Source:
    """The source with this key, or with this name in any language of the policy (C47)."""
    source = policy.source(name)
    if source is None:
        raise SourceUnknown
    return source


def category_named(key: str, policy: Policy) -> DataCategory:
    """The category with this key; special categories do not exist for this controller."""
    category = policy.category(key)
    if category is None or category.special:
        raise CategoryUnknown
    return category


def admit(categories: Iterable[str], purpose: Purpose, given: Circumstances) -> None:
    """Refuses unless every category may be attached to a person and held for the purpose."""
    named = tuple(categories)
    for key in named:
        category = category_named(key, given.policy)
        if not category.enabled_by_default and key not in given.control.necessary_categories:
            raise CategoryDisabled(category=key)
    forbidden = given.policy.linking_forbidden(named)
    if forbidden is not None:
        raise LinkingForbidden(rule=forbidden.key)
    for key in named:
        if key not in purpose.categories:
            raise CategoryNotAllowedForPurpose(category=key, purpose=purpose.key)


def admit_held(categories: Iterable[str], purpose: Purpose, given: Circumstances) -> None:
    """Refuses what `admit` does, and every category for a purpose of the ledger's own.

    What a caller could put there would survive the erasure of the person (L41).
    """
    named = tuple(categories)
    admit(named, purpose, given)
    if named and purpose.key in LEDGERS_OWN:
        raise CategoryNotAllowedForPurpose(category=named[0], purpose=purpose.key)
