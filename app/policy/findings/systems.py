"""What is said of vendors, transfers and security: PL02, PL06, PL08, PL22, PL27."""

from itertools import pairwise

from app.policy.findings.finding import Case, Finding, in_sentences, lines_of, names
from app.policy.model import TransferMechanism
from app.policy.vocabulary import Severity


def void_mechanism(case: Case) -> Finding | None:
    """PL02: a transfer mechanism that no longer holds on the day the policy takes effect (L56)."""
    on = case.policy.effective_from
    void = [
        (sentence, mechanism)
        for mechanism in case.law.mechanisms.values()
        if not mechanism.in_force(on)
        for sentence in case.document.sentences
        if _names_mechanism(sentence.text, mechanism)
    ]
    if not void:
        return None
    ended = {mechanism.key: mechanism for _, mechanism in void}
    relying = tuple(
        f"recipients.{recipient.key}.mechanisms"
        for recipient in case.policy.recipients.values()
        if not ended.keys().isdisjoint(recipient.mechanisms)
    )
    told = "; ".join(f"{found.title}: {found.source}" for found in ended.values())
    return Finding(
        code="PL02",
        clauses=("C30",),
        title="Transfer mechanism not in force",
        detail=f"{told}; {len(relying)} recipients have no other",
        severity=Severity.UNLAWFUL,
        lines=lines_of(sentence for sentence, _ in void),
        keys=relying,
    )


def _names_mechanism(text: str, mechanism: TransferMechanism) -> bool:
    return any(names(text, name) for name in (mechanism.title, *mechanism.names))


def stored_but_not_shared(case: Case) -> Finding | None:
    """PL06: systems named where storage is told and not where sharing is (Art. 13(1)(e))."""
    shared = "\n".join(block.text for block in case.section("sharing"))
    told = {recipient.key for recipient in case.recipients_named(shared)}
    untold = [
        (sentence, recipient)
        for sentence in in_sentences(case.section("storage"))
        for recipient in case.recipients_named(sentence.text)
        if recipient.key not in told
    ]
    if not untold:
        return None
    titles = ", ".join(dict.fromkeys(recipient.title for _, recipient in untold))
    return Finding(
        code="PL06",
        clauses=("C58",),
        title="System named under storage but not under sharing",
        detail=f"{titles}: not in the list of those with whom data are shared",
        severity=Severity.INCOMPLETE,
        lines=lines_of(sentence for sentence, _ in untold),
        keys=tuple(dict.fromkeys(f"recipients.{recipient.key}" for _, recipient in untold)),
    )


def list_without_categories(case: Case) -> Finding | None:
    """PL08: a sentence announces what is collected, and the next names nothing (Art. 14(1)(d))."""
    categories = case.cues.groups_under("category.")
    broken = [
        announced
        for announced, following in pairwise(case.document.sentences)
        if announced.text.endswith(":")
        and announced.line == following.line
        and case.cues.all_hit(("collected.any", "collected.comprises"), announced.text)
        and not any(case.cues.hit(group, following.text) for group in categories)
    ]
    if not broken:
        return None
    return Finding(
        code="PL08",
        clauses=("C53",),
        title="List of collected data without data",
        detail="The sentence breaks off before it names a category",
        severity=Severity.INCOMPLETE,
        lines=lines_of(broken),
    )


def encryption_alone(case: Case) -> Finding | None:
    """PL22: encryption on the way as the only measure told (Art. 32)."""
    storage = case.section("storage")
    transport = [
        sentence
        for sentence in in_sentences(storage)
        if case.cues.hit("security.transport", sentence.text)
    ]
    if not transport or any(case.cues.hit("security.other", block.text) for block in storage):
        return None
    return Finding(
        code="PL22",
        clauses=("C59",),
        title="A certificate as the only security measure",
        detail="Encryption on the way says nothing of access, copies or incidents",
        severity=Severity.INCOMPLETE,
        lines=lines_of(transport),
    )


def vendor_contradicted(case: Case) -> Finding | None:
    """PL27: a claim about a vendor that the vendor's own pages contradict (Art. 5(1)(a))."""
    contradicted = [
        (sentence, recipient)
        for recipient in case.policy.recipients.values()
        for practice in recipient.vendor_practice
        for sentence in case.sentences_with(f"claim.{practice.value}")
        if recipient in case.recipients_named(sentence.block.text)
    ]
    if not contradicted:
        return None
    titles = ", ".join(dict.fromkeys(recipient.title for _, recipient in contradicted))
    return Finding(
        code="PL27",
        clauses=("C54", "C56"),
        title="Vendor says otherwise",
        detail=f"{titles}: its own pages tell of storage or sharing that the text denies",
        severity=Severity.UNLAWFUL,
        lines=lines_of(sentence for sentence, _ in contradicted),
        keys=tuple(
            dict.fromkeys(
                f"recipients.{recipient.key}.vendor_practice" for _, recipient in contradicted
            )
        ),
    )
