"""Consent that is none, and data without a reason: PL03, PL04, PL05, PL20, PL21, PL25."""

from app.policy.findings.finding import Case, Finding, lines_of
from app.policy.text import BlockKind, Sentence
from app.policy.vocabulary import DeclaredIn, Severity

FOOTNOTE_MARKS = ("*", "†", "‡")


def consent_by_registration(case: Case) -> Finding | None:
    """PL03: whoever registers is said to agree (Art. 7(2), 7(4))."""
    found = _agreement_by(case, "act.register")
    if not found:
        return None
    return Finding(
        code="PL03",
        clauses=("C29",),
        title="Registration taken for consent",
        detail="Agreement is bundled with registering; no consent arises from it (L13)",
        severity=Severity.UNLAWFUL,
        lines=lines_of(found),
        keys=tuple(
            f"purposes.{purpose.key}"
            for purpose in case.policy.purposes.values()
            if purpose.explicit_consent
        ),
    )


def consent_by_chat(case: Case) -> Finding | None:
    """PL04: whoever uses the chat is said to agree (Art. 4(11), 7(2))."""
    found = _agreement_by(case, "act.use", "thing.chat")
    if not found:
        return None
    return Finding(
        code="PL04",
        clauses=("C55",),
        title="Use of the chat taken for consent",
        detail="Agreement is read into using the chat; no consent arises from it (L13)",
        severity=Severity.UNLAWFUL,
        lines=lines_of(found),
    )


def _agreement_by(case: Case, *acts: str) -> tuple[Sentence, ...]:
    return tuple(
        sentence
        for sentence in case.sentences_with(*acts, "consent.agree")
        if not case.cues.hit("consent.separate", sentence.text)
    )


def purpose_in_footnote(case: Case) -> Finding | None:
    """PL05: a purpose that stands in a footnote and not in the list (Art. 12(1))."""
    footnotes = [
        block
        for block in case.document.blocks
        if block.kind is BlockKind.PARAGRAPH
        and block.text.startswith(FOOTNOTE_MARKS)
        and case.cues.hit("purpose.any", block.text)
    ]
    if not footnotes:
        return None
    return Finding(
        code="PL05",
        clauses=("C29",),
        title="Purpose hidden in a footnote",
        detail="A footnote adds a purpose that the list of purposes does not have",
        severity=Severity.UNLAWFUL,
        lines=lines_of(footnotes),
        keys=tuple(
            f"purposes.{purpose.key}"
            for purpose in case.policy.purposes.values()
            if purpose.declared_in is DeclaredIn.FOOTNOTE
        ),
    )


def browser_settings(case: Case) -> Finding | None:
    """PL20: settings of the browser offered as the choice about cookies (ePrivacy 5(3), L18)."""
    found = case.sentences_with("thing.cookie", "act.choose", "thing.browser")
    if not found:
        return None
    return Finding(
        code="PL20",
        clauses=("C21",),
        title="Browser settings taken for consent to cookies",
        detail="Refusing takes more effort than accepting; no valid choice is offered (L18)",
        severity=Severity.UNLAWFUL,
        lines=lines_of(found),
    )


def address_denied(case: Case) -> Finding | None:
    """PL21: IP addresses declared not to be about a person (C-582/14)."""
    groups = ("category.network.ip", "thing.device", "denial", "thing.person")
    found = case.sentences_with(*groups)
    if not found:
        return None
    return Finding(
        code="PL21",
        clauses=("C20",),
        title="IP address declared not personal",
        detail="An IP address is treated as personal data here, whatever the text says",
        severity=Severity.UNLAWFUL,
        lines=lines_of(found),
        keys=('categories."network.ip"',),
    )


def collected_without_reason(case: Case) -> Finding | None:
    """PL25: a field in the list of what is collected that no decision calls necessary (L5)."""
    unfounded = [
        (block, category)
        for category in case.policy.categories.values()
        if not category.enabled_by_default
        and (group := f"category.{category.key}") in case.cues.patterns
        for block in case.section("collection")
        if block.kind is BlockKind.BULLET
        and case.cues.hit(group, block.text)
        and not case.cues.hit("reason.any", block.text)
    ]
    if not unfounded:
        return None
    titles = ", ".join(dict.fromkeys(category.title for _, category in unfounded))
    return Finding(
        code="PL25",
        clauses=("C10",),
        title="Collected without a purpose",
        detail=f"{titles}: off until the data-protection desk records why it is necessary",
        severity=Severity.UNLAWFUL,
        lines=lines_of(block for block, _ in unfounded),
        keys=tuple(f'categories."{category.key}"' for _, category in unfounded),
    )
