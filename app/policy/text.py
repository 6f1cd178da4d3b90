"""The text of a policy: its bytes and hash for the archive, its blocks and sentences for reading.

The bytes are never changed. What is stray in them (a bullet without a word, a full stop behind an
address) is left out when the text is read, and reported (C28, C57).
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Final

_BULLET: Final = re.compile("\\s*[•‣◦▪·*\u2013-](?:\\s+(.*))?")
_NUMBERED: Final = re.compile(r"(\s*)(\d{1,2})\.\s*(\S.*)")
_BREAK: Final = re.compile(r"(?<=[.!?:])\s+")
_ADDRESS: Final = re.compile(r"https?://[^\s<>\"“”]+")
_STRAY_AFTER_ADDRESS: Final = ".,;:!?)]}'\u2019"
_OPENERS: Final = "\"'(*“”"


class TextUnreadable(ValueError):
    """The bytes are not UTF-8; nothing of them is repeated."""


class BlockKind(StrEnum):
    """What a block of lines is."""

    HEADING = "heading"
    NUMBERED = "numbered"
    """A numbered line that opens no section, as in a table of contents."""
    BULLET = "bullet"
    PARAGRAPH = "paragraph"


@dataclass(frozen=True, slots=True)
class Block:
    """Lines that belong together; line numbers count from 1."""

    kind: BlockKind
    text: str
    first_line: int
    last_line: int
    section: int
    """Number of the section it stands in; 0 before the first."""

    @property
    def has_word(self) -> bool:
        """Whether it holds a letter or a digit at all (C28)."""
        return any(character.isalnum() for character in self.text)

    @property
    def lines(self) -> tuple[int, ...]:
        """The numbers of its lines."""
        return tuple(range(self.first_line, self.last_line + 1))

    @property
    def sentences(self) -> tuple["Sentence", ...]:
        """Its sentences, none longer than a line; what stands before an inline colon is one too."""
        return tuple(
            Sentence(part, self.first_line + offset, self)
            for offset, line in enumerate(self.text.split("\n"))
            for part in _parts(line)
        )


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence, the line it stands on and the block around it."""

    text: str
    line: int
    block: Block


def _parts(line: str) -> Iterator[str]:
    """A line cut behind each stop or colon after which a capital letter follows."""
    begin = 0
    for gap in _BREAK.finditer(line):
        if line[gap.end() :].lstrip(_OPENERS)[:1].isupper():
            yield line[begin : gap.start()]
            begin = gap.end()
    if line[begin:].strip():
        yield line[begin:]


@dataclass(frozen=True)
class PolicyDocument:
    """A policy text, byte for byte, and what can be read in it."""

    raw: bytes

    @cached_property
    def sha256(self) -> str:
        """The hash under which the text is archived, in hex."""
        return hashlib.sha256(self.raw).hexdigest()

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """Every block in its order, those without a word included."""
        return tuple(_placed(_gathered(self._lines())))

    @cached_property
    def sentences(self) -> tuple[Sentence, ...]:
        """Every sentence in its order."""
        return tuple(sentence for block in self.blocks for sentence in block.sentences)

    @cached_property
    def addresses(self) -> tuple[str, ...]:
        """The web addresses, without punctuation that strayed behind them (C57)."""
        found = _ADDRESS.findall(self._decoded())
        return tuple(address.rstrip(_STRAY_AFTER_ADDRESS) for address in found)

    def _lines(self) -> list[str]:
        return [line.rstrip("\r") for line in self._decoded().split("\n")]

    def _decoded(self) -> str:
        try:
            return self.raw.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise TextUnreadable("the text is not UTF-8") from None


@dataclass(slots=True)
class _Gathering:
    """A block under construction."""

    kind: BlockKind
    lines: list[str]
    first_line: int
    number: int = 0

    @property
    def last_line(self) -> int:
        return self.first_line + len(self.lines) - 1


def _gathered(lines: list[str]) -> list[_Gathering]:
    """Lines into blocks: a blank line, a bullet or a number opens a new one."""
    gathered: list[_Gathering] = []
    open_block = False
    for index, line in enumerate(lines, start=1):
        if not line.strip():
            open_block = False
        elif (bullet := _BULLET.fullmatch(line)) is not None:
            gathered.append(_Gathering(BlockKind.BULLET, [bullet[1] or ""], index))
            open_block = True
        elif (numbered := _NUMBERED.fullmatch(line)) is not None:
            number = int(numbered[2])
            gathered.append(_Gathering(BlockKind.NUMBERED, [numbered[3]], index, number))
            open_block = False
        elif open_block:
            gathered[-1].lines.append(line.strip())
        else:
            gathered.append(_Gathering(BlockKind.PARAGRAPH, [line.strip()], index))
            open_block = True
    return gathered


def _placed(gathered: list[_Gathering]) -> Iterator[Block]:
    """Blocks with their sections: the last line with a number opens it, contents come earlier."""
    opening = {block.number: block.first_line for block in gathered if block.number}
    section = 0
    for block in gathered:
        kind = block.kind
        opens = block.number == section + 1 and opening[block.number] == block.first_line
        if kind is BlockKind.NUMBERED and opens:
            section, kind = block.number, BlockKind.HEADING
        text = "\n".join(block.lines)
        yield Block(kind, text, block.first_line, block.last_line, section)
