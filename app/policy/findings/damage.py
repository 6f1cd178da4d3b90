"""Damage and untidiness that any reader can see: PL01, PL09, PL10, PL23, PL24, PL26."""

from typing import Final

from app.policy.findings.finding import Case, Finding, lines_of
from app.policy.text import BlockKind, Sentence
from app.policy.vocabulary import Severity

REPEATED_WORDS_MIN: Final = 10
"""A sentence of so many words does not stand in two places by chance."""

FOREIGN_WORDS_MIN: Final = 2

_PROSE: Final = frozenset({BlockKind.PARAGRAPH, BlockKind.BULLET})
"""A heading may repeat its line in the table of contents."""


def empty_bullets(case: Case) -> Finding | None:
    """PL01: bullets without a letter or digit."""
    empty = [
        block
        for block in case.document.blocks
        if block.kind is BlockKind.BULLET and not block.has_word
    ]
    if not empty:
        return None
    return Finding(
        code="PL01",
        clauses=("C28",),
        title="Empty bullets",
        detail=f"{len(empty)} bullets have no words; they name no purpose and are ignored",
        severity=Severity.EDITORIAL,
        lines=lines_of(empty),
    )


def repeated_paragraph(case: Case) -> Finding | None:
    """PL09: a long sentence that stands in two paragraphs."""
    places: dict[str, list[Sentence]] = {}
    for sentence in case.document.sentences:
        words = sentence.text.casefold().split()
        if sentence.block.kind in _PROSE and len(words) >= REPEATED_WORDS_MIN:
            places.setdefault(" ".join(words), []).append(sentence)
    doubled = [
        sentence
        for sentences in places.values()
        if len({sentence.block for sentence in sentences}) > 1
        for sentence in sentences
    ]
    if not doubled:
        return None
    return Finding(
        code="PL09",
        clauses=("C50",),
        title="Paragraph repeated under another heading",
        detail="A whole sentence stands in more than one paragraph; one of them lost its own words",
        severity=Severity.EDITORIAL,
        lines=lines_of(doubled),
    )


def stray_line(case: Case) -> Finding | None:
    """PL10: a line of punctuation alone."""
    stray = [
        block
        for block in case.document.blocks
        if block.kind is BlockKind.PARAGRAPH and not block.has_word
    ]
    if not stray:
        return None
    return Finding(
        code="PL10",
        clauses=("C57",),
        title="Stray punctuation on a line of its own",
        detail="Punctuation without a sentence; addresses before it are read without it",
        severity=Severity.EDITORIAL,
        lines=lines_of(stray),
    )


def foreign_line(case: Case) -> Finding | None:
    """PL23: a block in another language than the rest."""
    foreign = [
        block
        for block in case.document.blocks
        if case.cues.count("language.foreign", block.text) >= FOREIGN_WORDS_MIN
        and not case.cues.hit("language.own", block.text)
    ]
    if not foreign:
        return None
    return Finding(
        code="PL23",
        clauses=("C82",),
        title="Line in another language",
        detail="Part of the page is not in the language of the policy",
        severity=Severity.EDITORIAL,
        lines=lines_of(foreign),
    )


def names_aliased(case: Case) -> Finding | None:
    """PL24: a system in the list of recipients that is not called by its own name."""
    aliased = [
        (block, recipient)
        for block in case.section("sharing")
        if block.kind is BlockKind.BULLET
        and (recipient := case.policy.recipient(block.text)) is not None
        and block.text != recipient.title
    ]
    if not aliased:
        return None
    pairs = ", ".join(f"{block.text} for {recipient.title}" for block, recipient in aliased)
    return Finding(
        code="PL24",
        clauses=("C43", "C47"),
        title="Systems listed under other names",
        detail=f"The list says {pairs}; an alias table keeps each of them one system",
        severity=Severity.EDITORIAL,
        lines=lines_of(block for block, _ in aliased),
        keys=tuple(f"recipients.{recipient.key}.aliases" for _, recipient in aliased),
    )


def two_names_for_one(case: Case) -> Finding | None:
    """PL26: one thing under two names, so that nobody knows whether it is one."""
    prefix = "synonym."
    used: dict[str, list[str]] = {}
    for group in case.cues.groups_under(prefix):
        thing, _, word = group.removeprefix(prefix).partition(".")
        if case.mentions(group):
            used.setdefault(thing, []).append(word)
    doubled = {thing: words for thing, words in used.items() if len(words) > 1}
    if not doubled:
        return None
    groups = [f"{prefix}{thing}.{word}" for thing, words in doubled.items() for word in words]
    found = [sentence for group in groups for sentence in case.sentences_with(group)]
    return Finding(
        code="PL26",
        clauses=("C31",),
        title="One thing under two names",
        detail="; ".join(f"{thing}: {', '.join(words)}" for thing, words in doubled.items()),
        severity=Severity.EDITORIAL,
        lines=lines_of(found),
        keys=tuple(f"purposes.{thing}" for thing in doubled if thing in case.policy.purposes),
    )
