"""Consent: asked for, given with its proof, confirmed, withdrawn (Arts. 7, 49(1)(a); L11, L12)."""

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, TypeAlias, assert_never
from uuid import UUID

from app.domain.children import UnderAge
from app.domain.concern import Concern
from app.domain.days import day_of
from app.domain.decider import Circumstances, Refusal
from app.domain.evidence import (
    ConsentEvidenceInvalid,
    Evidence,
    Proven,
    Wording,
    proven,
    read,
)
from app.domain.inheritance import as_one
from app.domain.proofs import NONE, Asked, Consents, Proof, evolve
from app.domain.purpose_limitation import purpose_named, source_named
from app.domain.recipients import recipient_of
from app.domain.suppressions import suppression
from app.events.consents import (
    ConsentConfirmed,
    ConsentExpired,
    ConsentGiven,
    ConsentRequested,
    ConsentUnproven,
    ConsentWithdrawn,
    TransferConsentGiven,
)
from app.events.recorded import Record
from app.events.suppressions import SuppressionCause, SuppressionLifted
from app.policy.model import Policy, Purpose
from app.policy.vocabulary import ConsentMethod, LegalBasis
from app.values import Confidential, Value, replace

if TYPE_CHECKING:
    from app.domain.subject import SubjectState


class ConsentNotApplicable(Refusal):
    """The purpose rests on another legal basis: asking for consent would mislead (L11)."""

    code = "consent-not-applicable"
    rules = ("L11", "C31")


class ConsentOutdated(Refusal):
    """The consent was expressed before the person withdrew, unsubscribed or objected (L14)."""

    code = "consent-outdated"
    rules = ("L14", "L41", "C73")


class ConsentRequestUnknown(Refusal):
    """There is no such open request, or it was not confirmed in time (C82)."""

    code = "consent-request-unknown"
    rules = ("C82", "L12")


class NeverConsented(Refusal):
    """There is no consent to withdraw."""

    code = "never-consented"
    rules = ("L14",)


class RequestConsent(Value, frozen=True, kw_only=True):
    """The first step of a double opt-in."""

    request: UUID
    purpose: str
    wording: Wording
    source: str


class ConfirmConsent(Confidential, frozen=True, kw_only=True):
    """The second step: the person answered from the address that was entered."""

    CONFIDENTIAL = ("reference",)

    request: UUID
    occurred_at: datetime | None = None
    reference: str = ""


class GiveConsent(Value, frozen=True, kw_only=True):
    """The person agreed to one purpose, and a system can show it."""

    purpose: str
    evidence: Evidence


class GiveExplicitTransferConsent(Value, frozen=True, kw_only=True):
    """The person agreed to one transfer outside the EEA, apart from everything else (L60, C29)."""

    purpose: str
    recipient: str
    evidence: Evidence
    country: str | None = None
    """ISO 3166 alpha-2: needed where the recipient is a group, such as the hosts of events."""


class ImportUnprovenConsent(Value, frozen=True, kw_only=True):
    """An old list says that the person agreed; nothing shows it (L16)."""

    purpose: str
    source: str


class ExpireConsent(Value, frozen=True, kw_only=True):
    """The consent stands for longer than the policy lets it: nobody has to say so."""

    purpose: str


class WithdrawConsent(Confidential, frozen=True, kw_only=True):
    """The person takes a consent back, and the explicit consents to its transfers with it."""

    CONFIDENTIAL = ("addresses",)

    purpose: str
    source: str
    addresses: tuple[str, ...] = ()
    """The person's normalised e-mail addresses on file, for the suppression register."""
    occurred_at: datetime | None = None


Command: TypeAlias = (
    RequestConsent
    | ConfirmConsent
    | GiveConsent
    | GiveExplicitTransferConsent
    | ImportUnprovenConsent
    | ExpireConsent
    | WithdrawConsent
)


def decide(command: Command, state: "SubjectState", given: Circumstances) -> tuple[Record, ...]:
    """The records that a command about a consent makes; of a child nothing more is taken (C74)."""
    match command:
        case WithdrawConsent():
            return _withdraw(command, state, given)
        case ExpireConsent():
            return _expire(command, state, given)
        case _ if state.child:
            raise UnderAge
        case RequestConsent():
            return _request(command, state, given)
        case ConfirmConsent():
            return _confirm(command, state, given)
        case GiveConsent():
            return _give(command, state, given)
        case GiveExplicitTransferConsent():
            return _agree_to_transfer(command, state, given)
        case ImportUnprovenConsent():
            return _import_unproven(command, state, given)
        case _:
            assert_never(command)


def _request(
    command: RequestConsent, state: "SubjectState", given: Circumstances
) -> tuple[Record, ...]:
    purpose = _resting_on_consent(command.purpose, given.policy).key
    wording = read(command.wording, given)
    asked = state.consents.of(purpose).asked
    if asked is not None and asked.request == command.request:
        return ()
    requested = ConsentRequested(
        request=command.request,
        purpose=purpose,
        wording=wording.digest,
        language=wording.language,
        policy=wording.policy,
        source=source_named(command.source, given.policy).key,
    )
    return (Record(requested),)


def _confirm(
    command: ConfirmConsent, state: "SubjectState", given: Circumstances
) -> tuple[Record, ...]:
    for purpose, consent in state.consents.by_purpose.items():
        if consent.proof is not None and consent.proof.request == command.request:
            return ()
        if consent.asked is not None and consent.asked.request == command.request:
            proof = _confirmation(command, consent.asked, given)
            confirmed = ConsentConfirmed(
                request=command.request,
                purpose=purpose,
                wording=proof.wording.digest,
                language=proof.wording.language,
                policy=proof.wording.policy,
                source=proof.source,
            )
            reopened = _reopened(purpose, proof.occurred_at, state, given)
            return (_sealed(confirmed, proof), *reopened)
    raise ConsentRequestUnknown


def _confirmation(command: ConfirmConsent, asked: Asked, given: Circumstances) -> Proven:
    """The request and its answer as one proof, when the answer came in time."""
    days = given.law.term("consent.confirmation_days", day_of(asked.since, given))
    if given.now > asked.since + timedelta(days=days):
        raise ConsentRequestUnknown(days=days)
    evidence = Evidence(
        wording=asked.wording,
        method=ConsentMethod.DOUBLE_OPT_IN,
        source=asked.source,
        occurred_at=command.occurred_at,
        reference=command.reference,
    )
    return proven(evidence, given)


def _give(command: GiveConsent, state: "SubjectState", given: Circumstances) -> tuple[Record, ...]:
    purpose = _resting_on_consent(command.purpose, given.policy)
    proof = proven(command.evidence, given)
    if purpose.explicit_consent:
        _check_explicit(proof)
    if _same(state.consents.of(purpose.key).proof, proof):
        return ()
    consent_given = ConsentGiven(
        purpose=purpose.key,
        wording=proof.wording.digest,
        language=proof.wording.language,
        policy=proof.wording.policy,
        method=proof.method,
        source=proof.source,
    )
    return (_sealed(consent_given, proof), *_reopened(purpose.key, proof.occurred_at, state, given))


def _agree_to_transfer(
    command: GiveExplicitTransferConsent, state: "SubjectState", given: Circumstances
) -> tuple[Record, ...]:
    purpose = purpose_named(command.purpose, given.policy)
    recipient = recipient_of(command.recipient, purpose, given.policy)
    if recipient.group and not command.country:
        raise ConsentEvidenceInvalid(missing=("country",))
    country = command.country.lower() if recipient.group and command.country else None
    proof = proven(command.evidence, given)
    _check_explicit(proof)
    if _same(state.consents.transfers.get((purpose.key, recipient.key, country)), proof):
        return ()
    _check_time(purpose.key, proof.occurred_at, state, given)
    agreed = TransferConsentGiven(
        purpose=purpose.key,
        recipient=recipient.key,
        country=country,
        wording=proof.wording.digest,
        language=proof.wording.language,
        policy=proof.wording.policy,
        method=proof.method,
        source=proof.source,
    )
    return (_sealed(agreed, proof),)


def _import_unproven(
    command: ImportUnprovenConsent, state: "SubjectState", given: Circumstances
) -> tuple[Record, ...]:
    purpose = _resting_on_consent(command.purpose, given.policy).key
    source = source_named(command.source, given.policy).key
    if state.consents.of(purpose) != NONE:
        return ()
    unproven = ConsentUnproven(purpose=purpose, source=source, policy=given.policy.version)
    return (Record(unproven),)


def _withdraw(
    command: WithdrawConsent, state: "SubjectState", given: Circumstances
) -> tuple[Record, ...]:
    purpose = purpose_named(command.purpose, given.policy)
    # What came from another record of the person is as easy to take back as what was given here.
    both = (state.consents, as_one(state).consents)
    transfers = (key for consents in both for key, _, _ in consents.transfers)
    if not any(one.of(purpose.key).open for one in both) and purpose.key not in transfers:
        if all(one.of(purpose.key).ended_at is None for one in both):
            raise NeverConsented(purpose=purpose.key)
        return ()
    withdrawn = ConsentWithdrawn(purpose=purpose.key, source=command.source)
    records = [Record(withdrawn, occurred_at=command.occurred_at)]
    if purpose.direct_marketing and purpose.key not in state.suppressions.purposes:
        cause = SuppressionCause.WITHDRAWAL
        closed = suppression(purpose.key, cause, command.source, command.addresses)
        records.append(replace(closed, occurred_at=command.occurred_at))
    return tuple(records)


def last_day(purpose: Purpose, proof: Proof, given: Circumstances) -> date | None:
    """The last day on which a consent stands; None where the policy names no time."""
    keep = purpose.consent_keep
    return None if keep is None else keep.after(day_of(proof.since, given))


def _expire(
    command: ExpireConsent, state: "SubjectState", given: Circumstances
) -> tuple[Record, ...]:
    purpose = purpose_named(command.purpose, given.policy)
    proof = state.consents.of(purpose.key).proof
    until = None if proof is None else last_day(purpose, proof, given)
    if until is None or day_of(given.now, given) <= until:
        return ()
    expired = ConsentExpired(purpose=purpose.key, until=until, policy=given.policy.version)
    return (Record(expired),)


def _resting_on_consent(key: str, policy: Policy) -> Purpose:
    purpose = purpose_named(key, policy)
    if purpose.legal_basis is not LegalBasis.CONSENT:
        raise ConsentNotApplicable(purpose=purpose.key, basis=purpose.legal_basis.value)
    return purpose


def _check_explicit(proof: Proven) -> None:
    """An entry of an old list is no explicit act of the person (Art. 49(1)(a))."""
    if proof.method is ConsentMethod.IMPORT:
        raise ConsentEvidenceInvalid(method=proof.method.value)


def _same(known: Proof | None, proof: Proven) -> bool:
    return known is not None and (known.wording, known.method, known.source, known.since) == (
        proof.wording,
        proof.method,
        proof.source,
        proof.occurred_at,
    )


def _sealed(event: object, proof: Proven) -> Record:
    return Record(event, sections=(proof.section,), occurred_at=proof.occurred_at)


def _reopened(
    purpose: str, at: datetime, state: "SubjectState", given: Circumstances
) -> tuple[Record, ...]:
    """What a new consent opens again."""
    _check_time(purpose, at, state, given)
    if purpose in state.suppressions.purposes:
        return (Record(SuppressionLifted(purpose=purpose)),)
    return ()


def _check_time(purpose: str, at: datetime, state: "SubjectState", given: Circumstances) -> None:
    """A consent from before the person's no opens nothing, however late it arrives."""
    suppressed = state.suppressions.purposes.get(purpose)
    noes = (
        state.consents.of(purpose).ended_at,
        None if suppressed is None else suppressed.since,
        state.objections.since(given.policy.lineage(purpose)),
    )
    if any(no is not None and at <= no for no in noes):
        raise ConsentOutdated(purpose=purpose)


CONSENTS = Concern(
    "consents",
    commands=(
        RequestConsent,
        ConfirmConsent,
        GiveConsent,
        GiveExplicitTransferConsent,
        ImportUnprovenConsent,
        ExpireConsent,
        WithdrawConsent,
    ),
    folds=(
        ConsentRequested,
        ConsentGiven,
        ConsentConfirmed,
        ConsentExpired,
        ConsentWithdrawn,
        ConsentUnproven,
        TransferConsentGiven,
    ),
    initial=Consents(),
    decide=decide,
    evolve=evolve,
)
