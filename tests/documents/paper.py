"""What a PDF says, read by other programs than the one that made it."""

import re
from io import BytesIO
from typing import Any

import pikepdf
import pypdfium2

SOFT = re.compile(r"[\s\ufffe\u00ad\u200b-]+")


def text_of(made: bytes) -> str:
    """The text of every page, one after another."""
    document = pypdfium2.PdfDocument(made)
    return "\n".join(page.get_textpage().get_text_range() for page in document)


def squeezed(text: str) -> str:
    """Without blanks, line ends and hyphens: where a line breaks is no matter of content."""
    return SOFT.sub("", text)


def outside(made: bytes, margin: float = 8.0) -> list[tuple[int, str]]:
    """Page and character of whatever lies beyond the paper's edge, or too near to it."""
    found: list[tuple[int, str]] = []
    for number, page in enumerate(pypdfium2.PdfDocument(made), 1):
        width, height = page.get_size()
        text = page.get_textpage()
        for index in range(text.count_chars()):
            left, bottom, right, top = text.get_charbox(index)
            beyond = left < margin or right > width - margin or bottom < margin
            if right > left and (beyond or top > height - margin):
                found.append((number, text.get_text_range(index, 1)))
    return found


def tags(made: bytes) -> list[str]:
    """The structure elements of a tagged PDF, in reading order."""
    with pikepdf.open(BytesIO(made)) as document:
        found: list[str] = []
        _walk(document.Root.StructTreeRoot, found)
        return found


def properties(made: bytes) -> dict[str, Any]:
    """Language, title and standard, as assistive programs ask for them."""
    with pikepdf.open(BytesIO(made)) as document:
        root = document.Root
        metadata = document.open_metadata()
        return {
            "language": str(root.Lang),
            "marked": bool(root.MarkInfo.Marked),
            "title": str(metadata["dc:title"]),
            "standard": metadata.get("pdfuaid:part"),
            "shows_title": bool(root.ViewerPreferences.DisplayDocTitle),
        }


def _walk(element: Any, found: list[str]) -> None:
    if isinstance(element, pikepdf.Array):
        for one in element:
            _walk(one, found)
    elif isinstance(element, pikepdf.Dictionary):
        if "/S" in element:
            found.append(str(element.S))
        if "/K" in element:
            _walk(element.K, found)
