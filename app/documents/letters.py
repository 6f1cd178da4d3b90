"""Letters to a person: one composer for every right, outcome and language (Arts. 12, 19; L25)."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from app.documents.blocks import Document
from app.documents.languages import Language, language, midnight
from app.documents.letter import (
    MANDATORY,
    Addressee,
    Kept,
    Letter,
    LetterIncomplete,
    LetterKind,
    Told,
    Use,
    check,
)
from app.documents.letter_texts import body_of, subject_of
from app.documents.page import page
from app.documents.pdf import pdf
from app.documents.plain_text import plain_text
from app.documents.standing_texts import address_of, contact_line, page_numbers

__all__ = [
    "MANDATORY",
    "Addressee",
    "Kept",
    "Letter",
    "LetterIncomplete",
    "LetterKind",
    "RenderedLetter",
    "Told",
    "Use",
    "compose",
    "digest",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedLetter:
    """One letter in its three forms, the same words in each; both hashes go into the ledger."""

    kind: LetterKind
    language: str
    fell_back: bool
    """Whether the language asked for is not one of ours."""
    subject: str
    """Holds nothing personal: subjects of mails are read in passing."""
    text: str = field(repr=False)
    html: str = field(repr=False)
    document: Document = field(repr=False)

    @property
    def sha256(self) -> Mapping[str, str]:
        """In hex, by form; `digest(letter.pdf())` for the third."""
        return {"text": digest(self.text.encode()), "html": digest(self.html.encode())}

    def pdf(self) -> bytes:
        """The letter for the post, PDF/UA-1, the same bytes each time. Not on the event loop."""
        return pdf(self.document)


def compose(letter: Letter, wanted: str) -> RenderedLetter:
    """The letter in a language (BCP 47), in English where we have no other. Pure.

    The same letter is the same bytes in each form. Raises `LetterIncomplete`, which names
    the ``part`` that is missing.
    """
    check(letter)
    spoken = language(wanted)
    document = _document(letter, spoken)
    return RenderedLetter(
        kind=letter.kind,
        language=spoken.code,
        fell_back=spoken.fell_back,
        subject=document.title,
        text=plain_text(document),
        html=page(document),
        document=document,
    )


def digest(content: bytes) -> str:
    """SHA-256 in hex, as events carry it."""
    return hashlib.sha256(content).hexdigest()


def _document(letter: Letter, spoken: Language) -> Document:
    name, address = letter.addressee.name, letter.addressee.address
    return Document(
        language=spoken.code,
        title=subject_of(letter, spoken),
        sender=address_of(letter.controller, spoken),
        addressee=((name,) if name else ()) + address,
        dateline=spoken.day(letter.on),
        blocks=body_of(letter, spoken),
        footer=contact_line(letter.controller, spoken),
        page=page_numbers(spoken),
        made_at=midnight(letter.on),
    )
