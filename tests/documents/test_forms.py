"""The three forms of a document: the same words, accessible, and hostile values as mere text."""

import base64
import hashlib
import re

import pytest

from app.documents.blocks import (
    Bullets,
    Document,
    Heading,
    Paragraph,
    Quotation,
    Table,
    Text,
    words_of,
)
from app.documents.languages import LANGUAGES
from app.documents.letters import LetterKind, compose, digest
from app.documents.page import content_security_policy, page
from app.documents.pdf import pdf
from app.documents.plain_text import plain_text
from tests.documents.cases import NAME, letter
from tests.documents.paper import outside, properties, squeezed, tags, text_of

LETTERS = "å ß ğ Ω ж ő"
HOSTILE = '<script>alert(1)</script> & #strong[x] $x^2$ "q" {braces} \\u{41} [link](x) @ref'
UNBROKEN = "0123456789abcdefgh" * 20

DOCUMENT = Document(
    language="sv",
    title=f"Titel {LETTERS}",
    blocks=(
        Heading("Första delen", anchor="one"),
        Paragraph(HOSTILE),
        Bullets((LETTERS, HOSTILE)),
        Quotation(Text("In English.", "en")),
        Table(
            "En tabell",
            ("Vad", "Värde"),
            ((LETTERS, HOSTILE), ("långt", UNBROKEN), *((f"rad {n}", "x") for n in range(80))),
            widths=(1, 3),
            row_headers=True,
        ),
    ),
    footer="IMPEL",
    page="Sida {page} av {pages}",
    made_at=1_700_000_000,
)


@pytest.mark.clause("L31", "L33")
def test_the_three_forms_have_every_word_of_the_document() -> None:
    html = re.sub(r"<[^>]+>", " ", page(DOCUMENT).partition("<main>")[2])
    forms = (
        squeezed(plain_text(DOCUMENT)),
        squeezed(html.replace("&lt;", "<").replace("&gt;", ">").replace("&#34;", '"')).replace(
            "&amp;", "&"
        ),
        squeezed(text_of(pdf(DOCUMENT))),
    )

    for words in words_of(DOCUMENT):
        for form in forms:
            assert squeezed(words) in form


@pytest.mark.clause("L27")
def test_a_pdf_is_tagged_with_language_title_and_table_headers() -> None:
    """PDF/UA-1: what a screen reader asks for."""
    made = pdf(DOCUMENT)

    told = properties(made)
    found = tags(made)
    assert told["language"] == "sv"
    assert told["title"] == DOCUMENT.title
    assert told["marked"]
    assert told["shows_title"]
    assert str(told["standard"]) == "1"
    for tag in ("/H1", "/H2", "/P", "/L", "/LI", "/Table", "/TH", "/TD", "/Caption"):
        assert tag in found
    assert found.count("/TH") == 2


@pytest.mark.clause("L27")
def test_letters_of_every_alphabet_are_got_back_from_paper() -> None:
    assert LETTERS in text_of(pdf(DOCUMENT))
    assert NAME in text_of(compose(letter(LetterKind.FULFILLED), "sv").pdf())


def test_nothing_runs_off_the_paper_and_headers_are_repeated() -> None:
    made = pdf(DOCUMENT)

    assert outside(made) == []
    assert text_of(made).count("Värde") > 1


def test_the_same_document_is_the_same_file() -> None:
    made = compose(letter(LetterKind.REFUSAL), "nl")

    assert digest(made.pdf()) == digest(made.pdf())
    assert made.sha256 == compose(letter(LetterKind.REFUSAL), "nl").sha256
    assert made.sha256["text"] == hashlib.sha256(made.text.encode()).hexdigest()


@pytest.mark.clause("L27")
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", LetterKind)
def test_every_letter_fits_its_paper(kind: LetterKind, language: str) -> None:
    made = compose(letter(kind), language).pdf()

    assert outside(made) == []
    assert properties(made)["language"] == language
    assert NAME in text_of(made)


def test_a_page_has_no_script_no_request_and_a_policy_that_knows_its_style() -> None:
    made = page(DOCUMENT)

    assert "<script" not in made
    assert not re.search(r"(src|href)=\"(?!#)", made)
    style = re.search(r"<style>(.*?)</style>", made, re.DOTALL)
    assert style is not None
    known = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"'sha256-{known}'" in content_security_policy()
    assert "unsafe" not in content_security_policy()


@pytest.mark.clause("L27")
def test_a_page_names_its_language_its_title_and_the_headers_of_its_tables() -> None:
    made = page(DOCUMENT)

    assert made.startswith('<!doctype html>\n<html lang="sv">')
    assert f"<title>{DOCUMENT.title}</title>" in made
    assert made.count('<th scope="col">') == 2
    assert made.count('<th scope="row">') == 82
    assert '<blockquote lang="en">' in made
    assert "<caption>En tabell</caption>" in made
