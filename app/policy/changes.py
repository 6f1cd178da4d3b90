"""What a new version of a policy changes for people: entries by their titles, never by key paths.

`check.diff` names every difference for whoever reads the files. Here is what somebody is told whose
data it is: what is used, for what, who gets it, how long it is kept, and which rights there are.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from app.policy.check import ChangeKind
from app.policy.model import Policy

PARTS: Final = (
    "purposes",
    "uses",
    "statutory",
    "categories",
    "sources",
    "recipients",
    "retention_classes",
    "rights",
    "exemptions",
    "prohibited_disclosures",
    "forbidden_linkings",
    "relationships",
    "measures",
)
"""The tables whose entries people are told of, in the order in which they matter."""

CONTROLLER, MINIMUM_AGE = "controller", "minimum_age"
SINGLE: Final = (CONTROLLER, MINIMUM_AGE)
"""What a policy has one of."""

INTERNAL: Final = frozenset(
    {
        # How the program finds, names and checks things
        *("key", "iri", "clauses", "aliases", "generation", "format", "max_length", "mask"),
        *("identifier_kind", "field_class", "requires_flag", "declared_in", "group", "right"),
        *("free_text", "personal", "enabled_by_default", "minima", "confirmed", "nature"),
        # What the controller keeps on record of a recipient; what it means is told by countries
        *("mechanism_evidence", "agreement", "agreement_asserted", "agreement_from"),
        *("agreement_until", "without_agreement", "erasure_path", "erasure_days", "capabilities"),
        *(
            "vendor_practice",
            "service_types",
            "policy_url",
            "policy_checked_at",
            "assessment",
            "reason",
        ),
    }
)
"""Fields that mean nothing to the person, or are told by another one."""

_NAMING: Final[Mapping[str, tuple[str, ...]]] = {
    "categories": ("categories",),
    "allowed_categories": ("categories",),
    "recipients": ("recipients",),
    "except_recipients": ("recipients",),
    "retention": ("retention_classes",),
    "retention_by_category": ("retention_classes",),
    "retention_classes": ("retention_classes",),
    "parent": ("purposes", "uses", "statutory"),
    "relationships": ("relationships",),
    "mechanisms": ("mechanisms",),
    "source": ("sources",),
}
"""Field -> the tables whose keys it holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Aspect:
    """One field of an entry: what is no longer said there, and what is said instead."""

    name: str
    gone: tuple[str, ...] = ()
    """Titles, or values as the file has them."""
    come: tuple[str, ...] = ()
    several: bool = False
    """Whether the field holds any number of values, so that both sides stand for themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryChange:
    """What became of one entry; an entry that changed has at least one aspect."""

    part: str
    title: str
    """Of the later version, of the earlier one where the entry is gone; empty for single parts."""
    kind: ChangeKind
    aspects: tuple[Aspect, ...] = ()


def entry_changes(before: Policy, after: Policy) -> tuple[EntryChange, ...]:
    """Every entry that is new, gone or another for people, in the order of PARTS."""
    changes: list[EntryChange] = []
    for part in PARTS:
        old, new = _entries(before, part), _entries(after, part)
        for key in sorted(old.keys() | new.keys()):
            changes += _changed(part, old.get(key), new.get(key), (before, after))
    for part in SINGLE:
        changes += _single(part, before, after)
    return tuple(changes)


def _changed(
    part: str, old: Any, new: Any, policies: tuple[Policy, Policy]
) -> Iterator[EntryChange]:
    """Any: a record of the policy, of whatever kind the part has; None where there is none."""
    if old is None:
        yield EntryChange(part=part, title=new.title, kind=ChangeKind.ADDED)
    elif new is None:
        yield EntryChange(part=part, title=old.title, kind=ChangeKind.REMOVED)
    elif aspects := tuple(_aspects(old, new, policies)):
        yield EntryChange(part=part, title=new.title, kind=ChangeKind.CHANGED, aspects=aspects)


def _single(part: str, before: Policy, after: Policy) -> Iterator[EntryChange]:
    old, new = getattr(before, part), getattr(after, part)
    if part == MINIMUM_AGE:
        aspects = _aspect(part, old, new, (before, after))
    else:
        aspects = tuple(_aspects(old, new, (before, after)))
    if aspects:
        yield EntryChange(part=part, title="", kind=ChangeKind.CHANGED, aspects=aspects)


def _aspects(old: Any, new: Any, policies: tuple[Policy, Policy]) -> Iterator[Aspect]:
    for field in fields(old):
        if field.name not in INTERNAL:
            yield from _aspect(
                field.name, getattr(old, field.name), getattr(new, field.name), policies
            )


def _aspect(
    name: str, old: object, new: object, policies: tuple[Policy, Policy]
) -> tuple[Aspect, ...]:
    if old == new:
        return ()
    said, says = (_said(name, value, one) for value, one in zip((old, new), policies, strict=True))
    several = isinstance(old, tuple | frozenset | Mapping) or isinstance(
        new, tuple | frozenset | Mapping
    )
    if not several:
        return (Aspect(name=name, gone=said, come=says),)
    gone = tuple(one for one in said if one not in says)
    come = tuple(one for one in says if one not in said)
    return (Aspect(name=name, gone=gone, come=come, several=True),) if gone or come else ()


def _said(name: str, value: object, policy: Policy) -> tuple[str, ...]:
    """A field's value as texts: titles where it names entries."""
    match value:
        case None:
            return ()
        case bool():
            return ("yes" if value else "no",)
        case Mapping():
            pairs = (
                f"{_title('categories', str(key), policy)}: {_title(name, str(one), policy)}"
                for key, one in value.items()
            )
            return tuple(sorted(pairs))
        case tuple() | frozenset():
            return tuple(sorted(_title(name, str(one), policy) for one in value))
        case _:
            return (_title(name, str(value), policy),)


def _title(name: str, value: str, policy: Policy) -> str:
    for table in _NAMING.get(name, ()):
        entry = getattr(policy, table).get(value)
        if entry is not None:
            return str(entry.title)
    return value


def _entries(policy: Policy, part: str) -> Mapping[str, Any]:
    """Any: records of whatever kind the part has."""
    entries = getattr(policy, part)
    return entries if isinstance(entries, Mapping) else {one.key: one for one in entries}
