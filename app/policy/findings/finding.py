"""The shape of a finding, and all that a rule may look at."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from app.policy.cues import Cues
from app.policy.model import Law, Policy, Recipient
from app.policy.text import Block, BlockKind, PolicyDocument, Sentence
from app.policy.vocabulary import Severity

NAME_LENGTH_MIN = 3
"""Shorter names, such as X, cannot be told from other words of a text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One defect of the text or of what it promises; it quotes nothing but names of systems."""

    code: str
    clauses: tuple[str, ...]
    title: str
    detail: str
    severity: Severity
    lines: tuple[int, ...] = ()
    """Lines of the text, from 1; empty when something is missing as a whole."""
    keys: tuple[str, ...] = ()
    """Keys of the policy file that are concerned."""


@dataclass(frozen=True, slots=True)
class Case:
    """A text, the policy and law it is read against, and the words of its language."""

    policy: Policy
    law: Law
    document: PolicyDocument
    cues: Cues

    def section(self, role: str) -> tuple[Block, ...]:
        """The blocks of the section with this role (`collection`, `sharing` ...), heading first.

        A heading often names the section before too ("how we share what we collect"), so the
        roles are tried in the order of the cue file and a section has the first that fits.
        """
        for block in self.document.blocks:
            if block.kind is BlockKind.HEADING and self._role(block.text) == role:
                number = block.section
                return tuple(found for found in self.document.blocks if found.section == number)
        return ()

    def _role(self, heading: str) -> str | None:
        prefix = "section."
        for group in self.cues.groups_under(prefix):
            if self.cues.hit(group, heading):
                return group.removeprefix(prefix)
        return None

    def sentences_with(self, *groups: str) -> tuple[Sentence, ...]:
        """The sentences in which every one of the cue groups is hit."""
        return tuple(
            sentence
            for sentence in self.document.sentences
            if self.cues.all_hit(groups, sentence.text)
        )

    def mentions(self, group: str) -> bool:
        """Whether the whole text has a cue of the group."""
        return any(self.cues.hit(group, block.text) for block in self.document.blocks)

    def recipients_named(self, text: str) -> tuple[Recipient, ...]:
        """The recipients that a text names, by whatever name."""
        return tuple(
            recipient
            for recipient in self.policy.recipients.values()
            if any(names(text, name) for name in (recipient.title, *recipient.aliases))
        )


Rule: TypeAlias = Callable[[Case], Finding | None]
"""A rule looks at a case and answers its finding, or None when the text is sound there."""


def names(text: str, name: str) -> bool:
    """Whether a text has a proper name as whole words, in any case."""
    if len(name) < NAME_LENGTH_MIN:
        return False
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text, re.IGNORECASE) is not None


def in_sentences(blocks: Iterable[Block]) -> Iterator[Sentence]:
    """The sentences of some blocks."""
    for block in blocks:
        yield from block.sentences


def lines_of(found: Iterable[Block | Sentence]) -> tuple[int, ...]:
    """All line numbers of some blocks or sentences."""
    return tuple(sorted({line for place in found for line in _lines(place)}))


def _lines(place: Block | Sentence) -> tuple[int, ...]:
    return place.lines if isinstance(place, Block) else (place.line,)
