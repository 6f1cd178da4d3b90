"""The record of processing activities (Art. 30(1)): what is declared, and beside it what happens.

One row an activity of the policy, in the columns of the Belgian authority's model (L48, L49), and
one more when something happens for a purpose that no activity declares.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from app.documents.blocks import Text
from app.documents.languages import language as spoken
from app.documents.periods import period
from app.documents.provisions import provision
from app.domain.days import day_of
from app.domain.decider import Circumstances
from app.domain.recipients import transfer_ground
from app.policy.model import EEA_GROUND, Policy, ProcessingActivity, Purpose
from app.policy.vocabulary import FieldClass, RecipientRole
from app.registers.belgian_model import Language, term
from app.registers.observed import Flow, Observed
from app.registers.recipients import row as recipient_row
from app.registers.table import Row

UNDECLARED = "undeclared"

_GDPR_CATEGORY = {
    FieldClass.CONTACT: "contact",
    FieldClass.IDENTITY: "identification",
    FieldClass.SIGNATURE: "identification",
    FieldClass.FINANCIAL: "financial",
    FieldClass.NETWORK: "electronic",
    FieldClass.IMAGE: "image",
    FieldClass.INTERNAL: "ordinary",
    FieldClass.CONTENT: "ordinary",
    FieldClass.PUBLIC: "ordinary",
}


def declared_pairs(policy: Policy) -> Iterator[tuple[str, str]]:
    """(activity, purpose), as the policy declares them."""
    for activity in policy.activities.values():
        for purpose in sorted(activity.purposes):
            yield activity.key, purpose


def records(
    given: Circumstances, seen: dict[str | None, Observed], language: Language
) -> Iterator[Row]:
    """Every row, in the order of the policy."""
    for number, activity in enumerate(given.policy.activities.values(), 1):
        told = _Telling(given, language)
        yield told.row(number, activity, seen.get(activity.key, Observed()))
    if None in seen:
        yield _Telling(given, language).undeclared(seen[None])


def drift(
    activity: ProcessingActivity | None, seen: Observed, given: Circumstances
) -> tuple[tuple[str, str], ...]:
    """What happens and is not declared, as (kind, key of the policy)."""
    if activity is None:
        undeclared = [("undeclared-purpose", key) for key in sorted(seen.purposes)]
    else:
        undeclared = [
            *_beyond("undeclared-category", seen.categories, activity.categories),
            *_beyond("undeclared-recipient", seen.recipients, activity.recipients),
        ]
    lost = {flow.recipient for flow in seen.flows if not carried(flow, given)}
    return (*undeclared, *(("transfer-without-mechanism", key) for key in sorted(lost)))


def carried(flow: Flow, given: Circumstances) -> bool:
    """Whether the ground held on every day that it was used, and the flow may go on (L55, L57)."""
    recipient = given.policy.recipient(flow.recipient)
    if flow.mechanism == EEA_GROUND:
        return True
    mechanism = given.law.mechanisms.get(flow.mechanism)
    if mechanism is None or not (
        mechanism.in_force(day_of(flow.first, given))
        and mechanism.in_force(day_of(flow.last, given))
    ):
        return False
    if mechanism.per_person or recipient is None or recipient.group:
        return mechanism.in_force(day_of(given.now, given))
    return transfer_ground(recipient, None, day_of(given.now, given), given) is not None


def _beyond(kind: str, found: Iterable[str], declared: Iterable[str]) -> Iterator[tuple[str, str]]:
    return ((kind, key) for key in sorted(set(found) - set(declared)))


class _Telling:
    """Says one activity in one language, on one day."""

    def __init__(self, given: Circumstances, language: Language) -> None:
        self._given, self._policy, self._language = given, given.policy, language
        self._spoken = spoken(language.value)

    def row(self, number: int, activity: ProcessingActivity, seen: Observed) -> Row:
        """A declared activity."""
        purposes = [self._purpose(key) for key in sorted(activity.purposes)]
        process = self._named(activity.title)
        return {
            **self._controller(),
            "process": process,
            "process_owner": self._named(self._policy.controller.contact_role),
            "activity": f"{number:02} {activity.key}",
            "description": process + (f". {self._named(activity.note)}" if activity.note else ""),
            "purposes": [self._named(one.title) for one in purposes],
            "legal_bases": self._bases(purposes),
            "processing_type": self._types(disclosed=bool(activity.recipients)),
            **self._data(activity.categories),
            "persons": [
                self._named(self._policy.relationships[key].title)
                for key in sorted(activity.persons)
            ],
            "sources": self._sources(seen),
            **self._recipients(activity.recipients),
            "retention": [self._retention(key) for key in sorted(activity.retention_classes)],
            "impact_assessment": self._word("not_recorded"),
            "status": self._word("declared"),
            **self._observed(activity, seen),
        }

    def undeclared(self, seen: Observed) -> Row:
        """What happens for purposes that no activity declares."""
        return {
            **self._controller(),
            "activity": UNDECLARED,
            "status": self._word("undeclared"),
            **self._observed(None, seen),
        }

    def _controller(self) -> dict[str, Any]:
        controller = self._policy.controller
        return {
            "controller_name": ", ".join((controller.name, *controller.address[1:])),
            "controller_number": controller.company_number or self._word("not_recorded"),
            "controller_phone": controller.phone or self._word("not_recorded"),
            "controller_email": controller.email,
            "protection_officer": self._named(controller.contact_role),
            "protection_officer_phone": controller.phone or self._word("not_recorded"),
            "protection_officer_internal": self._word("internal_desk"),
            "measures": [self._named(one.title) for one in self._policy.measures.values()],
        }

    def _observed(self, activity: ProcessingActivity | None, seen: Observed) -> dict[str, Any]:
        mechanisms = {f"{flow.recipient}: {flow.mechanism}" for flow in seen.flows}
        return {
            "observed_purposes": sorted(seen.purposes),
            "observed_categories": sorted(seen.categories),
            "observed_recipients": sorted(seen.recipients),
            "observed_mechanisms": sorted(mechanisms),
            "observed_people": seen.people,
            "observed_disclosures": seen.disclosures,
            "drift": [
                f"{term('drift', kind, self._language)}: {key}"
                for kind, key in drift(activity, seen, self._given)
            ],
        }

    def _purpose(self, key: str) -> Purpose:
        purpose = self._policy.purpose(key)
        assert purpose is not None, "an activity names purposes of its policy"
        return purpose

    def _bases(self, purposes: Iterable[Purpose]) -> list[str]:
        bases = dict.fromkeys(one.legal_basis for one in purposes)
        return [
            f"{term('basis', one.value, self._language)}, {provision(one.article, self._spoken)}"
            for one in sorted(bases)
        ]

    def _types(self, *, disclosed: bool) -> list[str]:
        kinds = ["collection", "disclosure"] if disclosed else ["collection"]
        return [self._word(one) for one in kinds]

    def _data(self, categories: Iterable[str]) -> dict[str, Any]:
        named = [self._policy.categories[key] for key in sorted(categories)]
        kinds = {"special" if one.special else _GDPR_CATEGORY[one.field_class] for one in named}
        return {
            "data_functional": [self._named(one.title) for one in named],
            "data_gdpr": [self._word(one) for one in sorted(kinds)],
        }

    def _sources(self, seen: Observed) -> list[str]:
        return sorted(
            self._named(source.title)
            for key, source in self._policy.sources.items()
            if key in seen.sources
        )

    def _recipients(self, keys: Iterable[str]) -> dict[str, Any]:
        named = [self._policy.recipients[key] for key in sorted(keys)]
        on = day_of(self._given.now, self._given)
        rows = {one.key: recipient_row(one, self._given) for one in named}
        outside = [one for one in named if not self._inside(one.countries, on)]
        return {
            "recipients": [self._named(one.title) for one in named],
            "transfers": [
                f"{self._named(one.title)}: {', '.join(one.countries) or self._word('by_case')}"
                for one in outside
            ],
            "safeguards": [
                f"{self._named(one.title)}: {self._safeguard(rows[one.key], by_case=one.group)}"
                for one in outside
            ],
            "processors": [
                f"{self._named(one.title)}: "
                + term("contract", rows[one.key]["agreement_state"], self._language)
                for one in named
                if one.role is RecipientRole.PROCESSOR
            ],
        }

    def _inside(self, countries: Iterable[str], on: date) -> bool:
        found = list(countries)
        return bool(found) and all(self._given.law.in_area(one, on) for one in found)

    def _safeguard(self, row: Row, *, by_case: bool) -> str:
        if by_case:
            return self._word("by_case")
        title, article = row.get("mechanism_title"), row.get("mechanism_article")
        if not title:
            return self._word("no_ground")
        return f"{self._named(title)} ({provision(article or '', self._spoken)})"

    def _retention(self, key: str) -> str:
        kind = self._policy.retention_classes[key]
        kept = period(str(kind.keep), self._spoken)
        clock = term("clock", kind.clock.value, self._language)
        return f"{self._named(kind.title)}: {kept} {clock}"

    def _named(self, text: str) -> str:
        """A text of the policy or the law; what nobody has translated says that it is English."""
        said = self._spoken.named(text)
        return f"{said.value} [{said.language}]" if isinstance(said, Text) else said

    def _word(self, key: str) -> str:
        return term("word", key, self._language)
