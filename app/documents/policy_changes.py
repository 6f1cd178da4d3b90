"""What is new in a policy, said to the people it is about: a line an entry (C76, C78)."""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

from app.documents.blocks import plain
from app.documents.fact_words import VALUES
from app.documents.languages import Language, marked
from app.documents.periods import period
from app.documents.vocabulary import BASES, WORDS
from app.policy.changes import Aspect, EntryChange
from app.policy.check import ChangeKind

PARTS: Final = MappingProxyType[str, str](
    {
        "purposes": marked("Purpose"),
        "uses": marked("Use"),
        "statutory": marked("Use that the law demands"),
        "categories": marked("Data"),
        "sources": marked("Source"),
        "recipients": marked("Recipient"),
        "retention_classes": marked("Kept data"),
        "rights": marked("Your right"),
        "exemptions": marked("Exception"),
        "prohibited_disclosures": marked("What is never passed on"),
        "forbidden_linkings": marked("What is never combined"),
        "relationships": marked("Group of people"),
        "measures": marked("Protection"),
        "controller": marked("Who is responsible"),
        "minimum_age": marked("Lowest age"),
    }
)
"""What an entry is, before its title."""

ASPECTS: Final = MappingProxyType[str, str](
    {
        "title": marked("name"),
        "legal_basis": marked("legal ground"),
        "legitimate_interest": marked("our interest"),
        "categories": marked("data"),
        "allowed_categories": marked("data"),
        "recipients": marked("recipients"),
        "except_recipients": marked("exceptions"),
        "retention": marked("kept as"),
        "retention_by_category": marked("kept as"),
        "retention_classes": marked("kept as"),
        "consent_keep": marked("how long a consent holds"),
        "parent": marked("part of"),
        "relationships": marked("people"),
        "direct_marketing": marked("news by e-mail"),
        "explicit_consent": marked("express consent is asked for"),
        "optional": marked("voluntary"),
        "special": marked("specially protected"),
        "origin": marked("from"),
        "operator": marked("operated by"),
        "role": marked("role"),
        "countries": marked("countries"),
        "established_in": marked("seat"),
        "mechanisms": marked("ground of the transfer"),
        "keep": marked("how long"),
        "clock": marked("counted from"),
        "norm": marked("law"),
        "isolated": marked("kept apart from other uses"),
        "survives_erasure": marked("stays after an erasure"),
        "how": marked("how"),
        "limits": marked("limits"),
        "ground": marked("ground"),
        "source": marked("source"),
        "name": marked("name"),
        "legal_form": marked("legal form"),
        "seat": marked("seat"),
        "address": marked("address"),
        "country": marked("country"),
        "email": marked("e-mail"),
        "contact_role": marked("whom to ask"),
        "company_number": marked("company number"),
        "phone": marked("telephone"),
        "minimum_age": marked("years"),
    }
)
"""What a field of an entry is called."""

Say: TypeAlias = Callable[[str, Language], str]


def change_lines(
    changes: tuple[EntryChange, ...], spoken: Language, *, most: int | None = None
) -> tuple[str, ...]:
    """One line an entry, the weightiest parts first; that nothing is new where there are none.

    With ``most``, so many lines and how many there are besides.
    """
    if not changes:
        return (
            spoken.say(
                "The text is new. What we use, for what, how long, and who gets it stays as it was."
            ),
        )
    lines = tuple(_line(one, spoken) for one in changes[:most])
    if more := len(changes) - len(lines):
        lines += (spoken.say("And {count} more changes: see the comparison.", count=more),)
    return lines


def _line(change: EntryChange, spoken: Language) -> str:
    named = spoken.say(PARTS[change.part])
    if change.title:
        named = _colon(named, plain(spoken.named(change.title)), spoken)
    match change.kind:
        case ChangeKind.ADDED:
            return spoken.say("New: {entry}", entry=named)
        case ChangeKind.REMOVED:
            return spoken.say("No longer: {entry}", entry=named)
        case ChangeKind.CHANGED:
            said = "; ".join(_aspect(one, spoken) for one in change.aspects)
            return spoken.say("Changed: {entry}, {said}", entry=named, said=said)


def _aspect(aspect: Aspect, spoken: Language) -> str:
    name = spoken.say(ASPECTS[aspect.name])
    gone, come = (_told(aspect.name, values, spoken) for values in (aspect.gone, aspect.come))
    if aspect.several:
        told = [spoken.say("now also {what}", what=come)] if come else []
        told += [spoken.say("no longer {what}", what=gone)] if gone else []
        return _colon(name, ", ".join(told), spoken)
    if not come:
        return _colon(name, spoken.say("no longer {what}", what=gone), spoken)
    if not gone:
        return _colon(name, spoken.say("now {what}", what=come), spoken)
    told_both = spoken.say("now {what} (before: {former})", what=come, former=gone)
    return _colon(name, told_both, spoken)


def _colon(name: str, said: str, spoken: Language) -> str:
    """French has a space before it."""
    return spoken.say("{name}: {said}", name=name, said=said)


def _told(name: str, values: Iterable[str], spoken: Language) -> str:
    say = _SAID.get(name, _named)
    return spoken.listed(say(one, spoken) for one in values)


def _named(value: str, spoken: Language) -> str:
    """A title or a word of the policy."""
    return spoken.say(WORDS[value]) if value in WORDS else plain(spoken.named(value))


def _pair(value: str, spoken: Language) -> str:
    """Two titles side by side: what, and what holds for it."""
    return ": ".join(plain(spoken.named(one)) for one in value.split(": "))


_SAID: Final[Mapping[str, Say]] = {
    "legal_basis": lambda value, spoken: spoken.say(BASES[value]),
    "keep": period,
    "consent_keep": period,
    "countries": lambda value, spoken: spoken.country(value),
    "established_in": lambda value, spoken: spoken.country(value),
    "country": lambda value, spoken: spoken.country(value),
    "retention_by_category": _pair,
    "role": lambda value, spoken: spoken.say(VALUES["role"].get(value) or WORDS[value]),
}
