"""A document as one HTML page without script or any other request (WCAG 2.2, ASVS 3.4)."""

import base64
import hashlib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Final

from jinja2 import Environment, StrictUndefined, Template

from app.documents.blocks import Block, Document, Text, Words

PARTS_A_PIECE: Final = 2_000
"""The template speaks in very small parts; each is not sent alone."""


def page(document: Document) -> str:
    """The page in one piece."""
    return "".join(pieces(document))


def pieces(document: Document) -> Iterator[str]:
    """The page piece by piece: a long history is never in memory as one text."""
    stream = _template().stream(document=document, style=_style(), kind=_kind, lang=_lang, of=_of)
    stream.enable_buffering(PARTS_A_PIECE)
    yield from stream


@cache
def content_security_policy() -> str:
    """Nothing but the page's own style, by its hash; no frame, no form, no request."""
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none';"
        " frame-ancestors 'none'"
    )


def _kind(block: Block) -> str:
    return type(block).__name__


def _lang(words: Words) -> str | None:
    return words.language if isinstance(words, Text) else None


def _of(words: Words) -> str:
    return words.value if isinstance(words, Text) else words


@cache
def _style() -> str:
    return files("app.documents").joinpath("templates", "document.css").read_text("utf-8")


@cache
def _template() -> Template:
    source = files("app.documents").joinpath("templates", "document.html").read_text("utf-8")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(source)
