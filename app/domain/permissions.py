"""May these data go to this recipient for this purpose: the whole rule, in one order (C35)."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Final, TypeAlias

from app.domain.children import UnderAge
from app.domain.consents import last_day
from app.domain.days import day_of
from app.domain.decider import Circumstances, Fact, Refusal
from app.domain.inheritance import as_one
from app.domain.mailboxes import consent_required
from app.domain.merges import SubjectAbsorbed
from app.domain.objections import Objection
from app.domain.proofs import Transfer
from app.domain.purpose_limitation import (
    CategoryDisabled,
    CategoryNotAllowedForPurpose,
    CategoryUnknown,
    LinkingForbidden,
    PurposeMissing,
    PurposeUnknown,
    admit,
    purpose_named,
)
from app.domain.recipients import (
    AgreementExpired,
    ContractMissing,
    RecipientNotListed,
    check_agreement,
    recipient_of,
    transfer_ground,
)
from app.domain.restrictions import Restriction, SubjectRestricted
from app.domain.subjects import SubjectErased, SubjectUnknown
from app.domain.suppressions import SubjectSuppressed
from app.events.restrictions import RestrictionGround
from app.policy.model import EEA_GROUND, Purpose, Recipient
from app.policy.vocabulary import IdentifierKind, RecipientRole

if TYPE_CHECKING:
    from app.domain.subject import SubjectState

EXPLICIT_CONSENT: Final = "explicit_consent"
"""The mechanism of Art. 49(1)(a) in the law file."""


class DisclosureProhibited(Refusal):
    """The policy promises never to make this share."""

    code = "disclosure-prohibited"
    rules = ("C18", "C54")


class CategoryNotShareable(Refusal):
    """Of this person, the recipient gets other categories only, whatever the purpose."""

    code = "category-not-shareable"
    rules = ("C36", "C38")


class Objected(Refusal):
    """The person objects to this use, and it is not, or not yet, overridden (Art. 21)."""

    code = "objected"
    rules = ("C65", "L43", "L44", "C36", "C37")


class ConsentMissing(Refusal):
    """The purpose rests on consent, and none is in force."""

    code = "consent-missing"
    rules = ("C25", "L11", "L14", "L16", "L17")


class TransferConsentMissing(Refusal):
    """Outside the EEA this purpose needs the person's explicit and separate consent."""

    code = "transfer-consent-missing"
    rules = ("C29", "L60")


class NoticeMissing(Refusal):
    """The data came from somebody else, and the person has not been told (Art. 14(3)(c))."""

    code = "notice-missing"
    rules = ("L29",)


class TransferNoBasis(Refusal):
    """Nothing in Chapter V carries this transfer on that day."""

    code = "transfer-no-basis"
    rules = ("L55", "L56", "C29", "C30")


REFUSALS: Final[tuple[type[Refusal], ...]] = (
    SubjectUnknown,
    SubjectErased,
    SubjectAbsorbed,
    UnderAge,
    PurposeMissing,
    PurposeUnknown,
    RecipientNotListed,
    DisclosureProhibited,
    CategoryUnknown,
    CategoryDisabled,
    LinkingForbidden,
    CategoryNotAllowedForPurpose,
    CategoryNotShareable,
    AgreementExpired,
    ContractMissing,
    SubjectRestricted,
    Objected,
    SubjectSuppressed,
    ConsentMissing,
    TransferConsentMissing,
    NoticeMissing,
    TransferNoBasis,
)
"""Everything that can be answered, in the order in which it is looked for."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """The data may go, on this transfer ground: `eea` or a mechanism of Chapter V."""

    mechanism: str


@dataclass(frozen=True, slots=True)
class Denied:
    """The data may not go."""

    refusal: type[Refusal]
    facts: Mapping[str, Fact] = field(default_factory=dict)

    @property
    def code(self) -> str:
        """The reason, as a word."""
        return self.refusal.code

    @property
    def rules(self) -> tuple[str, ...]:
        """The clauses and legal rules behind it."""
        return self.refusal.rules

    def raised(self) -> Refusal:
        """The refusal to raise."""
        return self.refusal(**self.facts)


Answer: TypeAlias = Allowed | Denied


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A use that could be allowed for some people: everything about it that is not about them."""

    purpose: Purpose
    lineage: tuple[str, ...]
    recipient: Recipient
    categories: frozenset[str]
    emails: frozenset[str]
    """Categories whose values are e-mail addresses."""
    transfer: Transfer
    ground: str | None
    """The transfer ground for everybody."""
    derogation: str | None
    """The mechanism that an explicit consent would be, where the law knows it on that day."""
    day: date
    """The day of the use."""
    given: Circumstances


def permission(  # noqa: PLR0917  # who, what for, to whom, what: one question
    state: "SubjectState",
    purpose: str,
    recipient: str,
    categories: Iterable[str],
    given: Circumstances,
    *,
    source: str | None = None,
    country: str | None = None,
    on: date | None = None,
) -> Answer:
    """Whether a person's data may go to a recipient for a purpose.

    ``categories`` may be empty when they are not known yet; ``source`` is the system from which
    the data are taken; ``country`` says which case of a group of recipients is meant; ``on`` is
    the day of the share, today when it is None.
    """
    use = use_of(purpose, recipient, categories, given, source=source, country=country, on=on)
    return answer(use, state)


def use_of(
    purpose: str,
    recipient: str,
    categories: Iterable[str],
    given: Circumstances,
    *,
    source: str | None = None,
    country: str | None = None,
    on: date | None = None,
) -> Use | Denied:
    """The part of the question that is the same for everybody, to be answered for many people."""
    named = frozenset(categories)
    day = on or day_of(given.now, given)
    try:
        found = purpose_named(purpose, given.policy)
        receiver = recipient_of(recipient, found, given.policy)
        _check_promises(receiver, named, source, given)
        admit(sorted(named), found, given)
        _check_ceiling(receiver, named)
        check_agreement(receiver, day, given.control)
    except Refusal as refusal:
        return Denied(type(refusal), refusal.facts)
    where = country.lower() if receiver.group and country is not None else None
    derogation = given.law.mechanisms.get(EXPLICIT_CONSENT)
    return Use(
        purpose=found,
        lineage=given.policy.lineage(found.key),
        recipient=receiver,
        categories=named,
        emails=frozenset(given.policy.identifying(IdentifierKind.EMAIL)),
        transfer=(found.key, receiver.key, where),
        ground=transfer_ground(receiver, country, day, given),
        derogation=EXPLICIT_CONSENT if derogation and derogation.in_force(day) else None,
        day=day,
        given=given,
    )


def _check_promises(
    recipient: Recipient, categories: frozenset[str], source: str | None, given: Circumstances
) -> None:
    broken = given.policy.prohibited(source, recipient.key, categories)
    if broken is not None:
        raise DisclosureProhibited(promise=broken.key, recipient=recipient.key)


def _check_ceiling(recipient: Recipient, categories: frozenset[str]) -> None:
    for category in sorted(categories):
        if not recipient.may_receive(category):
            raise CategoryNotShareable(category=category, recipient=recipient.key)


def answer(use: Use | Denied, state: "SubjectState") -> Answer:
    """The answer for one person: a few look-ups, so that thousands can be asked about at once."""
    unreachable = _unreachable(state)
    if unreachable is not None:
        return unreachable
    if isinstance(use, Denied):
        return use
    state = as_one(state)
    for rule in _RULES:
        denied = rule(use, state)
        if denied is not None:
            return denied
    if use.ground is not None:
        return Allowed(use.ground)
    assert use.derogation is not None, "the last rule refuses otherwise"
    return Allowed(use.derogation)


def _unreachable(state: "SubjectState") -> Denied | None:
    if not state.registered:
        return Denied(SubjectUnknown)
    if state.erased:
        return Denied(SubjectErased)
    absorbed = state.merges.absorbed
    if absorbed is not None:  # what the person has said since, the other record heard
        return Denied(SubjectAbsorbed, {"survivor": absorbed.other, "merge": absorbed.merge})
    if state.child:
        return Denied(UnderAge)
    return None


def _restricted(use: Use, state: "SubjectState") -> Denied | None:
    for restriction in state.restrictions.active.values():
        if restriction.ground is not RestrictionGround.OBJECTION and _covers(restriction, use):
            return Denied(SubjectRestricted, {"ground": restriction.ground.value})
    return None


def _restricted_by_objection(use: Use, state: "SubjectState") -> Denied | None:
    # After the objection rule: while an objection is pending, it is the reason; once it is
    # overridden, the restriction lasts until the person was told (Art. 18(3)).
    for key, restriction in state.restrictions.active.items():
        if (
            restriction.ground is RestrictionGround.OBJECTION
            and _covers(restriction, use)
            and not out_of_reach(state.objections.by_id.get(key), use.purpose, state)
        ):
            return Denied(SubjectRestricted, {"ground": restriction.ground.value})
    return None


def out_of_reach(objection: Objection | None, purpose: Purpose, state: "SubjectState") -> bool:
    """Whether what is behind a restriction says nothing of this purpose; the desk's has nothing."""
    if objection is None:
        return False
    return not purpose.objectable or reconsidered(objection, purpose, state)


def _covers(matter: Restriction | Objection, use: Use) -> bool:
    return matter.scope.covers(use.lineage, use.recipient.key, use.categories)


def _objected(use: Use, state: "SubjectState") -> Denied | None:
    for objection in state.objections.by_id.values():
        if (
            objection.stops(use.purpose)
            and _covers(objection, use)
            and not reconsidered(objection, use.purpose, state)
        ):
            return Denied(Objected, {"purpose": use.purpose.key})
    return None


def reconsidered(objection: Objection, purpose: Purpose, state: "SubjectState") -> bool:
    """Whether the person consented to the purpose after objecting to it as such."""
    proof = state.consents.of(purpose.key).proof
    as_such = objection.scope.recipient is None
    return as_such and proof is not None and proof.since > objection.since


def _suppressed(use: Use, state: "SubjectState") -> Denied | None:
    closed = state.suppressions.purposes
    for key in use.lineage:
        if key in closed:
            return Denied(SubjectSuppressed, {"purpose": key})
    return None


def _consent_missing(use: Use, state: "SubjectState") -> Denied | None:
    if not consent_required(use.purpose, use.emails, state):
        return None
    proof = state.consents.of(use.purpose.key).proof
    if proof is not None:
        until = last_day(use.purpose, proof, use.given)
        if until is None or use.day <= until:  # whether or not its end is on record yet
            return None
    return Denied(ConsentMissing, {"purpose": use.purpose.key})


def _transfer_consent_missing(use: Use, state: "SubjectState") -> Denied | None:
    if not use.purpose.explicit_consent or use.ground == EEA_GROUND:
        return None
    if use.transfer in state.consents.transfers:
        return None
    return Denied(TransferConsentMissing, {"recipient": use.recipient.key})


def _notice_missing(use: Use, state: "SubjectState") -> Denied | None:
    if use.recipient.role is RecipientRole.OWN or state.notices.informed:
        return None
    return None if state.collections.third_party_since is None else Denied(NoticeMissing)


def _no_ground(use: Use, state: "SubjectState") -> Denied | None:
    if use.ground is not None:
        return None
    if use.derogation is not None and use.transfer in state.consents.transfers:
        return None
    return Denied(TransferNoBasis, {"recipient": use.recipient.key})


_Rule: TypeAlias = Callable[[Use, "SubjectState"], Denied | None]

_RULES: Final[tuple[_Rule, ...]] = (
    _restricted,
    _objected,
    _restricted_by_objection,
    _suppressed,
    _consent_missing,
    _transfer_consent_missing,
    _notice_missing,
    _no_ground,
)
