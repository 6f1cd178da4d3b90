"""A document as plain text, for the part of a mail that every program can show (RFC 3676)."""

import textwrap
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from app.documents.blocks import (
    Block,
    Bullets,
    Contents,
    Document,
    Heading,
    Lines,
    Paragraph,
    Quotation,
    Table,
    plain,
)

WIDTH: Final = 76
TITLE, HEADING = "=", "-"
"""What stands under them, as often as they are wide."""
BULLET, QUOTED = "- ", "> "
CELL, REST = "  ", "    "
"""Before the cells of a row that follow its first, and before the lines that follow theirs."""


def plain_text(document: Document) -> str:
    """The whole document, lines of at most 76 characters where words allow it."""
    parts = ["\n".join(document.sender), "\n".join(document.addressee), document.dateline or ""]
    parts += [_ruled(document.title, TITLE)]
    parts += [_block(block) for block in document.blocks]
    parts.append(document.footer)
    return "\n\n".join(part for part in parts if part) + "\n"


def blocks_of(text: str) -> Iterator[Block]:
    """What a plain text was made of, its title left out: a heading is what is underlined."""
    for part in text.strip().split("\n\n"):
        *lines, last = part.splitlines()
        if not (lines and last and set(last) <= {TITLE, HEADING}):
            yield _unwrapped((*lines, last))
        elif last[0] == HEADING:
            yield Heading(" ".join(lines))


def _unwrapped(lines: Sequence[str]) -> Block:
    """Lines as they were before they were wrapped: one goes on where no word more had room."""
    whole = [lines[0]]
    listed = lines[0].startswith(BULLET)
    for before, line in pairwise(lines):
        in_table = not listed and before.startswith((BULLET, CELL))
        going_on = line.removeprefix(QUOTED).lstrip()
        deep = REST if in_table else CELL if listed else ""
        as_deep = line[: -len(going_on)].removeprefix(QUOTED) == deep
        full = len(before) <= WIDTH < len(before) + 1 + len(going_on.partition(" ")[0])
        if full and as_deep and not line.startswith(BULLET):
            whole[-1] += f" {going_on}"
        else:
            whole.append(line)
    if all(line.startswith(BULLET) for line in whole):
        return Bullets(tuple(line.removeprefix(BULLET) for line in whole))
    return Lines(tuple(whole))


def _block(block: Block) -> str:
    match block:
        case Heading(text=text):
            return _ruled(plain(text), HEADING)
        case Paragraph(text=text):
            return _wrapped(plain(text))
        case Bullets(items=items):
            return "\n".join(_wrapped(plain(one), first=BULLET, rest=CELL) for one in items)
        case Lines(lines=lines):
            return "\n".join(plain(one) for one in lines)
        case Quotation(text=text):
            return _wrapped(plain(text), first=QUOTED, rest=QUOTED)
        case Contents(title=title, links=links):
            return "\n".join((title, *(f"- {name}" for _, name in links)))
        case Table():
            return _table(block)


def _table(table: Table) -> str:
    """One row after another: columns would not survive a narrow screen."""
    rows = (
        "\n".join(
            _wrapped(f"{header}: {plain(cell)}", first=BULLET if number == 0 else CELL, rest=REST)
            for number, (header, cell) in enumerate(zip(table.headers, row, strict=True))
            if plain(cell)
        )
        for row in table.rows
    )
    return "\n".join((_wrapped(plain(table.caption)), *rows))


def _ruled(text: str, mark: str) -> str:
    lines = textwrap.wrap(text, WIDTH) or [""]
    return "\n".join((*lines, mark * max(map(len, lines))))


def _wrapped(text: str, *, first: str = "", rest: str = "") -> str:
    paragraphs = text.split("\n")
    wrapped = [
        textwrap.fill(
            part,
            WIDTH,
            initial_indent=first if number == 0 else rest,
            subsequent_indent=rest,
            break_long_words=False,
            break_on_hyphens=False,
        )
        for number, part in enumerate(paragraphs)
    ]
    return "\n".join(wrapped)
