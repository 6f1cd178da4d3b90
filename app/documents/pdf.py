"""A document as tagged PDF/UA-1 (ISO 14289-1), typeset from data and never from built-up markup."""

import re
from functools import cache
from importlib.resources import files
from typing import Any, Final, TypeAlias

import msgspec
import typst

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
    Text,
    Words,
    plain,
)

Value: TypeAlias = dict[str, Any]  # Any: a JSON value

WHOLE_ROW_MAX: Final = 800
"""Characters of a cell up to which its row is not divided between pages."""

# What no rule of hyphenation divides would run out of its column: it may break anywhere. The same
# pattern is in the template.
_LONG = re.compile(r"\S{31,}|\S{8,}[0-9@/+=_]\S*|\S*[0-9@/+=_]\S{8,}")


def pdf(document: Document) -> bytes:
    """The file. The same document is the same file, byte for byte. Takes long: not on the loop."""
    made = _compiler().compile(
        sys_inputs={"document": msgspec.json.encode(_value(document)).decode()},
        format="pdf",
        pdf_standards=["ua-1"],
        timestamp=document.made_at,
    )
    assert isinstance(made, bytes), "one document is one file"
    return made


def _compiler() -> typst.Compiler:
    # A compiler of its own for each document: nobody's values outlive the call, and none are shared
    # between threads. Fonts come from the wheel alone, so that every machine sets the same pages.
    return typst.Compiler(_template(), font_paths=_fonts(), ignore_system_fonts=True)


@cache
def _template() -> bytes:
    return files("app.documents").joinpath("templates", "document.typ").read_bytes()


@cache
def _fonts() -> typst.Fonts:
    return typst.Fonts(include_system_fonts=False)


def _value(document: Document) -> Value:
    return {
        "language": document.language,
        "title": document.title,
        "sender": document.sender,
        "addressee": document.addressee,
        "dateline": document.dateline,
        "footer": document.footer,
        "page": document.page,
        "blocks": [_block(block) for block in document.blocks],
    }


def _block(block: Block) -> Value:
    match block:
        case Heading(text=text, level=level):
            return {"kind": "heading", "level": level, "text": _words(text)}
        case Paragraph(text=text, strong=strong):
            return {"kind": "paragraph", "strong": strong, "text": _words(text)}
        case Bullets(items=items):
            return {"kind": "bullets", "items": [_words(one) for one in items]}
        case Lines(lines=lines):
            return {"kind": "lines", "lines": [_words(one) for one in lines]}
        case Quotation(text=text):
            return {"kind": "quotation", "text": _words(text)}
        case Contents(title=title):
            return {"kind": "contents", "title": title}
        case Table():
            return {
                "kind": "table",
                "caption": _words(block.caption),
                "headers": block.headers,
                "widths": block.widths or (1,) * len(block.headers),
                "rows": [_row(row) for row in block.rows],
            }


def _row(row: tuple[Words, ...]) -> Value:
    """A row stays on one page, unless it is too long for any."""
    whole = max(len(plain(cell)) for cell in row) <= WHOLE_ROW_MAX
    return {"cells": [_words(cell) for cell in row], "whole": whole}


def _words(words: Words) -> str | Value:
    """Plain words as text; words with a language of their own, or unbroken ones, as a value."""
    value = words.value if isinstance(words, Text) else words
    language = words.language if isinstance(words, Text) else None
    unbroken = _LONG.search(value) is not None
    if language is None and not unbroken:
        return value
    return {"value": value, "language": language, "unbroken": unbroken}
