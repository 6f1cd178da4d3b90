"""The proof record of a consent, complete, and what only passes for one (Art. 7; L12, L13, L16)."""

from collections.abc import Iterator
from datetime import datetime

from app.domain.days import day_of
from app.domain.decider import Circumstances, Refusal
from app.domain.generations import generation
from app.domain.purpose_limitation import category_named, source_named
from app.domain.values import normalise
from app.events.recorded import Section
from app.identifiers import is_digest, is_word
from app.policy.own_names import PROOF_PURPOSE
from app.policy.vocabulary import ConsentMethod, InvalidConsentMethod
from app.values import Confidential, Value

EVIDENCE = "consent.evidence"
"""The data category of the reference under which the evidence is kept."""


class ConsentEvidenceInvalid(Refusal):
    """What was handed over proves no consent: parts are missing or wrong, or it never was one."""

    code = "consent-evidence-invalid"
    rules = ("L12", "L13", "L16", "C5", "C21", "C29", "C55")


class Wording(Value, frozen=True, kw_only=True):
    """What the person read."""

    digest: str = ""
    """SHA-256 of the sentence, in hex."""
    language: str = ""
    policy: str = ""
    """The policy version that was in force for the person."""


class Evidence(Confidential, frozen=True, kw_only=True):
    """What a system can say of a consent; what it cannot say stays empty."""

    CONFIDENTIAL = ("reference",)

    wording: Wording = Wording()
    method: str = ""
    source: str = ""
    """The system in which the person expressed it."""
    occurred_at: datetime | None = None
    reference: str = ""
    """Where the evidence itself is kept: a form entry, a scanned sheet, a log line."""


class Proven(Value, frozen=True, kw_only=True):
    """Evidence that is complete."""

    wording: Wording
    method: ConsentMethod
    source: str
    occurred_at: datetime
    section: Section


def proven(evidence: Evidence, given: Circumstances) -> Proven:
    """The evidence, when all of it is there and lawful; the refusal names what is not."""
    if evidence.method in _NO_CONSENT:
        raise ConsentEvidenceInvalid(method=evidence.method)
    flaws = (*_wording_flaws(evidence.wording, given), *_flaws(evidence, given))
    if flaws:
        raise ConsentEvidenceInvalid(missing=flaws)
    assert evidence.occurred_at is not None, "a flaw otherwise"
    return Proven(
        wording=evidence.wording,
        method=ConsentMethod(evidence.method),
        source=source_named(evidence.source, given.policy).key,
        occurred_at=evidence.occurred_at,
        section=_section(evidence.reference, given),
    )


def read(wording: Wording, given: Circumstances) -> Wording:
    """The wording of a request for consent, when all of it is told."""
    flaws = tuple(_wording_flaws(wording, given))
    if flaws:
        raise ConsentEvidenceInvalid(missing=flaws)
    return wording


def _wording_flaws(wording: Wording, given: Circumstances) -> Iterator[str]:
    if not is_digest(wording.digest):
        yield "wording"
    if not is_word(wording.language):
        yield "language"
    if wording.policy != given.policy.version and wording.policy not in given.control.policies:
        yield "policy"


def _flaws(evidence: Evidence, given: Circumstances) -> Iterator[str]:
    if evidence.method not in _CONSENT:
        yield "method"
    if not evidence.source:
        yield "source"
    if evidence.occurred_at is None or evidence.occurred_at > given.now:
        yield "occurred_at"
    if not evidence.reference.strip():
        yield "reference"


def _section(reference: str, given: Circumstances) -> Section:
    value = normalise(category_named(EVIDENCE, given.policy), reference)
    retention_class = given.policy.retention_class(EVIDENCE, PROOF_PURPOSE)
    bucket = generation(retention_class, given.policy, on=day_of(given.now, given))
    return Section(retention_class, bucket, {EVIDENCE: value})


_CONSENT: frozenset[str] = frozenset(ConsentMethod)
_NO_CONSENT: frozenset[str] = frozenset(InvalidConsentMethod)
