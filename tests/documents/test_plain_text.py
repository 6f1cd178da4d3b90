"""Plain text of letters, and what is printed from it where no mail reaches the person."""

import string

from hypothesis import given as forall
from hypothesis import strategies as st

from app.documents.blocks import (
    Block,
    Bullets,
    Document,
    Heading,
    Lines,
    Paragraph,
    Quotation,
    Table,
)
from app.documents.blocks import Text as Marked
from app.documents.plain_text import WIDTH, blocks_of, plain_text

WORDS = st.lists(st.text(string.ascii_letters, min_size=1, max_size=12), min_size=1, max_size=60)
SENTENCES = WORDS.map(" ".join).filter(lambda text: not text.startswith("-"))
SHORT = st.lists(st.text(string.ascii_letters, min_size=1, max_size=30), min_size=2, max_size=5)
ADDRESS = (
    "Gegevensbeschermingsautoriteit / Autorité de protection des données de la Belgique (GBA)",
    "Drukpersstraat 35",
    "1000 Brussel",
)


def again(*blocks: Block) -> list[Block]:
    """What a letter of these is printed as."""
    return list(blocks_of(plain_text(Document(language="en", title="A title", blocks=blocks))))


@forall(SENTENCES)
def test_a_paragraph_is_printed_as_wide_as_the_paper(text: str) -> None:
    """Its lines are those of the mail no more."""
    assert again(Heading("About"), Paragraph(text)) == [Heading("About"), Lines((text,))]


@forall(st.lists(SENTENCES, min_size=1, max_size=5))
def test_a_list_stays_a_list(items: list[str]) -> None:
    assert again(Bullets(tuple(items))) == [Bullets(tuple(items))]


@forall(SHORT)
def test_lines_stay_lines(lines: list[str]) -> None:
    assert again(Lines(tuple(lines))) == [Lines(tuple(lines))]


@forall(SENTENCES, SENTENCES, SENTENCES)
def test_the_cells_of_a_row_stay_apart(caption: str, first: str, second: str) -> None:
    table = Table(caption=caption, headers=("One", "Two"), rows=((first, second),))

    assert again(table) == [Lines((caption, f"- One: {first}", f"  Two: {second}"))]


def test_an_address_with_a_line_that_is_too_long_to_have_been_wrapped_stays_one() -> None:
    assert len(ADDRESS[0]) > WIDTH
    assert again(Lines(ADDRESS)) == [Lines(ADDRESS)]


@forall(SENTENCES)
def test_a_quotation_is_marked_once(text: str) -> None:
    assert again(Quotation(Marked(text, "en"))) == [Lines((f"> {text}",))]
