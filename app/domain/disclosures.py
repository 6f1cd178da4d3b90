"""Data given to recipients: recorded when allowed, refused with the reason otherwise (C35; L32)."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import UUID

from app.domain.concern import Concern
from app.domain.days import day_of
from app.domain.decider import Circumstances, Refusal
from app.domain.permissions import Denied, permission
from app.domain.purpose_limitation import source_named
from app.domain.recipients import recipient_named
from app.events.disclosures import DataDisclosed
from app.events.recorded import Record, Recorded
from app.policy.model import Recipient
from app.values import Value, field

if TYPE_CHECKING:
    from app.domain.subject import SubjectState

_COUNTRY = re.compile(r"[A-Za-z]{2}", re.ASCII)

Receiver: TypeAlias = tuple[str, UUID | None]
"""Recipient, and which one of its members when it is a group."""


class Shared(Value, frozen=True, kw_only=True):
    """Everything that one recipient was ever given about the person."""

    purposes: frozenset[str]
    categories: frozenset[str]
    mechanisms: frozenset[str]
    countries: frozenset[str]
    first_at: datetime
    last_at: datetime
    count: int


class Disclosures(Value, frozen=True):
    """Who was given data about the person, by name (C-154/21)."""

    shared: Mapping[Receiver, Shared] = field(default_factory=dict)

    def recipients(self) -> frozenset[str]:
        """The recipients that were given anything: those whom Art. 19 wants told."""
        return frozenset(recipient for recipient, _ in self.shared)

    def of_category(self, category: str) -> Iterator[Receiver]:
        """Who was given data of one category."""
        return (who for who, shared in self.shared.items() if category in shared.categories)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordDisclosure:
    """Data are about to be given to recipients, or were given at a time in the past."""

    recipients: tuple[str, ...]
    purpose: str
    categories: frozenset[str]
    member: UUID | None = None
    """Which one, when the recipient is a group such as the members."""
    country: str | None = None
    """Where that one is, ISO 3166 alpha-2 (L59)."""
    source: str | None = None
    """From which system the data are taken (C18, C54)."""
    occasion: UUID | None = None
    occurred_at: datetime | None = None


Command: TypeAlias = RecordDisclosure


class DisclosureEmpty(Refusal):
    """A disclosure names at least one recipient and one category."""

    code = "disclosure-empty"
    rules = ("L32",)


class CountryUnknown(Refusal):
    """A country is named by the two letters of ISO 3166."""

    code = "country-unknown"
    rules = ("L55", "L59")


def decide(command: Command, state: "SubjectState", given: Circumstances) -> tuple[Record, ...]:
    """One record for each recipient; all of them are allowed, or none is recorded."""
    if not command.recipients or not command.categories:
        raise DisclosureEmpty
    if command.country is not None and _COUNTRY.fullmatch(command.country) is None:
        raise CountryUnknown
    named = (recipient_named(name, given.policy) for name in command.recipients)
    recipients = {recipient.key: recipient for recipient in named}
    return tuple(_disclosed(one, command, state, given) for one in recipients.values())


def _disclosed(
    recipient: Recipient, command: RecordDisclosure, state: "SubjectState", given: Circumstances
) -> Record:
    source = None if command.source is None else source_named(command.source, given.policy).key
    answer = permission(
        state,
        command.purpose,
        recipient.key,
        command.categories,
        given,
        source=source,
        country=command.country,
        on=day_of(command.occurred_at or given.now, given),
    )
    if isinstance(answer, Denied):
        raise answer.raised()
    country = command.country if recipient.group else recipient.country
    event = DataDisclosed(
        recipient=recipient.key,
        member=command.member if recipient.group else None,
        country=None if country is None else country.lower(),
        mechanism=answer.mechanism,
        purpose=command.purpose,
        categories=tuple(sorted(command.categories)),
        source=source,
        occasion=command.occasion,
        policy=given.policy.version,
    )
    return Record(event, occurred_at=command.occurred_at)


def evolve(slice_: Disclosures, recorded: Recorded[Any]) -> Disclosures:
    """Who was given what, after one more event."""
    event: DataDisclosed = recorded.event
    who, at = (event.recipient, event.member), recorded.happened_at
    before = slice_.shared.get(who) or _nothing_yet(at)
    shared = Shared(
        purposes=_with(before.purposes, (event.purpose,)),
        categories=_with(before.categories, event.categories),
        mechanisms=_with(before.mechanisms, (event.mechanism,)),
        countries=before.countries
        if event.country is None
        else _with(before.countries, (event.country,)),
        first_at=min(before.first_at, at),
        last_at=max(before.last_at, at),
        count=before.count + 1,
    )
    return Disclosures({**slice_.shared, who: shared})


def _with(words: frozenset[str], more: tuple[str, ...]) -> frozenset[str]:
    """The set with some more words; mostly the same set, since shares are much alike."""
    return words if words.issuperset(more) else words.union(more)


def _nothing_yet(at: datetime) -> Shared:
    none: frozenset[str] = frozenset()
    return Shared(
        purposes=none,
        categories=none,
        mechanisms=none,
        countries=none,
        first_at=at,
        last_at=at,
        count=0,
    )


DISCLOSURES = Concern(
    "disclosures",
    commands=(RecordDisclosure,),
    folds=(DataDisclosed,),
    initial=Disclosures(),
    decide=decide,
    evolve=evolve,
)
