"""Every reference of a policy leads somewhere and every entry is led to; the law does not overlap.

C28: no purpose is empty. C35: a recipient exists only for a purpose. L2: a category without a
purpose could never be held.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date

from app.policy.law import DatedValue, Law
from app.policy.model import EVERYBODY, Policy
from app.policy.own_names import SIGN_UP_SOURCE, SIGNING_UP, STATUTORY
from app.policy.reading import Fault
from app.policy.records import Purpose
from app.policy.vocabulary import CapabilityMeans, LegalBasis, Right

_BINDING_BASES = frozenset(
    {LegalBasis.CONTRACT, LegalBasis.LEGAL_OBLIGATION, LegalBasis.VITAL_INTERESTS}
)


def policy_faults(policy: Policy) -> Iterator[Fault]:
    """Open references, unused entries, empty purposes and contradictions, in no order."""
    yield from _empty_purposes(policy)
    yield from _doubled_purposes(policy)
    for table, purposes in _purpose_tables(policy):
        for purpose in purposes.values():
            yield from _purpose_references(policy, f"{table}.{purpose.key}", purpose)
    yield from _recipient_references(policy)
    yield from _source_references(policy)
    yield from _promise_references(policy)
    yield from _activity_references(policy)
    yield from _finding_references(policy)
    yield from _wording_references(policy)
    yield from _unused(policy)
    if not any(text.authoritative for text in policy.texts.values()):
        yield Fault("texts", "no language is authoritative")


def _wording_references(policy: Policy) -> Iterator[Fault]:
    """Whoever signs up consents to one mailing, and is asked at their address whether it is so."""
    purposes = {one.purpose for one in policy.wordings}
    if not purposes:
        return
    yield from _unknown("wordings", purposes, policy.purposes.keys() | policy.uses.keys())
    yield from _unknown("wordings", {SIGNING_UP}, policy.statutory)
    yield from _unknown("wordings", {SIGN_UP_SOURCE}, policy.sources)
    if len(purposes) > 1:
        yield Fault("wordings", "are for more than one purpose")
    for key in purposes | {SIGNING_UP}:
        purpose = policy.purpose(key)
        if purpose is None:
            continue
        mailing = purpose.legal_basis is LegalBasis.CONSENT and purpose.direct_marketing
        if key != SIGNING_UP and not mailing:
            yield Fault("wordings", f"ask for {key}, no mailing on consent")
        for category in sorted(STATUTORY[SIGNING_UP] - purpose.categories):
            yield Fault("wordings", f"{key} has not the category {category}")


def _purpose_tables(policy: Policy) -> tuple[tuple[str, Mapping[str, Purpose]], ...]:
    return (
        ("purposes", policy.purposes),
        ("uses", policy.uses),
        ("statutory", policy.statutory),
    )


def _unknown(where: str, named: Iterable[str], known: Iterable[str]) -> Iterator[Fault]:
    for key in sorted(set(named) - set(known)):
        yield Fault(where, f"names {key}, which does not exist")


def _empty_purposes(policy: Policy) -> Iterator[Fault]:
    for table, purposes in _purpose_tables(policy):
        for purpose in purposes.values():
            if not any(character.isalnum() for character in purpose.title):
                yield Fault(f"{table}.{purpose.key}.title", "has neither a letter nor a digit")
            if not purpose.categories:
                yield Fault(f"{table}.{purpose.key}.categories", "is empty")


def _doubled_purposes(policy: Policy) -> Iterator[Fault]:
    seen: dict[str, str] = {}
    for table, purposes in _purpose_tables(policy):
        for key in purposes:
            if seen.setdefault(key, table) != table:
                yield Fault(f"{table}.{key}", f"stands in {seen[key]} too")


def _purpose_references(policy: Policy, where: str, purpose: Purpose) -> Iterator[Fault]:
    yield from _unknown(f"{where}.categories", purpose.categories, policy.categories)
    yield from _unknown(f"{where}.recipients", purpose.recipients, policy.recipients)
    yield from _unknown(f"{where}.relationships", purpose.relationships, policy.relationships)
    yield from _unknown(f"{where}.retention", [purpose.retention], policy.retention_classes)
    by_category = f"{where}.retention_by_category"
    yield from _unknown(by_category, purpose.retention_by_category, purpose.categories)
    classes = purpose.retention_by_category.values()
    yield from _unknown(by_category, classes, policy.retention_classes)
    for key in sorted(purpose.recipients & policy.recipients.keys()):
        allowed = policy.recipients[key].allowed_categories
        if allowed is not None and purpose.categories.isdisjoint(allowed):
            yield Fault(f"{where}.recipients", f"{key} may receive none of its categories")
    if purpose.explicit_consent and purpose.legal_basis is not LegalBasis.CONSENT:
        yield Fault(f"{where}.explicit_consent", "the legal basis is not consent")
    if purpose.parent is not None:
        yield from _parent(policy, where, purpose, purpose.parent)


def _parent(policy: Policy, where: str, purpose: Purpose, parent: str) -> Iterator[Fault]:
    """An objection to the parent reaches the use, so the use must be one that can be refused."""
    if not where.startswith("uses."):
        yield Fault(f"{where}.parent", "only a use narrows a purpose")
    elif parent not in policy.purposes and parent not in policy.uses:
        yield Fault(f"{where}.parent", f"names {parent}, which does not exist")
    elif parent == purpose.key:
        yield Fault(f"{where}.parent", "names itself")
    elif parent in policy.uses and policy.uses[parent].parent is not None:
        yield Fault(f"{where}.parent", f"{parent} narrows a purpose itself")
    if purpose.legal_basis in _BINDING_BASES:
        yield Fault(f"{where}.parent", "a use that cannot be objected to stands alone")


def _recipient_references(policy: Policy) -> Iterator[Fault]:
    for recipient in policy.recipients.values():
        where = f"recipients.{recipient.key}"
        allowed = recipient.allowed_categories or frozenset()
        yield from _unknown(f"{where}.allowed_categories", allowed, policy.categories)
        yield from _unknown(f"{where}.mechanisms", recipient.mechanisms, policy.mechanisms)
        if not recipient.countries and not recipient.group:
            yield Fault(f"{where}.countries", "only a group may leave its countries open")
        erasing = recipient.capabilities.get(Right.ERASURE)
        path = recipient.erasure_path or CapabilityMeans.IMPOSSIBLE
        if erasing is not None and erasing.means != path:
            yield Fault(f"{where}.capabilities.erasure", "differs from erasure_path")


def _source_references(policy: Policy) -> Iterator[Fault]:
    for source in policy.sources.values():
        operators = [source.operator] if source.operator is not None else []
        yield from _unknown(f"sources.{source.key}.operator", operators, policy.recipients)


def _promise_references(policy: Policy) -> Iterator[Fault]:
    places = {*policy.recipients, *policy.sources}
    for rule in policy.prohibited_disclosures:
        where = f"prohibited_disclosures.{rule.key}"
        yield from _unknown(f"{where}.source", [rule.source], places)
        yield from _unknown(f"{where}.categories", rule.categories, policy.categories)
        yield from _unknown(f"{where}.recipients", rule.recipients - {EVERYBODY}, policy.recipients)
        yield from _unknown(f"{where}.except_recipients", rule.except_recipients, policy.recipients)
    for linking in policy.forbidden_linkings:
        where = f"forbidden_linkings.{linking.key}.categories"
        yield from _unknown(where, linking.categories, policy.categories)
    for exemption in policy.exemptions.values():
        where = f"exemptions.{exemption.key}.retention_classes"
        yield from _unknown(where, exemption.retention_classes, policy.retention_classes)


def _activity_references(policy: Policy) -> Iterator[Fault]:
    purposes = [purpose.key for purpose in policy.all_purposes()]
    for activity in policy.activities.values():
        where = f"activities.{activity.key}"
        yield from _unknown(f"{where}.persons", activity.persons, policy.relationships)
        yield from _unknown(f"{where}.categories", activity.categories, policy.categories)
        yield from _unknown(f"{where}.purposes", activity.purposes, purposes)
        yield from _unknown(f"{where}.recipients", activity.recipients, policy.recipients)
        classes = activity.retention_classes
        yield from _unknown(f"{where}.retention_classes", classes, policy.retention_classes)
        if not activity.purposes:
            yield Fault(f"{where}.purposes", "is empty")


def _finding_references(policy: Policy) -> Iterator[Fault]:
    known = {
        *policy.categories,
        *policy.recipients,
        *policy.retention_classes,
        *policy.exemptions,
        *(purpose.key for purpose in policy.all_purposes()),
    }
    for finding in policy.standing_findings.values():
        where = f"standing_findings.{finding.key}.subject_of"
        yield from _unknown(where, finding.subject_of, known)


def _unused(policy: Policy) -> Iterator[Fault]:
    """The other direction: entries that nothing leads to."""
    purposes = policy.all_purposes()
    led_to = {
        "categories": {key for purpose in purposes for key in purpose.categories},
        "recipients": {key for purpose in purposes for key in purpose.recipients},
        "retention_classes": {
            purpose.retention_class(category)
            for purpose in purposes
            for category in purpose.categories
        },
        "mechanisms": {key for found in policy.recipients.values() for key in found.mechanisms},
        "relationships": {key for row in policy.activities.values() for key in row.persons},
        "purposes": {key for row in policy.activities.values() for key in row.purposes},
    }
    known: dict[str, Iterable[str]] = {
        "categories": policy.categories,
        "recipients": policy.recipients,
        "retention_classes": policy.retention_classes,
        "mechanisms": policy.mechanisms,
        "relationships": policy.relationships,
        "purposes": [purpose.key for purpose in purposes],
    }
    for table, keys in known.items():
        for key in sorted(set(keys) - led_to[table]):
            yield Fault(f"{table}.{key}", "nothing leads to it")


def law_faults(law: Law) -> Iterator[Fault]:
    """Values of one parameter that overlap, periods that end before they begin, odd holidays."""
    for name, dated in law.parameters.items():
        yield from _time_faults(name, dated)
    for rule in law.holiday_rules:
        fixed = rule.month is not None and rule.day is not None
        if fixed is (rule.easter_offset is not None):
            yield Fault(f"holidays.{rule.name}", "needs a month and day, or an Easter offset")
    for mechanism in law.mechanisms.values():
        if mechanism.valid_before is not None and mechanism.valid_before <= mechanism.valid_from:
            yield Fault(f"mechanisms.{mechanism.key}", "ends before it begins")
    for proposal in law.proposals.values():
        named = proposal.parameter is not None
        if named is (proposal.value is None):
            yield Fault(f"proposals.{proposal.key}", "needs a parameter and its value, or neither")
        if named and proposal.parameter not in law.parameters:
            yield Fault(f"proposals.{proposal.key}", "changes a parameter that does not exist")


def _time_faults(name: str, dated: tuple[DatedValue, ...]) -> Iterator[Fault]:
    ended: date | None = date.min
    for value in sorted(dated, key=lambda value: value.valid_from):
        if value.valid_before is not None and value.valid_before <= value.valid_from:
            yield Fault(f"parameters.{name}", "ends before it begins")
        if ended is None or value.valid_from < ended:
            yield Fault(f"parameters.{name}", "has two values on one day")
        ended = value.valid_before
