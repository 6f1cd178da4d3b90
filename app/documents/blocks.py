"""A document before it has a form: what plain text, HTML and PDF all show, in this order (L31)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Text:
    """Words and the language they are in; None is the language of the document (WCAG 3.1.2)."""

    value: str = field(repr=False)
    language: str | None = None


Words: TypeAlias = str | Text


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of level 2 to 4; the title of the document is the only one of level 1."""

    text: Words
    level: int = 2
    anchor: str | None = None


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph; ``strong`` for the one that must not be overlooked."""

    text: Words
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list without an order."""

    items: tuple[Words, ...]


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines that are kept as lines, such as an address."""

    lines: tuple[Words, ...]


@dataclass(frozen=True, slots=True)
class Quotation:
    """Words of somebody else, unchanged."""

    text: Text


@dataclass(frozen=True, slots=True)
class Contents:
    """Where the parts of a long document are; a PDF reckons its own, with pages."""

    title: str
    links: tuple[tuple[str, str], ...]
    """Anchor of a heading, its text."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under headers; with ``row_headers`` the first cell of a row is its header.

    ``widths`` are shares of the width of a page.
    """

    caption: Words
    headers: tuple[str, ...]
    rows: Sequence[tuple[Words, ...]]
    widths: tuple[int, ...] = ()
    row_headers: bool = False


Block: TypeAlias = Heading | Paragraph | Bullets | Lines | Quotation | Contents | Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A whole document; sender, addressee and date only where it is a letter."""

    language: str
    title: str
    blocks: tuple[Block, ...]
    sender: tuple[str, ...] = ()
    addressee: tuple[str, ...] = field(default=(), repr=False)
    dateline: str | None = None
    footer: str = ""
    page: str = ""
    """How a page is numbered, with `{page}` and `{pages}`."""
    made_at: int = 0
    """Unix seconds, for the properties of the PDF: the same content is the same file."""


def words_of(document: Document) -> Iterator[str]:
    """Every text of a document, in its order."""
    yield from (*document.sender, *document.addressee, document.dateline or "", document.title)
    for block in document.blocks:
        yield from map(plain, _words(block))


def plain(words: Words) -> str:
    """The words without their language."""
    return words if isinstance(words, str) else words.value


def _words(block: Block) -> Iterator[Words]:
    match block:
        case Heading() | Paragraph() | Quotation():
            yield block.text
        case Bullets():
            yield from block.items
        case Lines():
            yield from block.lines
        case Contents():
            yield block.title
        case Table():
            yield block.caption
            yield from block.headers
            for row in block.rows:
                yield from row
