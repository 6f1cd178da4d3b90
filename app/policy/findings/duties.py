"""What Arts. 12 to 14 ask a notice to tell, and it does not: PL07, PL11 to PL19."""

import re
from typing import Final

from app.policy.findings.finding import Case, Finding, lines_of, names
from app.policy.text import BlockKind, Sentence
from app.policy.vocabulary import LegalBasis, Severity

_WRITTEN_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}|\d{1,2}[./]\d{1,2}[./]\d{2,4}", re.ASCII)
_YEAR: Final = re.compile(r"(?<!\d)(?:19|20)\d{2}(?!\d)", re.ASCII)
_AMOUNT_BEFORE: Final = re.compile(r"\d\s*$", re.ASCII)
_NUMBER_AFTER: Final = re.compile(r"\w*\s*:?\s*\d", re.ASCII)


def promise_not_kept(case: Case) -> Finding | None:
    """PL07: periods are announced "below", and below there are none (Art. 13(2)(a))."""
    promises: list[Sentence] = []
    for sentence in case.sentences_with("keep.any"):
        if case.cues.hit("refer.below", sentence.text):
            promises.append(sentence)
        elif _has_period(case, sentence.text) and not case.cues.hit("thing.child", sentence.text):
            promises.clear()
    if not promises:
        return None
    return Finding(
        code="PL07",
        clauses=("C60",),
        title="Announced periods are missing",
        detail="The text says that periods follow below; none does",
        severity=Severity.INCOMPLETE,
        lines=lines_of(promises),
        keys=("retention_classes",),
    )


def _has_period(case: Case, sentence: str) -> bool:
    for unit in case.cues.patterns["time.unit"].finditer(sentence):
        before = sentence[: unit.start()].rstrip()
        last_word = before.rpartition(" ")[2]
        if _AMOUNT_BEFORE.search(before) or case.cues.hit("time.number", last_word):
            return True
    return False


def undated(case: Case) -> Finding | None:
    """PL11: neither a date nor a version number."""
    if any(_dated(case, block.text) for block in case.document.blocks):
        return None
    return Finding(
        code="PL11",
        clauses=("C84",),
        title="No date and no version",
        detail="Nobody can tell since when the text is in force; the desk has to set the day",
        severity=Severity.INCOMPLETE,
        keys=("effective_from",),
    )


def _dated(case: Case, text: str) -> bool:
    announced = list(case.cues.patterns["version.any"].finditer(text))
    if not announced:
        return False
    written = _WRITTEN_DATE.search(text) is not None
    spelled = case.cues.hit("time.month", text) and _YEAR.search(text) is not None
    numbered = any(_NUMBER_AFTER.match(text, found.end()) for found in announced)
    return written or spelled or numbered


def periods_not_public(case: Case) -> Finding | None:
    """PL12: details of keeping stand in a document that only insiders can read."""
    found = [
        sentence
        for sentence in case.sentences_with("keep.any", "keep.document", "keep.internal")
        if "://" not in sentence.text
    ]
    if not found:
        return None
    return Finding(
        code="PL12",
        clauses=("C33",),
        title="Retention details are not public",
        detail="People who are no members cannot read how long their data are kept",
        severity=Severity.INCOMPLETE,
        lines=lines_of(found),
    )


def no_authority(case: Case) -> Finding | None:
    """PL13: no word of the right to complain to the authority (Art. 13(2)(d))."""
    known_as = re.split(r"[/()]", case.law.authority.name)
    for block in case.document.blocks:
        named = any(names(block.text, name.strip()) for name in known_as)
        if named or case.cues.hit("authority", block.text):
            return None
    return _missing(
        "PL13", "No supervisory authority", "The right to complain and to whom are not told"
    )


def no_officer(case: Case) -> Finding | None:
    """PL14: no contact for data protection (Art. 13(1)(b))."""
    if case.mentions("officer"):
        return None
    return _missing(
        "PL14", "No contact for data protection", "Neither an officer nor a role is named"
    )


def interest_not_named(case: Case) -> Finding | None:
    """PL15: legitimate interest is the basis, and which interest is not told (Art. 13(1)(d))."""
    relying = [
        purpose
        for purpose in case.policy.purposes.values()
        if purpose.legal_basis is LegalBasis.LEGITIMATE_INTEREST
    ]
    claimed = case.sentences_with("interest.any")
    if case.mentions("interest.named") or not (relying or claimed):
        return None
    return Finding(
        code="PL15",
        clauses=("C31", "C85"),
        title="Legitimate interest not named",
        detail="The basis is told but not the interest pursued",
        severity=Severity.INCOMPLETE,
        lines=lines_of(claimed),
        keys=tuple(f"purposes.{purpose.key}" for purpose in relying),
    )


def no_withdrawal(case: Case) -> Finding | None:
    """PL16: consent is a basis, and the right to withdraw it is not told (Art. 13(2)(c))."""
    if case.sentences_with("consent.any", "consent.withdraw"):
        return None
    return _missing(
        "PL16", "Right to withdraw consent not told", "Consent is used and its end is not told"
    )


def obligation_untold(case: Case) -> Finding | None:
    """PL17: which fields must be given and which may (Art. 13(2)(e))."""
    collection = case.section("collection")
    told_for_all = any(
        block.kind is not BlockKind.BULLET and case.cues.hit("obligation", block.text)
        for block in collection
    )
    bullets = [block for block in collection if block.kind is BlockKind.BULLET and block.has_word]
    untold = [block for block in bullets if not case.cues.hit("obligation", block.text)]
    if told_for_all or not untold:
        return None
    return Finding(
        code="PL17",
        clauses=("C14", "C85"),
        title="Mandatory or voluntary not told",
        detail=f"{len(untold)} of {len(bullets)} fields do not say whether they must be given",
        severity=Severity.INCOMPLETE,
        lines=lines_of(untold),
    )


def no_automation_statement(case: Case) -> Finding | None:
    """PL18: no word on automated decisions (Art. 13(2)(f), 22)."""
    if case.mentions("automated"):
        return None
    return _missing(
        "PL18", "Automated decisions not mentioned", "Whether there are any is not told"
    )


def rectification_misplaced(case: Case) -> Finding | None:
    """PL19: the right to rectification is missing where the rights are told (Art. 16)."""
    if any(case.cues.hit("rectification", block.text) for block in case.section("access")):
        return None
    elsewhere = case.sentences_with("rectification")
    where = "only elsewhere" if elsewhere else "nowhere"
    return Finding(
        code="PL19",
        clauses=("C80",),
        title="Rectification missing among the rights",
        detail=f"The right to have data corrected is told {where}",
        severity=Severity.INCOMPLETE,
        lines=lines_of(elsewhere),
        keys=("rights.rectification",),
    )


def _missing(code: str, title: str, detail: str) -> Finding:
    return Finding(
        code=code,
        clauses=("C85",),
        title=title,
        detail=detail,
        severity=Severity.INCOMPLETE,
    )
